// Arrays as users have them, brought into the form that travels and that models take.

import { FlockError } from "@taskflock/protocol/words";
import { isPlainObject, kindOf } from "../../kinds.ts";
import type { Matrix } from "../../matrix.ts";
import type { Tensor, TrainingSet } from "../types.ts";

/** Numbers in rows: an array of numbers is one number per row, arrays in it are rows of more. */
export type NestedNumbers = readonly number[] | readonly NestedNumbers[];

/** x or y as a user has it. A typed array is one number per row. */
export type ArrayInput = NestedNumbers | Tensor | Matrix | TypedArray;

type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Rows to train on or to validate with, as a user has them. */
export interface SetInput {
  readonly x: ArrayInput;
  readonly y: ArrayInput;
}

const TAKES = "nested arrays of numbers, a typed array, a Matrix, or a Tensor { data, shape }";

/** Throws FLOCK_ML_INPUT, and says which of them is wrong and where. */
export function checkedSet(where: string, set: unknown): TrainingSet {
  if (!isObject(set) || !("x" in set) || !("y" in set)) {
    const lacks = isPlainObject(set) ? `has no ${"x" in set ? "y" : "x"}` : `is ${kindOf(set)}`;
    throw wrong(`${where} ${lacks}. It takes { x, y }, each ${TAKES}.`);
  }
  const x = toTensor(`${where}.x`, set["x"]);
  const y = toTensor(`${where}.y`, set["y"]);
  if (x.shape[0] !== y.shape[0]) {
    throw wrong(`${where}.x has ${x.shape[0]} rows and ${where}.y has ${y.shape[0]}: each row needs its target.`);
  }
  return { x, y };
}

/** Throws FLOCK_ML_INPUT. What is a Tensor of 32 bit or bytes is taken as it is. */
export function toTensor(where: string, value: unknown): Tensor {
  const tensor = tensorOf(where, value);
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (tensor.shape.length === 0 || tensor.shape.some((length) => !Number.isInteger(length) || length < 0)) {
    throw wrong(`${where} has the shape [${tensor.shape.join(", ")}]; a shape is lengths of axes, the rows first.`);
  }
  if (tensor.data.length !== size) {
    throw wrong(`${where} has ${tensor.data.length} values, but its shape [${tensor.shape.join(", ")}] holds ${size}.`);
  }
  if (size === 0) throw wrong(`${where} is empty: its shape is [${tensor.shape.join(", ")}].`);
  return tensor;
}

function tensorOf(where: string, value: unknown): Tensor {
  if (Array.isArray(value)) return nested(where, value);
  if (isTyped(value)) return { data: narrowed(where, value), shape: [value.length] };
  if (isObject(value) && isTyped(value["data"])) {
    const { shape, rows, cols } = value;
    if (Array.isArray(shape)) return { data: narrowed(where, value["data"]), shape: [...(shape as number[])] };
    if (Number.isInteger(rows) && Number.isInteger(cols) && !("indptr" in value)) {
      return { data: narrowed(where, value["data"]), shape: [rows as number, cols as number] };
    }
  }
  if (isObject(value) && typeof value["dataSync"] === "function") {
    const how = "Give { data: await tensor.data(), shape: tensor.shape }";
    throw wrong(`${where} is a tensor of TensorFlow.js, which cannot leave its process. ${how}, or numbers.`);
  }
  throw wrong(`${where} is ${kindOf(value)}. It takes ${TAKES}.`);
}

/** Float64 becomes Float32, which is what models compute with. */
function narrowed(where: string, data: TypedArray): Tensor["data"] {
  if (!(data instanceof Float64Array) && !(data instanceof Float32Array)) return data;
  const bad = data.findIndex((value: number) => !Number.isFinite(value));
  if (bad >= 0) throw wrong(`${where} has ${data[bad]} as its value ${bad}. Remove or fill such values first.`);
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

function nested(where: string, rows: readonly unknown[]): Tensor {
  const shape: number[] = [];
  for (let level: unknown = rows; Array.isArray(level) || isTyped(level); level = level[0]) shape.push(level.length);
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  let at = 0;
  const fill = (value: unknown, axis: number, path: string): void => {
    if (axis === shape.length) {
      if (typeof value !== "number" || !Number.isFinite(value))
        throw wrong(`${path} is ${shown(value)}, not a ${typeof value === "number" ? "finite " : ""}number.`);
      data[at++] = value;
      return;
    }
    if (!(Array.isArray(value) || isTyped(value)) || value.length !== shape[axis]) {
      const found = Array.isArray(value) || isTyped(value) ? `${value.length} values` : shown(value);
      throw wrong(`${path} has ${found} where the first one has ${shape[axis]}. Give all the same length.`);
    }
    for (let i = 0; i < value.length; i++) fill(value[i], axis + 1, `${path}[${i}]`);
  };
  fill(rows, 0, where);
  return { data, shape };
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 30 ? `${value.slice(0, 30)}…` : value);
  return typeof value === "number" ? String(value) : kindOf(value);
}

function isTyped(value: unknown): value is TypedArray {
  return (
    value instanceof Float32Array ||
    value instanceof Float64Array ||
    value instanceof Int32Array ||
    value instanceof Uint8Array
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isPlainObject(value) || (typeof value === "object" && value !== null && !Array.isArray(value));
}

function wrong(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}

/** The last rows, a share of them, to validate with (Keras's rule: before any shuffling), and the rest. Throws FLOCK_ML_INPUT. */
export function splitLast(
  { x, y }: TrainingSet,
  share: number,
): { readonly rest: TrainingSet; readonly last: TrainingSet } {
  const rows = x.shape[0] ?? 0;
  const first = Math.floor(rows * (1 - share));
  if (first === 0 || first === rows) {
    throw wrong(
      `validationSplit ${share} of ${rows} rows leaves none to ${first === 0 ? "train on" : "validate with"}.`,
    );
  }
  return {
    rest: { x: rowsFrom(x, 0, first), y: rowsFrom(y, 0, first) },
    last: { x: rowsFrom(x, first, rows), y: rowsFrom(y, first, rows) },
  };
}

function rowsFrom({ data, shape }: Tensor, from: number, to: number): Tensor {
  const [rows = 0, ...rest] = shape;
  const width = data.length / rows;
  return { data: data.subarray(from * width, to * width), shape: [to - from, ...rest] };
}
