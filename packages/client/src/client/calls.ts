import { FlockError, type Identity } from "@taskflock/protocol/words";
import { eachBounded, isIterable } from "../bounded.ts";
import {
  checkGatherOptions,
  checkScatterAllOptions,
  checkScatterOptions,
  type ScatterAllOptions,
  type ScatterOptions,
} from "../client-options.ts";
import { drained } from "../drained.ts";
import type { AnyFunction } from "../function-table.ts";
import { type Future, isFuture, noFuture } from "../future.ts";
import { type GatherOptions, gather } from "../gather.ts";
import { type ComputeOptions, Graphs } from "../graph/compute.ts";
import { delayedFunctionGiven, isDelayedFunction } from "../graph/delayed.ts";
import type { Computed } from "../graph/types.ts";
import type { LogSink } from "../logs.ts";
import { ArgumentRows, readMapItems } from "../map-items.ts";
import { describe } from "../option-checks.ts";
import { ensureMayWork } from "../rights.ts";
import type { Session } from "../session.ts";
import { cancelOnAbort } from "../signals.ts";
import type { Plan } from "../submission.ts";
import { checkTaskOptions, type InternalOptions, type TaskOptions } from "../task-options.ts";
import type { Arguments, Resolved, ResolvedValue } from "../types.ts";

/** Values that are under way at the same time: each is in memory until it has arrived. */
const SCATTERED_AT_ONCE = 16;

interface Planned {
  readonly plan: Plan;
  readonly signal: AbortSignal | undefined;
}

/** A client's calls. Users hold a `Client`, which has more. */
export class ClientCalls {
  protected readonly session: Session;
  protected readonly logSink: LogSink;
  readonly #graphs: Graphs;

  protected constructor(session: Session, logs: LogSink) {
    if (typeof session !== "object") {
      const text =
        "Clients come from `await Client.connect(address)`, or `await cluster.connect()`, not from `new Client()`.";
      throw new FlockError("FLOCK_ARGUMENT_INVALID", text);
    }
    this.session = session;
    this.logSink = logs;
    this.#graphs = new Graphs(session);
  }

  /** For whom the client's token stands: a user's name, "" for the cluster's own token, and the role, which says what it may. */
  get identity(): Identity {
    const { user = "", role = "admin" } = this.session.welcome ?? {};
    return { user, role };
  }

  /** The scheduler's address, as it was given. */
  get address(): string {
    return this.session.address;
  }

  /**
   * Calls `fn` with `args` on a worker. Futures may stand anywhere in the arguments; the function gets their values.
   *
   * Throws at once what can be seen at once: FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_NOT_SERIALIZABLE, FLOCK_OPTION_INVALID,
   * FLOCK_KEY_CONFLICT, FLOCK_TOO_LARGE, and why the client is closed if it is.
   */
  submit<B extends readonly unknown[], R>(
    fn: (...args: Resolved<B>) => R,
    args: readonly [...B],
    options?: TaskOptions,
  ): Future<Awaited<R>>;
  submit<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    args: Arguments<A>,
    options?: TaskOptions,
  ): Future<Awaited<R>>;
  submit(fn: AnyFunction, args: readonly unknown[], options?: TaskOptions): Future<unknown> {
    try {
      return this.submitNow("submit", fn, args, options);
    } catch (error) {
      throw fromCaller(error, this.submit);
    }
  }

  /** Calls `fn` on a worker and waits for the result, which is then released. Rejects with what `submit` throws, too. */
  call<B extends readonly unknown[], R>(
    fn: (...args: Resolved<B>) => R,
    args: readonly [...B],
    options?: TaskOptions,
  ): Promise<Awaited<R>>;
  call<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    args: Arguments<A>,
    options?: TaskOptions,
  ): Promise<Awaited<R>>;
  async call(fn: AnyFunction, args: readonly unknown[], options?: TaskOptions): Promise<unknown> {
    let future: Future<unknown>;
    try {
      future = this.submitNow("call", fn, args, options);
    } catch (error) {
      throw fromCaller(error, this.call);
    }
    try {
      return await future.result();
    } finally {
      future.release();
    }
  }

  /**
   * Calls `fn` on the workers with each item of an iterable, or with one item of each of several: one future for each call, in
   * their order. Throws what `submit` throws; then nothing runs.
   */
  map<T, R>(fn: (item: ResolvedValue<T>) => R, items: Iterable<T>, options?: TaskOptions): Future<Awaited<R>>[];
  map<T, U, R>(
    fn: (first: ResolvedValue<T>, second: ResolvedValue<U>) => R,
    first: Iterable<T>,
    second: Iterable<U>,
    options?: TaskOptions,
  ): Future<Awaited<R>>[];
  map<T, U, V, R>(
    fn: (first: ResolvedValue<T>, second: ResolvedValue<U>, third: ResolvedValue<V>) => R,
    first: Iterable<T>,
    second: Iterable<U>,
    third: Iterable<V>,
    options?: TaskOptions,
  ): Future<Awaited<R>>[];
  map(fn: AnyFunction, ...given: readonly unknown[]): Future<unknown>[] {
    const { submission, encoder, functions, shared, tasks } = this.open();
    ensureFunction("map", fn);
    const { columns, options } = readMapItems(given);
    const { plan, signal } = this.plan("map", options);
    const steady = columns.every(Array.isArray);
    const futures: Future<unknown>[] = [];
    const rows = new ArgumentRows(columns);
    try {
      const use = encoder.bind(functions.use(fn));
      for (let args = rows.next(); args !== null; args = rows.next()) {
        const key = plan.key === null ? null : `${plan.key}-${futures.length}`;
        futures.push(tasks.futureOf(submission.submit(use, args, plan, key)));
        if (!steady) shared.forgetIdentities(); // an iterator may use its memory again
      }
      if (signal !== undefined) cancelOnAbort(futures, signal);
      return futures;
    } catch (error) {
      for (const future of futures) future.release();
      throw fromCaller(error, this.map);
    } finally {
      shared.callEnded();
      rows.close();
    }
  }

  /**
   * Makes the delayed calls of a graph, each once, on the workers: futures of those that were asked for, in the structure
   * (arrays, plain objects, maps, sets) in which they stand. Results in between are kept only while a call needs them. A
   * call of which you have a future is not made again while that future lives, unless it failed or was cancelled.
   *
   * Throws what `submit` throws, and FLOCK_ARGUMENT_INVALID without a delayed call; then what was sent is dropped.
   */
  compute<const T>(nodes: T, options?: ComputeOptions): Computed<T> {
    this.open();
    try {
      return this.#graphs.compute(nodes, options) as Computed<T>;
    } catch (error) {
      throw fromCaller(error, this.compute);
    }
  }

  /**
   * Makes the delayed calls of a graph, as `compute` does, and gives back what it was given: each node has its result on the cluster
   * from now on, and further graphs begin there. It is kept as long as you have the node, until `unpersist`.
   */
  persist<const T>(nodes: T, options?: ComputeOptions): T {
    this.open();
    try {
      this.#graphs.persist(nodes, options);
      return nodes;
    } catch (error) {
      throw fromCaller(error, this.persist);
    }
  }

  /** Keeps the results of nodes that `persist` was given no more; further graphs compute them again. */
  unpersist(nodes: unknown): void {
    this.#graphs.unpersist(nodes);
  }

  /**
   * The values of futures, in the structure (arrays, plain objects, maps, sets) in which the futures stand.
   * Rejects with the first failure, or leaves failures out with `{ errors: "skip" }`.
   */
  async gather<T>(futures: T, options?: GatherOptions): Promise<ResolvedValue<T>> {
    const { errors = "raise" } = checkGatherOptions(options);
    return (await gather(this.session, futures, errors)) as ResolvedValue<T>;
  }

  /**
   * Puts a value on the cluster, so that many tasks can use it; resolves when it is there. Rejects with
   * FLOCK_NOT_SERIALIZABLE, FLOCK_OUT_OF_MEMORY, FLOCK_KEY_CONFLICT, FLOCK_OPTION_INVALID.
   */
  async scatter<T>(value: T, options?: ScatterOptions): Promise<Future<T>> {
    const session = this.open();
    ensureMayWork(session.welcome, "put data on the cluster");
    const future = session.scatter(value, checkScatterOptions(options));
    const error = await future.error();
    if (error === null) return future as Future<T>;
    future.release();
    throw error;
  }

  /**
   * Puts each value of an iterable on the cluster, spread over the workers; resolves when all are there. Rejects with what `scatter`
   * rejects with, and then keeps none.
   */
  async scatterAll<T>(values: Iterable<T>, options?: ScatterAllOptions): Promise<Future<T>[]> {
    const session = this.open();
    ensureMayWork(session.welcome, "put data on the cluster");
    if (!isIterable(values)) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `scatterAll takes an array of values, not ${describe(values)}.`);
    }
    const checked = checkScatterAllOptions(options);
    const futures: Future<T>[] = [];
    try {
      await eachBounded(values, SCATTERED_AT_ONCE, async (value) => {
        const future = session.scatter(value, checked) as Future<T>;
        futures.push(future);
        const error = await future.error();
        if (error !== null) throw error;
      });
      return futures;
    } catch (error) {
      for (const future of futures) future.release();
      throw error;
    }
  }

  /** Stops tasks, running or not; resolves once all have ended. */
  async cancel(futures: Future<unknown> | Iterable<Future<unknown>>, reason = ""): Promise<void> {
    await Promise.all(Array.from(each("cancel", futures), (future) => future.cancel(reason)));
  }

  /** Says that results are no longer wanted through these futures. */
  release(futures: Future<unknown> | Iterable<Future<unknown>>): void {
    for (const future of each("release", futures)) future.release();
  }

  /**
   * Resolves once nothing that was submitted waits in this process. The scheduler takes only so much of a client's unfinished work (its
   * option admissionBytes, 256 MiB: about 500,000 small tasks); what goes beyond that waits here, as bytes, until tasks have ended. A loop
   * over millions awaits this every thousand tasks or so. Rejects with the reason when the session ends before.
   */
  drained(): Promise<void> {
    return drained(this.open());
  }

  protected open(): Session {
    this.session.ensureOpen();
    return this.session;
  }

  protected plan(where: string, raw: TaskOptions | undefined): Planned {
    if (raw === undefined) return { plan: this.session.submission.plainPlan, signal: undefined };
    const options = checkTaskOptions(where, raw);
    return { plan: this.session.submission.plan(options), signal: options.signal };
  }

  /** For functions of the client's own, with what only it may ask for. */
  protected submitInternal(fn: AnyFunction, args: readonly unknown[], options: InternalOptions): Future<unknown> {
    const { submission, functions, shared, tasks } = this.open();
    try {
      return tasks.futureOf(submission.submit(functions.use(fn), args, submission.plan(options)));
    } finally {
      shared.callEnded();
    }
  }

  protected submitNow(
    where: string,
    fn: AnyFunction,
    args: readonly unknown[],
    options: TaskOptions | undefined,
  ): Future<unknown> {
    const { submission, functions, shared, tasks } = this.open();
    ensureFunction(where, fn);
    if (!Array.isArray(args)) {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `${where} takes the arguments as an array, ${where}(fn, [a, b]), not ${describe(args)}.`,
      );
    }
    const { plan, signal } = this.plan(where, options);
    try {
      const future = tasks.futureOf(submission.submit(functions.use(fn), args, plan));
      if (signal !== undefined) cancelOnAbort([future], signal);
      return future;
    } finally {
      shared.callEnded();
    }
  }
}

/** A refusal is about the user's call: its stack begins there. */
export function fromCaller(error: unknown, called: (...args: never[]) => unknown): unknown {
  if (error instanceof FlockError) Error.captureStackTrace(error, called);
  return error;
}

function ensureFunction(where: string, fn: unknown): void {
  if (isDelayedFunction(fn)) throw delayedFunctionGiven(where);
  if (typeof fn === "function") return;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${where} takes a function first, not ${describe(fn)}.`);
}

function each(where: string, futures: Future<unknown> | Iterable<Future<unknown>>): Iterable<Future<unknown>> {
  if (isFuture(futures)) return [futures];
  if (!isIterable(futures)) throw noFuture(where, futures);
  const list = [...futures];
  for (const item of list) if (!isFuture(item)) throw noFuture(where, item);
  return list;
}
