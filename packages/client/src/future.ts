// The user's handle on a task. It holds no promise: one is made by each call of `result()`.

import { inspect } from "node:util";
import { FlockError } from "@taskflock/protocol/words";
import { warnOfAwait } from "./await-warning.ts";
import type { TaskError } from "./failures.ts";
import { describe } from "./option-checks.ts";
import type { Anchor } from "./reachability.ts";
import type { TaskRecord, Waiter } from "./record.ts";

/** `lost`: the session or connection ended before the task did. */
export type FutureStatus = "pending" | "done" | "failed" | "cancelled" | "released" | "lost";

/** What a future asks of the session that it belongs to. */
export interface FutureOwner {
  /** Why an unfinished task of this session will never settle, or null. */
  readonly ended: FlockError | null;
  keyOf(record: TaskRecord): string;
  /** Resolves with the decoded value; rejects with the task's error or the reason why there will be none. */
  resultOf(future: Future<unknown>): Promise<unknown>;
  errorOf(future: Future<unknown>): Promise<Error | null>;
  /** Calls the waiter now when the end is known, later when it is not, and with the reason when it will never be. */
  watch(future: Future<unknown>, waiter: Waiter): void;
  cancel(future: Future<unknown>, reason: string): Promise<void>;
  /** Calls `hear` with each report of the task's; returns what ends that. */
  onReport(future: Future<unknown>, hear: (report: unknown) => void): () => void;
  /** Gives a value to the task's code; false when it does not run. */
  tell(future: Future<unknown>, value: unknown): Promise<boolean>;
  /** They run to their ends, whoever leaves. */
  fireAndForget(futures: readonly Future<unknown>[]): Promise<void>;
  /** Called once. */
  release(future: Future<unknown>, anchor: Anchor): void;
}

// The insides of a future, for the other files of this package.
let owner: (future: Future<unknown>) => FutureOwner;
let record: (future: Future<unknown>) => TaskRecord;
let released: (future: Future<unknown>) => boolean;
let madeHere: (value: object) => boolean;

/**
 * The result of a task, now or later. It may stand anywhere inside the arguments of other tasks. It keeps the result on
 * the cluster until `release()`, the end of a `using` block, or the end of the session; that a future nobody can reach is
 * released by garbage collection is a backstop.
 *
 * A future is not thenable: `await future` is the future itself, `await future.result()` its value. The first time that a
 * future is awaited, the process warns (FLOCK_FUTURE_AWAITED). A failure that nobody asks for stays silent.
 */
export class Future<out R> {
  readonly #owner: FutureOwner;
  readonly #record: TaskRecord;
  /** Keeps what watches over a group of futures alive; null once it is released. */
  #anchor: Anchor | null;

  static {
    owner = (future) => future.#owner;
    record = (future) => future.#record;
    released = (future) => future.#anchor === null;
    madeHere = (value) => #record in value;
    Object.defineProperty(Future.prototype, inspect.custom, {
      value(this: Future<unknown>) {
        return this.toString();
      },
    });
    // Not in the type: to TypeScript, too, a future is not thenable.
    const then = (): void => warnOfAwait(then);
    // biome-ignore lint/suspicious/noThenProperty: it is undefined, and there to tell people so
    Object.defineProperty(Future.prototype, "then", { get: then });
  }

  /** Futures come from `client.submit`, `map` and `scatter`. */
  constructor(owner: FutureOwner, record: TaskRecord, anchor: Anchor) {
    this.#owner = owner;
    this.#record = record;
    this.#anchor = anchor;
  }

  /** The task's readable identity: the user's key, or name, session and number. */
  get key(): string {
    return this.#owner.keyOf(this.#record);
  }

  /** The name of the task's function or data. */
  get name(): string {
    return this.#record.name;
  }

  /** What is known here now. */
  get status(): FutureStatus {
    if (this.#anchor === null) return "released";
    if (this.#record.state === "pending" && this.#owner.ended !== null) return "lost";
    return this.#record.state;
  }

  /**
   * Waits for the value. Every call decodes it anew, so the caller owns what it gets; a large result is fetched from a
   * worker by each call.
   *
   * Rejects with the task's own error (see `error()`), or with FLOCK_CANCELLED, FLOCK_DEPENDENCY_FAILED, FLOCK_KILLED_WORKER, FLOCK_TIMEOUT …; with FLOCK_RELEASED, FLOCK_CLOSED, FLOCK_SESSION_LOST
   * or FLOCK_CONNECTION_LOST when it can no longer be known.
   */
  result(): Promise<R> {
    return this.#owner.resultOf(this) as Promise<R>;
  }

  /**
   * Waits for the end; the error that `result()` rejects with, or null. Never rejects, and fetches nothing.
   *
   * It is the error that the task threw: class, message, own properties, `cause` and `errors` as they were, and a stack
   * that names lines of your files. Added to it are `taskKey`, `worker` and `attempt`, and as `task` the call: `function`,
   * `arguments` (in short, such as `x: 3, rows: number[1797]`) and `log`, the last lines that it printed. To see the call
   * in a debugger: `client.rerunHere(future)`.
   */
  error(): Promise<TaskError | null> {
    return this.#owner.errorOf(this);
  }

  /**
   * Stops the task, running or not; resolves once it has ended, one way or another. It need not be awaited. `reason` is told
   * to whoever waits. Rejects, as `result()` does, when the end can no longer be known.
   */
  cancel(reason = ""): Promise<void> {
    return this.#owner.cancel(this, reason);
  }

  /**
   * Calls `hear` with what the task reports while it runs (`taskContext().report(value)`), each a copy of its own. Reports are news, not a
   * record: where they come too fast, or the connection was cut, only the latest arrives. A task that is begun again reports anew.
   * Returns what ends that. Throws FLOCK_RELEASED, FLOCK_ARGUMENT_INVALID, and why the client is closed if it is.
   */
  onReport(hear: (report: unknown) => void): () => void {
    return this.#owner.onReport(this, hear);
  }

  /**
   * Gives a value, up to 1 MiB, to the task's code (`taskContext().onTell(hear)`); false when no code of it runs now that could hear it.
   * True says that it was sent on its way: a task that has to be sure reports what it heard.
   *
   * Rejects with FLOCK_NOT_SERIALIZABLE, FLOCK_TOO_LARGE, FLOCK_RELEASED, FLOCK_TASK_UNKNOWN, and why the client is closed if it is.
   */
  tell(value: unknown): Promise<boolean> {
    return this.#owner.tell(this, value);
  }

  /** Says that the result is no longer wanted through this future. A task that nobody wants is dropped. */
  release(): void {
    const anchor = this.#anchor;
    if (anchor === null) return;
    this.#anchor = null;
    this.#owner.release(this, anchor);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** `Future { key, status }`. */
  toString(): string {
    return `Future { ${this.key}, ${this.status} }`;
  }
}

/** True for futures made by this copy of the package. */
export function isFuture(value: unknown): value is Future<unknown> {
  return typeof value === "object" && value !== null && madeHere(value);
}

/** For what stands where a future should. */
export function noFuture(where: string, found: unknown): FlockError {
  return new FlockError("FLOCK_ARGUMENT_INVALID", `${where} takes futures, not ${describe(found)}.`);
}

export function ownerOf(future: Future<unknown>): FutureOwner {
  return owner(future);
}

export function recordOf(future: Future<unknown>): TaskRecord {
  return record(future);
}

export function isReleased(future: Future<unknown>): boolean {
  return released(future);
}
