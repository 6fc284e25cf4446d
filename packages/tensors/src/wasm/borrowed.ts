// Kernels that the wasm backend has wrong, and that few models use: the CPU backend computes them.
import type { KernelBackend, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import type { WasmMemory } from "./memory.ts";

interface CpuBackend extends KernelBackend {
  makeTensorInfo(shape: number[], dtype: TensorInfo["dtype"], values: unknown): TensorInfo;
}

/** The CPU backend's kernel over copies of the inputs; its result is copied back. */
export function borrowedKernel(tf: TensorFlow, kernelName: string): KernelConfig {
  const { kernelFunc } = tf.getKernel(kernelName, "cpu");
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs, backend }) => {
      const memory = backend as WasmMemory;
      const cpu = tf.findBackend("cpu") as CpuBackend;
      const given = Object.entries(inputs as Record<string, TensorInfo>).map(([name, tensor]) => {
        const values = memory.typedArrayFromHeap(tensor).slice();
        return [name, cpu.makeTensorInfo(tensor.shape, tensor.dtype, values)] as const;
      });
      const result = kernelFunc({ inputs: Object.fromEntries(given), attrs: attrs!, backend: cpu }) as TensorInfo;
      const out = memory.makeOutput(result.shape, result.dtype);
      memory.typedArrayFromHeap(out).set(cpu.readSync(result.dataId) as Float32Array);
      for (const [, { dataId }] of given) cpu.disposeData(dataId);
      cpu.disposeData(result.dataId);
      return out;
    },
  };
}
