// What a support vector classifier is told, and what it has learned.

import type { ClassWeight } from "../estimators/class-weight.ts";
import type { Matrix } from "../matrix.ts";
import type { Kernel } from "./kernels.ts";

export interface SvcParams {
  /** "rbf" (default): exp(-gamma |a-b|²); "poly": (gamma a·b + coef0)^degree; "linear": a·b. */
  kernel: "rbf" | "poly" | "linear";
  /** Penalty of a misclassified sample; default 1. */
  C: number;
  /** "scale" (default): 1 / (columns × variance of X); "auto": 1 / columns. */
  gamma: number | "scale" | "auto";
  /** Of "poly"; default 3. */
  degree: number;
  /** Of "poly"; default 0. */
  coef0: number;
  /** Multiplies C for a class; default null. */
  classWeight: ClassWeight;
  /** How far from optimal the solution may be; default 1e-3. */
  tol: number;
  /** Steps per pair of classes; default -1, no limit. */
  maxIter: number;
}

/** A fitted support vector classifier. */
export interface SvcModel {
  readonly classes: readonly (number | string)[];
  readonly kernel: Kernel;
  /** Rows of the training data that are support vectors, by class. */
  readonly support: Int32Array;
  readonly supportVectors: Matrix;
  /** The same rows in the whole data set of a search; null outside of one. */
  readonly sourceRows: Int32Array | null;
  /** Support vectors of each class. */
  readonly nSupport: readonly number[];
  /** (classes - 1) × supports: a class's coefficients against each other class. */
  readonly dualCoef: Float64Array;
  /** One per pair of classes; what the weighted kernels must exceed. */
  readonly rho: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}
