// Guessing takes long: who showed too many wrong tokens or codes must wait.

/** Wrong ones of one address within `WINDOW_MS`. */
export const MAX_WRONG = 10;
export const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that was wrong first goes when there are more. */
const MAX_KNOWN = 10_000;

export class Attempts {
  readonly #now: () => number;
  readonly #max: number;
  readonly #wrong: Map<string, { count: number; readonly until: number }> = new Map();

  /** `now`: milliseconds. */
  constructor(now: () => number, max: number = MAX_WRONG) {
    this.#now = now;
    this.#max = max;
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string): number {
    const seen = this.#wrong.get(address);
    if (seen === undefined) return 0;
    const left = seen.until - this.#now();
    if (left <= 0) this.#wrong.delete(address);
    return left > 0 && seen.count >= this.#max ? Math.ceil(left / 1_000) : 0;
  }

  wrong(address: string): void {
    const seen = this.#wrong.get(address);
    if (seen !== undefined && this.#now() < seen.until) {
      seen.count++;
      return;
    }
    this.#wrong.delete(address);
    this.#wrong.set(address, { count: 1, until: this.#now() + WINDOW_MS });
    if (this.#wrong.size > MAX_KNOWN) this.#wrong.delete(this.#wrong.keys().next().value ?? "");
  }
}
