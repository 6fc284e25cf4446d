// Attempts of a period in columns, as many as a report may have; when there are more, the oldest go.

import type { PageSpans } from "@taskflock/protocol/words";

const columns = ["task", "fn", "worker", "endedAt", "durationUs", "end"] as const;
type Columns = Record<(typeof columns)[number], number[]>;

export class SpanColumns {
  readonly #most: number;
  readonly #kept: Columns = { task: [], fn: [], worker: [], endedAt: [], durationUs: [], end: [] };
  readonly #names: Record<number, string> = {};
  /** By "worker:fn": what was skipped before the period. */
  #skippedBefore: ReadonlyMap<string, { readonly count: number; readonly us: number }> | null = null;
  /** The sums as they were said last: each answer has only those that changed. */
  readonly #sums: Map<
    string,
    { readonly worker: number; readonly fn: number; readonly count: number; readonly us: number }
  > = new Map();
  #latest: PageSpans | null = null;
  /** Attempts of the period that are not there. */
  #left = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#kept.task.length;
  }

  get left(): number {
    return this.#left;
  }

  /** All sums before the period; without them they count from the scheduler's start. */
  begin(spans: PageSpans): void {
    this.#sumsCame(spans.skipped);
    this.#skippedBefore = new Map(this.#sums);
  }

  #sumsCame({ worker, fn, count, us }: PageSpans["skipped"]): void {
    for (const [at, number] of worker.entries()) {
      const sums = { worker: number, fn: fn[at] ?? 0, count: count[at] ?? 0, us: us[at] ?? 0 };
      this.#sums.set(`${number}:${sums.fn}`, sums);
    }
  }

  add(spans: PageSpans): void {
    this.#latest = spans;
    this.#sumsCame(spans.skipped);
    this.#left += spans.missed;
    Object.assign(this.#names, spans.names);
    for (const column of columns) for (const value of spans[column]) this.#kept[column].push(value);
    // Seldom, because each time moves all that stay.
    if (this.size > 1.25 * this.#most) this.#trim();
  }

  /** Null before the first answer. */
  spans(): PageSpans | null {
    if (this.#latest === null) return null;
    this.#trim();
    const { now, last, running, runningKeys } = this.#latest;
    const facts = { now, last, missed: 0, running, runningKeys };
    return { ...facts, ...this.#kept, skipped: this.#skippedSince(), names: this.#names };
  }

  #trim(): void {
    const old = this.size - this.#most;
    if (old <= 0) return;
    this.#left += old;
    for (const column of columns) this.#kept[column].splice(0, old);
  }

  #skippedSince(): PageSpans["skipped"] {
    const since: { worker: number[]; fn: number[]; count: number[]; us: number[] } = {
      ...{ worker: [], fn: [], count: [], us: [] },
    };
    for (const [pair, { worker, fn, count, us }] of this.#sums) {
      const before = this.#skippedBefore?.get(pair) ?? { count: 0, us: 0 };
      if (count <= before.count) continue;
      since.worker.push(worker);
      since.fn.push(fn);
      since.count.push(count - before.count);
      since.us.push(us - before.us);
    }
    return since;
  }
}
