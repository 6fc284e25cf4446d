// What a person holds while a search over trials runs: halving, Hyperband, and searches over trainings.

import type { Bracket } from "./schedules.ts";
import type { SearchStatus } from "./search.ts";

/** A trial is a candidate in a bracket; in each rung that it reaches it is tried with more of the resource. */
export interface TrialStep<P extends object = object> {
  /** Number of the trial, from 0. */
  readonly trial: number;
  readonly params: Partial<P>;
  /** Hyperband's number of the bracket; 0 for other searches. */
  readonly bracket: number;
  /** Number of the rung, from 0. */
  readonly iter: number;
  /** Rows, epochs, or the value of the parameter that is the resource. */
  readonly resources: number;
}

/** A trial has been through a rung. */
export interface TrialEvent<P extends object = object> extends TrialStep<P> {
  /** NaN, or `errorScore`, when it failed. */
  readonly score: number;
  /** That its fits, or its epochs of this rung, took. */
  readonly seconds: number;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
  /** Rungs that trials have been through so far, and how many the schedule has; asynchronous promotion may add some. */
  readonly done: number;
  readonly total: number;
}

/**
 * A running search. Any number of readers may iterate over its events, each from the first one. The iteration ends when the search does,
 * however it ends; `result()` tells how.
 */
export interface TrialSearch<E, R> extends AsyncIterable<E> {
  readonly name: string;
  readonly status: SearchStatus;
  /** Rungs that trials have been through so far, and how many the schedule has. */
  readonly done: number;
  readonly total: number;
  readonly brackets: readonly Bracket[];
  /** Waits for the end. Rejects with the coded error that ended the search. */
  result(): Promise<R>;
  /** Drops what has not ended and keeps the best so far; `result()` then gives it. */
  stop(): Promise<void>;
  /** Drops everything; `result()` rejects with FLOCK_CANCELLED. */
  cancel(reason?: string): Promise<void>;
}

/** Columns of the table of each such search; one row for each rung that a trial has been through. */
export interface TrialColumns {
  readonly trial: readonly number[];
  readonly bracket: readonly number[];
  /** The rung, from 0. */
  readonly iter: readonly number[];
  readonly nResources: readonly number[];
}

/** What all these searches give. */
export class TrialSearchResult<P extends object, T> {
  /** The table; rows by bracket, then by rung. */
  readonly cvResults: T;
  /** Row of the best trial in `cvResults`. */
  readonly bestIndex: number;
  readonly bestScore: number;
  readonly bestParams: Partial<P>;
  readonly brackets: readonly Bracket[];

  constructor({ cvResults, bestIndex, bestScore, bestParams, brackets }: Omit<TrialSearchResult<P, T>, never>) {
    this.cvResults = cvResults;
    this.bestIndex = bestIndex;
    this.bestScore = bestScore;
    this.bestParams = bestParams;
    this.brackets = brackets;
  }
}

export function trialColumns(steps: readonly TrialStep[]): TrialColumns {
  return {
    trial: steps.map((step) => step.trial),
    bracket: steps.map((step) => step.bracket),
    iter: steps.map((step) => step.iter),
    nResources: steps.map((step) => step.resources),
  };
}
