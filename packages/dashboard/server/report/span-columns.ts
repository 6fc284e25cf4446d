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

  /** The sums before the period; without it they count from the scheduler's start. */
  begin(spans: PageSpans): void {
    const { worker, fn, count, us } = spans.skipped;
    const sums = worker.map(
      (number, at) => [`${number}:${fn[at]}`, { count: count[at] ?? 0, us: us[at] ?? 0 }] as const,
    );
    this.#skippedBefore = new Map(sums);
  }

  add(spans: PageSpans): void {
    this.#latest = spans;
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
    const { now, last, running, runningKeys, skipped } = this.#latest;
    const facts = { now, last, missed: 0, running, runningKeys };
    return { ...facts, ...this.#kept, skipped: this.#skippedSince(skipped), names: this.#names };
  }

  #trim(): void {
    const old = this.size - this.#most;
    if (old <= 0) return;
    this.#left += old;
    for (const column of columns) this.#kept[column].splice(0, old);
  }

  #skippedSince({ worker, fn, count, us }: PageSpans["skipped"]): PageSpans["skipped"] {
    const since: { worker: number[]; fn: number[]; count: number[]; us: number[] } = {
      ...{ worker: [], fn: [], count: [], us: [] },
    };
    for (const [at, number] of worker.entries()) {
      const before = this.#skippedBefore?.get(`${number}:${fn[at]}`) ?? { count: 0, us: 0 };
      const more = (count[at] ?? 0) - before.count;
      if (more <= 0) continue;
      since.worker.push(number);
      since.fn.push(fn[at] ?? 0);
      since.count.push(more);
      since.us.push((us[at] ?? 0) - before.us);
    }
    return since;
  }
}
