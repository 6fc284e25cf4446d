// What the WebGPU backend does wrongly.
import type { DataType, KernelBackend, KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "./types.ts";

interface GpuBackend extends KernelBackend {
  makeTensorInfo(shape: number[], dtype: DataType, values: Float32Array): TensorInfo;
}

/**
 * Its cast of whole numbers to fractions only says that they are fractions, and shaders that take its word for it do not compile:
 * a recurrent layer over a mask gives zeros then. A product with one makes fractions of them.
 */
export function mendWebGpuKernels(tf: TensorFlow): void {
  const { kernelFunc: cast } = tf.getKernel("Cast", "webgpu");
  const { kernelFunc: multiply } = tf.getKernel("Multiply", "webgpu");
  const kernelFunc: KernelFunc = (call) => {
    const { dtype } = call.inputs["x"] as TensorInfo;
    const a = cast(call) as TensorInfo;
    if (a.dtype !== "float32" || (dtype !== "int32" && dtype !== "bool")) return a;
    const backend = call.backend as GpuBackend;
    const b = backend.makeTensorInfo([], "float32", Float32Array.of(1));
    const result = multiply({ inputs: { a, b }, backend });
    for (const { dataId } of [a, b]) backend.disposeData(dataId);
    return result;
  };
  tf.unregisterKernel("Cast", "webgpu");
  tf.registerKernel({ kernelName: "Cast", backendName: "webgpu", kernelFunc });
}
