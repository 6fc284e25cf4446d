// Futures in the order in which they end.

import type { FlockError } from "@taskflock/protocol/words";
import { isIterable } from "./bounded.ts";
import { type Future, isFuture, noFuture, ownerOf, recordOf } from "./future.ts";
import type { TaskRecord, Waiter } from "./record.ts";

/**
 * Gives each future once it has ended, well or not: `await future.result()` then takes no further wait for the task. More
 * futures may be added while it is read. One whose end cannot be known any more is given too; its `result()` says why.
 */
export class AsCompleted<R> implements AsyncIterable<Future<R>>, Waiter {
  readonly #waiting: Map<TaskRecord, Future<R>[]> = new Map();
  readonly #ended: Future<R>[] = [];
  #next = 0;
  #readers: (() => void)[] = [];

  constructor(futures: Iterable<Future<R>>) {
    if (!isIterable(futures)) throw noFuture("asCompleted", futures);
    for (const future of futures) this.add(future);
  }

  /** Throws FLOCK_ARGUMENT_INVALID for what is no future. */
  add(future: Future<R>): void {
    if (!isFuture(future)) throw noFuture("asCompleted", future);
    const record = recordOf(future);
    const same = this.#waiting.get(record);
    if (same !== undefined) {
      same.push(future);
      return;
    }
    this.#waiting.set(record, [future]);
    ownerOf(future).watch(future, this);
  }

  /** How many have not been given yet. */
  get count(): number {
    let waiting = 0;
    for (const futures of this.#waiting.values()) waiting += futures.length;
    return this.#ended.length - this.#next + waiting;
  }

  /** Not a generator: one would await each future that it yields, which is a mistake when a user does it (await-warning.ts). */
  [Symbol.asyncIterator](): AsyncIterableIterator<Future<R>, undefined, undefined> {
    let over = false;
    const iterator: AsyncIterableIterator<Future<R>, undefined, undefined> = {
      next: async () => {
        const given = over ? undefined : await this.#take();
        if (given !== undefined) return given;
        over = true;
        return { done: true, value: undefined };
      },
      return: async () => {
        over = true;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  settled(record: TaskRecord): void {
    const futures = this.#waiting.get(record);
    if (futures === undefined) return;
    this.#waiting.delete(record);
    this.#ended.push(...futures);
    for (const wake of this.#readers.splice(0)) wake();
  }

  abandoned(_error: FlockError, record: TaskRecord): void {
    this.settled(record);
  }

  /** The next that has ended; undefined when all have been given. */
  async #take(): Promise<{ readonly done: false; readonly value: Future<R> } | undefined> {
    while (this.#next === this.#ended.length) {
      if (this.#waiting.size === 0) return undefined;
      await new Promise<void>((wake) => this.#readers.push(wake));
    }
    return { done: false, value: this.#ended[this.#next++]! };
  }

  concerns(future: object): boolean {
    for (const futures of this.#waiting.values()) if (futures.some((other) => other === future)) return true;
    return false;
  }
}

/** Iterates over futures in the order in which they end. */
export function asCompleted<R>(futures: Iterable<Future<R>>): AsCompleted<R> {
  return new AsCompleted(futures);
}
