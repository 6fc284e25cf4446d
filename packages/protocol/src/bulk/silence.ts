// A transfer in which nothing moves. Only time in which this process read counts: what a peer sent during a long turn of the event
// loop, or while the machine slept, lies unread.

import { afterReading } from "../link/reading-clock.ts";

/** Looks in the time that nothing may rest for. */
const LOOKS = 4;

export class Silence {
  readonly #moved: () => number;
  readonly #tooLong: () => void;
  #takeBack: (() => void) | null = null;

  /** `moved` grows with what moves. */
  constructor(moved: () => number, tooLong: () => void) {
    this.#moved = moved;
    this.#tooLong = tooLong;
  }

  /** From now on nothing may rest for `ms`. */
  watch(ms: number): void {
    this.stop();
    this.#look(ms / LOOKS, this.#moved(), 1);
  }

  stop(): void {
    this.#takeBack?.();
    this.#takeBack = null;
  }

  #look(ms: number, before: number, look: number): void {
    this.#takeBack = afterReading(ms, () => {
      const moved = this.#moved();
      if (moved !== before) this.#look(ms, moved, 1);
      else if (look < LOOKS) this.#look(ms, before, look + 1);
      else this.#tooLong();
    });
  }
}
