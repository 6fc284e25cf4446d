// The search: one task per candidate and fold, planned over shared data and shared computations.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { SearchDetails } from "../details/search-details.ts";
import { show } from "../estimators/parameter-checks.ts";
import type { Executor, Handle, RunScope } from "../executor.ts";
import type { ScoreNames } from "../scorers.ts";
import type { TrainingGridOptions, TrainingRandomOptions } from "../training/search/compile-training-search.ts";
import { type TrainingSearch, trainingSearch } from "../training/search/training-search.ts";
import { searchesTrainings } from "../training/search/training-spec.ts";
import {
  compileSearch,
  type GridSearchOptions,
  grid,
  type RandomSearchOptions,
  randomDraws,
  type SearchPlan,
} from "./compile.ts";
import { buildCvResults, type CvResults, type FoldScores, meanTestColumn, rankColumn } from "./cv-results.ts";
import { EventStream } from "./event-stream.ts";
import { fitFailed, isFitFailure, messageOf } from "./failure.ts";
import { finalFitOf, type Place, shareOf, submitRefit, travelling, unscored } from "./fold-work.ts";
import { type PlacedData, placeData } from "./placed-data.ts";
import { type Choice, type FoldEvent, type Search, SearchResult, type SearchStatus } from "./search.ts";
import { type HeldSteps, SharedSteps } from "./shared-steps.ts";
import { fitAndScore } from "./tasks.ts";

/**
 * Tries every candidate of `params` on every fold and fits the best one on all rows. Returns at once. Throws at once, before
 * any task is sent, when an option, a parameter, a scorer, X, y or the folds are wrong (FLOCK_OPTION_INVALID, FLOCK_ML_…).
 */
export function gridSearch<P extends object>(executor: Executor, options: TrainingGridOptions<P>): TrainingSearch<P>;
export function gridSearch<P extends object, M, I, const S extends PropertyKey = "score">(
  executor: Executor,
  options: GridSearchOptions<P, M, I, S>,
): Search<P, M, I, ScoreNames<S>>;
export function gridSearch<P extends object, M, I, S extends PropertyKey>(
  executor: Executor,
  options: GridSearchOptions<P, M, I, S> | TrainingGridOptions<P>,
): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
  if (searchesTrainings<TrainingGridOptions<P>>(options)) return trainingSearch(executor, "gridSearch", options);
  return new GridSearch(executor, compileSearch(executor, options, grid));
}

/**
 * Tries candidates that are drawn from `params`, and fits the best one on all rows: `gridSearch` with chance in the place of
 * completeness. Returns and throws as it does.
 */
export function randomSearch<P extends object>(
  executor: Executor,
  options: TrainingRandomOptions<P>,
): TrainingSearch<P>;
export function randomSearch<P extends object, M, I, const S extends PropertyKey = "score">(
  executor: Executor,
  options: RandomSearchOptions<P, M, I, S>,
): Search<P, M, I, ScoreNames<S>>;
export function randomSearch<P extends object, M, I, S extends PropertyKey>(
  executor: Executor,
  options: RandomSearchOptions<P, M, I, S> | TrainingRandomOptions<P>,
): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
  if (searchesTrainings<TrainingRandomOptions<P>>(options)) return trainingSearch(executor, "randomSearch", options);
  return new GridSearch(executor, compileSearch(executor, options, randomDraws));
}

interface Fold {
  readonly candidate: number;
  readonly split: number;
  readonly handle: Handle<FoldScores>;
}

class GridSearch<P extends object, M, I, S extends string> implements Search<P, M, I, S> {
  readonly name: string;
  readonly total: number;
  readonly #plan: SearchPlan<P, M, I, S>;
  readonly #executor: Executor;
  readonly #scope: RunScope;
  readonly #details: SearchDetails;
  /** Places of the scorers in the details: the one that decides comes first. */
  readonly #shown: readonly number[];
  readonly #events = new EventStream<FoldEvent<P, S>>();
  readonly #folds: (FoldScores | null)[][];
  readonly #outcome: Promise<SearchResult<P, M, I, S>>;
  /** Fold tasks that have not settled. */
  readonly #pending = new Set<Handle<unknown>>();
  readonly #failures: unknown[] = [];
  /** Steps held for candidates that still have folds to run. */
  readonly #held = new Map<number, HeldSteps>();
  #best: { score: number; steps: HeldSteps } | null = null;
  #done = 0;
  #status: SearchStatus = "running";
  #stopped = false;
  /** Resolves when the folds are over; rejects when the search is. */
  readonly #over: Promise<void>;
  #foldsOver!: () => void;
  #end!: (error: unknown) => void;
  /** Never resolves; rejects when the search is ended from outside. */
  readonly #ended: Promise<never>;

  constructor(executor: Executor, plan: SearchPlan<P, M, I, S>) {
    this.#plan = plan;
    this.name = plan.name;
    this.total = plan.candidates.length * plan.splitter.nSplits;
    this.#folds = plan.candidates.map(() => new Array<FoldScores | null>(plan.splitter.nSplits).fill(null));
    const run = executor.openRun(plan.name, this.total);
    this.#executor = run.executor;
    this.#scope = run.scope;
    this.#shown = shownScorers(plan);
    this.#details = new SearchDetails(run.scope, {
      ...{ search: plan.search, estimator: plan.estimator.name, candidates: plan.candidates },
      ...{ scorings: this.#shown.map((i) => plan.scorerNames[i] as S), mode: "max", folds: plan.splitter.nSplits },
    });
    this.#ended = new Promise<never>((_, reject) => {
      this.#end = reject;
    });
    const finished = new Promise<void>((resolve) => {
      this.#foldsOver = resolve;
    });
    this.#over = Promise.race([finished, this.#ended]);
    this.#outcome = this.#drive();
    // Whoever wants the outcome asks for it; nobody has to.
    for (const promise of [this.#ended, this.#over, this.#outcome]) promise.catch(() => undefined);
  }

  get status(): SearchStatus {
    return this.#status;
  }

  get done(): number {
    return this.#done;
  }

  result(): Promise<SearchResult<P, M, I, S>> {
    return this.#outcome;
  }

  [Symbol.asyncIterator](): AsyncIterator<FoldEvent<P, S>> {
    return this.#events[Symbol.asyncIterator]();
  }

  async stop(): Promise<void> {
    if (this.#status !== "running" || this.#done === this.total) return;
    this.#stopped = true;
    this.#foldsOver();
    await this.#cancelPending("The search was stopped.");
  }

  async cancel(reason = "The search was cancelled."): Promise<void> {
    if (this.#status !== "running") return;
    this.#close("cancelled");
    this.#end(new FlockError("FLOCK_CANCELLED", reason));
    await this.#cancelPending(reason);
  }

  async #drive(): Promise<SearchResult<P, M, I, S>> {
    let data: PlacedData | null = null;
    try {
      const placing = placeData(this.#executor, this.#plan);
      // A cancelled search does not wait for its data, but lets go of them.
      placing.then((placed) => (this.#status === "cancelled" ? placed.release() : undefined)).catch(() => undefined);
      data = await Promise.race([placing, this.#ended]);
      const place = { data, steps: new SharedSteps(this.#executor, data.X) };
      if (this.#status === "running" && !this.#stopped) this.#submitFolds(place);
      await this.#over;
      const result = await this.#conclude(place);
      this.#close(this.#stopped ? "stopped" : "done");
      return result;
    } catch (error) {
      this.#close(this.#stopped && isFlockError(error, "FLOCK_CANCELLED") ? "stopped" : "failed");
      await this.#cancelPending(messageOf(error));
      throw error;
    } finally {
      for (const steps of this.#held.values()) steps.release();
      this.#best?.steps.release();
      data?.release();
      this.#events.end();
    }
  }

  #close(status: "done" | "failed" | "stopped" | "cancelled"): void {
    if (this.#status !== "running") return;
    this.#status = status;
    this.#scope.close(status);
  }

  async #cancelPending(reason: string): Promise<void> {
    const pending = [...this.#pending];
    this.#pending.clear();
    await Promise.allSettled(pending.map((handle) => handle.cancel(reason)));
    for (const handle of pending) handle.release();
  }

  #submitFolds(place: Place): void {
    const { candidates, estimator, scorers, returnTrainScore, splitter, task } = this.#plan;
    const { X, y, splits } = place.data;
    const common = { estimator: travelling(estimator), scorers, returnTrainScore, modelReturns: this.#plan.refit };
    this.#details.begin();
    for (const [candidate, params] of candidates.entries()) {
      const held = place.steps.hold(shareOf(estimator, params, place));
      this.#held.set(candidate, held);
      for (let split = 0; split < splitter.nSplits; split++) {
        const job = { ...common, params: { ...estimator.params, ...params }, split };
        const args = [job, X, y, splits, held.values];
        const handle = this.#executor.submit(fitAndScore, args, { ...task, name: `${estimator.name}-fold` });
        this.#pending.add(handle);
        this.#follow({ candidate, split, handle }, place);
      }
    }
  }

  #follow(fold: Fold, place: Place): void {
    fold.handle
      .result()
      .then(
        (scores) => this.#foldDone(fold, scores, null, place),
        (error: unknown) => this.#foldFailed(fold, error, place),
      )
      // What goes wrong here (an estimator's `share`, an executor's `emit`) ends the search; nobody else would see it.
      .catch((error: unknown) => this.#end(error));
  }

  #foldFailed(fold: Fold, error: unknown, place: Place): void {
    if (!this.#pending.has(fold.handle)) return;
    const { errorScore, candidates, scorerNames, returnTrainScore } = this.#plan;
    const where = `The fit of candidate ${fold.candidate} (${show(candidates[fold.candidate])}) on split ${fold.split}`;
    if (errorScore === "raise" || !isFitFailure(error)) {
      this.#end(isFitFailure(error) ? fitFailed(where, error) : error);
      return;
    }
    if (this.#failures.length === 0)
      this.#executor.warn(`${where} failed, its score is ${errorScore}: ${messageOf(error)}`);
    this.#failures.push(error);
    this.#foldDone(fold, unscored(scorerNames.length, errorScore, returnTrainScore), messageOf(error), place);
  }

  #foldDone(fold: Fold, scores: FoldScores, error: string | null, place: Place): void {
    // Not pending: it came after a stop or a cancel.
    if (!this.#pending.delete(fold.handle)) return;
    fold.handle.release();
    const { candidate, split } = fold;
    const splits = this.#folds[candidate] as (FoldScores | null)[];
    splits[split] = scores;
    this.#done++;
    const event: FoldEvent<P, S> = {
      candidate,
      params: this.#plan.candidates[candidate] as Partial<P>,
      split,
      testScores: this.#named(scores.testScores),
      trainScores: scores.trainScores === null ? null : this.#named(scores.trainScores),
      fitTime: scores.fitTime,
      scoreTime: scores.scoreTime,
      error,
      done: this.#done,
      total: this.total,
    };
    this.#events.push(event);
    this.#details.fold({
      ...{ candidate, fold: split, error, fitSeconds: scores.fitTime, scoreSeconds: scores.scoreTime },
      scores: this.#shown.map((i) => scores.testScores[i] as number),
    });
    this.#scope.emit(event);
    if (splits.every((done) => done !== null)) this.#candidateDone(candidate, splits, place);
    if (this.#done === this.total) this.#foldsOver();
  }

  #named(scores: readonly number[]): Record<S, number> {
    return Object.fromEntries(this.#plan.scorerNames.map((name, i) => [name, scores[i]])) as Record<S, number>;
  }

  /** Lets go of the candidate's steps, except the best one's, which the final fit will want. */
  #candidateDone(candidate: number, splits: readonly FoldScores[], place: Place): void {
    const deciding = this.#plan.scorerNames.indexOf(this.#plan.decidingScorer as S);
    if (this.#plan.refit && deciding >= 0) {
      const score = splits.reduce((sum, fold) => sum + (fold.testScores[deciding] as number), 0);
      if (this.#best === null || score > this.#best.score) {
        this.#best?.steps.release();
        this.#best = {
          score,
          steps: place.steps.hold(shareOf(this.#plan.estimator, this.#plan.candidates[candidate] ?? {}, place)),
        };
      }
    }
    this.#held.get(candidate)?.release();
    this.#held.delete(candidate);
  }

  async #conclude(place: Place): Promise<SearchResult<P, M, I, S>> {
    const { candidates, scorerNames, splitter, returnTrainScore } = this.#plan;
    this.#checkAnyResult();
    const missing = unscored(scorerNames.length, Number.NaN, returnTrainScore);
    const folds = this.#folds.map((splits) => splits.map((fold) => fold ?? missing));
    const table = buildCvResults<P, S>(candidates, scorerNames, folds);
    const choice = await this.#choose(table, place);
    return new SearchResult(table, scorerNames, splitter.nSplits, choice);
  }

  #checkAnyResult(): void {
    const failed = this.#failures.length;
    if (failed > 0 && failed === this.#done) throw fitFailed(`Each of the ${failed} fits`, this.#failures[0]);
    if (failed > 1)
      this.#executor.warn(`${failed} of ${this.#done} fits failed; their scores are ${this.#plan.errorScore}.`);
    if (this.#stopped && !this.#folds.some((splits) => splits.every((fold) => fold !== null))) {
      throw new FlockError("FLOCK_CANCELLED", "The search was stopped before any candidate had run on all folds.");
    }
  }

  async #choose(table: CvResults<P, S>, place: Place): Promise<Choice<P, M, I> | null> {
    const { decidingScorer, choose, candidates } = this.#plan;
    const columns = table as unknown as Readonly<Record<string, readonly number[]>>;
    if (choose === null && decidingScorer === null) return null;
    const index =
      choose === null ? (columns[rankColumn(decidingScorer as S)] as readonly number[]).indexOf(1) : choose(table);
    const params = candidates[index];
    if (params === undefined) {
      throw new FlockError(
        "FLOCK_OPTION_INVALID",
        `refit chose ${index}, but candidates go from 0 to ${candidates.length - 1}.`,
      );
    }
    const score =
      decidingScorer === null
        ? Number.NaN
        : ((columns[meanTestColumn(decidingScorer)] as readonly number[])[index] as number);
    const fitted = this.#plan.refit ? await this.#refit(index, place) : null;
    this.#details.best(index, fitted?.refitTime ?? null);
    return { index, score, params, fitted };
  }

  async #refit(index: number, place: Place): Promise<Choice<P, M, I>["fitted"]> {
    const { estimator, candidates, task } = this.#plan;
    const candidate = candidates[index] ?? {};
    const { handle, held } = submitRefit(this.#executor, estimator, candidate, place, task);
    this.#pending.add(handle);
    try {
      return finalFitOf(this.#plan, candidate, await Promise.race([handle.result(), this.#ended]), place);
    } catch (error) {
      throw isFitFailure(error) ? fitFailed("The fit of the best candidate on all rows", error) : error;
    } finally {
      if (this.#pending.delete(handle)) handle.release();
      held.release();
    }
  }
}

/** The one that decides, and the others in their order. */
function shownScorers<S extends string>({
  scorerNames,
  decidingScorer,
}: {
  readonly scorerNames: readonly S[];
  readonly decidingScorer: S | null;
}): number[] {
  const first = decidingScorer === null ? 0 : Math.max(0, scorerNames.indexOf(decidingScorer));
  return [first, ...[...scorerNames.keys()].filter((i) => i !== first)];
}
