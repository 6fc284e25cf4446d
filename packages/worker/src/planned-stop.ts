// By when a worker that retires is to be gone. Several may ask: the earliest counts.

export class PlannedStop {
  #timer: NodeJS.Timeout | null = null;
  #at = Number.POSITIVE_INFINITY;

  /** `then` is called after so long, milliseconds, unless what was set before comes first. */
  within(ms: number, then: () => void): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(then, Math.min(ms, MAX_TIMER_MS));
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;
