// How fast runs get on, and how long they will take: pure, exponentially weighted.

import type { PageOverview, PageRun, RunRate } from "@taskflock/protocol/words";

/** What is so long ago counts a third, seconds: about as long as eight endings take, in these limits. */
const MEMORY_S = { least: 10, most: 600, endings: 8 } as const;
/** An estimate beyond it tells nobody anything: ten years. */
const MOST_SECONDS = 10 * 365 * 86_400;
/** The number that stands for the whole cluster. */
export const ALL_RUNS = 0;

/** Endings per second, of which those long ago count less. Fair from the first moment: counts and seconds fade alike. */
export class Rate {
  #count = 0;
  #seconds = 0;
  #ended: number;
  #at: number;

  /** `ended` of them in the time before. */
  constructor(ended: number, at: number, secondsBefore: number) {
    this.#ended = ended;
    this.#at = at;
    if (secondsBefore > 0) {
      this.#count = ended;
      this.#seconds = secondsBefore;
    }
  }

  update(ended: number, at: number): void {
    const seconds = (at - this.#at) / 1e6;
    const more = ended - this.#ended;
    if (seconds <= 0) return;
    this.#at = at;
    this.#ended = ended;
    const fade = Math.exp(-seconds / this.#memory());
    this.#count = this.#count * fade + Math.max(0, more);
    this.#seconds = this.#seconds * fade + seconds;
  }

  /** Null before the first ending. */
  get perSecond(): number | null {
    return this.#count > 0 && this.#seconds > 0 ? this.#count / this.#seconds : null;
  }

  #memory(): number {
    if (this.#count <= 0) return MEMORY_S.most;
    const wanted = (MEMORY_S.endings * this.#seconds) / this.#count;
    return Math.min(MEMORY_S.most, Math.max(MEMORY_S.least, wanted));
  }
}

/** What is done of a run, and of how much: in steps where it has them, else in tasks. */
export function progressOf(run: PageRun): { readonly done: number; readonly total: number } {
  if (run.steps > 0) return { done: Math.min(run.stepsDone, run.steps), total: run.steps };
  const { done, failed, cancelled, total } = run.counts;
  return { done: done + failed + cancelled, total };
}

/** Of all that was submitted: what has not ended yet. */
export function unfinishedOf({ tasks }: PageOverview): number {
  return tasks.waiting + tasks.queued + tasks.assigned + tasks.running;
}

export class RunRates {
  readonly #rates: Map<number, { readonly rate: Rate; readonly inSteps: boolean }> = new Map();
  #all: Rate | null = null;

  /** Of the open runs, and (run 0) of the whole cluster. */
  update(overview: PageOverview): readonly RunRate[] {
    const { now, ended, runs } = overview;
    if (this.#all === null) this.#all = new Rate(ended, now, 0);
    else this.#all.update(ended, now);
    const rates = [rateOf(ALL_RUNS, this.#all.perSecond, unfinishedOf(overview))];
    const open = runs.filter(({ status }) => status === "open");
    for (const run of open) {
      const { done, total } = progressOf(run);
      const rate = this.#of(run, done, now);
      rate.update(done, now);
      rates.push(rateOf(run.run, rate.perSecond, total - done));
    }
    this.#forget(new Set(open.map(({ run }) => run)));
    return rates;
  }

  clear(): void {
    this.#rates.clear();
    this.#all = null;
  }

  /** A run that began before it was looked at has the rate of its life so far. One that gets steps is counted anew. */
  #of(run: PageRun, done: number, now: number): Rate {
    const inSteps = run.steps > 0;
    const known = this.#rates.get(run.run);
    if (known !== undefined && known.inSteps === inSteps) return known.rate;
    const rate = new Rate(done, now, (now - run.startedAt) / 1e6);
    this.#rates.set(run.run, { rate, inSteps });
    return rate;
  }

  #forget(open: ReadonlySet<number>): void {
    for (const run of this.#rates.keys()) if (!open.has(run)) this.#rates.delete(run);
  }
}

function rateOf(run: number, perSecond: number | null, left: number): RunRate {
  return { run, perSecond: perSecond === null ? null : rounded(perSecond), secondsLeft: secondsLeft(perSecond, left) };
}

function secondsLeft(perSecond: number | null, left: number): number | null {
  if (left <= 0) return 0;
  if (perSecond === null) return null;
  const seconds = left / perSecond;
  return seconds <= MOST_SECONDS ? rounded(seconds) : null;
}

/** Four digits are enough for people. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
