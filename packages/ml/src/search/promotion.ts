// Which trials of a bracket go on: pure, so that it can be held against tables.

import type { Rung } from "./schedules.ts";

/**
 * "synchronous": a rung is over before the best of it go on (Jamieson and Talwalkar, 2016; Li et al., 2018). "asynchronous": a trial goes on
 * as soon as it is among the best share of those that have ended (ASHA, Li et al., 2020): no worker waits, and a few more go on.
 */
export type Promotion = "synchronous" | "asynchronous";

/** What the end of a trial's rung leads to. */
export interface Verdict {
  /** Trials that go on to the rung `iter`. */
  readonly promoted: readonly number[];
  readonly iter: number;
  /** Trials that will not go on. */
  readonly dropped: readonly number[];
}

interface Finished {
  readonly trial: number;
  readonly score: number;
  promoted: boolean;
}

export class Race {
  readonly #rungs: readonly Rung[];
  readonly #promotion: Promotion;
  readonly #started: number[];
  readonly #finished: Finished[][];

  /** Scores are better the higher; NaN is the worst. */
  constructor(rungs: readonly Rung[], promotion: Promotion) {
    this.#rungs = rungs;
    this.#promotion = promotion;
    this.#started = rungs.map((rung, iter) => (iter === 0 ? rung.candidates : 0));
    this.#finished = rungs.map(() => []);
  }

  finished(trial: number, iter: number, score: number): Verdict {
    const rung = this.#finished[iter] as Finished[];
    rung.push({ trial, score, promoted: false });
    const next = iter + 1;
    if (next >= this.#rungs.length) return { promoted: [], iter: next, dropped: [trial] };
    const isOver = rung.length === this.#started[iter];
    const promoted = isOver || this.#promotion === "asynchronous" ? this.#promote(rung, iter) : [];
    this.#started[next] = (this.#started[next] as number) + promoted.length;
    const dropped = isOver && this.#isSettled(iter) ? rung.filter((one) => !one.promoted) : [];
    return { promoted, iter: next, dropped: dropped.map((one) => one.trial) };
  }

  /** Nothing more can come into the rung, so that nobody of it can still be promoted. */
  #isSettled(iter: number): boolean {
    return this.#promotion === "synchronous" || iter === 0;
  }

  /** The best share, in ascending order of their scores, as scikit-learn goes on with them; of equal ones the later. */
  #promote(rung: readonly Finished[], iter: number): number[] {
    const [here, next] = [this.#rungs[iter] as Rung, this.#rungs[iter + 1] as Rung];
    const places = Math.floor((rung.length * next.candidates) / here.candidates + 1e-9);
    const ascending = [...rung].sort((a, b) => comparable(a.score) - comparable(b.score));
    const best = ascending.slice(ascending.length - places).filter((one) => !one.promoted);
    for (const one of best) one.promoted = true;
    return best.map((one) => one.trial);
  }
}

function comparable(score: number): number {
  return Number.isNaN(score) ? -Number.MAX_VALUE : Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, score));
}
