// Tensors as plain data that keeps every bit.
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";

export interface StoredTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
}

export async function storedTensor(tensor: tfjs.Tensor): Promise<StoredTensor> {
  // A copy: some backends hand out their own memory.
  return { data: (await tensor.data()).slice() as StoredTensor["data"], shape: tensor.shape };
}

export function tensorOf(tf: TensorFlow, stored: StoredTensor): tfjs.Tensor {
  return tf.tensor(stored.data, [...stored.shape], dtypeOf(stored.data));
}

export function dtypeOf(data: StoredTensor["data"]): "float32" | "int32" | "bool" {
  if (data instanceof Float32Array) return "float32";
  return data instanceof Int32Array ? "int32" : "bool";
}
