// The bars of one row of the task stream: columns of numbers, because a page keeps hundreds of thousands of them.

/** How an attempt ended, as `spanEnds` has them; and one that runs. */
export const DONE = 0;
export const FAILED = 1;
export const STOPPED = 2;
export const RUNNING = 3;

const FIRST_CAPACITY = 32;
/** Of a full lane this share goes at once, so that it is not moved with every bar. */
const DROPPED_SHARE = 4;

export interface Bar {
  /** µs of the scheduler's clock. */
  readonly start: number;
  readonly end: number;
  readonly task: number;
  readonly fn: number;
  /** `DONE`, `FAILED`, `STOPPED`. */
  readonly kind: number;
}

/** Bars by time, none over another. */
export class Lane {
  count = 0;
  starts: Float64Array = new Float64Array(FIRST_CAPACITY);
  ends: Float64Array = new Float64Array(FIRST_CAPACITY);
  tasks: Float64Array = new Float64Array(FIRST_CAPACITY);
  fns: Int32Array = new Int32Array(FIRST_CAPACITY);
  kinds: Uint8Array = new Uint8Array(FIRST_CAPACITY);

  /** Where the last bar ends; before all: minus infinity. */
  get lastEnd(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : this.ends[this.count - 1]!;
  }

  /** Must not begin before the last one ended. With more than `most` bars the oldest go. */
  push({ start, end, task, fn, kind }: Bar, most: number): void {
    if (this.count >= most) this.#drop(Math.max(1, Math.ceil(most / DROPPED_SHARE), this.count - most + 1));
    if (this.count === this.starts.length) this.#grow();
    const at = this.count++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.tasks[at] = task;
    this.fns[at] = fn;
    this.kinds[at] = kind;
  }

  /** Index of the first bar that ends after `time`; `count` when none does. */
  firstAfter(time: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  at(index: number): Bar {
    return {
      start: this.starts[index]!,
      end: this.ends[index]!,
      task: this.tasks[index]!,
      fn: this.fns[index]!,
      kind: this.kinds[index]!,
    };
  }

  #drop(many: number): void {
    const columns = [this.starts, this.ends, this.tasks, this.fns, this.kinds];
    for (const column of columns) column.copyWithin(0, many, this.count);
    this.count = Math.max(0, this.count - many);
  }

  #grow(): void {
    const length = this.starts.length * 2;
    this.starts = grown(this.starts, new Float64Array(length));
    this.ends = grown(this.ends, new Float64Array(length));
    this.tasks = grown(this.tasks, new Float64Array(length));
    this.fns = grown(this.fns, new Int32Array(length));
    this.kinds = grown(this.kinds, new Uint8Array(length));
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
