// Tensors as plain data: what they are known by, and parts of them.

import { FlockError } from "@taskflock/protocol/words";
import { kindOf } from "./kinds.ts";
import type { Tensor } from "./training/types.ts";

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === "object" && value !== null && "shape" in value && "data" in value && Array.isArray(value.shape)
  );
}

/** A tensor with as many values as its shape says; throws FLOCK_ML_INPUT. */
export function checkedTensor(tensor: Tensor, name: string): Tensor {
  if (!isTensor(tensor))
    throw new FlockError("FLOCK_ML_INPUT", `${name} is ${kindOf(tensor)}, not a tensor { data, shape }.`);
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (ArrayBuffer.isView(tensor.data) && tensor.shape.length > 0 && tensor.data.length === size) return tensor;
  throw new FlockError(
    "FLOCK_ML_INPUT",
    `${name} is a tensor of ${tensor.data?.length} values, but its shape [${tensor.shape.join(", ")}] has ${size}. ` +
      "Give a typed array of as many values as the shape has, at least one dimension.",
  );
}

/** The given rows (parts along the first dimension), in the given order. */
export function takeTensorRows<T extends Tensor>(tensor: T, rows: Int32Array): T {
  const { data, shape } = tensor;
  const size = rowSize(tensor);
  const taken = new (data.constructor as new (length: number) => typeof data)(rows.length * size);
  for (const [at, row] of rows.entries()) taken.set(data.subarray(row * size, (row + 1) * size), at * size);
  return { ...tensor, data: taken, shape: [rows.length, ...shape.slice(1)] };
}

/** How many values a row has. */
export function rowSize({ shape }: Tensor): number {
  return shape.slice(1).reduce((product, length) => product * length, 1);
}
