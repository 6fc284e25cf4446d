// What a search runs on workers. Exported by the package, so that each travels as a name.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator, FitContext, SharedStep } from "../estimator.ts";
import { type Labels, takeLabels } from "../labels.ts";
import { type Features, isTexts, rowCount, takeRows, toDense } from "../matrix.ts";
import type { Scorer } from "../scorers.ts";
import type { Split } from "../splits.ts";
import type { FoldScores } from "./cv-results.ts";

/** The part of an estimator that travels, with the parameters of one candidate. */
export interface FitJob {
  // biome-ignore lint/suspicious/noExplicitAny: a task does not know its estimator's types
  readonly fit: Estimator<any, any, any>["fit"];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly predict: Estimator<any, any, any>["predict"];
  /** All parameters with their values. */
  readonly params: object;
}

export interface FoldJob extends FitJob {
  readonly scorers: Readonly<Record<string, Scorer>>;
  /** Which of the splits. */
  readonly split: number;
  readonly returnTrainScore: boolean;
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
  const started = performance.now();
  const trainX = takeRows(X, train);
  const trainY = takeLabels(y, train);
  const model = await job.fit(trainX, trainY, job.params, { rows: train, shared });
  const fitted = performance.now();
  const testX = takeRows(X, test);
  const testScores = scoresOf(job, model, testX, takeLabels(y, test), { rows: test, shared });
  const scored = performance.now();
  const trainScores = job.returnTrainScore ? scoresOf(job, model, trainX, trainY, { rows: train, shared }) : null;
  return { testScores, trainScores, fitTime: (fitted - started) / 1000, scoreTime: (scored - fitted) / 1000 };
}

/** The final fit on all rows. */
export async function refit(
  job: FitJob,
  X: Features,
  y: Labels,
  shared: SharedValues,
): Promise<{ readonly model: unknown; readonly refitTime: number }> {
  const started = performance.now();
  const rows = Int32Array.from({ length: rowCount(X) }, (_, row) => row);
  const model = await job.fit(isTexts(X) ? X : toDense(X), y, job.params, { rows, shared });
  return { model, refitTime: (performance.now() - started) / 1000 };
}

function scoresOf(
  job: FoldJob,
  model: unknown,
  X: ReturnType<typeof takeRows>,
  y: Labels,
  context: FitContext,
): number[] {
  const predicted = job.predict(model, X, context);
  if (predicted.length !== y.length) {
    throw new FlockError("FLOCK_ML_FIT", `The estimator predicted ${predicted.length} labels for ${y.length} samples.`);
  }
  return Object.entries(job.scorers).map(([name, scorer]) => {
    const score: unknown = scorer(y, predicted);
    if (typeof score === "number") return score;
    throw new FlockError(
      "FLOCK_ML_SCORER",
      `Scorer "${name}" returned ${score === null ? "null" : typeof score}, not a number.`,
    );
  });
}
