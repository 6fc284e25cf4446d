// What users hold: a connection to a scheduler, through which they submit tasks and get their results.

import { type GridSearchOptions, gridSearch, type ScoreNames, type Search } from "@taskflock/ml";
import { type ClusterInfo, FlockError, type RunInfo, type StoryLine, type WorkerInfo } from "@taskflock/protocol/words";
import {
  type ClientOptions,
  checkGatherOptions,
  checkScatterOptions,
  checkWaitOptions,
  compileClientOptions,
  type ScatterOptions,
  type WaitOptions,
  workerCount,
  workerNames,
} from "./client-options.ts";
import { type ExecOptions, exec } from "./commands/exec.ts";
import type { ExecResult } from "./commands/spec.ts";
import { ClientExecutor, type ExecutorHost } from "./executor.ts";
import type { AnyFunction } from "./function-table.ts";
import { type Future, isFuture, noFuture, ownerOf, recordOf } from "./future.ts";
import { type GatherOptions, gather } from "./gather.ts";
import { type ComputeOptions, Graphs } from "./graph/compute.ts";
import { delayedFunctionGiven, isDelayedFunction } from "./graph/delayed.ts";
import type { Computed } from "./graph/types.ts";
import { isLoadedByRequire } from "./loaded-by-require.ts";
import type { LogSink } from "./logs.ts";
import { ArgumentRows, readMapItems } from "./map-items.ts";
import { describe } from "./option-checks.ts";
import { type OnError, type OnWorkers, type RunOnWorkersOptions, runOnWorkers } from "./run-on-workers.ts";
import type { RunOptions, TaskRun } from "./runs.ts";
import type { Session } from "./session.ts";
import { cancelOnAbort } from "./signals.ts";
import { checkTaskOptions, type TaskOptions } from "./task-options.ts";
import type { Arguments, Resolved, ResolvedValue } from "./types.ts";
import { type Versions, type VersionsOptions, versions } from "./versions.ts";

/**
 * A connection to a scheduler. Its futures hold their results on the cluster until they are released or the client is
 * closed. An open client keeps the process alive; `close()` it, or write `await using client = …`.
 */
export class Client {
  readonly #session: Session;
  readonly #logs: LogSink;
  readonly #graphs: Graphs;

  /**
   * Connects to `address` (host:port, ws:// or wss://; default TASKFLOCK_ADDRESS, or else 127.0.0.1:8786).
   *
   * Rejects with FLOCK_CONNECTION_REFUSED, FLOCK_NOT_A_SCHEDULER, FLOCK_UNAUTHORIZED, FLOCK_VERSION_MISMATCH,
   * FLOCK_ADDRESS_INVALID or FLOCK_OPTION_INVALID.
   */
  static async connect(address?: string, options?: ClientOptions): Promise<Client> {
    const compiled = compileClientOptions(address, options);
    const { Session } = await loadSession();
    return new Client(await Session.open(compiled), compiled.logs);
  }

  private constructor(session: Session, logs: LogSink) {
    this.#session = session;
    this.#logs = logs;
    this.#graphs = new Graphs(session);
  }

  /** The scheduler's address, as it was given. */
  get address(): string {
    return this.#session.address;
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
      return this.#submit("submit", fn, args, options);
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
      future = this.#submit("call", fn, args, options);
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
    const { submission, encoder, functions, shared, tasks } = this.#open();
    ensureFunction("map", fn);
    const { columns, options } = readMapItems(given);
    const { plan, signal } = this.#plan("map", options);
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
    this.#open();
    try {
      return this.#graphs.compute(nodes, options) as Computed<T>;
    } catch (error) {
      throw fromCaller(error, this.compute);
    }
  }

  /**
   * The values of futures, in the structure (arrays, plain objects, maps, sets) in which the futures stand.
   * Rejects with the first failure, or leaves failures out with `{ errors: "skip" }`.
   */
  async gather<T>(futures: T, options?: GatherOptions): Promise<ResolvedValue<T>> {
    const { errors = "raise" } = checkGatherOptions(options);
    return (await gather(this.#session, futures, errors)) as ResolvedValue<T>;
  }

  /**
   * Puts a value on the cluster, so that many tasks can use it; resolves when it is there. Rejects with
   * FLOCK_NOT_SERIALIZABLE, FLOCK_OUT_OF_MEMORY, FLOCK_KEY_CONFLICT, FLOCK_OPTION_INVALID.
   */
  async scatter<T>(value: T, options?: ScatterOptions): Promise<Future<T>> {
    const future = this.#open().scatter(value, checkScatterOptions(options));
    const error = await future.error();
    if (error === null) return future as Future<T>;
    future.release();
    throw error;
  }

  /** Stops tasks, running or not; resolves once all have ended. */
  async cancel(futures: Future<unknown> | Iterable<Future<unknown>>, reason = ""): Promise<void> {
    await Promise.all(Array.from(each("cancel", futures), (future) => future.cancel(reason)));
  }

  /** Says that results are no longer wanted through these futures. */
  release(futures: Future<unknown> | Iterable<Future<unknown>>): void {
    for (const future of each("release", futures)) future.release();
  }

  /** All that the scheduler counts: workers, tasks by state, runs. */
  async cluster(): Promise<ClusterInfo> {
    return this.#open().questions.ask({ q: "cluster" });
  }

  async workers(): Promise<readonly WorkerInfo[]> {
    return (await this.cluster()).workers;
  }

  /** Runs of all clients. */
  async runs(): Promise<readonly RunInfo[]> {
    return (await this.cluster()).runs;
  }

  /** Resolves once at least `count` workers are there. Rejects with FLOCK_WAIT_TIMEOUT after `timeoutMs`. */
  async waitForWorkers(count: number, options?: WaitOptions): Promise<readonly WorkerInfo[]> {
    const { timeoutMs } = checkWaitOptions(options);
    const takes = workerCount(count);
    if (takes !== null) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `waitForWorkers takes ${takes}, not ${describe(count)}.`);
    }
    const answer = this.#open().questions.ask({ q: "waitForWorkers", count });
    if (timeoutMs === undefined) return answer;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `${count} workers were not there after ${timeoutMs} ms. Start more, or wait longer.`;
      timer = setTimeout(() => reject(new FlockError("FLOCK_WAIT_TIMEOUT", message)), timeoutMs);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /**
   * Stops workers by name: each finishes what it runs, hands over what only it holds, and leaves. Resolves with their last
   * facts. Rejects with FLOCK_WORKER_UNKNOWN and FLOCK_ARGUMENT_INVALID.
   */
  async retireWorkers(names: readonly string[]): Promise<readonly WorkerInfo[]> {
    const takes = workerNames(names);
    if (takes !== null) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `retireWorkers takes ${takes}, not ${describe(names)}.`);
    }
    return this.#open().questions.ask({ q: "retire", workers: [...names] });
  }

  /** What happened to a task so far: its transitions, each with the time and the cause. */
  async story(future: Future<unknown>): Promise<readonly StoryLine[]> {
    const { questions } = this.#open();
    if (!isFuture(future) || ownerOf(future) !== this.#session) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", "story takes a future of this client.");
    }
    return questions.ask({ q: "story", n: recordOf(future).n });
  }

  /**
   * Runs the call of a task here, in this process: your own function, with the arguments that the task had, so that
   * breakpoints and `debugger` in your source work. Meant for a task that failed; of one that could not run because another
   * failed, that other runs. Resolves with what the function returns, or rejects with what it throws, as it was thrown.
   *
   * With `node --inspect-brk main.ts` and a debugger attached, a breakpoint in `fit` stops in:
   *
   * ```ts
   * const future = client.submit(fit, [X, 3]);
   * if ((await future.error()) !== null) await client.rerunHere(future);
   * ```
   *
   * Variables that the function captured are as they are now. `taskContext()` works, with the worker "here". Rejects with
   * FLOCK_RELEASED, FLOCK_ARGUMENT_INVALID (no future of a call of this client), FLOCK_CALL_FORGOTTEN (arguments are kept
   * of the calls that failed last), and why an input cannot be fetched.
   */
  async rerunHere<R>(future: Future<R>): Promise<R> {
    const session = this.#open();
    if (!isFuture(future) || ownerOf(future) !== session) {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", "rerunHere takes a future of this client.");
    }
    const { rerunHere } = await loadSession();
    return (await rerunHere(session, future)) as R;
  }

  /** Runs a program on a worker, in a fresh folder that is removed afterwards: `exec(["python", "fit.py"], { files, outputs })`. */
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Future<ExecResult> {
    try {
      return exec((fn, args, task) => this.#submit("exec", fn, args, task), command, options);
    } catch (error) {
      throw fromCaller(error, this.exec);
    }
  }

  /** Calls `fn` once on every worker that is there: what each returned, by its name. Waits for a slot where all are busy. */
  runOnWorkers<R>(fn: () => R): Promise<OnWorkers<R>>;
  runOnWorkers<A extends readonly unknown[], R, E extends OnError = "throw">(
    fn: (...args: A) => R,
    args: Arguments<A>,
    options?: RunOnWorkersOptions<E>,
  ): Promise<OnWorkers<R, E>>;
  runOnWorkers(fn: AnyFunction, args: readonly unknown[] = [], options?: RunOnWorkersOptions): Promise<object> {
    return runOnWorkers(this, fn, args, options);
  }

  /** Compares Node, Taskflock and packages of client, scheduler and workers. */
  versions(options?: VersionsOptions): Promise<Versions> {
    return versions(this, options);
  }

  /** A run of your own, for tasks that people follow as one thing: pass it as `{ run }`, and close it at the end. */
  run(name: string, options?: RunOptions): TaskRun {
    return this.#open().runs.start(name, options);
  }

  /**
   * Tries every candidate of `params` on every fold, and fits the best one on all data. Returns at once; throws at once for
   * options, parameters or data that cannot be used (FLOCK_OPTION_INVALID, FLOCK_ML_…).
   */
  gridSearch<P extends object, M, I, const S extends PropertyKey = "score">(
    options: GridSearchOptions<P, M, I, S>,
  ): Search<P, M, I, ScoreNames<S>> {
    this.#open();
    return gridSearch(new ClientExecutor(this.#executorHost()), options);
  }

  /** Leaves the scheduler, which drops what only this client wanted. What is awaited rejects with FLOCK_CLOSED. */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): Session {
    this.#session.ensureOpen();
    return this.#session;
  }

  #plan(where: string, raw: TaskOptions | undefined) {
    if (raw === undefined) return { plan: this.#session.submission.plainPlan, signal: undefined };
    const options = checkTaskOptions(where, raw);
    return { plan: this.#session.submission.plan(options), signal: options.signal };
  }

  #submit(where: string, fn: AnyFunction, args: readonly unknown[], options: TaskOptions | undefined): Future<unknown> {
    const { submission, functions, shared, tasks } = this.#open();
    ensureFunction(where, fn);
    if (!Array.isArray(args)) {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `${where} takes the arguments as an array, ${where}(fn, [a, b]), not ${describe(args)}.`,
      );
    }
    const { plan, signal } = this.#plan(where, options);
    try {
      const future = tasks.futureOf(submission.submit(functions.use(fn), args, plan));
      if (signal !== undefined) cancelOnAbort([future], signal);
      return future;
    } finally {
      shared.callEnded();
    }
  }

  #executorHost(): ExecutorHost {
    return {
      submitAny: (fn, args, options) => this.#submit("submit", fn, args, options),
      scatterNow: (value, options) => this.#open().scatter(value, options),
      run: (name, options) => this.run(name, options),
      logs: this.#logs,
    };
  }
}

/** What only a connection needs: importing this package stays quick. */
async function loadSession(): Promise<typeof import("./session.ts")> {
  return isLoadedByRequire() ? require("./session.js") : import("./session.ts");
}

/** A refusal is about the user's call: its stack begins there. */
function fromCaller(error: unknown, called: (...args: never[]) => unknown): unknown {
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
  const list = [...futures];
  for (const item of list) if (!isFuture(item)) throw noFuture(where, item);
  return list;
}
