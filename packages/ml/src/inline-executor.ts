// Runs a search or a map in this process, without a cluster: for tests, and for breakpoints in what a user wrote.

import { FlockError } from "@taskflock/protocol/words";
import type { Executor, Handle, RunScope, Settled } from "./executor.ts";
import { InlineTask } from "./inline-task.ts";
import { isPlainObject, kindOf } from "./kinds.ts";
import type { ScoreNames } from "./scorers.ts";
import type { GridSearchOptions, RandomSearchOptions } from "./search/compile.ts";
import type { HalvingSearchOptions, HyperbandSearchOptions } from "./search/compile-halving.ts";
import { gridSearch, randomSearch } from "./search/grid-search.ts";
import { type HalvingSearch, halvingSearch, hyperbandSearch } from "./search/halving-search.ts";
import type { Search } from "./search/search.ts";
import type { TrainOptions } from "./training/run/compile-training.ts";
import { type TrainingRun, train } from "./training/run/training-run.ts";
import type {
  TrainingGridOptions,
  TrainingHalvingOptions,
  TrainingHyperbandOptions,
  TrainingRandomOptions,
} from "./training/search/compile-training-search.ts";
import type { TrainingSearch } from "./training/search/training-search.ts";

export interface InlineExecutorOptions {
  /** Takes warnings; default: the process's own warnings. */
  readonly onWarning?: (message: string) => void;
  /** Takes what a run emits. */
  readonly onEvent?: (event: unknown) => void;
}

/**
 * Tasks run one at a time, in the order in which they were submitted, each in a turn of the event loop of its own. Their functions
 * are called as they are: a breakpoint in one holds, with its variables, and an error has its own stack.
 *
 * `submit`, `call`, `map`, `gather`, `scatter`, the searches, `train` and `close` take what a client's take, so that a program is debugged by
 * the exchange of one name:
 *
 *     const found = await new InlineExecutor().gridSearch({ estimator, params, X, y, errorScore: "raise" }).result();
 */
export class InlineExecutor implements Executor {
  readonly #options: InlineExecutorOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: InlineExecutorOptions = {}) {
    this.#options = options;
  }

  /** Options of tasks mean nothing here, but for `onReport`. */
  // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
  submit<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[], options: object = {}): Handle<R> {
    const task = new InlineTask(fn.name, options);
    const before = this.#last;
    const value = (async () => {
      await before;
      await new Promise<void>((next) => setImmediate(next));
      task.signal.throwIfAborted();
      const values = (await resolveHandles(args)) as unknown[];
      return task.run(() => fn(...values));
    })();
    this.#last = value.catch(() => undefined);
    return new InlineHandle<R>(value as Promise<Awaited<R>>, task);
  }

  /** Calls `fn`, and waits for what it returns. */
  // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
  call<R>(fn: (...args: any[]) => R | Promise<R>, args: readonly unknown[], options?: object): Promise<Awaited<R>> {
    return this.submit(fn, args, options).result();
  }

  /**
   * Calls `fn` with each item of an iterable, or with one item of each of several. Options of tasks may follow, as for a client;
   * they mean nothing here. Throws FLOCK_ARGUMENT_INVALID; then nothing runs.
   */
  map<T, R>(fn: (item: Settled<T>) => R, items: Iterable<T>, options?: object): Handle<Awaited<R>>[];
  map<T, U, R>(
    fn: (first: Settled<T>, second: Settled<U>) => R,
    first: Iterable<T>,
    second: Iterable<U>,
    options?: object,
  ): Handle<Awaited<R>>[];
  map<T, U, V, R>(
    fn: (first: Settled<T>, second: Settled<U>, third: Settled<V>) => R,
    first: Iterable<T>,
    second: Iterable<U>,
    third: Iterable<V>,
    options?: object,
  ): Handle<Awaited<R>>[];
  // biome-ignore lint/suspicious/noExplicitAny: the overloads say it
  map(fn: (...args: any[]) => unknown, ...given: readonly unknown[]): Handle<unknown>[] {
    if (typeof fn !== "function") throw wrongArgument(`map takes a function first, not ${kindOf(fn)}.`);
    const columns = given.length > 1 && !isIterable(given.at(-1)) ? given.slice(0, -1) : given;
    return rowsOf(columns).map((args) => this.submit(fn, args));
  }

  /** The values of handles, in the structure (arrays, plain objects, maps, sets) in which they stand; rejects with the first failure. */
  async gather<T>(handles: T): Promise<Settled<T>> {
    return (await resolveHandles(handles)) as Settled<T>;
  }

  /** `gridSearch(executor, options)`, as a client has it. */
  gridSearch<P extends object>(options: TrainingGridOptions<P>): TrainingSearch<P>;
  gridSearch<P extends object, M, I, const S extends PropertyKey = "score">(
    options: GridSearchOptions<P, M, I, S>,
  ): Search<P, M, I, ScoreNames<S>>;
  gridSearch<P extends object, M, I, S extends PropertyKey>(
    options: GridSearchOptions<P, M, I, S> | TrainingGridOptions<P>,
  ): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
    return gridSearch(this, options as GridSearchOptions<P, M, I, S>);
  }

  /** `randomSearch(executor, options)`, as a client has it. */
  randomSearch<P extends object>(options: TrainingRandomOptions<P>): TrainingSearch<P>;
  randomSearch<P extends object, M, I, const S extends PropertyKey = "score">(
    options: RandomSearchOptions<P, M, I, S>,
  ): Search<P, M, I, ScoreNames<S>>;
  randomSearch<P extends object, M, I, S extends PropertyKey>(
    options: RandomSearchOptions<P, M, I, S> | TrainingRandomOptions<P>,
  ): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
    return randomSearch(this, options as RandomSearchOptions<P, M, I, S>);
  }

  /** `halvingSearch(executor, options)`, as a client has it. */
  halvingSearch<P extends object>(options: TrainingHalvingOptions<P>): TrainingSearch<P>;
  halvingSearch<P extends object, M, I>(options: HalvingSearchOptions<P, M, I>): HalvingSearch<P, M, I>;
  halvingSearch<P extends object, M, I>(
    options: HalvingSearchOptions<P, M, I> | TrainingHalvingOptions<P>,
  ): HalvingSearch<P, M, I> | TrainingSearch<P> {
    return halvingSearch(this, options as HalvingSearchOptions<P, M, I>);
  }

  /** `hyperbandSearch(executor, options)`, as a client has it. */
  hyperbandSearch<P extends object>(options: TrainingHyperbandOptions<P>): TrainingSearch<P>;
  hyperbandSearch<P extends object, M, I>(options: HyperbandSearchOptions<P, M, I>): HalvingSearch<P, M, I>;
  hyperbandSearch<P extends object, M, I>(
    options: HyperbandSearchOptions<P, M, I> | TrainingHyperbandOptions<P>,
  ): HalvingSearch<P, M, I> | TrainingSearch<P> {
    return hyperbandSearch(this, options as HyperbandSearchOptions<P, M, I>);
  }

  /** `train(executor, options)`, as a client has it. */
  train<P extends object>(options: TrainOptions<P>): TrainingRun {
    return train(this, options);
  }

  scatter<T>(value: T): Handle<T> {
    return new InlineHandle<T>(Promise.resolve(value), new InlineTask("data", {}));
  }

  isHandle(value: unknown): value is Handle<unknown> {
    return value instanceof InlineHandle;
  }

  /** As a client has it; here there is nothing to leave. */
  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
  readonly #task: InlineTask;

  constructor(value: Promise<Awaited<R>>, task: InlineTask) {
    this.#value = value;
    this.#task = task;
    value.catch(() => undefined);
  }

  result(): Promise<Awaited<R>> {
    return this.#value;
  }

  release(): void {
    // The value lives as long as somebody refers to it.
  }

  async cancel(reason = "The task was cancelled."): Promise<void> {
    this.#task.cancel(reason);
  }

  async tell(value: unknown): Promise<boolean> {
    return this.#task.tell(value);
  }
}

/** Values in the place of handles, at any depth of arrays, plain objects, maps and sets; those are copied, as on the way to a worker. */
async function resolveHandles(value: unknown): Promise<unknown> {
  const handles = new Set<InlineHandle<unknown>>();
  rebuild(value, (handle) => handles.add(handle));
  const values = new Map(
    await Promise.all(Array.from(handles, async (handle) => [handle, await handle.result()] as const)),
  );
  return rebuild(value, (handle) => values.get(handle));
}

/** What stands twice in `root` stands twice in the copy. */
function rebuild(root: unknown, take: (handle: InlineHandle<unknown>) => unknown): unknown {
  const copies = new Map<unknown, unknown>();
  const keep = <C>(value: unknown, copy: C): C => {
    copies.set(value, copy);
    return copy;
  };
  const visit = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof InlineHandle) return take(value);
    if (copies.has(value)) return copies.get(value);
    if (Array.isArray(value)) {
      const copy = keep<unknown[]>(value, []);
      for (const item of value) copy.push(visit(item));
      return copy;
    }
    if (value instanceof Map) {
      const copy = keep(value, new Map<unknown, unknown>());
      for (const [key, item] of value) copy.set(visit(key), visit(item));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(value, new Set<unknown>());
      for (const item of value) copy.add(visit(item));
      return copy;
    }
    if (!isPlainObject(value)) return value;
    const copy = keep<Record<string, unknown>>(value, {});
    for (const [key, item] of Object.entries(value)) copy[key] = visit(item);
    return copy;
  };
  return visit(root);
}

/** The arguments of each call. Throws where one iterable ends before another. */
function rowsOf(columns: readonly unknown[]): unknown[][] {
  const iterators = columns.map((column) => {
    if (isIterable(column)) return column[Symbol.iterator]();
    throw wrongArgument(`map takes iterables of items after the function, not ${kindOf(column)}.`);
  });
  for (const rows: unknown[][] = []; ; ) {
    const next = iterators.map((iterator) => iterator.next());
    if (next.every(({ done }) => done)) return rows;
    if (next.some(({ done }) => done)) {
      throw wrongArgument(`map: one of the iterables ends after ${rows.length} items, another goes on.`);
    }
    rows.push(next.map(({ value }) => value));
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "string" || (typeof value === "object" && value !== null && Symbol.iterator in value);
}

function wrongArgument(message: string): FlockError {
  return new FlockError("FLOCK_ARGUMENT_INVALID", message);
}
