// What a person holds while a search runs, and what it gives in the end.

import { FlockError } from "@taskflock/protocol/words";
import type { FittedEstimator } from "../fitted.ts";
import type { CvResults } from "./cv-results.ts";

/** One finished fold. Scores by scorer name ("score" when there is one). */
export interface FoldEvent<P extends object = object, S extends string = "score"> {
  /** Index of the candidate, and of its row in `cvResults`. */
  readonly candidate: number;
  readonly params: Partial<P>;
  readonly split: number;
  readonly testScores: Readonly<Record<S, number>>;
  readonly trainScores: Readonly<Record<S, number>> | null;
  /** Seconds; NaN when the fit failed. */
  readonly fitTime: number;
  readonly scoreTime: number;
  /** Why the fit failed; null when it did not. */
  readonly error: string | null;
  /** Folds finished so far, of all. */
  readonly done: number;
  readonly total: number;
}

export type SearchStatus = "running" | "done" | "failed" | "stopped" | "cancelled";

/**
 * A running search. Any number of readers may iterate over its folds, each from the first one. The iteration ends when the
 * search does, however it ends; `result()` tells how.
 */
export interface Search<P extends object = object, M = unknown, I = unknown, S extends string = "score">
  extends AsyncIterable<FoldEvent<P, S>> {
  readonly name: string;
  readonly status: SearchStatus;
  /** Folds finished so far. */
  readonly done: number;
  /** Folds in all. */
  readonly total: number;
  /** Waits for the end. Rejects with the coded error that ended the search. */
  result(): Promise<SearchResult<P, M, I, S>>;
  /** Drops what has not finished and keeps the best complete candidate; `result()` then gives it. */
  stop(): Promise<void>;
  /** Drops everything; `result()` rejects with FLOCK_CANCELLED. */
  cancel(reason?: string): Promise<void>;
}

/** The candidate that won, and how it was decided. */
export interface Choice<P extends object, M, I> {
  readonly index: number;
  readonly score: number;
  readonly params: Partial<P>;
  readonly fitted: { readonly estimator: FittedEstimator<P, M, I>; readonly refitTime: number } | null;
}

export class SearchResult<P extends object = object, M = unknown, I = unknown, S extends string = "score"> {
  /** The table: one entry per candidate. */
  readonly cvResults: CvResults<P, S>;
  readonly scorerNames: readonly S[];
  readonly nSplits: number;
  readonly #choice: Choice<P, M, I> | null;

  constructor(cvResults: CvResults<P, S>, scorerNames: readonly S[], nSplits: number, choice: Choice<P, M, I> | null) {
    this.cvResults = cvResults;
    this.scorerNames = scorerNames;
    this.nSplits = nSplits;
    this.#choice = choice;
  }

  /** Row of the best candidate in `cvResults`: the first of rank 1, or what `refit` chose. */
  get bestIndex(): number {
    return this.#chosen().index;
  }

  /** The best candidate's mean test score; NaN when a function chose among several scorers. */
  get bestScore(): number {
    return this.#chosen().score;
  }

  get bestParams(): Partial<P> {
    return this.#chosen().params;
  }

  /** The best candidate, fitted on all rows. Throws FLOCK_ML_NOT_FITTED after a search with `refit: false`. */
  get bestEstimator(): FittedEstimator<P, M, I> {
    return this.#fitted().estimator;
  }

  /** Seconds that the final fit took. */
  get refitTime(): number {
    return this.#fitted().refitTime;
  }

  #chosen(): Choice<P, M, I> {
    if (this.#choice !== null) return this.#choice;
    throw new FlockError(
      "FLOCK_ML_NOT_FITTED",
      "With several scorers and refit: false no candidate is the best. Read cvResults, or name the deciding scorer in refit.",
    );
  }

  #fitted(): { readonly estimator: FittedEstimator<P, M, I>; readonly refitTime: number } {
    const { fitted } = this.#chosen();
    if (fitted !== null) return fitted;
    throw new FlockError(
      "FLOCK_ML_NOT_FITTED",
      "The search ran with refit: false. Turn refit on, or fit with bestParams.",
    );
  }
}
