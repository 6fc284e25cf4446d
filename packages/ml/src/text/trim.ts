// As many rows as fill whole batches.

import { FlockError } from "@taskflock/protocol/words";
import { kindOf } from "../kinds.ts";
import { isTensor, rowSize } from "../tensors.ts";
import type { Tensor } from "../training/types.ts";

/**
 * The first rows, as many as a multiple of `multiple` has: of a tensor, of an array, or the count itself. Throws FLOCK_ML_INPUT where
 * there are fewer rows than one multiple.
 */
export function trimToMultiple<T extends number | readonly unknown[] | Tensor>(rows: T, multiple: number): T {
  if (!Number.isInteger(multiple) || multiple < 1)
    throw wrongInput(`The multiple is ${multiple}. Give a whole number above 0.`);
  if (!Number.isInteger(rows) && !Array.isArray(rows) && !isTensor(rows))
    throw wrongInput(`The rows are ${kindOf(rows)}. Give a tensor, an array, or a whole number.`);
  const count =
    typeof rows === "number" ? rows : isTensor(rows) ? (rows.shape[0] as number) : (rows as readonly unknown[]).length;
  const kept = Math.floor(count / multiple) * multiple;
  if (!(kept > 0))
    throw wrongInput(`${count} rows do not fill one multiple of ${multiple}. Use smaller batches, or more rows.`);
  if (typeof rows === "number") return kept as T;
  if (!isTensor(rows)) return (rows as readonly unknown[]).slice(0, kept) as readonly unknown[] as T;
  const tensor: Tensor = rows;
  const data = tensor.data.slice(0, kept * rowSize(tensor));
  return { ...tensor, data, shape: [kept, ...tensor.shape.slice(1)] } as Tensor as T;
}

function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
