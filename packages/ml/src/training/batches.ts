// Rows of a training set as tensors of batches.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { shuffle } from "../random.ts";
import { rowSize } from "../tensors.ts";
import { randomAt } from "./seeded-random.ts";
import type { Tensor, TrainingSet } from "./types.ts";

/** The rows in the order of one epoch: with `shuffled` a new one each epoch, which the seed decides. */
export function epochOrder(rows: number, seed: number, epoch: number, shuffled: boolean): Int32Array {
  const order = new Int32Array(rows);
  for (let row = 0; row < rows; row++) order[row] = row;
  return shuffled ? shuffle(order, randomAt(seed, "order", epoch)) : order;
}

/** The chosen rows, one after the other. */
export function takeRows(tensor: Tensor, rows: Int32Array, dtype: "float32" | "int32"): Float32Array | Int32Array {
  const width = rowSize(tensor);
  const taken = dtype === "float32" ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    taken.set(tensor.data.subarray(row * width, (row + 1) * width), i * width);
  });
  return taken;
}

/** The chosen rows as a tensor; the caller disposes of it. */
export function rowsTensor(tf: TensorFlow, tensor: Tensor, rows: Int32Array, dtype: "float32" | "int32"): tfjs.Tensor {
  return tf.tensor(takeRows(tensor, rows, dtype), [rows.length, ...tensor.shape.slice(1)], dtype);
}

export function rowCount(set: TrainingSet): number {
  return set.x.shape[0] ?? 0;
}

/** The set as the model takes it: targets of one number each may lack their last axis. Errors: FLOCK_ML_INPUT. */
export function fitToModel(
  set: TrainingSet,
  input: readonly (number | null)[],
  target: readonly (number | null)[],
): TrainingSet {
  checkSize("x", set.x);
  checkSize("y", set.y);
  if (set.x.shape[0] !== set.y.shape[0])
    throw wrong(`x has ${set.x.shape[0]} rows and y has ${set.y.shape[0]}: each row needs its target.`);
  const lacksLast = set.y.shape.length === target.length - 1 && target.at(-1) === 1;
  const y = lacksLast ? { data: set.y.data, shape: [...set.y.shape, 1] } : set.y;
  checkShape("x", set.x, "takes", input);
  checkShape("y", y, "is trained on", target);
  return { x: set.x, y };
}

/** Class numbers that the model has no output for: TensorFlow.js takes their loss for 0. Errors: FLOCK_ML_INPUT. */
export function checkClasses(y: Tensor, classes: number): void {
  const bad = y.data.findIndex((value: number) => !(Number.isInteger(value) && value >= 0 && value < classes));
  if (bad >= 0) throw wrong(`y has ${y.data[bad]} as its value ${bad}: the model has the classes 0 to ${classes - 1}.`);
}

/** Errors: FLOCK_ML_INPUT; `does` is what the model does with such a tensor, for the message. */
export function checkShape(name: string, tensor: Tensor, does: string, wanted: readonly (number | null)[]): void {
  checkSize(name, tensor);
  if (!fits(tensor.shape, wanted)) throw wrong(misfit(name, tensor.shape, does, wanted));
}

function checkSize(name: string, tensor: Tensor): void {
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (tensor.data.length !== size)
    throw wrong(`${name} has ${tensor.data.length} values, but its shape [${tensor.shape.join(", ")}] holds ${size}.`);
}

function fits(shape: readonly number[], wanted: readonly (number | null)[]): boolean {
  return (
    shape.length === wanted.length &&
    wanted.every((length, axis) => axis === 0 || length === null || length === shape[axis])
  );
}

function misfit(name: string, shape: readonly number[], does: string, wanted: readonly (number | null)[]): string {
  const lengths = wanted.map((length, axis) => (axis === 0 ? "rows" : (length ?? "any")));
  return `${name} has the shape [${shape.join(", ")}], but the model ${does} [${lengths.join(", ")}].`;
}

function wrong(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
