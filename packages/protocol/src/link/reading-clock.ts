// Time in which this process was reading its sockets. A peer's silence counts only in such time: after a long turn of the event
// loop what the peer has sent still lies unread, and nobody may be judged by the wall clock.

const TICK_MS = 250;

export class ReadingClock {
  readonly #timer: NodeJS.Timeout;
  readonly #judge: () => void;
  #last: number = performance.now();
  #readingMs = 0;
  #stopped = false;

  /** `judge` is called a few times a second, after the sockets were read. */
  constructor(judge: () => void, tickMs: number = TICK_MS) {
    this.#judge = judge;
    this.#timer = setInterval(() => this.#tick(tickMs), tickMs);
    this.#timer.unref();
  }

  /** Milliseconds of reading so far. */
  get now(): number {
    return this.#readingMs;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #tick(tickMs: number): void {
    const now = performance.now();
    this.#readingMs += Math.min(now - this.#last, 2 * tickMs);
    this.#last = now;
    // Timers run before sockets are read, immediates after: two turns, so that a full pass over the sockets lies between.
    setImmediate(() =>
      setImmediate(() => {
        if (!this.#stopped) this.#judge();
      }),
    );
  }
}

const SLICE_MS = 50;

/**
 * Calls back after `ms` in which this process was reading; returns what takes it back. Who came while a long turn was under way has
 * one slice more to be heard: connecting takes several turns.
 */
export function afterReading(ms: number, call: () => void): () => void {
  let left = ms;
  let extended = false;
  let timer: NodeJS.Timeout;
  const wait = (slice: number): void => {
    const start = performance.now();
    timer = setTimeout(() => {
      const took = performance.now() - start;
      left -= Math.min(took, 2 * slice);
      if (left > 0) wait(Math.min(SLICE_MS, left));
      else if (took <= slice + SLICE_MS || extended) call();
      else {
        extended = true;
        wait(SLICE_MS);
      }
    }, slice);
  };
  wait(Math.min(SLICE_MS, left));
  return () => clearTimeout(timer);
}
