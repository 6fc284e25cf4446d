// Logistic regression of one label against the rest, on sparse rows: the same objective as `logisticRegression` of two classes.

import type { CsrMatrix } from "../matrix.ts";
import { minimize } from "./lbfgs.ts";

export interface SparseLogisticParams {
  /** Inverse of the penalty's strength. */
  readonly C: number;
  readonly tol: number;
  readonly maxIter: number;
}

/** A weight per column, then the intercept. */
export type LogisticWeights = Float64Array;

/** Fits the label's weights; where no row has the label, or all have it, they say so without doubt. */
export function fitSparseLogistic(X: CsrMatrix, has: Uint8Array, params: SparseLogisticParams): LogisticWeights {
  const first = has[0] as number;
  if (has.every((value) => value === first)) {
    const certain = new Float64Array(X.cols + 1);
    certain[X.cols] = first === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    return certain;
  }
  const objective = (point: Float64Array, gradient: Float64Array): number =>
    lossOf(X, has, point, gradient, 1 / params.C);
  return minimize(objective, new Float64Array(X.cols + 1), params.tol, params.maxIter).point;
}

/** The probability that each row has the label. */
export function sparseProbabilities(X: CsrMatrix, weights: LogisticWeights): Float64Array {
  return Float64Array.from({ length: X.rows }, (_, row) => 1 / (1 + Math.exp(-scoreOf(X, row, weights))));
}

function lossOf(X: CsrMatrix, has: Uint8Array, point: Float64Array, gradient: Float64Array, strength: number): number {
  gradient.fill(0);
  let loss = 0;
  for (let row = 0; row < X.rows; row++) {
    const score = scoreOf(X, row, point);
    const label = has[row] as number;
    // log(1 + e^score) without overflow.
    loss += Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) - label * score;
    addRow(X, row, gradient, 1 / (1 + Math.exp(-score)) - label);
  }
  let squares = 0;
  for (let column = 0; column < X.cols; column++) {
    const weight = point[column] as number;
    squares += weight * weight;
    gradient[column] = (gradient[column] as number) + strength * weight;
  }
  return loss + (strength * squares) / 2;
}

// The two functions below are where the time goes: arrays are read once, not through X.

function scoreOf({ indptr, indices, data, cols }: CsrMatrix, row: number, weights: Float64Array): number {
  const end = indptr[row + 1] as number;
  let sum = weights[cols] as number;
  for (let k = indptr[row] as number; k < end; k++)
    sum += (data[k] as number) * (weights[indices[k] as number] as number);
  return sum;
}

function addRow({ indptr, indices, data, cols }: CsrMatrix, row: number, gradient: Float64Array, factor: number): void {
  const end = indptr[row + 1] as number;
  for (let k = indptr[row] as number; k < end; k++) {
    const column = indices[k] as number;
    gradient[column] = (gradient[column] as number) + factor * (data[k] as number);
  }
  gradient[cols] = (gradient[cols] as number) + factor;
}
