// TensorFlow.js on any machine: the best backend that works.

export { describeChoice } from "./describe.ts";
export type { NativeModule, NoNativeModule } from "./install/installed.ts";
export { loadNative } from "./install/native-load.ts";
export { type NativePlaces, nativeModule } from "./install/native-module.ts";
export { loadTensors, switchTensors } from "./load.ts";
export {
  type LoadTensorsOptions,
  type PassedOver,
  type TensorBackend,
  type TensorChoice,
  type TensorFlow,
  type Tensors,
  tensorBackends,
} from "./types.ts";
