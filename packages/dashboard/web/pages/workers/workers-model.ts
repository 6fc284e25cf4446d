// The table of workers, and what a worker's page keeps while it is open. No DOM, no clock.

import type { ClusterEvent, EventKind } from "@taskflock/protocol/words";
import type { WorkerRow } from "../../feed/worker-rows.ts";

export const sortKeys = [
  "name",
  "status",
  "busy",
  "cpu",
  "memory",
  "stored",
  "spilled",
  "gpu",
  "delay",
  "finished",
  "silent",
] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Sorting {
  readonly by: SortKey;
  readonly descending: boolean;
}

/** Slots of it that run something. */
export function busyOf({ running, slots }: Pick<WorkerRow, "running" | "slots">): number {
  return Math.min(slots, running ?? 0);
}
/** Of its limit, 0 to 1; null: not known, or it has none. */
export function fillOf({
  rssBytes,
  memoryLimitBytes,
}: Pick<WorkerRow, "rssBytes" | "memoryLimitBytes">): number | null {
  return rssBytes === null || memoryLimitBytes <= 0 ? null : rssBytes / memoryLimitBytes;
}

const figures: Readonly<Record<SortKey, (worker: WorkerRow) => number | string | null>> = {
  name: ({ name }) => name,
  status: ({ status }) => ["cut", "paused", "retiring", "running"].indexOf(status),
  busy: (worker) => busyOf(worker) / Math.max(1, worker.slots),
  cpu: ({ cpuPercent }) => cpuPercent,
  memory: (worker) => fillOf(worker) ?? worker.rssBytes,
  stored: ({ storedBytes }) => storedBytes,
  spilled: ({ spilledBytes }) => spilledBytes,
  gpu: ({ gpuPercent }) => gpuPercent,
  delay: ({ eventLoopDelayMs }) => eventLoopDelayMs,
  finished: ({ finished }) => finished,
  silent: ({ silentUs }) => silentUs,
};

const collator = new Intl.Collator("en", { numeric: true });

/** Those whose name, address or status has the text; what is not known stands last in either direction. */
export function shownWorkers(workers: Iterable<WorkerRow>, { by, descending }: Sorting, text: string): WorkerRow[] {
  const wanted = text.trim().toLowerCase();
  const found = Array.from(workers).filter(({ name, address, status }) =>
    `${name} ${address} ${status}`.toLowerCase().includes(wanted),
  );
  const value = figures[by];
  const turn = descending ? -1 : 1;
  return found.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || collator.compare(a.name, b.name);
    const order = typeof x === "string" ? collator.compare(x, String(y)) : x - Number(y);
    return order * turn || collator.compare(a.name, b.name);
  });
}

/** The first click on a figure shows the largest first; on a name or a status, the first. */
export function nextSorting(before: Sorting, by: SortKey): Sorting {
  if (before.by === by) return { by, descending: !before.descending };
  return { by, descending: by !== "name" && by !== "status" };
}

/** Rows of a long table that are in sight, and some beyond. */
export function rowsInSight(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
): { readonly first: number; readonly last: number } {
  const beyond = 8;
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - beyond);
  return { first, last: Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + beyond) };
}

/** A worker's figures at one moment. */
export interface HistoryPoint {
  /** µs of the scheduler's clock. */
  readonly at: number;
  readonly cpuPercent: number | null;
  readonly rssBytes: number | null;
  readonly storedBytes: number | null;
  readonly spilledBytes: number | null;
  readonly gpuPercent: number | null;
  readonly running: number | null;
}

const HISTORY_KEPT = 900;
const HISTORY_STEP_US = 900_000;

/** With what the feed says now; at most once a second or so. */
export function nextHistory(before: readonly HistoryPoint[], worker: WorkerRow, now: number): readonly HistoryPoint[] {
  const last = before.at(-1);
  if (last !== undefined && now - last.at < HISTORY_STEP_US && now >= last.at) return before;
  const { cpuPercent, rssBytes, storedBytes, spilledBytes, gpuPercent, running } = worker;
  const point = { at: now, cpuPercent, rssBytes, storedBytes, spilledBytes, gpuPercent, running };
  // A scheduler that was started anew begins its clock anew.
  return [...(last !== undefined && now < last.at ? [] : before), point].slice(-HISTORY_KEPT);
}

/** How a worker went. */
export interface Departure {
  readonly how: "lost" | "left";
  readonly event: ClusterEvent;
}

const departures: Partial<Record<EventKind, Departure["how"]>> = { workerLost: "lost", workerLeft: "left" };

export interface GoneWorker {
  readonly name: string;
  readonly departure: Departure;
}

/** Workers that went and did not come again, the last one first. `events`: the oldest first. */
export function goneWorkers(events: readonly ClusterEvent[], there: ReadonlySet<string>): GoneWorker[] {
  const seen = new Set<string>();
  const gone: GoneWorker[] = [];
  for (const event of [...events].reverse()) {
    const how = departures[event.kind];
    if (seen.has(event.who) || (how === undefined && event.kind !== "workerJoined")) continue;
    seen.add(event.who);
    if (how !== undefined && !there.has(event.who)) gone.push({ name: event.who, departure: { how, event } });
  }
  return gone;
}

/** How this one went the last time; null when it came again since, or the log does not reach back so far. */
export function departureOf(events: readonly ClusterEvent[], name: string): Departure | null {
  return goneWorkers(events, new Set()).find((gone) => gone.name === name)?.departure ?? null;
}
