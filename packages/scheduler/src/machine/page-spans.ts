// Attempts that ended, for people who watch: a ring of columns, the oldest overwritten first. Writing one costs a few ns and no memory.
// Of very many short ones only some are kept, spread over time; what the others took is summed up by worker and function.

import type { FunctionId, Micros, PageSpans, TaskId, WorkerId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { FunctionRecord, Task } from "./records.ts";
import { keyOf } from "./references.ts";
import type { Worker } from "./worker-record.ts";

/** Indices into `spanEnds`. */
export const SPAN_DONE = 0;
export const SPAN_FAILED = 1;
export const SPAN_STOPPED = 2;
export type SpanEnd = 0 | 1 | 2;

/** A power of two. */
const KEPT = 65_536;
/** An attempt that took so long is always kept, unless very many of them end at one time. */
const LONG_US = 50_000;
/** One short attempt is kept for so much time of the scheduler's, and one long one; and so much time may be saved up. */
const SHORT_EVERY_US = 250;
const LONG_EVERY_US = 25;
const SAVED_US = 100_000;
/** Pairs of worker and function whose other attempts are summed up apart; of further ones all together. */
const PAIRS = 16_384;
/** A power of two. */
const LATELY = 4_096;
/** Names of functions that are forgotten. */
const NAMES_KEPT = 2_000;
const RUNNING_SHOWN = 4_096;
const FUNCTION_FACTOR = 2 ** 26;

export interface Span {
  readonly task: TaskId;
  readonly fn: FunctionId;
  readonly worker: WorkerId;
  readonly endedAt: Micros;
  readonly durationUs: number;
  readonly end: SpanEnd;
}

export class SpanLog {
  readonly #task: Float64Array = new Float64Array(KEPT);
  readonly #fn: Uint32Array = new Uint32Array(KEPT);
  readonly #worker: Uint32Array = new Uint32Array(KEPT);
  readonly #endedAt: Float64Array = new Float64Array(KEPT);
  readonly #durationUs: Float64Array = new Float64Array(KEPT);
  readonly #end: Uint8Array = new Uint8Array(KEPT);
  #last = 0;
  /** Time that was not used for short spans, and for long ones, µs; and up to when it was counted. */
  #shortUs = SAVED_US;
  #longUs = SAVED_US;
  #countedTo = 0;
  /** What is summed up, by pairs; the first is of all pairs that have no place of their own. */
  readonly #pairs: Map<number, number> = new Map([[0, 0]]);
  readonly #pairWorker: number[] = [0];
  readonly #pairFn: number[] = [0];
  readonly #pairCount: number[] = [0];
  readonly #pairUs: number[] = [0];
  /** The number of the last span when something was added. */
  readonly #pairAt: number[] = [0];
  readonly #freePairs: number[] = [];
  /** Functions that were forgotten since their pairs were looked for. */
  readonly #forgotten: Set<number> = new Set();
  /** Places of pairs that were used lately: looked at before the map, whose numbers are too large to be found quickly. */
  readonly #lately: Uint16Array = new Uint16Array(LATELY);
  readonly #names: Map<number, string> = new Map();

  /** The number of the last span that was kept; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  add(now: Micros, task: TaskId, fn: FunctionId, worker: WorkerId, durationUs: number, end: SpanEnd): void {
    if (now !== this.#countedTo) this.#count(now);
    if (durationUs < LONG_US) {
      if (this.#shortUs < SHORT_EVERY_US) {
        this.#sumUp(worker, fn, durationUs);
        return;
      }
      this.#shortUs -= SHORT_EVERY_US;
    } else {
      if (this.#longUs < LONG_EVERY_US) {
        this.#sumUp(worker, fn, durationUs);
        return;
      }
      this.#longUs -= LONG_EVERY_US;
    }
    const i = this.#last++ & (KEPT - 1);
    this.#task[i] = task;
    this.#fn[i] = fn;
    this.#worker[i] = worker;
    this.#endedAt[i] = now;
    this.#durationUs[i] = durationUs;
    this.#end[i] = end;
  }

  #count(now: Micros): void {
    const passed = now - this.#countedTo;
    this.#countedTo = now;
    this.#shortUs = Math.min(SAVED_US, this.#shortUs + passed);
    this.#longUs = Math.min(SAVED_US, this.#longUs + passed);
  }

  #sumUp(worker: WorkerId, fn: FunctionId, durationUs: number): void {
    const at = (Math.imul(worker, 31) + fn) & (LATELY - 1);
    let i = this.#lately[at]!;
    if (this.#pairWorker[i] !== worker || this.#pairFn[i] !== fn) {
      i = this.#pairOf(worker, fn);
      this.#lately[at] = i;
    }
    this.#pairCount[i]!++;
    this.#pairUs[i]! += durationUs;
    this.#pairAt[i] = this.#last;
  }

  #pairOf(worker: WorkerId, fn: FunctionId): number {
    const key = worker * FUNCTION_FACTOR + fn;
    return this.#pairs.get(key) ?? this.#newPair(key, worker, fn);
  }

  #newPair(key: number, worker: WorkerId, fn: FunctionId): number {
    if (this.#pairs.size >= PAIRS && this.#forgotten.size > 0) this.#sweep();
    const free = this.#freePairs.pop();
    if (free === undefined && this.#pairWorker.length >= PAIRS) return 0;
    const i = free ?? this.#pairWorker.length;
    this.#pairs.set(key, i);
    this.#pairWorker[i] = worker;
    this.#pairFn[i] = fn;
    this.#pairCount[i] = 0;
    this.#pairUs[i] = 0;
    return i;
  }

  /** A function is forgotten: its spans are not. */
  nameStays({ id, name }: FunctionRecord): void {
    this.#names.set(id, name);
    this.#forgotten.add(id);
    if (this.#forgotten.size > NAMES_KEPT) this.#sweep();
    if (this.#names.size <= NAMES_KEPT) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  nameOf(core: Core, fn: FunctionId): string {
    return core.functionsById.get(fn)?.name ?? this.#names.get(fn) ?? "";
  }

  /** Nothing more is summed up for it. */
  workerGone(worker: WorkerId): void {
    for (const [key, i] of this.#pairs) if (i !== 0 && this.#pairWorker[i] === worker) this.#freePair(key, i);
  }

  /** Pairs of functions that nobody calls any more make room for others. */
  #sweep(): void {
    for (const [key, i] of this.#pairs) if (this.#forgotten.has(this.#pairFn[i]!)) this.#freePair(key, i);
    this.#forgotten.clear();
  }

  #freePair(key: number, i: number): void {
    this.#pairs.delete(key);
    this.#freePairs.push(i);
    this.#pairWorker[i] = 0;
    this.#pairCount[i] = 0;
  }

  /** The last that ended there, the last of all first. */
  lastAt(worker: WorkerId, most: number): Span[] {
    const found: Span[] = [];
    const first = Math.max(0, this.#last - KEPT);
    for (let n = this.#last - 1; n >= first && found.length < most; n--) {
      const i = n & (KEPT - 1);
      if (this.#worker[i] === worker) found.push(this.#span(i));
    }
    return found;
  }

  #span(i: number): Span {
    return {
      task: this.#task[i] as TaskId,
      fn: this.#fn[i] as FunctionId,
      worker: this.#worker[i] as WorkerId,
      endedAt: this.#endedAt[i] as Micros,
      durationUs: this.#durationUs[i]!,
      end: this.#end[i] as SpanEnd,
    };
  }

  /** Those after number `since`, the oldest first; and the sums of what has changed since then. */
  page(core: Core, since: number, limit: number): PageSpans {
    const oldest = Math.max(0, this.#last - KEPT);
    const first = Math.min(this.#last, Math.max(since, oldest));
    const last = Math.min(this.#last, first + limit);
    const [task, fn, worker, endedAt, durationUs, end] = [[], [], [], [], [], []] as number[][] as Columns;
    for (let n = first; n < last; n++) {
      const i = n & (KEPT - 1);
      task.push(this.#task[i]!);
      fn.push(this.#fn[i]!);
      worker.push(this.#worker[i]!);
      endedAt.push(this.#endedAt[i]!);
      durationUs.push(this.#durationUs[i]!);
      end.push(this.#end[i]!);
    }
    const skipped = this.#skippedSince(since);
    const { running, runningKeys } = runningNow(core);
    const names: Record<number, string> = {};
    for (const column of [fn, skipped.fn, running.fn])
      for (const id of column) names[id] ??= this.nameOf(core, id as FunctionId);
    const missed = Math.max(0, first - since);
    return {
      ...{ now: core.now, last, missed, task, fn, worker, endedAt, durationUs, end },
      ...{ skipped, running, runningKeys, names },
    };
  }

  #skippedSince(since: number): PageSpans["skipped"] {
    const [worker, fn, count, us] = [[], [], [], []] as number[][] as [number[], number[], number[], number[]];
    for (let i = 0; i < this.#pairWorker.length; i++) {
      if (this.#pairCount[i] === 0 || this.#pairAt[i]! < since) continue;
      worker.push(this.#pairWorker[i]!);
      fn.push(this.#pairFn[i]!);
      count.push(this.#pairCount[i]!);
      us.push(this.#pairUs[i]!);
    }
    return { worker, fn, count, us };
  }

  digest(): string {
    const i = (this.#last - 1) & (KEPT - 1);
    return `${this.#last} ${this.#shortUs} ${this.#longUs} ${this.#pairs.size} ${this.#task[i]} ${this.#durationUs[i]}`;
  }
}

type Columns = [number[], number[], number[], number[], number[], number[]];

/** The first to begin is the first that was put there. */
function runningNow(core: Core): Pick<PageSpans, "running" | "runningKeys"> {
  const running = { task: [], fn: [], worker: [], startedAt: [] } as Record<keyof PageSpans["running"], number[]>;
  const runningKeys: string[] = [];
  for (const [task, since] of core.begun) {
    if (runningKeys.length === RUNNING_SHOWN) break;
    running.task.push(task.id);
    running.fn.push(task.definition!.record.id);
    running.worker.push(task.worker!.id);
    running.startedAt.push(since);
    runningKeys.push(keyOf(task));
  }
  return { running, runningKeys };
}

/** The attempt runs, and ends now without an outcome. */
export function spanStopped(core: Core, task: Task, worker: Worker): void {
  const since = core.begun.get(task);
  if (since === undefined) return;
  core.spans.add(core.now, task.id, task.definition!.record.id, worker.id, core.now - since, SPAN_STOPPED);
}
