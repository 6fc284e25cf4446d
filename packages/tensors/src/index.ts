// TensorFlow.js on any machine: the best backend that works.

export {
  type LoadTensorsOptions,
  type PassedOver,
  type TensorBackend,
  type TensorChoice,
  type TensorFlow,
  type Tensors,
  tensorBackends,
} from "./types.ts";
