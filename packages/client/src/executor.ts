// What `@taskflock/ml` computes with: this client, seen through its small `Executor`.

import type { Executor, Handle, JoinGroup, KeptBytes, SubmitOptions } from "@taskflock/ml";
import type { AnyFunction } from "./function-table.ts";
import { type Future, isFuture } from "./future.ts";
import { type LogSink, showLog } from "./logs.ts";
import type { TaskRun } from "./runs.ts";
import type { TaskOptions } from "./task-options.ts";

/** The part of a client that an executor needs. */
export interface ExecutorHost {
  submitAny(fn: AnyFunction, args: readonly unknown[], options: TaskOptions): Future<unknown>;
  /** At once; the data is on its way. */
  scatterNow(value: unknown, options: { readonly name?: string; readonly broadcast: boolean }): Future<unknown>;
  run(name: string, options: { readonly steps: number }): TaskRun;
  readonly logs: LogSink;
  /** Lets go of what tasks keep (kept-bytes.ts) under names that begin so. */
  removeKept(prefix: string): Promise<void>;
}

export class ClientExecutor implements Executor {
  readonly #host: ExecutorHost;
  readonly #run: TaskRun | null;

  constructor(host: ExecutorHost, run: TaskRun | null = null) {
    this.#host = host;
    this.#run = run;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as the interface says it
  submit<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[], options: SubmitOptions = {}): Handle<R> {
    const { onReport, ...task } = options;
    const all: TaskOptions = this.#run === null ? task : { ...task, run: this.#run };
    const future = this.#host.submitAny(fn, args, all);
    if (onReport !== undefined) future.onReport(onReport);
    return future as Handle<R>;
  }

  /** To every worker: a search reads its data everywhere, and must not end with the worker that holds them. */
  scatter<T>(value: T, options: { readonly name?: string } = {}): Handle<T> {
    return this.#host.scatterNow(value, { ...options, broadcast: true }) as Handle<T>;
  }

  isHandle(value: unknown): value is Handle<unknown> {
    return isFuture(value);
  }

  openRun(name: string, total: number): ReturnType<Executor["openRun"]> {
    const run = this.#host.run(name, { steps: total });
    return {
      executor: new ClientExecutor(this.#host, run),
      scope: {
        emit: () => run.step(),
        details: (entries) => run.details(entries),
        close: (outcome) => run.close(outcome),
      },
    };
  }

  async keptBytes(): Promise<KeptBytes> {
    const { writeKeptBytes, readKeptBytes, listKeptBytes, removeKeptBytes } = await import(
      "@taskflock/client/kept-bytes"
    );
    return { write: writeKeptBytes, read: readKeptBytes, list: listKeptBytes, remove: removeKeptBytes };
  }

  async joinGroup(): Promise<JoinGroup> {
    return (await import("@taskflock/client/join-group")).joinGroup;
  }

  forgetKept(prefix: string): Promise<void> {
    return this.#host.removeKept(prefix);
  }

  warn(message: string): void {
    showLog(this.#host.logs, { worker: "client", key: "", stream: "stderr", text: message });
  }
}
