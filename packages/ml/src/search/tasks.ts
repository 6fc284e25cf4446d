// What a search runs on workers. Exported by the package, so that each travels as a name.

import { FlockError } from "@taskflock/protocol/words";
import { ClassEstimator } from "../class-estimator.ts";
import type { Estimator, EstimatorClass, SharedStep } from "../estimator.ts";
import { kindOf } from "../kinds.ts";
import { type Labels, takeLabels } from "../labels.ts";
import { type Features, isTexts, rowCount, takeRows, toDense } from "../matrix.ts";
import type { Scorer } from "../scorers.ts";
import type { Split } from "../splits.ts";
import type { FoldScores } from "./cv-results.ts";
import { type PackedModel, packModel } from "./packed-model.ts";

/** The part of an estimator that travels: its functions, or its class. */
// biome-ignore lint/suspicious/noExplicitAny: a task does not know its estimator's types
export type TravellingEstimator = Pick<Estimator<any, any, any>, "fit" | "predict"> | EstimatorClass<any, any, any>;

/** An estimator with the parameters of one candidate. */
export interface FitJob {
  readonly estimator: TravellingEstimator;
  /** All parameters with their values. */
  readonly params: object;
}

export interface FoldJob extends FitJob {
  readonly scorers: Readonly<Record<string, Scorer>>;
  /** Which of the splits. */
  readonly split: number;
  readonly returnTrainScore: boolean;
  /** There will be a final fit, so that models must be able to come back: what keeps them is said in the first fold. */
  readonly modelReturns: boolean;
}

type SharedValues = Readonly<Record<string, unknown>>;

/** One shared computation on the whole of X. */
export function runSharedStep(
  compute: SharedStep["compute"],
  X: Features,
  args: unknown,
  needs: SharedValues,
): unknown {
  return compute(isTexts(X) ? X : toDense(X), args, needs);
}

/** One fold: fits on the split's training rows and scores on its test rows. */
export async function fitAndScore(
  job: FoldJob,
  X: Features,
  y: Labels,
  splits: readonly Split[],
  shared: SharedValues,
): Promise<FoldScores> {
  const { train, test } = splits[job.split] as Split;
  const estimator = functionsOf(job.estimator);
  const rate = (model: unknown, rowsX: ReturnType<typeof takeRows>, labels: Labels, rows: Int32Array): number[] =>
    scoresOf(job.scorers, labels, estimator.predict(model, rowsX, { rows, shared }));
  const started = performance.now();
  const trainX = takeRows(X, train);
  const trainY = takeLabels(y, train);
  const model: unknown = await estimator.fit(trainX, trainY, job.params, { rows: train, shared });
  const fitted = performance.now();
  const testScores = rate(model, takeRows(X, test), takeLabels(y, test), test);
  const scored = performance.now();
  const trainScores = job.returnTrainScore ? rate(model, trainX, trainY, train) : null;
  if (job.modelReturns) packModel(estimator, model, job.params);
  return { testScores, trainScores, fitTime: (fitted - started) / 1000, scoreTime: (scored - fitted) / 1000 };
}

/** The final fit on all rows. */
export async function refit(
  job: FitJob,
  X: Features,
  y: Labels,
  shared: SharedValues,
): Promise<{ readonly model: PackedModel; readonly refitTime: number }> {
  const estimator = functionsOf(job.estimator);
  const started = performance.now();
  const rows = Int32Array.from({ length: rowCount(X) }, (_, row) => row);
  const model: unknown = await estimator.fit(isTexts(X) ? X : toDense(X), y, job.params, { rows, shared });
  const refitTime = (performance.now() - started) / 1000;
  return { model: packModel(estimator, model, job.params), refitTime };
}

// biome-ignore lint/suspicious/noExplicitAny: a task does not know its estimator's types
type Functions = Pick<Estimator<any, any, any>, "fit" | "predict">;

/** fit and predict as they are on every executor: without the object that they were written in. */
function functionsOf(estimator: TravellingEstimator): Functions {
  if (typeof estimator === "function") return new ClassEstimator(estimator);
  const { fit, predict } = estimator;
  return {
    fit: (...args) => fit.apply(withoutObject("fit"), args),
    predict: (...args) => predict.apply(withoutObject("predict"), args),
  };
}

/** `this` of a function that has none, as a worker must have it; says so when it is used. */
function withoutObject(name: string): undefined {
  const refuse = (_target: object, key: string | symbol): never => {
    throw new FlockError(
      "FLOCK_ML_ESTIMATOR",
      `${name} of the estimator uses this.${String(key)}, but it travels without the object it was written in. ` +
        "Call functions by their names, or make the estimator a class.",
    );
  };
  return new Proxy({}, { get: refuse, set: refuse, has: refuse }) as unknown as undefined;
}

function scoresOf(scorers: FoldJob["scorers"], y: Labels, predicted: Labels): number[] {
  if (!Array.isArray(predicted) && !ArrayBuffer.isView(predicted)) {
    const takes = "one label for each row of X, in an array, an Int32Array or a Float64Array";
    throw new FlockError("FLOCK_ML_ESTIMATOR", `predict returned ${kindOf(predicted)}. It must return ${takes}.`);
  }
  if (predicted.length !== y.length) {
    throw new FlockError("FLOCK_ML_FIT", `The estimator predicted ${predicted.length} labels for ${y.length} samples.`);
  }
  return Object.entries(scorers).map(([name, scorer]) => {
    const score: unknown = scorer(y, predicted);
    if (typeof score === "number") return score;
    throw new FlockError(
      "FLOCK_ML_SCORER",
      `Scorer "${name}" returned ${score === null ? "null" : typeof score}, not a number.`,
    );
  });
}
