// What tasks printed and workers said, for people who ask later: bounded by its size, the oldest forgotten first.

import type { LogEntry, LogFilter } from "@taskflock/protocol/words";

export class LogStore {
  readonly #maxUnits: number;
  #entries: LogEntry[] = [];
  /** Those before it are forgotten. */
  #head = 0;
  #units = 0;
  #last = 0;

  /** UTF-16 units, all entries together. */
  constructor(maxUnits: number) {
    this.#maxUnits = maxUnits;
  }

  /** The number of the last entry; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  add(entry: Omit<LogEntry, "seq">): void {
    this.#entries.push({ seq: ++this.#last, ...entry });
    this.#units += unitsOf(entry);
    while (this.#units > this.#maxUnits && this.#head < this.#entries.length) {
      this.#units -= unitsOf(this.#entries[this.#head]!);
      this.#head++;
    }
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The entries after number `seq` that the filter means, oldest first, at most `limit` of them and about `maxUnits` in all. */
  since(seq: number, filter: LogFilter, limit: number, maxUnits: number): LogEntry[] {
    const found: LogEntry[] = [];
    let units = 0;
    for (let i = this.#placeAfter(seq); i < this.#entries.length && found.length < limit; i++) {
      const entry = this.#entries[i]!;
      if (!isMeant(entry, filter)) continue;
      units += unitsOf(entry);
      if (units > maxUnits && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** How many entries after number `seq` are forgotten. */
  missedSince(seq: number): number {
    const first = this.#last - this.size + 1;
    return Math.max(0, Math.min(first - 1, this.#last) - seq);
  }

  #placeAfter(seq: number): number {
    return Math.max(this.#head, this.#entries.length - Math.max(0, this.#last - seq));
  }
}

function unitsOf({ text, key, run }: Omit<LogEntry, "seq">): number {
  return text.length + key.length + run.length + 64;
}

function isMeant(entry: LogEntry, { worker, key, run }: LogFilter): boolean {
  return (
    (worker === "" || entry.worker === worker) && (key === "" || entry.key === key) && (run === "" || entry.run === run)
  );
}
