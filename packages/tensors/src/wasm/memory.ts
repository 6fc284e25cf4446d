// What added kernels stand on: the wasm backend's memory, tensors as views of it, and the kernels that it brings itself.
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

/** The same values under another shape. It shares memory with `x`, and is not freed. */
export function viewAs(x: TensorInfo, shape: readonly number[]): TensorInfo {
  return { dataId: x.dataId, dtype: x.dtype, shape: [...shape] };
}

/** Kernels as the backend brings them: those that are mended later stay reachable. */
export interface OwnKernel {
  run(memory: WasmMemory, name: string, inputs: Inputs, attrs: object): TensorInfo;
  /** The product of two matrices. */
  product(memory: WasmMemory, a: TensorInfo, b: TensorInfo): TensorInfo;
  /** A matrix with rows and columns exchanged. */
  transposed(memory: WasmMemory, x: TensorInfo): TensorInfo;
}

export function ownKernels(tf: TensorFlow): OwnKernel {
  const known = new Map(tf.getKernelsForBackend("wasm").map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]));
  const run: OwnKernel["run"] = (memory, name, inputs, attrs) =>
    known.get(name)!({ inputs: { ...inputs }, attrs: { ...attrs }, backend: memory }) as TensorInfo;
  return {
    run,
    product: (memory, a, b) => run(memory, "BatchMatMul", { a, b }, { transposeA: false, transposeB: false }),
    transposed: (memory, x) => run(memory, "Transpose", { x }, { perm: [1, 0] }),
  };
}
