// What the table of workers and a worker's page say, and what that page keeps while it is open. No DOM, no clock.

import type { ClusterEvent, GoneWorker } from "@taskflock/protocol/words";
import type { WorkerRow } from "../../feed/worker-rows.ts";

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

const severity = ["cut", "paused", "retiring", "running"];
/** Those that need a look first. */
export function statusOrder({ status }: Pick<WorkerRow, "status">): number {
  return severity.indexOf(status);
}

/** How long its heartbeat is ago; the feed does not tell less than two seconds. */
export function heartbeatWords(silentUs: number | null): string {
  return silentUs === null ? "–" : silentUs < 2_000_000 ? "now" : `${Math.round(silentUs / 1_000_000)} s ago`;
}

/** Those whose name, address or status has the text. */
export function foundWorkers(workers: Iterable<WorkerRow>, text: string): WorkerRow[] {
  const wanted = text.trim().toLowerCase();
  return Array.from(workers).filter(({ name, address, status }) =>
    `${name} ${address} ${status}`.toLowerCase().includes(wanted),
  );
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

/** Values of a history for a line: the last so many. */
export function lineOf(history: readonly HistoryPoint[], of: keyof HistoryPoint, most: number): (number | null)[] {
  return history.slice(-most).map((point) => point[of]);
}

/** What is known of a log after more of it came: each line once, in the order of its number, the newest so many. */
export function moreOf<T extends { readonly seq: number }>(
  before: readonly T[],
  items: readonly T[],
  most: number,
): readonly T[] {
  const last = before.at(-1)?.seq ?? 0;
  const added = items.filter(({ seq }) => seq > last);
  return added.length === 0 ? before : [...before, ...added].slice(-most);
}

/** Events of a worker, from two sources that may both know one. */
export function eventsOf(name: string, ...sources: (readonly ClusterEvent[])[]): ClusterEvent[] {
  const found = new Map<number, ClusterEvent>();
  for (const event of sources.flat()) if (event.who === name) found.set(event.seq, event);
  return [...found.values()].sort((a, b) => b.seq - a.seq);
}

/** How a worker went, in words. */
export function departureWords({ planned, how, running }: Pick<GoneWorker, "planned" | "how" | "running">): string {
  const went = planned ? "It left as planned" : "It was lost";
  const because = how === "" ? "" : `: ${how}`;
  const work =
    running.length === 0
      ? " Nothing was running there."
      : ` ${running.length === 1 ? "One task was" : `${running.length} tasks were`} running there.`;
  return `${went}${because}.${work}`.replace("..", ".");
}
