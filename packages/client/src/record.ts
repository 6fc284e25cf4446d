// What a client knows of one task: a plain record, without a promise, closure or timer until somebody awaits it.

import type { Cancelled, Failed, FlockError, PayloadRef, TaskNumber } from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { FunctionEntry } from "./function-table.ts";

export type TaskState = "pending" | "done" | "failed" | "cancelled";

/** Somebody who waits for tasks. One waiter may stand in many records. */
export interface Waiter {
  /** The task left "pending", or turned from done to failed because its only copy was lost. */
  settled(record: TaskRecord): void;
  /** It will not be known any more: the future was released, the client closed, the session lost. */
  abandoned(error: FlockError, record: TaskRecord): void;
  /** True when the waiter waits on behalf of this future. */
  concerns(future: object): boolean;
}

export class TaskRecord {
  readonly n: TaskNumber;
  /** The function's or data's name: the stem of a derived key. Of another client's task it is known later. */
  name: string;
  /** A key that travels, or null: then it is derived from name, session and number. */
  key: string | null;
  /** A hash of code and arguments, or of data; null for a task that is like no other. */
  fingerprint: string | null;
  state: TaskState = "pending";
  /** Futures that refer to the record and were not released. At zero it leaves the table. */
  handles = 0;
  /** False once it left the table. */
  open = true;
  /** The encoded result while it is small, else 0. */
  result: PayloadRef = NO_PAYLOAD;
  /** Encoded size of scattered data, else 0. */
  sentBytes = 0;
  /** How it failed or was cancelled. */
  outcome: Failed | Cancelled | null = null;
  /** The user's function; null for data. */
  fn: ((...args: never[]) => unknown) | null = null;
  /** The code that was sent of it. */
  entry: FunctionEntry | null = null;
  /** Why it failed here and was never sent: the scheduler does not know its number. */
  fault: Error | null = null;
  #waiters: Waiter | Waiter[] | null = null;

  constructor(n: TaskNumber, name: string, key: string | null, fingerprint: string | null) {
    this.n = n;
    this.name = name;
    this.key = key;
    this.fingerprint = fingerprint;
  }

  get isWatched(): boolean {
    return this.#waiters !== null;
  }

  watch(waiter: Waiter): void {
    if (this.#waiters === null) this.#waiters = waiter;
    else if (Array.isArray(this.#waiters)) this.#waiters.push(waiter);
    else this.#waiters = [this.#waiters, waiter];
  }

  unwatch(waiter: Waiter): void {
    if (this.#waiters === waiter) this.#waiters = null;
    else if (Array.isArray(this.#waiters)) this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }

  /** Tells all waiters; each is told once per `watch`. */
  settle(): void {
    const waiters = this.#waiters;
    this.#waiters = null;
    if (waiters === null) return;
    if (!Array.isArray(waiters)) waiters.settled(this);
    else for (const waiter of waiters) waiter.settled(this);
  }

  /** Takes the waiters of one future, or of all, off the record, and tells them why. */
  abandon(error: FlockError, future?: object): void {
    if (this.#waiters === null) return;
    const all = Array.isArray(this.#waiters) ? this.#waiters : [this.#waiters];
    const concerned = future === undefined ? all : all.filter((waiter) => waiter.concerns(future));
    const rest = all.filter((waiter) => !concerned.includes(waiter));
    this.#waiters = rest.length > 0 ? rest : null;
    for (const waiter of concerned) waiter.abandoned(error, this);
  }
}
