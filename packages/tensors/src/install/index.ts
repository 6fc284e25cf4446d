// Makes a native TensorFlow.js. A door of its own: whoever only computes does not load it.

export { tensorflowHome } from "./home.ts";
export { type Installation, type InstallOptions, installTensorFlow } from "./install.ts";
export { type NativeStatus, removeTensorFlow, tensorflowStatus } from "./remove.ts";
export type { Step } from "./steps.ts";
