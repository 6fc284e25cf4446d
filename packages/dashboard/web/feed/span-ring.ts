// Attempts that ended, the newest so many, as columns: a page draws tens of thousands of them, many times a second.

import type { PageSpans } from "@taskflock/protocol/words";

const FIRST_SIZE = 1024;

/**
 * Spans are counted 0, 1, 2 … in the order of their coming. Those from `first` to `next - 1` are there; number n lies in the columns at
 * `at(n)`. What draws can go on where it was: it remembers `next`.
 */
export class SpanRing {
  readonly capacity: number;
  first = 0;
  next = 0;
  task: Float64Array = new Float64Array(0);
  fn: Float64Array = new Float64Array(0);
  worker: Float64Array = new Float64Array(0);
  /** µs of the scheduler's clock. */
  endedAt: Float64Array = new Float64Array(0);
  durationUs: Float64Array = new Float64Array(0);
  /** Index into `spanEnds`. */
  end: Uint8Array = new Uint8Array(0);

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.next - this.first;
  }

  at(number: number): number {
    return number % this.task.length;
  }

  push(spans: PageSpans): void {
    const count = spans.task.length;
    this.#makeRoom(this.size + count);
    // Of more than there is room for only the last would stay.
    const skipped = Math.max(0, count - this.capacity);
    this.next += skipped;
    for (let from = skipped; from < count; from++) {
      const to = this.at(this.next++);
      this.task[to] = spans.task[from]!;
      this.fn[to] = spans.fn[from]!;
      this.worker[to] = spans.worker[from]!;
      this.endedAt[to] = spans.endedAt[from]!;
      this.durationUs[to] = spans.durationUs[from]!;
      this.end[to] = spans.end[from]!;
    }
    this.first = Math.max(this.first, this.next - this.capacity);
  }

  /** Doubles the columns until they have room for `wanted`, or are as long as they may be. */
  #makeRoom(wanted: number): void {
    const old = this.task.length;
    let length = Math.max(old, Math.min(FIRST_SIZE, this.capacity));
    while (length < wanted && length < this.capacity) length = Math.min(this.capacity, length * 2);
    if (length === old) return;
    const move = <T extends Float64Array | Uint8Array>(from: T, to: T): T => {
      for (let number = this.first; number < this.next; number++) to[number % length] = from[number % old]!;
      return to;
    };
    this.task = move(this.task, new Float64Array(length));
    this.fn = move(this.fn, new Float64Array(length));
    this.worker = move(this.worker, new Float64Array(length));
    this.endedAt = move(this.endedAt, new Float64Array(length));
    this.durationUs = move(this.durationUs, new Float64Array(length));
    this.end = move(this.end, new Uint8Array(length));
  }
}
