// Workers as the page knows them: what does not change, and the last row of figures.

import { type FeedMessage, type FeedWorker, workerColumns, workerStatuses } from "@taskflock/protocol/words";

type Column = (typeof workerColumns)[number];

/** Figures are null while the worker has not told them. */
export type WorkerRow = FeedWorker & {
  readonly [C in Exclude<Column, "worker" | "status">]: number | null;
} & { readonly status: (typeof workerStatuses)[number] };

type Row = readonly (number | null)[];

const statusColumn = workerColumns.indexOf("status");
const figures = workerColumns.flatMap((name, index) => (index > statusColumn ? [{ name, index }] : []));
const unknown = Object.fromEntries(figures.map(({ name }) => [name, null])) as unknown as Pick<
  WorkerRow,
  Exclude<Column, "worker" | "status">
>;

function withRow(worker: WorkerRow, row: Row): WorkerRow {
  const next = { ...worker, status: workerStatuses[row[statusColumn] ?? 0] ?? "running" };
  for (const { name, index } of figures) (next as Record<string, unknown>)[name] = row[index] ?? null;
  return next;
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
  for (const worker of added) next.set(worker.worker, { ...worker, ...unknown, status: "running" });
  for (const row of rows) {
    const before = next.get(row[0] ?? -1);
    if (before !== undefined) next.set(before.worker, withRow(before, row));
  }
  return next;
}
