// Keeps a task that prints without end from flooding the links: a bucket of bytes that refills, and a count of what was
// dropped.

/** Output that passes per second, bytes (UTF-16 code units count as one). */
export const LOG_BYTES_PER_SECOND: number = 64 * 1024;
export const MAX_LINE_CHARACTERS: number = 8 * 1024;

export class LineLimiter {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAt: number;
  #dropped = 0;

  constructor(perSecond: number, nowMs: () => number) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#tokens = perSecond;
    this.#filledAt = nowMs();
  }

  /** What may pass of whole lines (no newline at the end): all, with a line about those dropped before, or nothing. */
  admit(lines: string): string {
    this.#refill();
    if (lines.length > this.#tokens) {
      this.#dropped += countLines(lines);
      return "";
    }
    this.#tokens -= lines.length;
    const notice = this.takeNotice();
    return notice === "" ? lines : `${notice}\n${lines}`;
  }

  /** "… N lines dropped", once, when there were any. */
  takeNotice(): string {
    const dropped = this.#dropped;
    if (dropped === 0) return "";
    this.#dropped = 0;
    return `… ${dropped} ${dropped === 1 ? "line" : "lines"} dropped (more than ${this.#perSecond} bytes per second)`;
  }

  #refill(): void {
    const now = this.#nowMs();
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
  }
}

function countLines(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
