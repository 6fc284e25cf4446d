// What moved between workers, as those that fetched it tell, for people who watch. Bounded; nothing is decided by it.

import type { Moved, PageTransfers, WorkerId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { keyOf } from "./references.ts";
import type { Worker } from "./worker-record.ts";

/** Pairs that are shown: those with the most bytes. Twice as many are counted, so that they seldom have to be sorted. */
const PAIRS = 1_000;
const RECENT = 200;
/** Stands for all clients. */
const CLIENT = "client";

type Large = PageTransfers["recent"][number];
interface Pair {
  readonly from: string;
  readonly to: string;
  bytes: number;
  count: number;
  us: number;
  failures: number;
}

export class MovedBook {
  /** By receiver and source. */
  #pairs: Map<string, Pair> = new Map();
  /** The first to be told first. */
  #recent: Large[] = [];
  #totalBytes = 0;
  #count = 0;
  #failures = 0;

  get totals(): { readonly bytes: number; readonly count: number; readonly failures: number } {
    return { bytes: this.#totalBytes, count: this.#count, failures: this.#failures };
  }

  add(core: Core, worker: Worker, { sources, large }: Moved): void {
    for (const { from, bytes, count, us, failures } of sources) {
      const pair = this.#pairOf(nameOf(core, from), worker.name);
      pair.bytes += bytes;
      pair.count += count;
      pair.us += us;
      pair.failures += failures;
      this.#totalBytes += bytes;
      this.#count += count;
      this.#failures += failures;
    }
    if (this.#pairs.size > 2 * PAIRS) this.#pairs = new Map(this.#most().map((pair) => [idOf(pair), pair]));
    for (const { task: id, from, bytes, us, agoUs } of large) {
      const task = core.taskById(id);
      const key = task === null ? "" : keyOf(task);
      const endedAt = Math.max(0, core.now - agoUs);
      this.#recent.push({ endedAt, from: nameOf(core, from), to: worker.name, key, bytes, us });
    }
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
  }

  page({ now }: Core): PageTransfers {
    const recent = this.#recent.slice(-RECENT).sort((a, b) => b.endedAt - a.endedAt);
    return { now, pairs: this.#most().map((pair) => ({ ...pair })), recent, totalBytes: this.#totalBytes };
  }

  digest(): string {
    return `${this.#pairs.size} ${this.#recent.length} ${this.#totalBytes} ${this.#count} ${this.#failures}`;
  }

  /** Returns what does not hold, or null. */
  check(): string | null {
    if (this.#pairs.size > 2 * PAIRS) return `${this.#pairs.size} pairs of workers are counted`;
    if (this.#recent.length > 2 * RECENT) return `${this.#recent.length} transfers are remembered`;
    let bytes = 0;
    let count = 0;
    for (const [id, pair] of this.#pairs) {
      if (id !== idOf(pair)) return `what moved from ${pair.from} to ${pair.to} is counted elsewhere`;
      bytes += pair.bytes;
      count += pair.count;
    }
    // Whoever tells of 2^53 bytes makes sums that are rounded.
    const within = (part: number, whole: number): boolean => part <= whole * (1 + 1e-9);
    if (!within(bytes, this.#totalBytes) || !within(count, this.#count))
      return "more moved between workers than in all";
    return null;
  }

  /** The most first; of equals those that failed more. */
  #most(): Pair[] {
    return [...this.#pairs.values()].sort((a, b) => b.bytes - a.bytes || b.failures - a.failures).slice(0, PAIRS);
  }

  #pairOf(from: string, to: string): Pair {
    const id = idOf({ from, to });
    const known = this.#pairs.get(id);
    if (known !== undefined) return known;
    const pair = { from, to, bytes: 0, count: 0, us: 0, failures: 0 };
    this.#pairs.set(id, pair);
    return pair;
  }
}

export function pageTransfers(core: Core): PageTransfers {
  return core.moved.page(core);
}

/** All that was moved, bytes; of the overview, which is asked for often. */
export function movedBytes({ moved }: Core): number {
  return moved.totals.bytes;
}

/** Also of a worker that has left. */
function nameOf(core: Core, from: WorkerId | 0): string {
  if (from === 0) return CLIENT;
  return core.workers.get(from)?.name ?? core.gone.nameOf(from) ?? `worker ${from}`;
}

/** Names hold no line break. */
function idOf({ from, to }: Pick<Pair, "from" | "to">): string {
  return `${to}\n${from}`;
}
