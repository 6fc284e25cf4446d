// Searches over trainings: a grid, draws, halving and Hyperband, where the resource is epochs.

import type { Executor } from "../../executor.ts";
import { TrialEngine } from "../../search/trial-engine.ts";
import type { TrialSearch } from "../../search/trials.ts";
import {
  compileTrainingSearch,
  type TrainingSearchKind,
  type TrainingSearchOptions,
} from "./compile-training-search.ts";
import type { SearchedParams } from "./training-spec.ts";
import {
  type TrainingOutcome,
  type TrainingSearchResult,
  type TrainingTrialEvent,
  TrainingTrials,
} from "./training-trials.ts";

export type TrainingSearch<P extends object> = TrialSearch<
  TrainingTrialEvent<SearchedParams<P>>,
  TrainingSearchResult<SearchedParams<P>>
>;

/**
 * Trains candidates, as many at once as there are slots for them; the losers of a rung are trained no further, the others go on from
 * their checkpoints. Returns at once; throws at once for options, parameters and data that cannot be used.
 */
export function trainingSearch<P extends object>(
  executor: Executor,
  kind: TrainingSearchKind,
  options: TrainingSearchOptions<P>,
): TrainingSearch<P> {
  type Params = SearchedParams<P>;
  const compiled = compileTrainingSearch(executor, kind, options);
  return new TrialEngine<Params, TrainingOutcome, TrainingSearchResult<Params>, TrainingTrialEvent<Params>>(
    executor,
    compiled.trials,
    {
      estimator: compiled.training.plan.model.name || "training",
      scorings: [compiled.training.plan.monitor],
      folds: 1,
    },
    (run, hooks) => new TrainingTrials<Params>(run, hooks, compiled),
  );
}
