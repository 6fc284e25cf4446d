// The loss of a batch as Keras defines it: the mean over the rows, each times its weight, plus what the regularizers add.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { rowSize } from "../tensors.ts";
import { takeRows } from "./batches.ts";
import type { Tensor } from "./types.ts";

export type LossFunction = (target: tfjs.Tensor, output: tfjs.Tensor) => tfjs.Tensor;

/** Multiplies the losses of a batch by its weights; `rows` are those of the batch. */
export type WeighLoss = (rows: Int32Array, target: tfjs.Tensor, output: tfjs.Tensor) => tfjs.Tensor;

/** How class weights apply: to whole rows by their class, or to each label of a row by itself. */
export type WeightKind = "categorical" | "sparse" | "binary" | "labels";

/** Losses that look at all classes of a row at once: their targets are one class per row. */
const overClasses: readonly string[] = ["categoricalCrossentropy", "categoricalHinge"];

export function weightKind(lossName: string, y: Tensor, classWeight: readonly number[]): WeightKind {
  if (lossName === "sparseCategoricalCrossentropy") return "sparse";
  if (overClasses.includes(lossName)) return "categorical";
  return y.shape.at(-1) === 1 && classWeight.length === 2 ? "binary" : "labels";
}

/** The weighted losses of a batch, before their mean. Errors: FLOCK_ML_PARAMETER. */
export function weightedLoss(
  tf: TensorFlow,
  loss: LossFunction,
  lossName: string,
  y: Tensor,
  outputs: number,
  classWeight: readonly number[] | null,
): WeighLoss {
  if (classWeight === null) return (_rows, target, output) => loss(target, output);
  const kind = weightKind(lossName, y, classWeight);
  checkWeights(classWeight, kind, outputs);
  if (kind === "labels") return perLabel(tf, loss, classWeight);
  const classes = kind === "categorical" ? rowSize(y) : 1;
  return (rows, target, output) => {
    const losses = loss(target, output);
    const weights = weightsByClass(
      takeRows(y, rows, "float32"),
      kind === "categorical" ? (y.shape.at(-1) ?? classes) : 1,
      classWeight,
    );
    if (losses.size !== weights.length) throw notPerRow(lossName);
    return losses.mul(tf.tensor(weights, losses.shape));
  };
}

/** The weight of each row's class; `width` is the length of a one-hot target, 1 when targets are class numbers. */
function weightsByClass(
  targets: Float32Array | Int32Array,
  width: number,
  classWeight: readonly number[],
): Float32Array {
  return Float32Array.from({ length: targets.length / width }, (_, i) => {
    const one = width === 1 ? (targets[i] as number) : argMax(targets.subarray(i * width, (i + 1) * width));
    const weight = classWeight[one];
    if (weight === undefined)
      throw wrong(`A target is of class ${one}, but classWeight has ${classWeight.length} weights.`);
    return weight;
  });
}

function argMax(values: Float32Array | Int32Array): number {
  let best = 0;
  values.forEach((value, i) => {
    if (value > (values[best] as number)) best = i;
  });
  return best;
}

/**
 * Losses such as the binary cross entropy average over a row's labels. With an axis of length one added they average over one label,
 * which gives each label's own loss. `checkPerLabel` finds out whether that holds for a loss.
 */
function perLabel(tf: TensorFlow, loss: LossFunction, classWeight: readonly number[]): WeighLoss {
  return (_rows, target, output) =>
    loss(target.expandDims(-1), output.expandDims(-1))
      .mul(tf.tensor1d([...classWeight]))
      .mean(-1);
}

/** Errors: FLOCK_ML_PARAMETER when the weights are by label and the loss is no mean over labels. */
export async function checkPerLabel(
  tf: TensorFlow,
  loss: LossFunction,
  lossName: string,
  y: Tensor,
  classWeight: readonly number[] | null,
): Promise<void> {
  if (classWeight === null || weightKind(lossName, y, classWeight) !== "labels") return;
  const labels = classWeight.length;
  const [whole, each] = tf.tidy(() => {
    const target = tf.tensor2d(
      Array.from({ length: 2 * labels }, (_, i) => Number(i % 3 === 0)),
      [2, labels],
    );
    const output = tf.tensor2d(
      Array.from({ length: 2 * labels }, (_, i) => 0.2 + (i % 7) / 10),
      [2, labels],
    );
    return [loss(target, output).mean(), loss(target.expandDims(-1), output.expandDims(-1))];
  }) as [tfjs.Tensor, tfjs.Tensor];
  const [expected, found] = [(await whole.data())[0] as number, [...(await each.data())]];
  tf.dispose([whole, each]);
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  if (found.length !== 2 * labels || Math.abs(expected - mean) > 1e-3 * Math.max(1, Math.abs(expected)))
    throw wrong(
      `classWeight by label needs a loss that is the mean of its labels' losses; ${lossName} is not. Use binaryCrossentropy, or a loss over classes (categoricalCrossentropy).`,
    );
}

function checkWeights(classWeight: readonly number[], kind: WeightKind, outputs: number): void {
  const expected = kind === "binary" ? 2 : outputs;
  if (classWeight.length !== expected)
    throw wrong(
      `classWeight has ${classWeight.length} weights, but there are ${expected} ${kind === "labels" ? "labels" : "classes"}.`,
    );
  const bad = classWeight.findIndex((weight) => !(Number.isFinite(weight) && weight >= 0));
  if (bad >= 0) throw wrong(`classWeight[${bad}] is ${classWeight[bad]}: weights are numbers of at least 0.`);
}

function notPerRow(lossName: string): FlockError {
  return wrong(`classWeight needs a loss with one value for each row; ${lossName} gives another shape.`);
}

function wrong(message: string): FlockError {
  return new FlockError("FLOCK_ML_PARAMETER", message);
}
