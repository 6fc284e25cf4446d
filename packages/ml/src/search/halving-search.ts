// Searches that give much to few: successive halving and Hyperband.

import type { Executor } from "../executor.ts";
import type { TrainingHalvingOptions, TrainingHyperbandOptions } from "../training/search/compile-training-search.ts";
import { type TrainingSearch, trainingSearch } from "../training/search/training-search.ts";
import { searchesTrainings } from "../training/search/training-spec.ts";
import {
  type CompiledTrials,
  compileHalving,
  compileHyperband,
  type HalvingSearchOptions,
  type HyperbandSearchOptions,
} from "./compile-halving.ts";
import { type FoldOutcome, FoldTrials, type HalvingResult } from "./fold-trials.ts";
import { TrialEngine } from "./trial-engine.ts";
import type { TrialEvent, TrialSearch } from "./trials.ts";

export type HalvingSearch<P extends object, M, I> = TrialSearch<TrialEvent<P>, HalvingResult<P, M, I>>;

/**
 * Tries all candidates with few rows (or little of a parameter), the best third of them with three times as many, and so on
 * (scikit-learn's HalvingGridSearchCV and HalvingRandomSearchCV). Returns at once; throws at once for what is wrong.
 */
export function halvingSearch<P extends object>(
  executor: Executor,
  options: TrainingHalvingOptions<P>,
): TrainingSearch<P>;
export function halvingSearch<P extends object, M, I>(
  executor: Executor,
  options: HalvingSearchOptions<P, M, I>,
): HalvingSearch<P, M, I>;
export function halvingSearch<P extends object, M, I>(
  executor: Executor,
  options: HalvingSearchOptions<P, M, I> | TrainingHalvingOptions<P>,
): HalvingSearch<P, M, I> | TrainingSearch<P> {
  if (searchesTrainings<TrainingHalvingOptions<P>>(options)) return trainingSearch(executor, "halvingSearch", options);
  return searchOf(executor, compileHalving(executor, options));
}

/** Hyperband (Li et al., 2018): brackets of halving, from many candidates with little to few with all. */
export function hyperbandSearch<P extends object>(
  executor: Executor,
  options: TrainingHyperbandOptions<P>,
): TrainingSearch<P>;
export function hyperbandSearch<P extends object, M, I>(
  executor: Executor,
  options: HyperbandSearchOptions<P, M, I>,
): HalvingSearch<P, M, I>;
export function hyperbandSearch<P extends object, M, I>(
  executor: Executor,
  options: HyperbandSearchOptions<P, M, I> | TrainingHyperbandOptions<P>,
): HalvingSearch<P, M, I> | TrainingSearch<P> {
  if (searchesTrainings<TrainingHyperbandOptions<P>>(options))
    return trainingSearch(executor, "hyperbandSearch", options);
  return searchOf(executor, compileHyperband(executor, options));
}

function searchOf<P extends object, M, I>(
  executor: Executor,
  { trials, folds, rows }: CompiledTrials<P, M, I>,
): HalvingSearch<P, M, I> {
  return new TrialEngine<P, FoldOutcome, HalvingResult<P, M, I>>(
    executor,
    trials,
    { estimator: folds.estimator.name, scorings: folds.scorerNames, folds: folds.splitter.nSplits },
    (run, hooks) => new FoldTrials(run, hooks, folds, rows),
  );
}
