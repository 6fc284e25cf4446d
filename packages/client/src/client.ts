// What users hold: a connection to a scheduler, through which they submit tasks and get their results.

import {
  type GridSearchOptions,
  gridSearch,
  type HalvingSearch,
  type HalvingSearchOptions,
  type HyperbandSearchOptions,
  halvingSearch,
  hyperbandSearch,
  type RandomSearchOptions,
  randomSearch,
  type ScoreNames,
  type Search,
  type TrainingGridOptions,
  type TrainingHalvingOptions,
  type TrainingHyperbandOptions,
  type TrainingRandomOptions,
  type TrainingRun,
  type TrainingSearch,
  type TrainOptions,
  train,
} from "@taskflock/ml";
import type { AttachedRun } from "./attached-run.ts";
import { ClientTools } from "./client/tools.ts";
import { type ClientOptions, compileClientOptions } from "./client-options.ts";
import { ClientExecutor, type ExecutorHost } from "./executor.ts";
import { loadSeldom, loadSession } from "./load-session.ts";
import type { LogSink } from "./logs.ts";
import { ensureMayWork } from "./rights.ts";
import type { RunOptions, TaskRun } from "./runs.ts";
import type { Session } from "./session.ts";

let clientOf: (session: Session, logs: LogSink) => Client;

/**
 * A connection to a scheduler. Its futures hold their results on the cluster until they are released or the client is
 * closed. An open client keeps the process alive; `close()` it, or write `await using client = …`.
 */
export class Client extends ClientTools {
  static {
    clientOf = (session, logs) => new Client(session, logs);
  }

  /**
   * Connects to `address` (host:port, ws:// or wss://; default TASKFLOCK_ADDRESS, the current connection context, or else 127.0.0.1:8786).
   *
   * Rejects with FLOCK_CONNECTION_REFUSED, FLOCK_NOT_A_SCHEDULER, FLOCK_UNAUTHORIZED, FLOCK_VERSION_MISMATCH,
   * FLOCK_ADDRESS_INVALID, FLOCK_CONTEXT_UNKNOWN, FLOCK_CONTEXT_INVALID or FLOCK_OPTION_INVALID.
   */
  static async connect(address?: string, options?: ClientOptions): Promise<Client> {
    const compiled = compileClientOptions(address, options);
    const { Session } = await loadSession();
    return new Client(await Session.open(compiled), compiled.logs);
  }

  /** A run of your own, for tasks that people follow as one thing: pass it as `{ run }`, and close it at the end. */
  run(name: string, options?: RunOptions): TaskRun {
    const { runs, welcome } = this.open();
    ensureMayWork(welcome, "open runs");
    return runs.start(name, options);
  }

  /**
   * A run that another client, or an earlier one of yours, opened with `{ detached: true }`: the newest of that name, with futures of all
   * its tasks. Rejects with FLOCK_RUN_UNKNOWN.
   */
  async attach(name: string): Promise<AttachedRun> {
    const session = this.open();
    return (await loadSeldom()).attach(session, name);
  }

  /**
   * Tries every candidate of `params` on every fold, and fits the best one on all data. Returns at once; throws at once for
   * options, parameters or data that cannot be used (FLOCK_OPTION_INVALID, FLOCK_ML_…). With `estimator: training({ … })` each
   * candidate is a training, and its score the monitored figure of its best epoch.
   */
  gridSearch<P extends object>(options: TrainingGridOptions<P>): TrainingSearch<P>;
  gridSearch<P extends object, M, I, const S extends PropertyKey = "score">(
    options: GridSearchOptions<P, M, I, S>,
  ): Search<P, M, I, ScoreNames<S>>;
  gridSearch<P extends object, M, I, S extends PropertyKey>(
    options: GridSearchOptions<P, M, I, S> | TrainingGridOptions<P>,
  ): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
    this.open();
    return gridSearch(new ClientExecutor(this.#executorHost()), options as GridSearchOptions<P, M, I, S>);
  }

  /**
   * Tries candidates that are drawn from `params`: `nIter` of them (default 10), the same for the same `seed`. Otherwise as `gridSearch`.
   */
  randomSearch<P extends object>(options: TrainingRandomOptions<P>): TrainingSearch<P>;
  randomSearch<P extends object, M, I, const S extends PropertyKey = "score">(
    options: RandomSearchOptions<P, M, I, S>,
  ): Search<P, M, I, ScoreNames<S>>;
  randomSearch<P extends object, M, I, S extends PropertyKey>(
    options: RandomSearchOptions<P, M, I, S> | TrainingRandomOptions<P>,
  ): Search<P, M, I, ScoreNames<S>> | TrainingSearch<P> {
    this.open();
    return randomSearch(new ClientExecutor(this.#executorHost()), options as RandomSearchOptions<P, M, I, S>);
  }

  /**
   * Tries all candidates with few rows, the best third of them with three times as many, and so on (successive halving). Returns and
   * throws as `gridSearch` does; events are those of trials, one for each rung that a candidate has been through.
   */
  halvingSearch<P extends object>(options: TrainingHalvingOptions<P>): TrainingSearch<P>;
  halvingSearch<P extends object, M, I>(options: HalvingSearchOptions<P, M, I>): HalvingSearch<P, M, I>;
  halvingSearch<P extends object, M, I>(
    options: HalvingSearchOptions<P, M, I> | TrainingHalvingOptions<P>,
  ): HalvingSearch<P, M, I> | TrainingSearch<P> {
    this.open();
    return halvingSearch(new ClientExecutor(this.#executorHost()), options as HalvingSearchOptions<P, M, I>);
  }

  /** Hyperband: brackets of `halvingSearch`, from many candidates with few rows to few candidates with all. */
  hyperbandSearch<P extends object>(options: TrainingHyperbandOptions<P>): TrainingSearch<P>;
  hyperbandSearch<P extends object, M, I>(options: HyperbandSearchOptions<P, M, I>): HalvingSearch<P, M, I>;
  hyperbandSearch<P extends object, M, I>(
    options: HyperbandSearchOptions<P, M, I> | TrainingHyperbandOptions<P>,
  ): HalvingSearch<P, M, I> | TrainingSearch<P> {
    this.open();
    return hyperbandSearch(new ClientExecutor(this.#executorHost()), options as HyperbandSearchOptions<P, M, I>);
  }

  /**
   * Trains a model on a worker (`model`: a function that builds and compiles it with TensorFlow.js). Returns at once: epochs as they
   * end by `for await (const epoch of run)`, the model of the best epoch by `await run.result()`. It goes on from its last checkpoint
   * when its worker dies or retires. Throws at once for options and data that cannot be used (FLOCK_OPTION_INVALID, FLOCK_ML_…).
   */
  train<P extends object>(options: TrainOptions<P>): TrainingRun {
    this.open();
    return train(new ClientExecutor(this.#executorHost()), options);
  }

  /** Leaves the scheduler, which drops what only this client wanted. What is awaited rejects with FLOCK_CLOSED. */
  close(): Promise<void> {
    return this.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #executorHost(): ExecutorHost {
    return {
      submitAny: (fn, args, options) => this.submitNow("submit", fn, args, options),
      scatterNow: (value, options) => this.open().scatter(value, options),
      run: (name, options) => this.run(name, options),
      logs: this.logSink,
      removeKept: async (prefix) => (await import("@taskflock/client/kept-bytes")).removeAllKeptBytes(this, prefix),
    };
  }
}

/** For the other files of this package. */
export function makeClient(session: Session, logs: LogSink): Client {
  return clientOf(session, logs);
}
