// What may be asked for a task: from the user's words to the data that travels.

import { defaultTaskOptions, type Isolation, RESOURCE_UNIT, type TaskOptionsData } from "@taskflock/protocol/words";
import {
  abortSignal,
  amounts,
  type Check,
  type Checks,
  checkOptions,
  flag,
  integerFrom,
  milliseconds,
  name,
  names,
  oneOf,
} from "./option-checks.ts";
import { TaskRun } from "./runs.ts";

/** Options of `submit`, `call` and `map`. Everything may be left out. */
export interface TaskOptions {
  /**
   * A key of your own, shared by all clients of the scheduler: the same key with the same function and arguments is the
   * same task, with the options of the first who submitted it; with others it fails with FLOCK_KEY_CONFLICT. With `map`, `-0`, `-1` … is added.
   */
  readonly key?: string;
  /** The function always returns the same for the same arguments: equal calls are one task. Default false. */
  readonly pure?: boolean;
  /** A readable stem for the derived key, in place of the function's name. */
  readonly name?: string;
  /** Higher runs first; a whole number from -1,000,000 to 1,000,000. Default 0. */
  readonly priority?: number;
  /** How often a task that threw is tried again, at most 1,000 times. Default 0. */
  readonly retries?: number;
  /** Milliseconds before the first retry; doubled each time, at most 60,000. Default 0. */
  readonly backoffMs?: number;
  /** Milliseconds one attempt may take; 0 is no limit, the default. */
  readonly timeoutMs?: number;
  /**
   * Milliseconds from the submission until the task must have ended, with all that it waits for and all attempts; then it fails with
   * FLOCK_DEADLINE_EXCEEDED, and code that runs is stopped as by a cancel. 0 is no deadline, the default.
   */
  readonly deadlineMs?: number;
  /**
   * Milliseconds that the task, its inputs being there, may wait while no worker is there that could ever run it; then it fails with
   * FLOCK_NO_WORKER_TIMEOUT, which names the requirement. Workers that are only busy do not count. 0 is without end, the default.
   */
  readonly noWorkerTimeoutMs?: number;
  /**
   * Milliseconds the code may go on after its AbortSignal, before its slot is ended. Default 1,000. Code that never asked for its signal
   * (`taskContext().signal`) has 50 of them at most; an actor has all of them.
   */
  readonly cancelGraceMs?: number;
  /** How many workers may die under the task before it fails with FLOCK_KILLED_WORKER. Default 3. */
  readonly allowedFailures?: number;
  /** What the task takes of its worker while it runs, such as { GPU: 1 }; fractions down to 1/10,000. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Names of the workers that may run it. Default any. */
  readonly workers?: readonly string[];
  /** With `workers`: others may run it while none of them is there. Default false. */
  readonly allowOtherWorkers?: boolean;
  /** "process" runs the task in a child process of the worker. Default "thread". */
  readonly isolation?: "thread" | "process";
  /**
   * When the task runs for more than 1 s and more than 3 times the median of its function, it is begun a second time on
   * another worker with a free slot. The first result counts, and the other attempt is stopped. Only for functions
   * without side effects: both attempts may run to their end. Default false.
   */
  readonly speculate?: boolean;
  /** The run that the task belongs to, from `client.run(…)`. */
  readonly run?: TaskRun;
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignal;
}

/** What the client itself asks for: actors and their calls, too. */
export interface InternalOptions extends Omit<TaskOptions, "isolation"> {
  readonly isolation?: Isolation;
}

const aRun: Check = (value) => (value instanceof TaskRun ? null : "a run, as client.run(name) returns it");

/** Of every option that a task has. */
export const taskOptionChecks: Checks<TaskOptions> = {
  key: name,
  pure: flag,
  name,
  priority: integerFrom(-1_000_000, 1_000_000),
  retries: integerFrom(0, 1000),
  backoffMs: milliseconds,
  timeoutMs: milliseconds,
  deadlineMs: milliseconds,
  noWorkerTimeoutMs: milliseconds,
  cancelGraceMs: milliseconds,
  allowedFailures: integerFrom(0, 1000),
  resources: amounts,
  workers: names,
  allowOtherWorkers: flag,
  isolation: oneOf("thread", "process"),
  speculate: flag,
  run: aRun,
  signal: abortSignal,
};

/** Throws FLOCK_OPTION_INVALID for names that do not exist and values of the wrong kind. */
export function checkTaskOptions(where: string, options: TaskOptions | undefined): TaskOptions {
  return checkOptions(where, options, taskOptionChecks);
}

/** The part of the options that is the scheduler's business; null when all of it is the default. */
export function optionsData(options: InternalOptions): TaskOptionsData | null {
  const data: TaskOptionsData = {
    ...defaultTaskOptions, // fixes the order of the names, so that equal options are equal as text
    priority: options.priority ?? defaultTaskOptions.priority,
    retries: options.retries ?? defaultTaskOptions.retries,
    backoffMs: Math.ceil(options.backoffMs ?? defaultTaskOptions.backoffMs),
    timeoutMs: Math.ceil(options.timeoutMs ?? defaultTaskOptions.timeoutMs),
    deadlineMs: Math.ceil(options.deadlineMs ?? defaultTaskOptions.deadlineMs),
    noWorkerTimeoutMs: Math.ceil(options.noWorkerTimeoutMs ?? defaultTaskOptions.noWorkerTimeoutMs),
    allowedFailures: options.allowedFailures ?? defaultTaskOptions.allowedFailures,
    cancelGraceMs: Math.ceil(options.cancelGraceMs ?? defaultTaskOptions.cancelGraceMs),
    resources: inUnits(options.resources ?? {}),
    workers: options.workers === undefined ? [] : [...options.workers].sort(),
    allowOtherWorkers: options.allowOtherWorkers ?? defaultTaskOptions.allowOtherWorkers,
    isolation: options.isolation ?? defaultTaskOptions.isolation,
    speculate: options.speculate ?? defaultTaskOptions.speculate,
  };
  return JSON.stringify(data) === defaultsAsText ? null : data;
}

const defaultsAsText: string = JSON.stringify(defaultTaskOptions);

function inUnits(resources: Readonly<Record<string, number>>): Record<string, number> {
  const names = Object.keys(resources).sort();
  return Object.fromEntries(names.map((name) => [name, Math.round((resources[name] ?? 0) * RESOURCE_UNIT)]));
}
