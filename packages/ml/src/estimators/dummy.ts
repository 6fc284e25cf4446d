// A classifier that does not look at X: what every other one must beat.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator } from "../estimator.ts";
import { decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { type Features, rowCount } from "../matrix.ts";
import { randomNumbers } from "../random.ts";
import { classCounts } from "./class-weight.ts";
import { type Check, checkEach, naturalNumber, oneOf } from "./parameter-checks.ts";

export interface DummyParams {
  /**
   * "prior" and "mostFrequent": the most frequent class, the first of equal ones; "stratified": random, with the classes'
   * shares; "uniform": random, all classes alike; "constant": the label `constant`.
   */
  strategy: "prior" | "mostFrequent" | "stratified" | "uniform" | "constant";
  /** For "constant"; default null. */
  constant: number | string | null;
  /** Of the random strategies; default 0. */
  seed: number;
}

export interface DummyModel {
  readonly classes: readonly (number | string)[];
  /** Share of each class in the training data. */
  readonly prior: Float64Array;
  readonly params: DummyParams;
}

const checks: { readonly [K in keyof DummyParams]: Check } = {
  strategy: oneOf("prior", "mostFrequent", "stratified", "uniform", "constant"),
  constant: (value) => (value === null || ["number", "string"].includes(typeof value) ? null : "a label or null"),
  seed: naturalNumber,
};

/** Counts the classes. Runs on workers. */
export function fitDummy(_X: Features, y: Labels, params: Readonly<DummyParams>): DummyModel {
  const { classes, codes } = encodeLabels(y);
  if (params.strategy === "constant" && !classes.includes(params.constant as number | string)) {
    throw new FlockError(
      "FLOCK_ML_PARAMETER",
      `constant is ${JSON.stringify(params.constant)}, which is not a label of y.`,
    );
  }
  return { classes, prior: Float64Array.from(classCounts(classes.length, codes), (n) => n / codes.length), params };
}

/** Predicts by the strategy. Runs on workers. */
export function predictDummy(model: DummyModel, X: Features): Labels {
  const { classes, prior, params } = model;
  const random = randomNumbers(params.seed);
  const codes = new Int32Array(rowCount(X));
  const fixed =
    params.strategy === "constant"
      ? classes.indexOf(params.constant as number | string)
      : prior.indexOf(Math.max(...prior));
  for (let i = 0; i < codes.length; i++) {
    if (params.strategy === "uniform") codes[i] = Math.floor(random() * classes.length);
    else if (params.strategy === "stratified") codes[i] = drawn(prior, random());
    else codes[i] = fixed;
  }
  return decodeLabels(classes, codes);
}

function drawn(prior: Float64Array, at: number): number {
  let sum = 0;
  for (const [code, share] of prior.entries()) {
    sum += share;
    if (at < sum) return code;
  }
  return prior.length - 1;
}

/** A classifier that ignores X, as scikit-learn's `DummyClassifier`. */
export function dummyClassifier(params: Partial<DummyParams> = {}): Estimator<DummyParams, DummyModel> {
  return {
    name: "dummyClassifier",
    params: { strategy: "prior", constant: null, seed: 0, ...params },
    check: (all) => checkEach(all, checks),
    fit: fitDummy,
    predict: predictDummy,
  };
}
