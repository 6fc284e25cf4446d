// The three ways to wait for futures: for one's value, for one's end, for all of many.

import type { FlockError } from "@taskflock/protocol/words";
import { again } from "./endings.ts";
import type { TaskRecord, Waiter } from "./record.ts";
import type { Results } from "./results.ts";

/** Behind `future.result()`: settles with the value, fetched if it must be. */
export class ValueWaiter implements Waiter {
  // Holds the future, so that garbage collection does not release what is awaited.
  readonly #future: object;
  readonly #results: Results;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(future: object, results: Results, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#future = future;
    this.#results = results;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settled(record: TaskRecord): void {
    if (record.state !== "done") {
      this.#reject(this.#results.error(record));
    } else if (this.#results.isLocal(record)) {
      try {
        this.#resolve(this.#results.local(record));
      } catch (error) {
        this.#reject(error);
      }
    } else {
      this.#fetch(record);
    }
  }

  abandoned(error: FlockError): void {
    this.#reject(again(error));
  }

  concerns(future: object): boolean {
    return this.#future === future;
  }

  #fetch(record: TaskRecord): void {
    record.watch(this); // a release, a close or a late failure ends the wait
    const finish = (settle: (outcome: unknown) => void) => (outcome: unknown) => {
      record.unwatch(this);
      settle(outcome);
    };
    this.#results.remote(record).then(finish(this.#resolve), finish(this.#reject));
  }
}

/** Behind `future.error()` and `future.cancel()`: calls back at the end, whatever it is. */
export class EndWaiter implements Waiter {
  readonly #future: object;
  readonly #ended: (error: FlockError | null) => void;

  /** `ended` gets the reason when the end cannot be known, else null. */
  constructor(future: object, ended: (error: FlockError | null) => void) {
    this.#future = future;
    this.#ended = ended;
  }

  settled(): void {
    this.#ended(null);
  }

  abandoned(error: FlockError): void {
    this.#ended(error);
  }

  concerns(future: object): boolean {
    return this.#future === future;
  }
}

/** Counts many futures down with one promise for all of them. */
export class CountdownWaiter implements Waiter {
  /** Until the end: once it is known, the futures are of no interest here. */
  #futures: readonly object[] | null;
  /** The same, made when somebody asks for one of them: hardly ever. */
  #set: ReadonlySet<object> | null = null;
  #left: number;
  readonly #decides: (record: TaskRecord) => boolean;
  readonly #errorOf: (record: TaskRecord) => Error;
  readonly #finish: (error: Error | null) => void;

  /**
   * `decides` says of a record that did not succeed whether that ends the wait with its error. To be watched by once for each place
   * in `futures`.
   */
  constructor(
    futures: readonly object[],
    decides: (record: TaskRecord) => boolean,
    errorOf: (record: TaskRecord) => Error,
    finish: (error: Error | null) => void,
  ) {
    this.#futures = futures;
    this.#left = futures.length;
    this.#decides = decides;
    this.#errorOf = errorOf;
    this.#finish = finish;
  }

  settled(record: TaskRecord): void {
    if (this.#futures === null) return;
    if (record.state !== "done" && this.#decides(record)) this.#end(this.#errorOf(record));
    else if (--this.#left === 0) this.#end(null);
  }

  abandoned(error: FlockError): void {
    if (this.#futures !== null) this.#end(again(error));
  }

  concerns(future: object): boolean {
    if (this.#futures === null) return false;
    this.#set ??= new Set(this.#futures);
    return this.#set.has(future);
  }

  #end(error: Error | null): void {
    this.#futures = null;
    this.#set = null;
    this.#finish(error);
  }
}
