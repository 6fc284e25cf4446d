// TensorFlow.js for users' programs and tasks. It is loaded when it is asked for: most programs never do.
import type { LoadTensorsOptions, Tensors } from "@taskflock/tensors";

/**
 * TensorFlow.js with the best backend that works here: node-gpu, node, webgpu, wasm, cpu, in that order. Loaded once per process
 * (in threads: per thread); its engine is that of every `import * as tf from "@tensorflow/tfjs"`.
 * @throws FLOCK_TENSOR_MISSING when `@tensorflow/tfjs` is not installed
 * @throws FLOCK_TENSOR_BACKEND when the backend asked for is unknown or does not work, or another one is loaded already
 */
export async function loadTensors(options: LoadTensorsOptions = {}): Promise<Tensors> {
  const tensors = await import("@taskflock/tensors");
  return tensors.loadTensors(options);
}
