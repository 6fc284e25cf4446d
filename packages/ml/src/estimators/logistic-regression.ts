// Logistic regression with an L2 penalty: softmax over all classes, one sigmoid for two.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator } from "../estimator.ts";
import { decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import type { Matrix } from "../matrix.ts";
import { type ClassWeight, classWeightValues } from "./class-weight.ts";
import { minimize } from "./lbfgs.ts";
import { type Check, checkEach, classWeights, count, flag, positive } from "./parameter-checks.ts";

export interface LogisticRegressionParams {
  /** Inverse of the penalty's strength; default 1. */
  C: number;
  /** Adds a constant per class, which is not penalized; default true. */
  fitIntercept: boolean;
  /** Default null. */
  classWeight: ClassWeight;
  /** The largest component of the gradient at the end; default 1e-4. */
  tol: number;
  /** Default 100. */
  maxIter: number;
}

/** One row of weights per class; a single row, for the second class, when there are two. */
export interface LogisticRegressionModel {
  readonly classes: readonly (number | string)[];
  readonly coef: Matrix;
  readonly intercept: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}

const checks: { readonly [K in keyof LogisticRegressionParams]: Check } = {
  C: positive,
  fitIntercept: flag,
  classWeight: classWeights,
  tol: positive,
  maxIter: count,
};

/** Fits logistic regression by L-BFGS. Runs on workers. */
export function fitLogisticRegression(
  X: Matrix,
  y: Labels,
  params: Readonly<LogisticRegressionParams>,
): LogisticRegressionModel {
  const encoded = encodeLabels(y);
  const { classes, codes } = encoded;
  if (classes.length < 2) {
    throw new FlockError(
      "FLOCK_ML_INPUT",
      `logisticRegression needs two classes or more, but all samples are "${classes[0]}".`,
    );
  }
  const rows = classes.length === 2 ? 1 : classes.length;
  const weights = classWeightValues(params.classWeight, encoded);
  const width = X.cols + 1;
  const objective = (point: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    const loss = rows === 1 ? sigmoidLoss : softmaxLoss;
    const value = loss(X, codes, weights, point, gradient, rows) + penalty(point, gradient, width, 1 / params.C);
    if (!params.fitIntercept) for (let r = 0; r < rows; r++) gradient[r * width + X.cols] = 0;
    return value;
  };
  const found = minimize(objective, new Float64Array(rows * width), params.tol, params.maxIter);
  const coef = new Float64Array(rows * X.cols);
  const intercept = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    coef.set(found.point.subarray(r * width, r * width + X.cols), r * X.cols);
    intercept[r] = found.point[r * width + X.cols] as number;
  }
  const { iterations, converged } = found;
  return { classes, coef: { rows, cols: X.cols, data: coef }, intercept, iterations, converged };
}

/** Predicts the class of the largest decision. Runs on workers. */
export function predictLogisticRegression(model: LogisticRegressionModel, X: Matrix): Labels {
  const { coef, intercept } = model;
  const codes = new Int32Array(X.rows);
  const decisions = new Float64Array(coef.rows);
  for (let i = 0; i < X.rows; i++) {
    for (let r = 0; r < coef.rows; r++) {
      let sum = intercept[r] as number;
      for (let k = 0; k < X.cols; k++)
        sum += (coef.data[r * X.cols + k] as number) * (X.data[i * X.cols + k] as number);
      decisions[r] = sum;
    }
    codes[i] = coef.rows === 1 ? Number((decisions[0] as number) > 0) : largestAt(decisions);
  }
  return decodeLabels(model.classes, codes);
}

/** Half the squared weights, times strength; intercepts are free. */
function penalty(point: Float64Array, gradient: Float64Array, width: number, strength: number): number {
  let sum = 0;
  for (let at = 0; at < point.length; at++) {
    if (at % width === width - 1) continue;
    const weight = point[at] as number;
    sum += weight * weight;
    gradient[at] = (gradient[at] as number) + strength * weight;
  }
  return (strength * sum) / 2;
}

/** Adds the gradient of the loss and returns the loss. A row of `point` is the weights of a class and its intercept. */
type Loss = (
  X: Matrix,
  codes: Int32Array,
  weights: Float64Array,
  point: Float64Array,
  gradient: Float64Array,
  rows: number,
) => number;

const softmaxLoss: Loss = (X, codes, weights, point, gradient, rows) => {
  const scores = new Float64Array(rows);
  let loss = 0;
  for (let i = 0; i < X.rows; i++) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let r = 0; r < rows; r++) {
      const score = linear(X, i, point, r);
      scores[r] = score;
      if (score > highest) highest = score;
    }
    let sum = 0;
    const code = codes[i] as number;
    const own = scores[code] as number;
    for (let r = 0; r < rows; r++) {
      const power = Math.exp((scores[r] as number) - highest);
      scores[r] = power;
      sum += power;
    }
    const weight = weights[code] as number;
    loss += weight * (Math.log(sum) + highest - own);
    for (let r = 0; r < rows; r++) {
      addRow(X, i, gradient, r, weight * ((scores[r] as number) / sum - (r === code ? 1 : 0)));
    }
  }
  return loss;
};

const sigmoidLoss: Loss = (X, codes, weights, point, gradient) => {
  let loss = 0;
  for (let i = 0; i < X.rows; i++) {
    const code = codes[i] as number;
    const score = linear(X, i, point, 0);
    const weight = weights[code] as number;
    // log(1 + e^score) without overflow.
    loss += weight * (Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) - code * score);
    addRow(X, i, gradient, 0, weight * (1 / (1 + Math.exp(-score)) - code));
  }
  return loss;
};

function linear(X: Matrix, i: number, point: Float64Array, r: number): number {
  const { cols, data } = X;
  const offset = r * (cols + 1);
  let sum = point[offset + cols] as number;
  for (let k = 0, at = i * cols; k < cols; k++, at++) sum += (data[at] as number) * (point[offset + k] as number);
  return sum;
}

function addRow(X: Matrix, i: number, gradient: Float64Array, r: number, factor: number): void {
  const { cols, data } = X;
  const offset = r * (cols + 1);
  for (let k = 0, at = i * cols; k < cols; k++, at++) {
    gradient[offset + k] = (gradient[offset + k] as number) + factor * (data[at] as number);
  }
  gradient[offset + cols] = (gradient[offset + cols] as number) + factor;
}

function largestAt(values: Float64Array): number {
  let best = 0;
  for (let at = 1; at < values.length; at++) if ((values[at] as number) > (values[best] as number)) best = at;
  return best;
}

/** Logistic regression. The same optimum as scikit-learn's `LogisticRegression` with its default solver. */
export function logisticRegression(
  params: Partial<LogisticRegressionParams> = {},
): Estimator<LogisticRegressionParams, LogisticRegressionModel> {
  return {
    name: "logisticRegression",
    params: { C: 1, fitIntercept: true, classWeight: null, tol: 1e-4, maxIter: 100, ...params },
    check: (all) => checkEach(all, checks),
    fit: fitLogisticRegression,
    predict: predictLogisticRegression,
  };
}
