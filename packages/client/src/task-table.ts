// All that a session knows of its tasks: who refers to them, and how they ended.

import {
  type Cancelled,
  type ClientToScheduler,
  type Done,
  type Failed,
  FlockError,
  NO_PAYLOAD,
  type PayloadStore,
  type TaskNumber,
} from "@taskflock/protocol";
import { Future, type FutureOwner } from "./future.ts";
import { type Anchor, Reachability } from "./reachability.ts";
import { TaskRecord } from "./record.ts";
import { RecordPages } from "./record-pages.ts";
import type { Results } from "./results.ts";

export interface TaskTableHost {
  readonly owner: FutureOwner;
  readonly payloads: PayloadStore;
  readonly results: Results;
  /** Sends in order, unless the record's task was never sent. */
  sendAbout(record: TaskRecord, message: ClientToScheduler): void;
  /** The record's data is on the cluster, or will never be. */
  settled(record: TaskRecord): void;
  /** The record leaves the table. */
  dropped(record: TaskRecord): void;
}

export class TaskTable {
  readonly #host: TaskTableHost;
  readonly #records: RecordPages = new RecordPages();
  readonly #byKey: Map<string, TaskRecord> = new Map();
  readonly #reachability: Reachability = new Reachability((record) => this.dropHandle(record));
  #last = 0;
  #faults = 0;

  constructor(host: TaskTableHost) {
    this.#host = host;
  }

  /** A record with the next number; without a handle yet. */
  add(name: string, key: string | null, fingerprint: string | null): TaskRecord {
    const record = new TaskRecord(++this.#last as TaskNumber, name, key, fingerprint);
    this.#records.set(record);
    this.#index(record);
    return record;
  }

  /** What was not known when the record was added. */
  rename(record: TaskRecord, key: string | null, fingerprint: string | null): void {
    record.key = key;
    record.fingerprint = fingerprint;
    if (record.open) this.#index(record);
  }

  /** The task fails here: it was not sent, and is not. */
  failHere(record: TaskRecord, error: Error): void {
    record.state = "failed";
    record.fault = error;
    if (!record.open) return;
    this.#faults++;
    this.#settle(record);
  }

  /** True when the scheduler knows all of them, so that none can be an input that it does not know. */
  get allSent(): boolean {
    return this.#faults === 0;
  }

  /** Somebody waits for a task that has not ended. */
  get isAwaited(): boolean {
    for (const record of this.#records.values()) if (record.state === "pending" && record.isWatched) return true;
    return false;
  }

  /** The number that the next record will have. */
  get next(): number {
    return this.#last + 1;
  }

  get(n: TaskNumber): TaskRecord | undefined {
    return this.#records.get(n);
  }

  /** The record of which this is the key, a derived one or the user's. */
  withKey(key: string): TaskRecord | undefined {
    const derived = this.#records.get(Number(/-(\d+)$/.exec(key)?.[1] ?? 0) as TaskNumber);
    return derived !== undefined && this.#host.owner.keyOf(derived) === key ? derived : this.#byKey.get(key);
  }

  /** The record that this session already has under a key of the user's. Throws FLOCK_KEY_CONFLICT when it is of other work. */
  shared(key: string, fingerprint: string): TaskRecord | undefined {
    const record = this.#byKey.get(key);
    if (record === undefined || record.fingerprint === fingerprint) return record;
    throw new FlockError(
      "FLOCK_KEY_CONFLICT",
      `The key "${key}" is already used for other code or other arguments. Give another key, or release the first future.`,
    );
  }

  /** A record whose number the scheduler was never told leaves the table, as if it had not been. */
  unused(record: TaskRecord): void {
    record.open = false;
    this.#records.delete(record.n);
  }

  /** One more handle on the record. */
  futureOf<R>(record: TaskRecord): Future<R> {
    record.handles++;
    return new Future<R>(this.#host.owner, record, this.#reachability.anchor(record));
  }

  release(anchor: Anchor, record: TaskRecord): void {
    this.#reachability.unwatch(anchor, record);
    this.dropHandle(record);
  }

  /** The last handle takes the record with it. */
  dropHandle(record: TaskRecord): void {
    if (--record.handles > 0 || !record.open) return;
    record.open = false;
    this.#records.delete(record.n);
    if (record.key !== null && this.#byKey.get(record.key) === record) this.#byKey.delete(record.key);
    this.#host.dropped(record);
    this.#host.results.drop(record);
    if (record.fault !== null) this.#faults--;
    this.#host.sendAbout(record, { t: "release", n: record.n });
  }

  done({ n, result }: Done): void {
    const record = this.#records.get(n);
    if (record === undefined || record.state !== "pending") {
      if (result !== NO_PAYLOAD) this.#host.payloads.free(result); // released meanwhile, or said again after a cut
      return;
    }
    record.state = "done";
    record.result = result;
    this.#settle(record);
  }

  /** Also of a done task: its only copy was lost and it could not be made again. */
  ended(outcome: Failed | Cancelled): void {
    const record = this.#records.get(outcome.n);
    const known = record === undefined || record.outcome !== null || record.result !== NO_PAYLOAD;
    if (known) {
      if (outcome.t === "failed" && outcome.failure.errorBytes > 0) this.#host.payloads.free(outcome.failure.error);
      return;
    }
    record.state = outcome.t;
    record.outcome = outcome;
    this.#settle(record);
  }

  /** Tells everyone who waits that nothing more will be known. */
  abandonAll(error: FlockError): void {
    for (const record of this.#records.values()) record.abandon(error);
  }

  /** Only with its fingerprint can a key be compared. */
  #index(record: TaskRecord): void {
    if (record.key === null || record.fingerprint === null || this.#byKey.has(record.key)) return;
    this.#byKey.set(record.key, record);
  }

  #settle(record: TaskRecord): void {
    record.settle();
    this.#host.settled(record);
  }
}
