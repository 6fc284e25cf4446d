// The last attempts of tasks, in columns as the scheduler gives them: what is new for pages that follow, the last for one that opens.

import { PAGE_SPANS, type PageSpans } from "@taskflock/protocol/words";
import { budget, bytesOf, fitting } from "./budget.ts";
import type { RunningTask } from "./limit/facts.ts";

const endedColumns = ["task", "fn", "worker", "endedAt", "durationUs", "end"] as const;
const runningColumns = ["task", "fn", "worker", "startedAt"] as const;
/** Sums by worker and function: more than the scheduler has at one time. */
const PAIRS_KEPT = 20_000;
/** How many of them the limit line may want to name. */
const LONGEST = 5;
type Ended = Record<(typeof endedColumns)[number], number[]>;
type Skipped = PageSpans["skipped"];

export class SpanLog {
  #kept: Ended = noSpans();
  #last: PageSpans | null = null;
  #names: Record<number, string> = {};
  #newNames: Record<number, string> = {};
  /** Encoded sums by worker and function; only those that changed are sent. */
  readonly #skipped: Map<string, string> = new Map();
  #newSkipped: string[] = [];
  #new = 0;
  #missed = 0;
  #hasNews = false;
  #runningText = "";

  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** What to ask with next; null before the first answer. */
  get last(): number | null {
    return this.#last?.last ?? null;
  }

  /** How many attempts run, as far as is known. */
  get runningCount(): number {
    return this.#last?.running.task.length ?? 0;
  }

  /** The ones that run longest, if the names of their workers are known. */
  longest(now: number, nameOf: (worker: number) => string | null): readonly RunningTask[] {
    if (this.#last === null) return [];
    const { fn, worker, startedAt } = this.#last.running;
    const found: RunningTask[] = [];
    for (let row = 0; row < Math.min(fn.length, LONGEST); row++) {
      const name = nameOf(worker[row]!);
      const seconds = (now - startedAt[row]!) / 1e6;
      if (name !== null) found.push({ function: this.#names[fn[row]!] ?? "", worker: name, seconds });
    }
    return found;
  }

  add(spans: PageSpans): void {
    this.#last = spans;
    const count = spans.task.length;
    for (const column of endedColumns) {
      const kept = this.#kept[column];
      for (const value of spans[column]) kept.push(value);
      kept.splice(0, kept.length - PAGE_SPANS);
    }
    this.#new = Math.min(PAGE_SPANS, this.#new + count);
    this.#missed += spans.missed;
    this.#rename(spans);
    const skips = this.#skip(spans.skipped);
    const running = JSON.stringify(spans.running.task);
    this.#hasNews ||= count > 0 || spans.missed > 0 || skips || running !== this.#runningText;
    this.#runningText = running;
  }

  settle(): void {
    this.#new = 0;
    this.#missed = 0;
    this.#newSkipped = [];
    this.#newNames = {};
    this.#hasNews = false;
  }

  clear(): void {
    this.#kept = noSpans();
    this.#last = null;
    this.#names = {};
    this.#skipped.clear();
    this.#runningText = "";
    this.settle();
  }

  /** Null: nothing new. */
  part(isFresh: boolean): string | null {
    const last = this.#last;
    if (last === null || (!isFresh && !this.#hasNews)) return null;
    const wanted = isFresh ? this.#kept.task.length : this.#new;
    let kept = 0;
    const ended = fitting(wanted, budget.spans, (rows) => {
      kept = rows;
      return lastRows(this.#kept, endedColumns, rows);
    });
    const missed = (isFresh ? 0 : this.#missed) + (wanted - kept);
    const running = fitting(last.running.task.length, budget.running, (rows) => ({
      running: firstRows(last.running, rows),
      runningKeys: last.runningKeys.slice(0, rows),
    }));
    const skipped = encodeSkipped(isFresh ? [...this.#skipped.values()] : this.#newSkipped);
    const head = `"now":${last.now},"last":${last.last},"missed":${missed}`;
    const names = encodeNames(isFresh ? this.#names : this.#newNames);
    return `{${head},${inner(ended)},${inner(running)},"skipped":${skipped},"names":${names}}`;
  }

  /** Names of the functions that are among what is kept; looked through only when there are many. */
  #rename(spans: PageSpans): void {
    Object.assign(this.#names, spans.names);
    Object.assign(this.#newNames, spans.names);
    const names = Object.keys(this.#names);
    if (names.length <= 1000) return;
    const used = new Set([...this.#kept.fn, ...spans.running.fn]);
    for (const fn of names) if (!used.has(Number(fn))) delete this.#names[Number(fn)];
  }

  #skip({ worker, fn, count, us }: Skipped): boolean {
    const before = this.#newSkipped.length;
    worker.forEach((number, index) => {
      const key = `${number}:${fn[index]}`;
      const text = `${number},${fn[index]},${count[index]},${us[index]}`;
      if (this.#skipped.get(key) === text) return;
      this.#skipped.delete(key); // the last that changed are the last of the map
      this.#skipped.set(key, text);
      this.#newSkipped.push(text);
    });
    for (const key of this.#skipped.keys()) {
      if (this.#skipped.size <= PAIRS_KEPT) break;
      this.#skipped.delete(key);
    }
    return this.#newSkipped.length > before;
  }
}

function encodeNames(names: Readonly<Record<number, string>>): string {
  const rows = Object.entries(names);
  return fitting(rows.length, budget.names, (count) => Object.fromEntries(rows.slice(rows.length - count)));
}

function noSpans(): Ended {
  return { task: [], fn: [], worker: [], endedAt: [], durationUs: [], end: [] };
}

function lastRows(columns: Ended, names: typeof endedColumns, rows: number): Partial<Ended> {
  return Object.fromEntries(names.map((name) => [name, columns[name].slice(columns[name].length - rows)]));
}

function firstRows(running: PageSpans["running"], rows: number): Record<string, readonly number[]> {
  return Object.fromEntries(runningColumns.map((name) => [name, running[name].slice(0, rows)]));
}

/** The last rows that have room, as columns. */
function encodeSkipped(rows: readonly string[]): string {
  let first = rows.length;
  let bytes = 64;
  while (first > 0) {
    bytes += bytesOf(rows[first - 1]!) + 1;
    if (bytes > budget.skipped) break;
    first--;
  }
  const cells = rows.slice(first).map((row) => row.split(","));
  const column = (index: number): string => `[${cells.map((row) => row[index]).join()}]`;
  return `{"worker":${column(0)},"fn":${column(1)},"count":${column(2)},"us":${column(3)}}`;
}

/** `"a":1` of `{"a":1}`. */
function inner(object: string): string {
  return object.slice(1, -1);
}
