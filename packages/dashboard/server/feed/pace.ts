// How often the scheduler is asked: often while much happens and it answers quickly, seldom else. Pure.

/** Between two rounds while somebody looks, ms. */
export const FASTEST_MS = 100;
export const SLOWEST_MS = 1_000;
/** While nobody does, for the charts of whoever looks next; and for how long after the last one left. */
export const BACKGROUND_MS = 5_000;
export const BACKGROUND_FOR_MS = 3_600_000;
/** Rounds take at most so much of the time. */
const SHARE = 1 / 3;

export class Pace {
  #quietRounds = 0;

  /** Until the next round begins, counted from the begin of the one before, which took `tookMs`. */
  after(tookMs: number, isBusy: boolean): number {
    this.#quietRounds = isBusy ? 0 : this.#quietRounds + 1;
    const quiet = FASTEST_MS * 2 ** Math.min(10, Math.max(0, this.#quietRounds - 2));
    return Math.min(SLOWEST_MS, Math.max(FASTEST_MS, quiet, tookMs / SHARE));
  }

  /** Something new is wished. */
  hurry(): void {
    this.#quietRounds = 0;
  }
}
