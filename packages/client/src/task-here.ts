// `taskContext()` for a task's call that runs in the client's process.

import { AsyncLocalStorage } from "node:async_hooks";
import { format } from "node:util";

interface TaskFacts {
  readonly key: string;
  readonly attempt: number;
  readonly worker: string;
}

/** What the worker's `TaskContext` has (task-context.ts); this package does not import the worker. */
interface ContextHere {
  readonly signal: AbortSignal;
  readonly task: TaskFacts;
  log(...values: unknown[]): void;
  report(progress: unknown, options?: { readonly quiet?: boolean }): void;
  onTell(hear: (value: unknown) => void): () => void;
  readonly retiring: AbortSignal;
}

type Provider = () => unknown;

/** What only a slot's tasks have (the worker's item-context.ts), and what is not for users. */
export interface RunningTask extends ContextHere {
  /** False once it has its outcome. */
  readonly running?: boolean;
  atTaskEnd?(callback: () => void): () => void;
}

/** All copies of the packages agree on it. */
const PROVIDER = Symbol.for("taskflock.taskContext");
const shared: typeof globalThis & { [PROVIDER]?: Provider } = globalThis;

let contexts: AsyncLocalStorage<ContextHere> | undefined;

/** Calls `run` as a task that is never aborted, and whose log is the console. */
export function runAsTask<R>(task: TaskFacts, run: () => R): R {
  const context: ContextHere = {
    signal: new AbortController().signal,
    task,
    log: (...values) => console.log(...values),
    report: (progress, { quiet = false } = {}) => {
      if (!quiet) console.log(`progress ${typeof progress === "string" ? progress : format("%o", progress)}`);
    },
    onTell: () => () => {},
    retiring: new AbortController().signal,
  };
  return provided().run(context, run);
}

/** This process may be a worker's slot itself, and then has tasks of its own. */
function provided(): AsyncLocalStorage<ContextHere> {
  if (contexts !== undefined) return contexts;
  const here = new AsyncLocalStorage<ContextHere>();
  const outer = shared[PROVIDER];
  shared[PROVIDER] = () => here.getStore() ?? outer?.();
  contexts = here;
  return here;
}

/** What the task says that the calling code runs in, or undefined outside of one. */
export function taskHere(): RunningTask | undefined {
  return shared[PROVIDER]?.() as RunningTask | undefined;
}

/** Runs `callback` when the task that the calling code runs in has ended, however; never outside of one. Returns what takes that back. */
export function atTaskEnd(callback: () => void): () => void {
  return taskHere()?.atTaskEnd?.(callback) ?? (() => {});
}
