// The bytes of large parts of arguments, kept while tasks may need them: a worker that dies may take the only copy on the cluster along,
// and the scheduler then asks for it again.

import { type ClientToScheduler, NO_PAYLOAD, type TaskNumber, type UploadTo } from "@taskflock/protocol";
import type { TaskRecord } from "./record.ts";
import type { SharedData } from "./shared-data.ts";
import type { TaskTable } from "./task-table.ts";
import type { Uploads } from "./uploads.ts";

export interface KeptArgumentsHost {
  readonly tasks: TaskTable;
  readonly uploads: Uploads;
  readonly shared: SharedData;
  send(message: ClientToScheduler): void;
}

interface Kept {
  readonly record: TaskRecord;
  readonly bytes: Uint8Array;
  /** Tasks that may have to be computed (again) from it. */
  users: number;
}

export class KeptArguments {
  readonly #host: KeptArgumentsHost;
  readonly #limitBytes: number;
  /** By the number of the data, what was used last at the end. The record of each has a handle for it. */
  readonly #kept: Map<TaskNumber, Kept> = new Map();
  /** What tasks are computed from, directly or by way of others. */
  readonly #needs: Map<TaskNumber, readonly Kept[]> = new Map();
  /** Without a user, so far or any more. */
  readonly #unused: Set<Kept> = new Set();
  #bytes = 0;

  constructor(host: KeptArgumentsHost, limitBytes: number) {
    this.#host = host;
    this.#limitBytes = limitBytes;
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  mayKeep(bytes: number): boolean {
    return bytes <= this.#limitBytes;
  }

  /** A call that is about to be submitted needs the data. What is oldest is let go of for it. */
  keep(record: TaskRecord, bytes: Uint8Array): void {
    if (!this.mayKeep(bytes.length)) return;
    const known = this.#kept.get(record.n);
    if (known !== undefined) {
      this.#kept.delete(record.n);
      this.#kept.set(record.n, known);
      return;
    }
    const kept: Kept = { record, bytes, users: 0 };
    record.handles++;
    this.#kept.set(record.n, kept);
    this.#bytes += bytes.length;
    this.#noteUnused(kept);
    for (const oldest of this.#kept.values()) {
      if (this.#bytes <= this.#limitBytes) return;
      if (!this.#host.uploads.has(oldest.record.n)) this.#letGo(oldest);
    }
  }

  /** The task was submitted; it needs what its inputs are made from, too: they may have to be computed again. */
  submitted(record: TaskRecord, inputs: Iterable<TaskRecord>): void {
    if (record.state !== "pending" || this.#needs.has(record.n)) return;
    const found = new Set<Kept>();
    for (const { n } of inputs) {
      const own = this.#kept.get(n);
      if (own !== undefined) found.add(own);
      else for (const kept of this.#needs.get(n) ?? []) if (this.#has(kept)) found.add(kept);
    }
    if (found.size === 0) return;
    this.#needs.set(record.n, [...found]);
    for (const kept of found) {
      kept.users++;
      this.#unused.delete(kept);
    }
  }

  /** The task has an outcome. A result that only workers have may be lost with them. */
  settled(record: TaskRecord): void {
    if (record.state !== "done" || record.result !== NO_PAYLOAD) this.dropped(record);
  }

  /** Nobody wants the task's result any more, or it cannot be lost. */
  dropped({ n }: TaskRecord): void {
    const needs = this.#needs.get(n);
    if (needs === undefined) return;
    this.#needs.delete(n);
    for (const kept of needs) if (--kept.users === 0 && this.#has(kept)) this.#noteUnused(kept);
  }

  /** Data is to be put on a worker: for the first time, or once more. */
  uploadTo(message: UploadTo): void {
    const { tasks, uploads } = this.#host;
    const { n } = message;
    const kept = this.#kept.get(n);
    if (uploads.has(n)) uploads.uploadTo(message);
    else if (kept !== undefined) uploads.again(message, kept.bytes);
    else {
      const record = tasks.get(n);
      if (record !== undefined) this.lost(record);
      this.#host.send({ t: "notKept", n });
    }
  }

  /** The cluster does not have the data, and it was given up: the next call with it sends it anew. */
  lost(record: TaskRecord): void {
    const kept = this.#kept.get(record.n);
    if (kept !== undefined) this.#letGo(kept);
    this.#host.shared.lost(record);
  }

  clear(): void {
    this.#kept.clear();
    this.#needs.clear();
    this.#unused.clear();
    this.#bytes = 0;
  }

  #has(kept: Kept): boolean {
    return this.#kept.get(kept.record.n) === kept;
  }

  /** Looked at when the call in progress is over: it, or the next one, may use it. */
  #noteUnused(kept: Kept): void {
    if (this.#unused.size === 0) queueMicrotask(() => this.#letUnusedGo());
    this.#unused.add(kept);
  }

  #letUnusedGo(): void {
    const unused = [...this.#unused];
    this.#unused.clear();
    for (const kept of unused) if (kept.users === 0 && this.#has(kept)) this.#letGo(kept);
  }

  #letGo(kept: Kept): void {
    this.#kept.delete(kept.record.n);
    this.#bytes -= kept.bytes.length;
    this.#host.tasks.dropHandle(kept.record);
  }
}
