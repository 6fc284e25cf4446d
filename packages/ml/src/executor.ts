// The only way this package talks to a cluster. `@taskflock/client` implements it; `InlineExecutor` runs in this process.

import type { DetailEntry } from "@taskflock/protocol/words";
import type { JoinGroup } from "./training/member-group.ts";

/** A value that is, or will be, on the cluster. May stand anywhere inside the arguments of `Executor.submit`. */
export interface Handle<R> {
  /** Waits for the value; rejects with the task's error. */
  result(): Promise<Awaited<R>>;
  /** Says that the value is no longer wanted. */
  release(): void;
  cancel(reason?: string): Promise<void>;
  /** Gives a value to the code of the task, while it runs; false when it does not. */
  tell(value: unknown): Promise<boolean>;
}

/** Values that hold no handles. */
type Whole =
  | (string | number | bigint | boolean | symbol | null | undefined)
  | (Date | RegExp | Error | URL | ArrayBuffer | SharedArrayBuffer | ArrayBufferView)
  // biome-ignore lint/suspicious/noExplicitAny: every function is meant, whatever it takes
  | ((...args: any[]) => unknown);

/** `T` with every handle's value in its place, at any depth. */
export type Settled<T> =
  T extends Handle<infer R>
    ? Awaited<R>
    : T extends Whole
      ? T
      : T extends Map<infer K, infer V>
        ? Map<Settled<K>, Settled<V>>
        : T extends Set<infer V>
          ? Set<Settled<V>>
          : T extends object
            ? { [K in keyof T]: Settled<T[K]> }
            : T;

export interface SubmitOptions {
  /** A readable stem for the task's key. */
  readonly name?: string;
  readonly retries?: number;
  readonly priority?: number;
  /** Milliseconds that one attempt may take. */
  readonly timeoutMs?: number;
  /** Milliseconds from the submission until the task must have ended. */
  readonly deadlineMs?: number;
  /** Milliseconds that it may wait while no worker is there that could ever run it. */
  readonly noWorkerTimeoutMs?: number;
  readonly resources?: Readonly<Record<string, number>>;
  /** How many workers may die under the task. */
  readonly allowedFailures?: number;
  /** Milliseconds that its code may go on after it was cancelled. */
  readonly cancelGraceMs?: number;
  /** Names of the workers that may run it. */
  readonly workers?: readonly string[];
  /** "process": in a child process of a worker. */
  readonly isolation?: "thread" | "process";
  /** Hears what the task reports while it runs; of several reports perhaps only the latest, which comes before the result. */
  readonly onReport?: (report: unknown) => void;
}

/** Bytes that the cluster keeps under names. The functions travel, and work inside of tasks. */
export interface KeptBytes {
  /** Creates or replaces; two workers have it, where there are two. */
  readonly write: (name: string, bytes: Uint8Array) => Promise<void>;
  readonly read: (name: string) => Promise<Uint8Array>;
  /** Names that begin so. */
  readonly list: (prefix: string) => Promise<readonly string[]>;
  readonly remove: (name: string) => Promise<void>;
}

/** A run as the executor shows it to people: the progress bar, the page, `client.runs()`. */
export interface RunScope {
  /** One more of the run's steps is finished; `event` says which. */
  emit(event: unknown): void;
  /** What people may see of it meanwhile: candidates and scores, epochs and losses. Absent where nobody can look. */
  details?(entries: readonly DetailEntry[]): void;
  close(outcome: "done" | "failed" | "stopped" | "cancelled"): void;
}

export interface Executor {
  /**
   * Calls `fn` with `args` on a worker. Functions travel with what they use: data, imports, other functions and classes.
   * Functions, classes, handles and plain data may be nested in `args`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: handles stand for values anywhere inside, which a type cannot follow here
  submit<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[], options?: SubmitOptions): Handle<R>;
  /** Puts a value on the cluster once, so that many tasks can use it. */
  scatter<T>(value: T, options?: { readonly name?: string }): Handle<T>;
  /** True when `value` is one of this executor's handles (a user may pass X as a future). */
  isHandle(value: unknown): value is Handle<unknown>;
  /** An executor whose tasks all belong to one named run with `total` expected steps. */
  openRun(name: string, total: number): { readonly executor: Executor; readonly scope: RunScope };
  warn(message: string): void;
  /** What makes the task that calls it a member of a group (docs/groups.md), and travels; absent where tasks cannot talk. */
  joinGroup?(): Promise<JoinGroup>;
  /** Where tasks keep what is to outlive their worker; absent where nothing outlives it. */
  keptBytes?(): Promise<KeptBytes>;
  /** Lets go of all that was kept under names that begin so. */
  forgetKept?(prefix: string): Promise<void>;
}
