// Classification by the nearest training samples.

import { FlockError } from "@taskflock/protocol/words";
import type { DataShape, Estimator, FitContext, SharedStep } from "../estimator.ts";
import { decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import type { Matrix } from "../matrix.ts";
import { squaredDistances } from "../pair-matrices.ts";
import { type Check, checkEach, count, oneOf } from "./parameter-checks.ts";

export interface KNeighborsParams {
  /** Default 5. */
  nNeighbors: number;
  /** "uniform" (default): each neighbor counts 1; "distance": 1 / distance, and samples at distance 0 alone if there are any. */
  weights: "uniform" | "distance";
  /** Default "euclidean". */
  metric: "euclidean" | "manhattan";
}

/** The training samples. */
export interface KNeighborsModel {
  readonly classes: readonly (number | string)[];
  readonly codes: Int32Array;
  readonly samples: Matrix;
  readonly params: KNeighborsParams;
  /** The samples' rows in the whole data set of a search; null outside of one. */
  readonly sourceRows: Int32Array | null;
}

const checks: { readonly [K in keyof KNeighborsParams]: Check } = {
  nNeighbors: count,
  weights: oneOf("uniform", "distance"),
  metric: oneOf("euclidean", "manhattan"),
};

/** Up to so many rows all distances are made once and shared by all folds (128 MB at most). */
const SHARED_ROWS = 4000;

/** Keeps the samples. Runs on workers. */
export function fitKNeighbors(
  X: Matrix,
  y: Labels,
  params: Readonly<KNeighborsParams>,
  context?: FitContext,
): KNeighborsModel {
  if (params.nNeighbors > X.rows) {
    throw new FlockError(
      "FLOCK_ML_INPUT",
      `kNeighborsClassifier needs ${params.nNeighbors} samples, but has ${X.rows}.`,
    );
  }
  return { ...encodeLabels(y), samples: X, params, sourceRows: context?.rows ?? null };
}

/** Predicts the heaviest class among the neighbors, the first of equal ones. Runs on workers. */
export function predictKNeighbors(model: KNeighborsModel, X: Matrix, context?: FitContext): Labels {
  const { classes, codes, params } = model;
  const distancesTo = distanceFiller(model, X, context);
  const distances = new Float64Array(codes.length);
  const votes = new Float64Array(classes.length);
  const predicted = new Int32Array(X.rows);
  for (let i = 0; i < X.rows; i++) {
    distancesTo(i, distances);
    const nearest = smallest(distances, params.nNeighbors);
    const exact = params.weights === "distance" && distances[nearest[0] as number] === 0;
    votes.fill(0);
    for (const sample of nearest) {
      const distance = distances[sample] as number;
      if (exact && distance > 0) break;
      const code = codes[sample] as number;
      votes[code] = (votes[code] as number) + (params.weights === "uniform" || exact ? 1 : 1 / distance);
    }
    predicted[i] = votes.indexOf(Math.max(...votes));
  }
  return decodeLabels(classes, predicted);
}

/** Indices of the `count` smallest values in ascending order, the earlier of equal ones first. */
function smallest(values: Float64Array, count: number): Int32Array {
  const found = new Int32Array(count);
  let size = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (size === count && value >= (values[found[count - 1] as number] as number)) continue;
    let slot = size < count ? size++ : count - 1;
    for (; slot > 0 && (values[found[slot - 1] as number] as number) > value; slot--)
      found[slot] = found[slot - 1] as number;
    found[slot] = at;
  }
  return found;
}

type FillDistances = (sample: number, into: Float64Array) => void;

/** Writes a sample's distance to every training sample: looked up where the whole data set's are shared. */
function distanceFiller(model: KNeighborsModel, X: Matrix, context: FitContext | undefined): FillDistances {
  const shared = context?.shared["squaredDistances"] as Float64Array | undefined;
  const sources = model.sourceRows;
  if (context !== undefined && shared !== undefined && sources !== null) {
    const n = Math.round(Math.sqrt(shared.length));
    return (sample, into) => {
      const offset = (context.rows[sample] as number) * n;
      for (let j = 0; j < into.length; j++) into[j] = Math.sqrt(shared[offset + (sources[j] as number)] as number);
    };
  }
  const { samples, params } = model;
  const euclidean = params.metric === "euclidean";
  return (sample, into) => {
    for (let j = 0; j < into.length; j++) {
      let sum = 0;
      for (let k = 0; k < X.cols; k++) {
        const difference = (X.data[sample * X.cols + k] as number) - (samples.data[j * X.cols + k] as number);
        sum += euclidean ? difference * difference : Math.abs(difference);
      }
      into[j] = euclidean ? Math.sqrt(sum) : sum;
    }
  };
}

function shareDistances(params: Readonly<KNeighborsParams>, shape: DataShape): Record<string, SharedStep> {
  if (params.metric !== "euclidean" || shape.rows > SHARED_ROWS) return {};
  return { squaredDistances: { key: "squaredDistances", compute: squaredDistances } };
}

/** Classifies by the nearest samples, as scikit-learn's `KNeighborsClassifier`; of equally near ones the earlier counts. */
export function kNeighborsClassifier(
  params: Partial<KNeighborsParams> = {},
): Estimator<KNeighborsParams, KNeighborsModel> {
  return {
    name: "kNeighborsClassifier",
    params: { nNeighbors: 5, weights: "uniform", metric: "euclidean", ...params },
    check: (all) => checkEach(all, checks),
    share: shareDistances,
    fit: fitKNeighbors,
    predict: predictKNeighbors,
  };
}
