// What metrics that are means over rows tell of one row.

import { predictedClass, trueClass } from "./accumulate.ts";
import { checkYesNo, largestFrom, type Pair } from "./pairs.ts";

type RowValue = (batch: Pair, row: number, threshold: number) => number;

/** Of targets that are class numbers of several scores, what compares value by value has nothing to compare with. */
export function refuseClassNumbers(batch: Pair): string | null {
  return batch.sparse
    ? "yTrue holds class numbers; this metric compares value by value. Use a metric of classes, such as accuracy."
    : null;
}

export function refuseAllButYesNo(batch: Pair): string | null {
  checkYesNo(batch);
  return refuseClassNumbers(batch);
}

/** Of one score per row the class is 0 or 1. */
export function refuseUnclearClasses(batch: Pair): null {
  if (batch.cols === 1) checkYesNo(batch);
  return null;
}

export function refuseAllButClassNumbers(batch: Pair): string | null {
  return batch.sparse
    ? null
    : "sparseCategoricalAccuracy needs a class number per row as yTrue and a score per class as yPred.";
}

/** The shape decides: one score per row is above the threshold or not, of several the largest is the class. */
export const rightClass: RowValue = (batch, row, threshold) =>
  Number(trueClass(batch, row) === predictedClass(batch, row, threshold));

export const largestIsRight: RowValue = ({ yTrue, yPred, cols }, row) =>
  Number(largestFrom(yTrue, row * cols, cols) === largestFrom(yPred, row * cols, cols));

export const rightEntries: RowValue = ({ yTrue, yPred, cols }, row, threshold) => {
  let right = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) {
    if ((yTrue[at] as number) > 0.5 === (yPred[at] as number) > threshold) right++;
  }
  return right / cols;
};

export const wrongEntries: RowValue = (batch, row, threshold) => 1 - rightEntries(batch, row, threshold);

export const allRight: RowValue = (batch, row, threshold) => Number(rightEntries(batch, row, threshold) === 1);

/** Minus the logarithm of the probability of the row's class, as scikit-learn's `log_loss`. */
export const logLossOfRow: RowValue = (batch, row) => {
  const { yTrue, yPred, cols, sparse } = batch;
  if (cols === 1) return binaryLogLossOfRow(batch, row, 0);
  const start = row * cols;
  const least = leastProbability(yPred);
  let sum = 0;
  for (let c = 0; c < cols; c++) sum += clipped(yPred[start + c] as number, least);
  let loss = 0;
  for (let c = 0; c < cols; c++) {
    const share = sparse ? Number(yTrue[row] === c) : (yTrue[start + c] as number);
    if (share !== 0) loss -= share * Math.log(clipped(yPred[start + c] as number, least) / sum);
  }
  return loss;
};

export const binaryLogLossOfRow: RowValue = ({ yTrue, yPred, cols }, row) => {
  const least = leastProbability(yPred);
  let loss = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) {
    const probability = clipped(yPred[at] as number, least);
    const share = yTrue[at] as number;
    loss -= share * Math.log(probability) + (1 - share) * Math.log(1 - probability);
  }
  return loss / cols;
};

/** The gap between 1 and the next number of the predictions' precision: a certain wrong answer is not infinitely bad. */
function leastProbability(yPred: ArrayLike<number>): number {
  return yPred instanceof Float32Array ? 2 ** -23 : 2 ** -52;
}

function clipped(probability: number, least: number): number {
  return Math.min(Math.max(probability, least), 1 - least);
}

export const squaredErrorOfRow: RowValue = ({ yTrue, yPred, cols }, row) => {
  let sum = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) sum += ((yTrue[at] as number) - (yPred[at] as number)) ** 2;
  return sum / cols;
};

export const absoluteErrorOfRow: RowValue = ({ yTrue, yPred, cols }, row) => {
  let sum = 0;
  for (let at = row * cols; at < (row + 1) * cols; at++) sum += Math.abs((yTrue[at] as number) - (yPred[at] as number));
  return sum / cols;
};
