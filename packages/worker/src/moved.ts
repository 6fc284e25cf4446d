// What came to the worker over the peer port, counted by where it came from: told to the scheduler with heartbeats.

import { MOVED_LARGE, MOVED_SOURCES, type Moved, type TaskId, type WorkerId } from "@taskflock/protocol";

/** A worker's number, or 0: a client, which uploads. */
export type MovedFrom = WorkerId | 0;
export const FROM_CLIENT: MovedFrom = 0;

/** A single one that is worth a line, bytes. */
const LARGE_BYTES = 64 * 1024;

interface Sum {
  bytes: number;
  count: number;
  us: number;
  failures: number;
}
interface Large {
  readonly task: TaskId;
  readonly from: MovedFrom;
  readonly bytes: number;
  readonly us: number;
  readonly endedAt: number;
}

export class MovedCounts {
  /** In the order in which they were heard of: those that a message has no room for come first the next time. */
  readonly #sums: Map<MovedFrom, Sum> = new Map();
  /** The largest since the last message, the largest first. */
  #large: Large[] = [];

  /** `since`: when it began, as `performance.now()` says. */
  add(from: MovedFrom, task: TaskId, bytes: number, since: number): void {
    const endedAt = performance.now();
    const us = microseconds(endedAt - since);
    const sum = this.#sumOf(from);
    sum.bytes += bytes;
    sum.count++;
    sum.us += us;
    if (bytes < LARGE_BYTES || bytes <= (this.#large[MOVED_LARGE - 1]?.bytes ?? 0)) return;
    const place = this.#large.findIndex((other) => other.bytes < bytes);
    this.#large.splice(place < 0 ? this.#large.length : place, 0, { task, from, bytes, us, endedAt });
    if (this.#large.length > MOVED_LARGE) this.#large.pop();
  }

  failed(from: MovedFrom, since: number): void {
    const sum = this.#sumOf(from);
    sum.failures++;
    sum.us += microseconds(performance.now() - since);
  }

  /** What there is to tell since the last time; null when there is nothing. */
  take(): Moved | null {
    if (this.#sums.size === 0) return null;
    const sources: Moved["sources"][number][] = [];
    for (const [from, sum] of this.#sums) {
      if (sources.length === MOVED_SOURCES) break;
      sources.push({ from, ...sum });
      this.#sums.delete(from);
    }
    const now = performance.now();
    const large = this.#large.map(({ endedAt, ...one }) => ({ ...one, agoUs: microseconds(now - endedAt) }));
    this.#large = [];
    return { t: "moved", sources, large };
  }

  #sumOf(from: MovedFrom): Sum {
    const known = this.#sums.get(from);
    if (known !== undefined) return known;
    const sum = { bytes: 0, count: 0, us: 0, failures: 0 };
    this.#sums.set(from, sum);
    return sum;
  }
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}
