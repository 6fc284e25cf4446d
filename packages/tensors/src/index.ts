// TensorFlow.js on any machine: the best backend that works.

export { loadNative } from "./install/native-load.ts";
export { type NativeModule, type NativePlaces, type NoNativeModule, nativeModule } from "./install/native-module.ts";
export {
  type LoadTensorsOptions,
  type PassedOver,
  type TensorBackend,
  type TensorChoice,
  type TensorFlow,
  type Tensors,
  tensorBackends,
} from "./types.ts";
