// How fast runs get on, and how long they will take: pure, exponentially weighted.

import type { PageOverview, PageRun, RunRate } from "@taskflock/protocol/words";

/** What is so long ago counts a third, seconds: about as long as eight endings take, in these limits. */
const MEMORY_S = { least: 10, most: 600, endings: 8 } as const;
/** A shorter pause is none, seconds: a client thinks, a scheduler hands out. */
const IDLE_S = 2;
/** An estimate beyond it tells nobody anything: ten years. */
const MOST_SECONDS = 10 * 365 * 86_400;
/** The number that stands for the whole cluster. */
export const ALL_RUNS = 0;

/** How far something is. */
interface Stand {
  readonly ended: number;
  /** Not ended yet; and how many of those run now. */
  readonly left: number;
  readonly running: number;
  /** µs. */
  readonly at: number;
}

/**
 * Endings per second of work, of which those long ago count less. Fair from the first moment: counts and seconds fade alike. Time in
 * which there was nothing to do does not count.
 */
export class Rate {
  #count = 0;
  #seconds = 0;
  #last: Stand;
  /** How long nothing has ended although there was work. */
  #quiet = 0;
  /** How long there has been nothing to do. */
  #idle = 0;

  /** So much has ended in the time before: a first guess, that counts little. */
  constructor(stand: Stand, secondsBefore: number) {
    this.#last = stand;
    if (secondsBefore <= 0) return;
    this.#seconds = Math.min(secondsBefore, MEMORY_S.least);
    this.#count = (stand.ended * this.#seconds) / secondsBefore;
  }

  update(stand: Stand): void {
    const before = this.#last;
    const seconds = (stand.at - before.at) / 1e6;
    if (seconds <= 0) return;
    this.#last = stand;
    const more = Math.max(0, stand.ended - before.ended);
    const isIdle = more === 0 && before.left === 0;
    this.#idle = isIdle ? this.#idle + seconds : 0;
    if (isIdle) return;
    this.#quiet = more > 0 ? 0 : this.#quiet + seconds;
    const fade = Math.exp(-seconds / this.#memory());
    this.#count = this.#count * fade + more;
    this.#seconds = this.#seconds * fade + seconds;
  }

  /** Null before the first ending, and while there is nothing to do. What has run for long by now is not quicker than that, whatever others were. */
  get perSecond(): number | null {
    if (this.#count <= 0 || this.#seconds <= 0 || this.#idle > IDLE_S) return null;
    const lately = this.#count / this.#seconds;
    return this.#quiet > 0 ? Math.min(lately, Math.max(1, this.#last.running) / this.#quiet) : lately;
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
    const { now: at, ended, runs, tasks } = overview;
    const all = { ended, left: unfinishedOf(overview), running: tasks.running, at };
    this.#all ??= new Rate(all, 0);
    this.#all.update(all);
    const rates = [rateOf(ALL_RUNS, this.#all.perSecond, all.left)];
    const open = runs.filter(({ status }) => status === "open");
    for (const run of open) {
      const { done, total } = progressOf(run);
      const stand = { ended: done, left: total - done, running: run.counts.running, at };
      const rate = this.#of(run, stand);
      rate.update(stand);
      rates.push(rateOf(run.run, rate.perSecond, stand.left));
    }
    this.#forget(new Set(open.map(({ run }) => run)));
    return rates;
  }

  clear(): void {
    this.#rates.clear();
    this.#all = null;
  }

  /** A run that began before it was looked at has the rate of its life so far. One that gets steps is counted anew. */
  #of(run: PageRun, stand: Stand): Rate {
    const inSteps = run.steps > 0;
    const known = this.#rates.get(run.run);
    if (known !== undefined && known.inSteps === inSteps) return known.rate;
    const rate = new Rate(stand, (stand.at - run.startedAt) / 1e6);
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
