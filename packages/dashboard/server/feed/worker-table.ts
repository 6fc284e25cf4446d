// Workers as a page gets them: rows of columns, and only those that changed.

import { type PageWorker, type PageWorkers, workerColumns, workerStatuses } from "@taskflock/protocol/words";
import { budget, bytesOf } from "./budget.ts";

/** A heartbeat comes every half second or so: silence is worth telling from here on, µs. */
const SILENT_US = 3_000_000;
/** Rows have no more: 15 numbers. */
const ROW_BYTES = 200;
/** For the numbers of those that are gone. */
const GONE_BYTES = 24 * 1024;

type Row = Record<(typeof workerColumns)[number], number | null>;

interface Known {
  readonly name: string;
  readonly joinedAt: number;
  readonly facts: string;
  row: string;
}

export class WorkerTable {
  readonly #known: Map<number, Known> = new Map();
  #bytes = 0;
  #added: string[] = [];
  #gone: number[] = [];
  #rows: string[] = [];

  get hasNews(): boolean {
    return this.#added.length + this.#gone.length + this.#rows.length > 0;
  }

  nameOf(worker: number): string | null {
    return this.#known.get(worker)?.name ?? null;
  }

  /** All workers that there are. Those for which a message has no room are left out: `overview` counts them. */
  update({ workers }: PageWorkers): void {
    const there = new Map(workers.map((worker) => [worker.worker, worker]));
    for (const [number, { joinedAt }] of this.#known)
      if (there.get(number)?.joinedAt !== joinedAt) this.#forget(number);
    for (const worker of workers) this.#see(worker);
  }

  settle(): void {
    this.#added = [];
    this.#gone = [];
    this.#rows = [];
  }

  clear(): void {
    this.#known.clear();
    this.#bytes = 0;
    this.settle();
  }

  /** Null: nothing new. */
  part(isFresh: boolean): string | null {
    if (!isFresh && !this.hasNews) return null;
    const all = [...this.#known.values()];
    const added = isFresh ? all.map(({ facts }) => facts) : this.#added;
    const rows = isFresh ? all.map(({ row }) => row) : this.#rows;
    return `{"added":[${added.join()}],"gone":[${isFresh ? "" : this.#gone.join()}],"rows":[${rows.join()}]}`;
  }

  #see(worker: PageWorker): void {
    const row = rowOf(worker);
    const known = this.#known.get(worker.worker);
    if (known === undefined) {
      const facts = factsOf(worker);
      const bytes = bytesOf(facts) + ROW_BYTES;
      if (this.#bytes + bytes > budget.workers - GONE_BYTES) return;
      this.#bytes += bytes;
      this.#known.set(worker.worker, { name: worker.name, joinedAt: worker.joinedAt, facts, row });
      this.#added.push(facts);
      this.#rows.push(row);
    } else if (known.row !== row) {
      known.row = row;
      this.#rows.push(row);
    }
  }

  #forget(number: number): void {
    const known = this.#known.get(number);
    if (known === undefined) return;
    this.#bytes -= bytesOf(known.facts) + ROW_BYTES;
    this.#known.delete(number);
    this.#gone.push(number);
  }
}

function factsOf(worker: PageWorker): string {
  const { worker: number, name, address, slots, pid, memoryLimitBytes, resources, joinedAt } = worker;
  return JSON.stringify({ worker: number, name, address, slots, pid, memoryLimitBytes, resources, joinedAt });
}

/** Rounded to what people can see, so that a row is sent when it says something new. */
function rowOf(worker: PageWorker): string {
  const { metrics, silentUs } = worker;
  const gpus = metrics?.gpus ?? [];
  const row: Row = {
    worker: worker.worker,
    status: workerStatuses.indexOf(worker.status),
    assigned: worker.assigned,
    running: worker.running,
    finished: worker.finished,
    stored: worker.stored,
    storedBytes: worker.storedBytes,
    cpuPercent: metrics === null ? null : Math.round(metrics.cpuPercent),
    rssBytes: metrics?.rssBytes ?? null,
    spilledBytes: metrics?.spilledBytes ?? null,
    eventLoopDelayMs: metrics === null ? null : Math.round(metrics.eventLoopDelayMs * 10) / 10,
    occupancyUs: Math.round(worker.occupancyUs / 1000) * 1000,
    silentUs: silentUs < SILENT_US ? 0 : Math.floor(silentUs / 1e6) * 1e6,
    gpuPercent: meanPercent(gpus.map(({ utilization }) => utilization)),
    gpuMemoryBytes: sumOf(gpus.map(({ memoryUsedBytes }) => memoryUsedBytes)),
  };
  return JSON.stringify(workerColumns.map((column) => row[column]));
}

function meanPercent(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share) => share !== null);
  return known.length === 0 ? null : Math.round((100 * known.reduce((sum, share) => sum + share, 0)) / known.length);
}

function sumOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
