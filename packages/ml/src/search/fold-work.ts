// What searches over estimators submit, and what they make of it: folds, and the final fit.

import { ClassEstimator } from "../class-estimator.ts";
import type { Estimator, SharedStep } from "../estimator.ts";
import type { Executor, Handle, SubmitOptions } from "../executor.ts";
import { FittedEstimator } from "../fitted.ts";
import type { Scorer } from "../scorers.ts";
import type { SearchPlan } from "./compile.ts";
import type { FoldScores } from "./cv-results.ts";
import { type PackedModel, unpackModel } from "./packed-model.ts";
import type { PlacedData } from "./placed-data.ts";
import type { HeldSteps, SharedSteps } from "./shared-steps.ts";
import { refit, type TravellingEstimator } from "./tasks.ts";

/** Where the data are, and what is computed of them. */
export interface Place {
  readonly data: PlacedData;
  readonly steps: SharedSteps;
}

export function travelling<P extends object, M, I>(estimator: Estimator<P, M, I>): TravellingEstimator {
  const { fit, predict } = estimator;
  return estimator instanceof ClassEstimator ? estimator.type : { fit, predict };
}

/** A fold that has no times, and `score` in the place of its scores. */
export function unscored(scorers: number, score: number, withTrain: boolean): FoldScores {
  const scores = new Array<number>(scorers).fill(score);
  return { testScores: scores, trainScores: withTrain ? scores : null, fitTime: Number.NaN, scoreTime: Number.NaN };
}

/** What a fit with these parameters can share with others. */
export function shareOf<P extends object, M, I>(
  estimator: Estimator<P, M, I>,
  candidate: Partial<P>,
  place: Place,
): Readonly<Record<string, SharedStep>> {
  return estimator.share?.({ ...estimator.params, ...candidate }, place.data.shape) ?? {};
}

/** The best candidate, fitted on all rows. */
export interface FinalFit<P extends object, M, I> {
  readonly estimator: FittedEstimator<P, M, I>;
  readonly refitTime: number;
}

/** The final fit on its way; `held` is to be released after it. */
export interface Refit {
  readonly handle: Handle<{ readonly model: PackedModel; readonly refitTime: number }>;
  readonly held: HeldSteps;
}

export function submitRefit<P extends object, M, I>(
  executor: Executor,
  estimator: Estimator<P, M, I>,
  candidate: Partial<P>,
  place: Place,
  task: Omit<SubmitOptions, "name">,
): Refit {
  const held = place.steps.hold(shareOf(estimator, candidate, place));
  const job = { estimator: travelling(estimator), params: { ...estimator.params, ...candidate } };
  const args = [job, place.data.X, place.data.y, held.values];
  return { handle: executor.submit(refit, args, { ...task, name: `${estimator.name}-refit` }), held };
}

export function finalFitOf<P extends object, M, I, S extends string>(
  { estimator, scorers, scorerNames, decidingScorer }: SearchPlan<P, M, I, S>,
  candidate: Partial<P>,
  { model, refitTime }: { readonly model: PackedModel; readonly refitTime: number },
  place: Place,
): FinalFit<P, M, I> {
  const params: P = { ...estimator.params, ...candidate };
  const scorer: Scorer = scorers[decidingScorer ?? (scorerNames[0] as S)];
  const unpacked = unpackModel<P, M, I>(estimator, model, params);
  return { estimator: new FittedEstimator(estimator, params, unpacked, place.data.shape.cols, scorer), refitTime };
}
