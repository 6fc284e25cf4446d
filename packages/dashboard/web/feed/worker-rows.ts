// Workers as the page knows them: what does not change, and the last row of figures.

import { type FeedMessage, type FeedWorker, workerColumns, workerStatuses } from "@taskflock/protocol/words";

type Column = (typeof workerColumns)[number];

/** Figures are null while the worker has not told them. */
export type WorkerRow = FeedWorker & {
  readonly [C in Exclude<Column, "worker" | "status">]: number | null;
} & { readonly status: (typeof workerStatuses)[number] };

type Row = readonly (number | null)[];

const at = Object.fromEntries(workerColumns.map((name, index) => [name, index])) as Record<Column, number>;

/** Spelled out, so that all have one shape: with a thousand workers this is most of what a message costs. */
function withRow(worker: FeedWorker, row: Row): WorkerRow {
  return {
    worker: worker.worker,
    name: worker.name,
    address: worker.address,
    slots: worker.slots,
    pid: worker.pid,
    memoryLimitBytes: worker.memoryLimitBytes,
    resources: worker.resources,
    joinedAt: worker.joinedAt,
    status: workerStatuses[row[at.status] ?? 0] ?? "running",
    assigned: row[at.assigned] ?? null,
    running: row[at.running] ?? null,
    finished: row[at.finished] ?? null,
    stored: row[at.stored] ?? null,
    storedBytes: row[at.storedBytes] ?? null,
    cpuPercent: row[at.cpuPercent] ?? null,
    rssBytes: row[at.rssBytes] ?? null,
    spilledBytes: row[at.spilledBytes] ?? null,
    eventLoopDelayMs: row[at.eventLoopDelayMs] ?? null,
    occupancyUs: row[at.occupancyUs] ?? null,
    silentUs: row[at.silentUs] ?? null,
    gpuPercent: row[at.gpuPercent] ?? null,
    gpuMemoryBytes: row[at.gpuMemoryBytes] ?? null,
  };
}

/** The workers after a message; the same map when it says nothing of them. */
export function nextWorkers(
  workers: ReadonlyMap<number, WorkerRow>,
  change: NonNullable<FeedMessage["workers"]>,
): ReadonlyMap<number, WorkerRow> {
  const { added, gone, rows } = change;
  if (added.length + gone.length + rows.length === 0) return workers;
  const next = new Map(workers);
  for (const worker of gone) next.delete(worker);
  for (const worker of added) next.set(worker.worker, withRow(worker, []));
  for (const row of rows) {
    const before = next.get(row[at.worker] ?? -1);
    if (before !== undefined) next.set(before.worker, withRow(before, row));
  }
  return next;
}
