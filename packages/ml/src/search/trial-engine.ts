// Drives trials through the rungs of their brackets: submits, promotes, counts failures, and ends with the best.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { SearchDetails, type SearchHeader } from "../details/search-details.ts";
import type { Executor, RunScope } from "../executor.ts";
import { EventStream } from "./event-stream.ts";
import { fitFailed, isFitFailure, messageOf } from "./failure.ts";
import { type Promotion, Race } from "./promotion.ts";
import type { Bracket } from "./schedules.ts";
import type { SearchStatus } from "./search.ts";
import type { TrialEvent, TrialSearch, TrialSearchResult, TrialStep } from "./trials.ts";

export interface TrialOutcome {
  readonly score: number;
  readonly seconds: number;
  readonly error: string | null;
  /** Nothing of it worked. */
  readonly failed: boolean;
}

/** A bracket with the candidates of its first rung. */
export interface FilledBracket<P extends object> extends Bracket {
  readonly candidates: readonly Partial<P>[];
}

export interface TrialPlan<P extends object> {
  readonly name: string;
  /** As users call it: "halvingSearch". */
  readonly search: string;
  readonly brackets: readonly FilledBracket<P>[];
  readonly promotion: Promotion;
  /** "min": lower scores are better. */
  readonly mode: "min" | "max";
  /** Scores with different amounts of the resource can be compared; else the best is one of those with the most. */
  readonly comparable: boolean;
  readonly errorScore: number | "raise";
  /** The parameter that is the resource; null: the runner knows what to do with it. */
  readonly resource: string | null;
}

/** A trial in a rung, under way. */
export interface RunningTrial<O> {
  readonly outcome: Promise<O>;
  cancel(reason: string): Promise<void>;
}

export interface TrialRow<P extends object, O> {
  readonly step: TrialStep<P>;
  readonly outcome: O;
}

/** What a runner asks of the engine. */
export interface EngineHooks {
  /** The score of what failed; throws when that ends the search. Counts it. */
  failed(where: string, error: unknown): number;
  /** Never resolves; rejects when the search is ended from outside. */
  readonly ended: Promise<never>;
  /** For those who watch. */
  readonly details: SearchDetails;
  readonly scope: RunScope;
}

/** Knows what a trial is: folds of an estimator, or epochs of a training. */
export interface TrialRunner<P extends object, O extends TrialOutcome, R> {
  /** Puts the data on the cluster. */
  open(): Promise<void>;
  /** `before`: how the trial came out of its last rung. */
  start(step: TrialStep<P>, before: O | null): RunningTrial<O>;
  /** What the event has beside the common fields. */
  details(outcome: O): object;
  /** The trial will not go on. */
  dropped(trial: number): void;
  conclude(rows: readonly TrialRow<P, O>[], best: TrialRow<P, O>, common: CommonResult<P>): Promise<R>;
  close(): Promise<void>;
}

export type CommonResult<P extends object> = Omit<TrialSearchResult<P, unknown>, "cvResults">;

/** A trial's bracket, by its place among the brackets, and what it tries. */
interface Entrant<P extends object> {
  readonly at: number;
  readonly candidate: Partial<P>;
}

interface Numbered<P extends object, O> extends TrialRow<P, O> {
  readonly started: number;
}

export class TrialEngine<P extends object, O extends TrialOutcome, R, E extends TrialEvent<P> = TrialEvent<P>>
  implements TrialSearch<E, R>
{
  readonly name: string;
  readonly total: number;
  readonly #plan: TrialPlan<P>;
  readonly #executor: Executor;
  readonly #scope: RunScope;
  readonly #details: SearchDetails;
  readonly #runner: TrialRunner<P, O, R>;
  readonly #events = new EventStream<E>();
  readonly #races: readonly Race[];
  readonly #trials: readonly Entrant<P>[];
  readonly #pending = new Set<RunningTrial<O>>();
  readonly #rows: Numbered<P, O>[] = [];
  readonly #last = new Map<number, O>();
  readonly #failures: unknown[] = [];
  readonly #outcome: Promise<R>;
  #started = 0;
  #status: SearchStatus = "running";
  #stopped = false;
  readonly #over: Promise<void>;
  #trialsOver!: () => void;
  /** What was cancelled has ended. */
  #cancelled: Promise<unknown> = Promise.resolve();
  readonly #ended: Promise<never>;
  #end!: (error: unknown) => void;

  constructor(
    executor: Executor,
    plan: TrialPlan<P>,
    about: Pick<SearchHeader, "estimator" | "scorings" | "folds">,
    makeRunner: (executor: Executor, hooks: EngineHooks) => TrialRunner<P, O, R>,
  ) {
    this.#plan = plan;
    this.name = plan.name;
    this.#races = plan.brackets.map(({ rungs }) => new Race(rungs, plan.promotion));
    this.#trials = plan.brackets.flatMap(({ candidates }, at) => candidates.map((candidate) => ({ at, candidate })));
    this.total = plan.brackets.flatMap(({ rungs }) => rungs).reduce((sum, { candidates }) => sum + candidates, 0);
    const run = executor.openRun(plan.name, this.total);
    this.#executor = run.executor;
    this.#scope = run.scope;
    this.#ended = new Promise<never>((_, reject) => {
      this.#end = reject;
    });
    const finished = new Promise<void>((resolve) => {
      this.#trialsOver = resolve;
    });
    this.#over = Promise.race([finished, this.#ended]);
    const candidates = this.#trials.map(({ candidate }) => candidate);
    const { search, mode, resource } = plan;
    this.#details = new SearchDetails(run.scope, { ...about, search, mode, resource, candidates });
    const hooks = { ended: this.#ended, details: this.#details, scope: run.scope };
    this.#runner = makeRunner(run.executor, { ...hooks, failed: (where, error) => this.#failed(where, error) });
    this.#outcome = this.#drive();
    // Whoever wants the outcome asks for it; nobody has to.
    for (const promise of [this.#ended, this.#over, this.#outcome]) promise.catch(() => undefined);
  }

  get status(): SearchStatus {
    return this.#status;
  }

  get done(): number {
    return this.#rows.length;
  }

  get brackets(): readonly Bracket[] {
    return this.#plan.brackets.map(({ bracket, rungs }) => ({ bracket, rungs }));
  }

  result(): Promise<R> {
    return this.#outcome;
  }

  [Symbol.asyncIterator](): AsyncIterator<E> {
    return this.#events[Symbol.asyncIterator]();
  }

  async stop(): Promise<void> {
    if (this.#status !== "running" || this.#stopped) return;
    this.#stopped = true;
    this.#trialsOver();
    await this.#cancelPending("The search was stopped.");
  }

  async cancel(reason = "The search was cancelled."): Promise<void> {
    if (this.#status !== "running") return;
    this.#close("cancelled");
    this.#end(new FlockError("FLOCK_CANCELLED", reason));
    await this.#cancelPending(reason);
  }

  async #drive(): Promise<R> {
    try {
      await Promise.race([this.#runner.open(), this.#ended]);
      if (this.#status === "running" && !this.#stopped) this.#begin();
      await this.#over;
      const result = await Promise.race([this.#conclude(), this.#ended]);
      this.#close(this.#stopped ? "stopped" : "done");
      return result;
    } catch (error) {
      this.#close(this.#stopped && isFlockError(error, "FLOCK_CANCELLED") ? "stopped" : "failed");
      await this.#cancelPending(messageOf(error));
      throw error;
    } finally {
      await this.#cancelled;
      await this.#runner.close();
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
    const cancelled = Promise.allSettled(pending.map((trial) => trial.cancel(reason)));
    this.#cancelled = Promise.all([this.#cancelled, cancelled]);
    await cancelled;
  }

  #begin(): void {
    for (const trial of this.#trials.keys()) this.#start(trial, 0);
  }

  #start(trial: number, iter: number): void {
    const { at, candidate } = this.#trials[trial] as Entrant<P>;
    const { brackets, resource } = this.#plan;
    const { bracket, rungs } = brackets[at] as FilledBracket<P>;
    const resources = rungs[iter]?.resources ?? 0;
    const params = resource === null ? candidate : { ...candidate, [resource]: resources };
    const step = { trial, params, bracket, iter, resources };
    const started = this.#started++;
    this.#details.round(trial, params, iter, resources);
    const running = this.#runner.start(step, this.#last.get(trial) ?? null);
    this.#pending.add(running);
    let isLive = false;
    running.outcome
      .then((outcome) => {
        // Not pending: it came after a stop or a cancel.
        isLive = this.#pending.delete(running);
        if (isLive) this.#stepDone(at, { step, outcome, started });
      })
      .catch((error: unknown) => {
        if (isLive || this.#pending.has(running)) this.#end(error);
      });
  }

  #stepDone(at: number, row: Numbered<P, O>): void {
    const { step, outcome } = row;
    this.#rows.push(row);
    this.#last.set(step.trial, outcome);
    const { score, seconds, error } = outcome;
    const progress = { done: this.done, total: this.total };
    const event = { ...step, score, seconds, error, ...progress, ...this.#runner.details(outcome) } as unknown as E;
    this.#events.push(event);
    if (this.done <= this.total) this.#scope.emit(event);
    const verdict = (this.#races[at] as Race).finished(step.trial, step.iter, this.#merit(score));
    for (const trial of verdict.promoted) this.#start(trial, verdict.iter);
    for (const trial of verdict.dropped) this.#runner.dropped(trial);
    if (this.#pending.size === 0) this.#trialsOver();
  }

  /** Higher is better. */
  #merit(score: number): number {
    return this.#plan.mode === "min" ? -score : score;
  }

  #failed(where: string, error: unknown): number {
    if (this.#stopped || this.#status !== "running") throw error;
    const { errorScore } = this.#plan;
    if (errorScore === "raise" || !isFitFailure(error)) throw isFitFailure(error) ? fitFailed(where, error) : error;
    if (this.#failures.length === 0)
      this.#executor.warn(`${where} failed, its score is ${errorScore}: ${messageOf(error)}`);
    this.#failures.push(error);
    return errorScore;
  }

  async #conclude(): Promise<R> {
    const failed = this.#failures.length;
    if (this.#rows.length === 0) {
      throw new FlockError(
        "FLOCK_CANCELLED",
        "The search was stopped before any trial had been through its first rung.",
      );
    }
    if (this.#rows.every(({ outcome }) => outcome.failed)) {
      throw fitFailed(`Each of the ${this.#rows.length} trials`, this.#failures[0]);
    }
    if (failed > 1) this.#executor.warn(`${failed} fits failed; their scores are ${this.#plan.errorScore}.`);
    const order = this.#plan.brackets.map(({ bracket }) => bracket);
    const rows = [...this.#rows].sort(
      (a, b) =>
        order.indexOf(a.step.bracket) - order.indexOf(b.step.bracket) ||
        a.step.iter - b.step.iter ||
        a.started - b.started,
    );
    const best = this.#best(rows);
    const bestIndex = rows.indexOf(best);
    const { params: bestParams } = best.step;
    const common = { bestIndex, bestScore: best.outcome.score, bestParams, brackets: this.brackets };
    return this.#runner.conclude(rows, best, common);
  }

  /** The first of the highest merit among those that worked; with as many resources as any has had, where scores of different amounts cannot be compared. */
  #best(rows: readonly Numbered<P, O>[]): Numbered<P, O> {
    const worked = rows.filter(({ outcome }) => !outcome.failed);
    const most = Math.max(...worked.map(({ step }) => step.resources));
    const eligible = worked.filter(({ step }) => this.#plan.comparable || step.resources === most);
    const merits = eligible.map(({ outcome }) => this.#merit(outcome.score));
    const highest = Math.max(...merits.filter((merit) => !Number.isNaN(merit)));
    return eligible[Math.max(0, merits.indexOf(highest))] as Numbered<P, O>;
  }
}
