// Fitting a support vector classifier: one binary problem per pair of classes.

import { FlockError } from "@taskflock/protocol/words";
import type { FitContext } from "../estimator.ts";
import { classCounts, classWeightValues } from "../estimators/class-weight.ts";
import { type EncodedLabels, encodeLabels, type Labels } from "../labels.ts";
import { type Matrix, takeRows } from "../matrix.ts";
import { variance } from "../numeric.ts";
import { type KernelRows, rowsOfSamples, rowsOfShared } from "./kernel-rows.ts";
import type { Kernel } from "./kernels.ts";
import type { SvcModel, SvcParams } from "./model.ts";
import { sharedKernel } from "./shared-kernel.ts";
import { type BinarySolution, solveBinary } from "./smo.ts";

/** Fits a support vector classifier. Runs on workers. */
export function fitSvc(X: Matrix, y: Labels, params: Readonly<SvcParams>, context?: FitContext): SvcModel {
  const encoded = encodeLabels(y);
  if (encoded.classes.length < 2) {
    throw new FlockError(
      "FLOCK_ML_INPUT",
      `svc needs samples of two classes or more, but all are "${encoded.classes[0]}".`,
    );
  }
  const kernel = resolveKernel(params, X);
  const order = orderByClass(encoded);
  const shared = sharedKernel(kernel, context);
  const rows = shared === null ? rowsOfSamples(X, order, kernel) : rowsOfShared(shared, order);
  const starts = classStarts(encoded);
  const weights = classWeightValues(params.classWeight, encoded);
  const pairs = solvePairs(rows, starts, weights, params);
  return assemble(X, encoded, kernel, order, starts, pairs, context);
}

/** The kernel with "scale" and "auto" turned into numbers; "scale" is 1 / (columns × variance of X). */
function resolveKernel(params: Readonly<SvcParams>, X: Matrix): Kernel {
  if (params.kernel === "linear") return { kind: "linear" };
  const gamma = typeof params.gamma === "number" ? params.gamma : namedGamma(params.gamma, X);
  if (params.kernel === "rbf") return { kind: "rbf", gamma };
  return { kind: "poly", gamma, coef0: params.coef0, degree: params.degree };
}

function namedGamma(name: "scale" | "auto", X: Matrix): number {
  if (name === "auto") return 1 / X.cols;
  const spread = variance(X.data);
  return spread === 0 ? 1 : 1 / (X.cols * spread);
}

/** Samples sorted by class; inside a class in their own order. */
function orderByClass({ classes, codes }: EncodedLabels): Int32Array {
  const order = new Int32Array(codes.length);
  let at = 0;
  for (let code = 0; code < classes.length; code++) {
    for (let i = 0; i < codes.length; i++) if (codes[i] === code) order[at++] = i;
  }
  return order;
}

/** Where each class begins in the sorted samples, and the end of the last one. */
function classStarts({ classes, codes }: EncodedLabels): Int32Array {
  const counts = classCounts(classes.length, codes);
  const starts = new Int32Array(classes.length + 1);
  for (let code = 0; code < classes.length; code++)
    starts[code + 1] = (starts[code] as number) + (counts[code] as number);
  return starts;
}

interface SolvedPair {
  readonly positive: number;
  readonly negative: number;
  readonly solution: BinarySolution;
}

function solvePairs(
  kernel: KernelRows,
  starts: Int32Array,
  weights: Float64Array,
  params: Readonly<SvcParams>,
): SolvedPair[] {
  const pairs: SolvedPair[] = [];
  for (let positive = 0; positive < weights.length; positive++) {
    for (let negative = positive + 1; negative < weights.length; negative++) {
      const solution = solveBinary({
        kernel,
        positiveStart: starts[positive] as number,
        positiveCount: (starts[positive + 1] as number) - (starts[positive] as number),
        negativeStart: starts[negative] as number,
        negativeCount: (starts[negative + 1] as number) - (starts[negative] as number),
        positiveC: params.C * (weights[positive] as number),
        negativeC: params.C * (weights[negative] as number),
        tol: params.tol,
        maxIter: params.maxIter,
      });
      pairs.push({ positive, negative, solution });
    }
  }
  return pairs;
}

/** Keeps the samples that any pair needs. Row `r` of `dualCoef` has a class's coefficients against its r-th other class. */
function assemble(
  X: Matrix,
  encoded: EncodedLabels,
  kernel: Kernel,
  order: Int32Array,
  starts: Int32Array,
  pairs: readonly SolvedPair[],
  context: FitContext | undefined,
): SvcModel {
  const n = order.length;
  const others = encoded.classes.length - 1;
  const all = new Float64Array(others * n);
  const used = new Uint8Array(n);
  for (const { positive, negative, solution } of pairs) {
    const positives = (starts[positive + 1] as number) - (starts[positive] as number);
    for (const [t, coefficient] of solution.coefficients.entries()) {
      if (coefficient === 0) continue;
      const inPositive = t < positives;
      const at = inPositive ? (starts[positive] as number) + t : (starts[negative] as number) + t - positives;
      all[(inPositive ? negative - 1 : positive) * n + at] = coefficient;
      used[at] = 1;
    }
  }
  const kept = Int32Array.from(used.keys()).filter((at) => used[at] === 1);
  const support = kept.map((at) => order[at] as number);
  const dualCoef = new Float64Array(others * kept.length);
  for (let r = 0; r < others; r++) {
    for (let s = 0; s < kept.length; s++) dualCoef[r * kept.length + s] = all[r * n + (kept[s] as number)] as number;
  }
  return {
    classes: encoded.classes,
    kernel,
    support,
    supportVectors: takeRows(X, support),
    sourceRows: context === undefined ? null : support.map((i) => context.rows[i] as number),
    nSupport: encoded.classes.map((_, code) => countBetween(used, starts[code] as number, starts[code + 1] as number)),
    dualCoef,
    rho: Float64Array.from(pairs, (pair) => pair.solution.rho),
    iterations: pairs.reduce((sum, pair) => sum + pair.solution.iterations, 0),
    converged: pairs.every((pair) => pair.solution.converged),
  };
}

function countBetween(flags: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += flags[i] as number;
  return sum;
}
