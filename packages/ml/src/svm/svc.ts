// The support vector classifier as an estimator: parameters, model, and what its fits share.

import type { DataShape, Estimator, SharedStep } from "../estimator.ts";
import {
  type Check,
  checkEach,
  classWeights,
  count,
  either,
  iterationLimit,
  oneOf,
  positive,
  real,
} from "../estimators/parameter-checks.ts";
import { dotProducts, squaredDistances } from "../pair-matrices.ts";
import { type Kernel, polyGram, rbfGram } from "./kernels.ts";
import type { SvcModel, SvcParams } from "./model.ts";
import { predictSvc } from "./predict.ts";
import { fitSvc } from "./train.ts";

const defaults: SvcParams = {
  kernel: "rbf",
  C: 1,
  gamma: "scale",
  degree: 3,
  coef0: 0,
  classWeight: null,
  tol: 1e-3,
  maxIter: -1,
};

const checks: { readonly [K in keyof SvcParams]: Check } = {
  kernel: oneOf("rbf", "poly", "linear"),
  C: positive,
  gamma: either(positive, oneOf("scale", "auto")),
  degree: count,
  coef0: real,
  classWeight: classWeights,
  tol: positive,
  maxIter: iterationLimit,
};

/** Up to so many rows the matrices of all pairs are made once and shared (128 MB each at most); beyond, each fit makes the rows it needs. */
const SHARED_ROWS = 4000;

function shareGram(params: Readonly<SvcParams>, shape: DataShape): Record<string, SharedStep> {
  if (shape.rows > SHARED_ROWS) return {};
  const distances: SharedStep = { key: "squaredDistances", compute: squaredDistances };
  const products: SharedStep = { key: "dotProducts", compute: dotProducts };
  const { kernel, coef0, degree } = params;
  if (kernel === "linear") return { gram: products };
  // The variance that "scale" stands for is that of each fold's training rows, so no Gram matrix can be shared.
  if (params.gamma === "scale") return kernel === "rbf" ? { squaredDistances: distances } : { dotProducts: products };
  const gamma = params.gamma === "auto" ? 1 / shape.cols : params.gamma;
  if (kernel === "rbf") {
    const needs = { squaredDistances: distances };
    return { gram: { key: `gram/rbf/${gamma}`, compute: rbfGram, args: { gamma }, needs } };
  }
  const args: Kernel = { kind: "poly", gamma, coef0, degree };
  const key = `gram/poly/${gamma}/${coef0}/${degree}`;
  return { gram: { key, compute: polyGram, args, needs: { dotProducts: products } } };
}

/**
 * A support vector classifier (one against one), by the steps of scikit-learn's `SVC` with `shrinking=False`: equal support
 * vectors, and decisions equal but for rounding. Inside a search all fits share squared distances and one Gram matrix per
 * kernel.
 */
export function svc(params: Partial<SvcParams> = {}): Estimator<SvcParams, SvcModel> {
  return {
    name: "svc",
    params: { ...defaults, ...params },
    check: (all) => checkEach(all, checks),
    share: shareGram,
    fit: fitSvc,
    predict: predictSvc,
  };
}
