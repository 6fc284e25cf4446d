// One call on every worker: tasks that only the worker in question may run.

import { type ErrorCode, FlockError, isFlockError, type WorkerInfo } from "@taskflock/protocol/words";
import type { AnyFunction } from "./function-table.ts";
import type { Future } from "./future.ts";
import { type Checks, checkOptions, describe, oneOf } from "./option-checks.ts";
import { type TaskOptions, taskOptionChecks } from "./task-options.ts";

/** What becomes of failures: see `RunOnWorkersOptions`. */
export type OnError = "throw" | "return";

export interface RunOnWorkersOptions<E extends OnError = OnError>
  extends Pick<TaskOptions, "cancelGraceMs" | "deadlineMs" | "isolation" | "name" | "run" | "signal" | "timeoutMs"> {
  /** Names of the workers. Default all that are there at the call, but for those that are retiring. */
  readonly workers?: readonly string[];
  /**
   * When it fails on some: "throw", the default, rejects with FLOCK_WORKERS_FAILED once it has ended on all; "return" leaves each
   * error in its worker's place.
   */
  readonly onError?: E;
}

/** What a function that returns R came to, by the names of the workers. */
export type OnWorkers<R, E extends OnError = "throw"> = Readonly<
  Record<string, Awaited<R> | (E extends "return" ? Error : never)>
>;

/** The part of a client that this needs. */
export interface WorkersHost {
  submit(fn: AnyFunction, args: readonly unknown[], options: TaskOptions): Future<unknown>;
  workers(): Promise<readonly WorkerInfo[]>;
}

const { cancelGraceMs, deadlineMs, isolation, name, run, signal, timeoutMs, workers } = taskOptionChecks;
const checks: Checks<RunOnWorkersOptions> = {
  ...{ cancelGraceMs, deadlineMs, isolation, name, run, signal, timeoutMs, workers },
  onError: oneOf("throw", "return"),
};

/** Before whatever waits. */
const PRIORITY = 1_000_000;
/** How often it is looked whether the workers are still there: a task for one that left waits for its name to come back. */
const LOOK_MS = 250;

/** Rejects with FLOCK_WORKER_UNKNOWN, FLOCK_WORKERS_FAILED, FLOCK_OPTION_INVALID, and what submitting throws. */
export async function runOnWorkers(
  host: WorkersHost,
  fn: AnyFunction,
  args: readonly unknown[],
  raw: RunOnWorkersOptions | undefined,
): Promise<OnWorkers<unknown>> {
  const { workers: names, onError = "throw", ...given } = checkOptions("runOnWorkers", raw, checks);
  if (typeof fn !== "function") {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `runOnWorkers takes a function first, not ${describe(fn)}.`);
  }
  const chosen = choose(await host.workers(), names);
  const calls: Call[] = [];
  try {
    for (const worker of chosen) {
      // A worker that dies under it is not to meet it again when it is back.
      const pinned = { ...given, workers: [worker.name], priority: PRIORITY, allowedFailures: 0 };
      calls.push({ worker, future: host.submit(fn, args, pinned), lost: false });
    }
    const left = watchWorkers(host, calls);
    try {
      const outcomes = await Promise.all(calls.map(outcomeOf));
      return collect(outcomes, onError);
    } finally {
      left();
    }
  } finally {
    for (const { future } of calls) future.release();
  }
}

interface Call {
  readonly worker: WorkerInfo;
  readonly future: Future<unknown>;
  /** Its worker left before it had ended. */
  lost: boolean;
}

interface Outcome {
  readonly name: string;
  readonly value: unknown;
  readonly error: Error | null;
}

function choose(there: readonly WorkerInfo[], names: readonly string[] | undefined): readonly WorkerInfo[] {
  if (names === undefined) {
    const staying = there.filter(({ status }) => status !== "retiring");
    return staying.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })); // one that was started again is no later
  }
  return [...new Set(names)].map((name) => {
    const found = there.find((worker) => worker.name === name);
    if (found !== undefined) return found;
    const known =
      there.length === 0 ? "There are none." : `There are ${there.map((worker) => worker.name).join(", ")}.`;
    throw new FlockError("FLOCK_WORKER_UNKNOWN", `runOnWorkers: no worker is named ${describe(name)}. ${known}`);
  });
}

/** Cancels the calls of workers that are gone. Returns how to end that. */
function watchWorkers(host: WorkersHost, calls: readonly Call[]): () => void {
  const look = async (): Promise<void> => {
    const open = calls.filter(({ future, lost }) => !lost && future.status === "pending");
    if (open.length === 0) return;
    const there = new Set((await host.workers()).map(({ worker }) => worker));
    for (const call of open) {
      if (there.has(call.worker.worker)) continue;
      call.lost = true;
      call.future.cancel("its worker left").catch(() => undefined);
    }
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS); // what ends the client ends the calls, too
  return () => clearInterval(timer);
}

async function outcomeOf(call: Call): Promise<Outcome> {
  const { name } = call.worker;
  try {
    return { name, value: await call.future.result(), error: null };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const isLost = (call.lost && isFlockError(error, "FLOCK_CANCELLED")) || isFlockError(error, "FLOCK_KILLED_WORKER");
    return { name, value: undefined, error: isLost ? lost(name, error) : error };
  }
}

function lost(name: string, cause: Error): FlockError {
  return new FlockError("FLOCK_WORKER_LOST", `Worker ${name} left or died before the call on it had ended.`, { cause });
}

/** The client as a whole can do nothing more: no matter of one worker. */
const ENDINGS: readonly ErrorCode[] = ["FLOCK_CLOSED", "FLOCK_CONNECTION_LOST", "FLOCK_SESSION_LOST"];

function collect(outcomes: readonly Outcome[], onError: OnError): OnWorkers<unknown> {
  const failed = outcomes.flatMap(({ name, error }) => (error === null ? [] : [[name, error] as const]));
  const ended = failed.find(([, error]) => ENDINGS.some((code) => isFlockError(error, code)));
  if (ended !== undefined) throw ended[1];
  if (failed.length === 0 || onError === "return") {
    return Object.fromEntries(outcomes.map(({ name, value, error }) => [name, error ?? value]));
  }
  const results = outcomes.flatMap(({ name, value, error }) => (error === null ? [[name, value] as const] : []));
  const shown = failed.slice(0, 5).map(([name, error]) => `${name}: ${error.name}: ${error.message}`);
  const more = failed.length > shown.length ? `; and ${failed.length - shown.length} more` : "";
  const message = `The function failed on ${failed.length} of ${outcomes.length} workers: ${shown.join("; ")}${more}`;
  const facts = { errors: Object.fromEntries(failed), results: Object.fromEntries(results) };
  throw Object.assign(new FlockError("FLOCK_WORKERS_FAILED", message, { cause: failed[0]?.[1] }), facts);
}
