// Runs a search in this process, without a cluster: for tests, and for breakpoints in estimators and scorers.

import { FlockError } from "@taskflock/protocol/words";
import type { Executor, Handle, RunScope } from "./executor.ts";

export interface InlineExecutorOptions {
  /** Takes warnings; default: the process's own warnings. */
  readonly onWarning?: (message: string) => void;
  /** Takes what a run emits. */
  readonly onEvent?: (event: unknown) => void;
}

/** Tasks run one at a time, in the order in which they were submitted, each in a turn of the event loop of its own. */
export class InlineExecutor implements Executor {
  readonly #options: InlineExecutorOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: InlineExecutorOptions = {}) {
    this.#options = options;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
  submit<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[]): Handle<R> {
    const cancelled = new AbortController();
    const before = this.#last;
    const value = (async () => {
      await before;
      await new Promise<void>((next) => setImmediate(next));
      cancelled.signal.throwIfAborted();
      return fn(...((await resolveHandles(args)) as unknown[]));
    })();
    this.#last = value.catch(() => undefined);
    return new InlineHandle<R>(value as Promise<Awaited<R>>, cancelled);
  }

  scatter<T>(value: T): Handle<T> {
    return new InlineHandle<T>(Promise.resolve(value), new AbortController());
  }

  isHandle(value: unknown): value is Handle<unknown> {
    return value instanceof InlineHandle;
  }

  openRun(_name: string, _total: number): { readonly executor: Executor; readonly scope: RunScope } {
    return { executor: this, scope: { emit: (event) => this.#options.onEvent?.(event), close: () => undefined } };
  }

  warn(message: string): void {
    if (this.#options.onWarning) this.#options.onWarning(message);
    else process.emitWarning(message, "TaskflockWarning");
  }
}

class InlineHandle<R> implements Handle<R> {
  readonly #value: Promise<Awaited<R>>;
  readonly #cancelled: AbortController;

  constructor(value: Promise<Awaited<R>>, cancelled: AbortController) {
    this.#value = value;
    this.#cancelled = cancelled;
    value.catch(() => undefined);
  }

  result(): Promise<Awaited<R>> {
    return this.#value;
  }

  release(): void {
    // The value lives as long as somebody refers to it.
  }

  async cancel(reason = "The task was cancelled."): Promise<void> {
    this.#cancelled.abort(new FlockError("FLOCK_CANCELLED", reason));
  }
}

/** Values in the place of handles, at any depth of arrays and plain objects. */
async function resolveHandles(value: unknown): Promise<unknown> {
  if (value instanceof InlineHandle) return value.result();
  if (Array.isArray(value)) return Promise.all(value.map(resolveHandles));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(async ([key, item]) => [key, await resolveHandles(item)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
