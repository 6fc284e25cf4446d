// What the first view says in figures and words, from the overview and the workers. No DOM, no clock.

import type {
  FeedPoint,
  FunctionProgress,
  PageOverview,
  PageRun,
  QueueLine,
  TaskStatus,
} from "@taskflock/protocol/words";
import type { WorkerRow } from "../../feed/worker-rows.ts";

/** Rates are of this long, ms. */
const RATE_MS = 5_000;

/** Tasks per second lately; null before there is a rate. */
export function rateOf(points: readonly FeedPoint[]): number | null {
  const last = points.at(-1);
  if (last === undefined) return null;
  const first = points.find(({ at }) => at >= last.at - RATE_MS) ?? last;
  return perSecond(first, last);
}

function perSecond(first: FeedPoint, last: FeedPoint): number | null {
  const seconds = (last.at - first.at) / 1000;
  // A scheduler that was started anew counts from 0.
  return seconds <= 0 || last.ended < first.ended ? null : (last.ended - first.ended) / seconds;
}

/** Columns for a chart: seconds since 1970, and a value per point; null where there is none. */
export interface Chart {
  readonly at: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

export function rateChart(points: readonly FeedPoint[]): Chart {
  const rates = points.map((point, i) => (i === 0 ? null : perSecond(points[i - 1]!, point)));
  return { at: secondsOf(points), values: [rates] };
}
export function memoryChart(points: readonly FeedPoint[]): Chart {
  const { rss, stored, spilled } = {
    rss: points.map(({ rssBytes }) => rssBytes),
    stored: points.map(({ storedBytes }) => storedBytes),
    spilled: points.map(({ spilledBytes }) => spilledBytes),
  };
  return { at: secondsOf(points), values: [rss, stored, spilled] };
}
export function slotsChart(points: readonly FeedPoint[]): Chart {
  return { at: secondsOf(points), values: [points.map(({ busy }) => busy), points.map(({ slots }) => slots)] };
}
function secondsOf(points: readonly FeedPoint[]): number[] {
  return points.map(({ at }) => at / 1000);
}

/** Tasks by state as the first view names them. */
export interface Progress {
  readonly waiting: number;
  readonly queued: number;
  readonly active: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
}
export const progressStates = ["done", "failed", "cancelled", "active", "queued", "waiting"] as const;

export function totalOf(progress: Progress): number {
  return progressStates.reduce((sum, state) => sum + progress[state], 0);
}

/** Shares of a bar, in the order of `progressStates`; nothing when there is no task. */
export function sharesOf(
  progress: Progress,
): { readonly state: keyof Progress; readonly count: number; readonly share: number }[] {
  const total = totalOf(progress);
  return progressStates
    .map((state) => ({ state, count: progress[state], share: total === 0 ? 0 : progress[state] / total }))
    .filter(({ count }) => count > 0);
}

export function progressOfTasks(tasks: Readonly<Record<TaskStatus, number>>): Progress {
  const { waiting, queued, assigned, running, done, failed, cancelled } = tasks;
  return { waiting, queued, active: assigned + running, done, failed, cancelled };
}

export interface FunctionRow extends FunctionProgress {
  /** Of the time that all functions took. */
  readonly share: number;
  readonly unfinished: number;
  /** Ended calls per second; null while that is not known. */
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

/** How many calls of each function had ended, at a time: rates are made of two of these. */
export interface EndedCounts {
  /** µs of the scheduler's clock. */
  readonly at: number;
  readonly byFn: ReadonlyMap<number, number>;
}
export function endedCounts({ now, functions }: Pick<PageOverview, "now" | "functions">): EndedCounts {
  return { at: now, byFn: new Map(functions.map((f) => [f.fn, f.done + f.failed + f.cancelled])) };
}

/** The last so many, one per second or so. */
const COUNTS_KEPT = 6;
export function nextCounts(before: readonly EndedCounts[], overview: PageOverview): readonly EndedCounts[] {
  const last = before.at(-1);
  if (last !== undefined && overview.now < last.at) return [endedCounts(overview)];
  if (last !== undefined && overview.now - last.at < 1_000_000) return before;
  return [...before, endedCounts(overview)].slice(-COUNTS_KEPT);
}

/** By the time that they took, the longest first: where the cluster's time goes. */
export function functionRows(overview: PageOverview, before: EndedCounts | undefined): FunctionRow[] {
  const all = overview.functions.reduce((sum, { spentUs }) => sum + spentUs, 0);
  const seconds = before === undefined ? 0 : (overview.now - before.at) / 1_000_000;
  const rows = overview.functions.map((f) => {
    const unfinished = f.waiting + f.queued + f.active;
    const known = before?.byFn.get(f.fn);
    const rate =
      seconds <= 0 || known === undefined ? null : Math.max(0, f.done + f.failed + f.cancelled - known) / seconds;
    const secondsLeft = unfinished === 0 || rate === null || rate === 0 ? null : unfinished / rate;
    return { ...f, unfinished, share: all === 0 ? 0 : f.spentUs / all, perSecond: rate, secondsLeft };
  });
  return rows.sort((a, b) => b.spentUs - a.spentUs || b.unfinished - a.unfinished || a.name.localeCompare(b.name));
}

/** What a worker's memory is filled with. Bytes; `fill`: of its limit, 0 when it has none. */
export interface MemoryRow {
  readonly worker: number;
  readonly name: string;
  readonly status: WorkerRow["status"];
  readonly rssBytes: number;
  readonly storedBytes: number;
  readonly spilledBytes: number;
  readonly limitBytes: number;
  readonly fill: number;
}
export function memoryRows(workers: Iterable<WorkerRow>): MemoryRow[] {
  const rows = Array.from(workers, (w) => ({
    worker: w.worker,
    name: w.name,
    status: w.status,
    rssBytes: w.rssBytes ?? 0,
    storedBytes: w.storedBytes ?? 0,
    spilledBytes: w.spilledBytes ?? 0,
    limitBytes: w.memoryLimitBytes,
    fill: w.memoryLimitBytes > 0 ? (w.rssBytes ?? 0) / w.memoryLimitBytes : 0,
  }));
  return rows.sort((a, b) => b.fill - a.fill || b.rssBytes - a.rssBytes || byName(a.name, b.name));
}

export interface OccupancyRow {
  readonly worker: number;
  readonly name: string;
  /** Expected seconds until its slots are through with what it has been given. */
  readonly seconds: number;
  readonly assigned: number;
  readonly running: number;
  readonly slots: number;
}
export function occupancyRows(workers: Iterable<WorkerRow>): OccupancyRow[] {
  const rows = Array.from(workers, (w) => ({
    worker: w.worker,
    name: w.name,
    seconds: (w.occupancyUs ?? 0) / 1_000_000 / Math.max(1, w.slots),
    assigned: w.assigned ?? 0,
    running: w.running ?? 0,
    slots: w.slots,
  }));
  return rows.sort((a, b) => b.seconds - a.seconds || b.assigned - a.assigned || byName(a.name, b.name));
}

/** Of more workers than this only the first are named, and all are counted in a histogram. */
export const NAMED_WORKERS = 20;

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}
/** How many values lie in each of `bins` equal parts of 0 to `most`; larger ones are in the last. */
export function histogram(values: readonly number[], most: number, bins: number): Bin[] {
  const counts = new Array<number>(bins).fill(0);
  const width = most / bins;
  for (const value of values) {
    const bin = width > 0 ? Math.min(bins - 1, Math.max(0, Math.floor(value / width))) : 0;
    counts[bin] = counts[bin]! + 1;
  }
  return counts.map((count, i) => ({ from: i * width, to: (i + 1) * width, count }));
}

/** A queue in words: what waits for what, and why it does not run. */
export function queueWords({ asks, queued, places, running }: QueueLine): string {
  const tasks = `${queued.toLocaleString("en")} ${queued === 1 ? "task waits" : "tasks wait"}`;
  const what = asks === "" ? "for a free slot" : `for ${asks}`;
  if (places === 0) return `${tasks} ${what}: no worker that is here could run ${queued === 1 ? "it" : "one"}`;
  const free = places - running;
  const count = `${places.toLocaleString("en")} ${places === 1 ? "place" : "places"}`;
  const busy = places === 1 ? "it is busy" : places === 2 ? "both are busy" : "all are busy";
  return `${tasks} ${what}: ${count}, ${free <= 0 ? busy : `${free.toLocaleString("en")} free`}`;
}

const collator = new Intl.Collator("en", { numeric: true });
export function byName(a: string, b: string): number {
  return collator.compare(a, b);
}

/** A run's tasks as far as the scheduler tells: what does not run yet is queued or waits. */
export function progressOfRun({ counts }: Pick<PageRun, "counts">): Progress {
  const { total, done, failed, cancelled, running } = counts;
  const queued = Math.max(0, total - done - failed - cancelled - running);
  return { waiting: 0, queued, active: running, done, failed, cancelled };
}

const ENDED_RUNS_SHOWN = 5;
const RUNS_SHOWN = 25;

/** Those that are open, the newest first, then the last that ended. */
export function shownRuns(runs: readonly PageRun[]): PageRun[] {
  const newest = [...runs].sort((a, b) => b.startedAt - a.startedAt || b.run - a.run);
  const open = newest.filter(({ status }) => status === "open");
  const ended = newest.filter(({ status }) => status !== "open");
  return [...open, ...ended.slice(0, ENDED_RUNS_SHOWN)].slice(0, RUNS_SHOWN);
}
