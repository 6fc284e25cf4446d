// A transfer in which nothing moves. Only time in which this process read counts: what a peer sent during a long turn of the event
// loop, or while the machine slept, lies unread.

import { afterReading } from "../link/reading-clock.ts";

export class Silence {
  readonly #moved: () => number;
  readonly #tooLong: () => void;
  #takeBack: (() => void) | null = null;

  /** `moved` grows with what moves. */
  constructor(moved: () => number, tooLong: () => void) {
    this.#moved = moved;
    this.#tooLong = tooLong;
  }

  /** From now on nothing may rest for `ms`; it is noticed within twice that. */
  watch(ms: number): void {
    this.stop();
    const before = this.#moved();
    this.#takeBack = afterReading(ms, () => {
      this.#takeBack = null;
      if (this.#moved() === before) this.#tooLong();
      else this.watch(ms);
    });
  }

  stop(): void {
    this.#takeBack?.();
    this.#takeBack = null;
  }
}
