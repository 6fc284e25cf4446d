// The part of the wasm backend that added kernels stand on: tensors as views of its memory.
import type { DataType, KernelConfig, KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";

/** What is used of `BackendWasm` of `@tensorflow/tfjs-backend-wasm`. */
export interface WasmMemory {
  /** Memory for a tensor, not cleared. It may move all memory: views taken before are no longer valid then. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
  disposeData(dataId: object): boolean;
}

type Inputs = Readonly<Record<string, TensorInfo>>;

/** What a kernel is called with. The attributes are those of tfjs-core's `kernel_names.ts`. */
export interface KernelCall<A> {
  readonly inputs: Inputs;
  readonly attrs: A;
  readonly memory: WasmMemory;
}

export function wasmKernel<A>(kernelName: string, compute: (call: KernelCall<A>) => TensorInfo): KernelConfig {
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) =>
    compute({ inputs: inputs as Inputs, attrs: attrs as A, memory: backend as WasmMemory });
  return { kernelName, backendName: "wasm", kernelFunc };
}

/** Values of a float32 tensor. Valid until the next `makeOutput`. */
export function floats(memory: WasmMemory, tensor: TensorInfo): Float32Array {
  return memory.typedArrayFromHeap(tensor) as Float32Array;
}

export function zeros(memory: WasmMemory, shape: readonly number[]): TensorInfo {
  const tensor = memory.makeOutput(shape, "float32");
  floats(memory, tensor).fill(0);
  return tensor;
}

export function free(memory: WasmMemory, ...tensors: readonly TensorInfo[]): void {
  for (const { dataId } of tensors) memory.disposeData(dataId);
}

/** Calls a kernel that the backend brings itself. */
export function ownKernel(
  tf: TensorFlow,
  memory: WasmMemory,
  name: string,
  inputs: Inputs,
  attrs: Readonly<Record<string, unknown>>,
): TensorInfo {
  const kernel = tf.getKernel(name, "wasm");
  return kernel.kernelFunc({ inputs: { ...inputs }, attrs: attrs as never, backend: memory }) as TensorInfo;
}

/** The product of two matrices, by the backend's own kernel, which uses SIMD where neither is transposed. */
export function product(tf: TensorFlow, memory: WasmMemory, a: TensorInfo, b: TensorInfo): TensorInfo {
  return ownKernel(tf, memory, "BatchMatMul", { a, b }, { transposeA: false, transposeB: false });
}

export function transposed(tf: TensorFlow, memory: WasmMemory, x: TensorInfo): TensorInfo {
  return ownKernel(tf, memory, "Transpose", { x }, { perm: [1, 0] });
}

/** The same values under another shape. It shares memory with `x`, and is not freed. */
export function viewAs(x: TensorInfo, shape: readonly number[]): TensorInfo {
  return { dataId: x.dataId, dtype: x.dtype, shape: [...shape] };
}
