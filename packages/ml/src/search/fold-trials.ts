// Trials of an estimator: in each rung the folds of its cross-validation, on a part of the rows or with a parameter as the resource.

import { FlockError } from "@taskflock/protocol/words";
import type { Executor, Handle } from "../executor.ts";
import type { FittedEstimator } from "../fitted.ts";
import { mean } from "../numeric.ts";
import { randomNumbers, shuffle } from "../random.ts";
import type { Split } from "../splits.ts";
import type { SearchPlan } from "./compile.ts";
import { buildCvResults, type CvResults, type FoldScores } from "./cv-results.ts";
import { fitFailed, isFitFailure, messageOf } from "./failure.ts";
import { type FinalFit, finalFitOf, type Place, shareOf, submitRefit, travelling, unscored } from "./fold-work.ts";
import { placeData } from "./placed-data.ts";
import { SharedSteps } from "./shared-steps.ts";
import { fitAndScore } from "./tasks.ts";
import type { CommonResult, EngineHooks, RunningTrial, TrialOutcome, TrialRow, TrialRunner } from "./trial-engine.ts";
import { type TrialColumns, TrialSearchResult, type TrialStep, trialColumns } from "./trials.ts";

export interface FoldOutcome extends TrialOutcome {
  readonly folds: readonly FoldScores[];
}

/** How folds are cut down to a rung's rows. */
export interface RowBudget {
  /** Rows of X. */
  readonly total: number;
  readonly seed: number;
}

export type HalvingTable<P extends object> = CvResults<P> & TrialColumns;

/** What a halving or Hyperband search over an estimator gives. */
export class HalvingResult<P extends object, M, I> extends TrialSearchResult<P, HalvingTable<P>> {
  readonly #fitted: FinalFit<P, M, I> | null;

  constructor(common: CommonResult<P> & { readonly cvResults: HalvingTable<P> }, fitted: FinalFit<P, M, I> | null) {
    super(common);
    this.#fitted = fitted;
  }

  /** The best candidate, fitted on all rows. Throws FLOCK_ML_NOT_FITTED after a search with `refit: false`. */
  get bestEstimator(): FittedEstimator<P, M, I> {
    return this.#final().estimator;
  }

  /** Seconds that the final fit took. */
  get refitTime(): number {
    return this.#final().refitTime;
  }

  #final(): FinalFit<P, M, I> {
    if (this.#fitted !== null) return this.#fitted;
    const text = "The search ran with refit: false. Turn refit on, or fit with bestParams.";
    throw new FlockError("FLOCK_ML_NOT_FITTED", text);
  }
}

export class FoldTrials<P extends object, M, I> implements TrialRunner<P, FoldOutcome, HalvingResult<P, M, I>> {
  readonly #executor: Executor;
  readonly #hooks: EngineHooks;
  readonly #plan: SearchPlan<P, M, I, "score">;
  /** Null: a parameter is the resource, and each fold has all its rows. */
  readonly #rows: RowBudget | null;
  readonly #splits = new Map<number, Handle<readonly Split[]>>();
  #place: Place | null = null;

  constructor(executor: Executor, hooks: EngineHooks, plan: SearchPlan<P, M, I, "score">, rows: RowBudget | null) {
    this.#executor = executor;
    this.#hooks = hooks;
    this.#plan = plan;
    this.#rows = rows;
  }

  async open(): Promise<void> {
    const placing = placeData(this.#executor, this.#plan);
    // A search that is cancelled meanwhile does not wait for its data, but lets go of them.
    let isOver = false;
    this.#hooks.ended.catch(() => {
      isOver = true;
    });
    const data = await placing;
    if (isOver) data.release();
    else this.#place = { data, steps: new SharedSteps(this.#executor, data.X) };
  }

  start(step: TrialStep<P>): RunningTrial<FoldOutcome> {
    const { estimator, scorers, returnTrainScore, splitter, task } = this.#plan;
    const place = this.#place as Place;
    const held = place.steps.hold(shareOf(estimator, step.params, place));
    const splits = this.#splitsOf(step.resources);
    const params = { ...estimator.params, ...step.params };
    const common = { estimator: travelling(estimator), scorers, returnTrainScore, modelReturns: this.#plan.refit };
    const options = { ...task, priority: (task.priority ?? 0) + step.iter, name: `${estimator.name}-fold` };
    const handles = Array.from({ length: splitter.nSplits }, (_, split) =>
      this.#executor.submit(
        fitAndScore,
        [{ ...common, params, split }, place.data.X, place.data.y, splits, held.values],
        options,
      ),
    );
    const outcome = this.#outcomeOf(step, handles).finally(() => {
      for (const handle of handles) handle.release();
      held.release();
    });
    outcome.catch(() => undefined);
    return {
      outcome,
      cancel: async (reason) => {
        await Promise.allSettled(handles.map((handle) => handle.cancel(reason)));
      },
    };
  }

  details(): object {
    return {};
  }

  dropped(): void {
    // Nothing is kept of a trial.
  }

  async conclude(
    rows: readonly TrialRow<P, FoldOutcome>[],
    best: TrialRow<P, FoldOutcome>,
    common: CommonResult<P>,
  ): Promise<HalvingResult<P, M, I>> {
    const steps = rows.map(({ step }) => step);
    const table = buildCvResults<P, "score">(
      steps.map(({ params }) => params),
      ["score"],
      rows.map(({ outcome }) => outcome.folds),
    );
    const cvResults = { ...table, ...trialColumns(steps) } as HalvingTable<P>;
    const fitted = this.#plan.refit ? await this.#refit(best.step.params) : null;
    this.#hooks.details.best(best.step.trial, fitted?.refitTime ?? null);
    return new HalvingResult({ ...common, cvResults }, fitted);
  }

  async close(): Promise<void> {
    for (const handle of this.#splits.values()) handle.release();
    this.#place?.data.release();
  }

  async #outcomeOf(step: TrialStep<P>, handles: readonly Handle<FoldScores>[]): Promise<FoldOutcome> {
    const { returnTrainScore } = this.#plan;
    let error: string | null = null;
    let failures = 0;
    const folds = await Promise.all(
      handles.map(async (handle, split) => {
        try {
          const scores = await handle.result();
          this.#tell(step, split, scores, null);
          return scores;
        } catch (cause) {
          const where = `The fit of trial ${step.trial} with ${step.resources} on split ${split}`;
          const score = this.#hooks.failed(where, cause);
          error ??= messageOf(cause);
          failures++;
          const scores = unscored(1, score, returnTrainScore);
          this.#tell(step, split, scores, messageOf(cause));
          return scores;
        }
      }),
    );
    const seconds = folds.reduce((sum, { fitTime, scoreTime }) => sum + (fitTime || 0) + (scoreTime || 0), 0);
    const score = mean(folds.map(({ testScores }) => testScores[0] as number));
    return { folds, score, seconds, error, failed: failures === folds.length };
  }

  #tell({ trial }: TrialStep<P>, fold: number, scores: FoldScores, error: string | null): void {
    const { testScores, fitTime: fitSeconds, scoreTime: scoreSeconds } = scores;
    this.#hooks.details.fold({ candidate: trial, fold, scores: testScores, fitSeconds, scoreSeconds, error });
  }

  #splitsOf(resources: number): Handle<readonly Split[]> {
    const { data } = this.#place as Place;
    if (this.#rows === null || resources >= this.#rows.total) return data.splits;
    const known = this.#splits.get(resources);
    if (known !== undefined) return known;
    const fraction = resources / this.#rows.total;
    const { seed } = this.#rows;
    const part = data.folds.map((split, number) => ({
      train: someRows(split.train, fraction, seed + 2 * number),
      test: someRows(split.test, fraction, seed + 2 * number + 1),
    }));
    const handle = this.#executor.scatter(part as readonly Split[], { name: "splits" });
    this.#splits.set(resources, handle);
    return handle;
  }

  async #refit(params: Partial<P>): Promise<FinalFit<P, M, I>> {
    const place = this.#place as Place;
    const { handle, held } = submitRefit(this.#executor, this.#plan.estimator, params, place, this.#plan.task);
    try {
      const fitted = await Promise.race([handle.result(), this.#hooks.ended]);
      return finalFitOf(this.#plan, params, fitted, place);
    } catch (error) {
      await handle.cancel().catch(() => undefined);
      throw isFitFailure(error) ? fitFailed("The fit of the best candidate on all rows", error) : error;
    } finally {
      handle.release();
      held.release();
    }
  }
}

/** The same rows for the same seed; more of them hold those of fewer. At least one. */
function someRows(rows: Int32Array, fraction: number, seed: number): Int32Array {
  const count = Math.max(1, Math.floor(fraction * rows.length + 1e-9));
  return shuffle(Int32Array.from(rows), randomNumbers(seed)).subarray(0, count).slice().sort();
}
