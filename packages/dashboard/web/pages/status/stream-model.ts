// What the task stream draws: a row per slot of every worker, with the attempts that ran there. No DOM, no clock.

import type { Spans } from "../../feed/model.ts";
import type { SpanRing } from "../../feed/span-ring.ts";
import type { Lane } from "./lane.ts";
import type { Ended } from "./packing.ts";
import { type OpenBar, StreamWorker } from "./stream-worker.ts";

/** Bars and bands that a page keeps, of all rows together; each row keeps some, however many rows there are. */
const MOST_BARS = 131_072;
const FEWEST_BARS_OF_LANE = 64;
const MOST_BANDS = 65_536;
const FEWEST_BANDS_OF_WORKER = 60;

export interface StreamRow {
  readonly of: StreamWorker;
  /** From 0. */
  readonly slot: number;
  readonly lane: Lane;
}

/** What the stream wants to know of a worker that is there. */
export interface SlotsOf {
  readonly name: string;
  readonly slots: number;
}

export class TaskStream {
  readonly #workers = new Map<number, StreamWorker>();
  #rows: readonly StreamRow[] | null = null;
  #there: ReadonlyMap<number, SlotsOf> = new Map();
  #gone: ReadonlyMap<number, SlotsOf> = new Map();
  /** The scheduler's clock when it was last told something, µs. */
  now = 0;
  #ring: SpanRing | null = null;
  #next = 0;
  #skipped = new Map<string, { readonly count: number; readonly us: number }>();
  #knowsSkipped = false;

  /** By the names of the workers, then by slot. The same array until workers come or go. */
  get rows(): readonly StreamRow[] {
    this.#rows ??= this.#ordered();
    return this.#rows;
  }

  nameOf(worker: number): string {
    return this.#workers.get(worker)?.name ?? `worker ${worker}`;
  }

  /** The workers that are there. The others stay, to be seen what they did last. */
  setWorkers(there: ReadonlyMap<number, SlotsOf>): void {
    this.#there = there;
    for (const [worker, { name, slots }] of there) {
      const of = this.#worker(worker);
      const isSame = !of.setSlots(slots) && of.name === name;
      if (isSame && !of.isGone) continue;
      of.name = name;
      of.isGone = false;
      this.#rows = null;
    }
    for (const of of this.#workers.values()) {
      if (of.isGone || there.has(of.worker)) continue;
      of.isGone = true;
      of.running = new Map();
      this.#rows = null;
    }
  }

  /** Who was there, for the rows of workers that went before this page was opened. */
  nameGone(gone: readonly (SlotsOf & { readonly worker: number })[]): void {
    this.#gone = new Map(gone.map((one) => [one.worker, one]));
    for (const of of this.#workers.values()) if (!this.#there.has(of.worker)) this.#introduce(of);
  }

  #introduce(of: StreamWorker): void {
    const known = this.#gone.get(of.worker);
    if (known === undefined || (!of.setSlots(known.slots) && of.name === known.name)) return;
    of.name = known.name;
    this.#rows = null;
  }

  /** Workers that are gone and did nothing since are not shown any more. */
  forgetGone(before: number): void {
    for (const of of this.#workers.values()) {
      if (!of.isGone || of.lastEnd >= before) continue;
      this.#workers.delete(of.worker);
      this.#rows = null;
    }
  }

  /** What the feed has told since the last time. */
  take(spans: Spans, now: number): void {
    if (spans.ring !== this.#ring) this.#startOver(spans.ring);
    const before = this.now === 0 ? now : this.now;
    this.now = now;
    const ended = this.#endedByWorker(spans.ring);
    const running = runningByWorker(spans);
    for (const worker of [...ended.keys(), ...running.keys()]) this.#worker(worker);
    const most = Math.max(FEWEST_BARS_OF_LANE, Math.floor(MOST_BARS / Math.max(1, this.rows.length)));
    for (const of of this.#workers.values()) {
      const its = ended.get(of.worker);
      const runs = running.get(of.worker) ?? [];
      if (its === undefined && runs.length + of.running.size === 0) continue;
      for (const [fn, us] of of.take(its, runs, most)) of.addToBand({ fn, count: 0, us }, before, now, this.#mostBands);
    }
    this.#addSkipped(spans.skipped, before);
  }

  get #mostBands(): number {
    return Math.max(FEWEST_BANDS_OF_WORKER, Math.floor(MOST_BANDS / Math.max(1, this.#workers.size)));
  }

  #worker(worker: number): StreamWorker {
    let of = this.#workers.get(worker);
    if (of === undefined) {
      of = new StreamWorker(worker);
      of.isGone = this.#there.size > 0 && !this.#there.has(worker);
      this.#introduce(of);
      this.#workers.set(worker, of);
      this.#rows = null;
    }
    return of;
  }

  #ordered(): StreamRow[] {
    const sorted = [...this.#workers.values()].sort((a, b) => byName(a.name, b.name) || a.worker - b.worker);
    return sorted.flatMap((of) => of.lanes.map((lane, slot) => ({ of, slot, lane })));
  }

  #startOver(ring: SpanRing): void {
    this.#ring = ring;
    this.#next = ring.first;
    this.#skipped = new Map();
    this.#knowsSkipped = false;
    this.now = 0;
    for (const of of this.#workers.values()) of.clear();
    this.#rows = null;
  }

  #endedByWorker(ring: SpanRing): Map<number, Ended> {
    const found = new Map<number, { -readonly [K in keyof Ended]: number[] }>();
    for (let number = Math.max(this.#next, ring.first); number < ring.next; number++) {
      const at = ring.at(number);
      const worker = ring.worker[at]!;
      let of = found.get(worker);
      if (of === undefined) {
        of = { task: [], fn: [], endedAt: [], durationUs: [], kind: [] };
        found.set(worker, of);
      }
      of.task.push(ring.task[at]!);
      of.fn.push(ring.fn[at]!);
      of.endedAt.push(ring.endedAt[at]!);
      of.durationUs.push(ring.durationUs[at]!);
      of.kind.push(ring.end[at]!);
    }
    this.#next = ring.next;
    return found;
  }

  /** Sums since the scheduler's start: what they grew by was done since the last time. */
  #addSkipped(skipped: Spans["skipped"], before: number): void {
    for (const [i, worker] of skipped.worker.entries()) {
      const fn = skipped.fn[i]!;
      const key = `${worker} ${fn}`;
      const sums = { count: skipped.count[i]!, us: skipped.us[i]! };
      const last = this.#skipped.get(key) ?? { count: 0, us: 0 };
      this.#skipped.set(key, sums);
      const of = this.#workers.get(worker);
      const us = sums.us - last.us;
      if (!this.#knowsSkipped || of === undefined || us <= 0) continue;
      of.addToBand({ fn, count: sums.count - last.count, us }, before, this.now, this.#mostBands);
    }
    this.#knowsSkipped = true;
  }
}

function runningByWorker({ running, runningKeys }: Spans): Map<number, OpenBar[]> {
  const found = new Map<number, OpenBar[]>();
  for (const [i, worker] of running.worker.entries()) {
    const bar = {
      task: running.task[i]!,
      key: runningKeys[i] ?? "",
      fn: running.fn[i]!,
      startedAt: running.startedAt[i]!,
    };
    const list = found.get(worker);
    if (list === undefined) found.set(worker, [bar]);
    else list.push(bar);
  }
  return found;
}

const collator = new Intl.Collator("en", { numeric: true });
function byName(a: string, b: string): number {
  return collator.compare(a, b);
}
