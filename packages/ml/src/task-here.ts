// What surrounds code that runs as a task, also in this process: `taskContext()` without a worker.

import { AsyncLocalStorage } from "node:async_hooks";

/** The part of `taskContext()` that trainings use; this package does not import the worker. */
export interface TaskHere {
  readonly signal: AbortSignal;
  readonly retiring: AbortSignal;
  readonly task: { readonly key: string; readonly attempt: number; readonly worker: string };
  log(...values: unknown[]): void;
  report(value: unknown, options?: { readonly quiet?: boolean }): void;
  onTell(hear: (value: unknown) => void): () => void;
}

type Provider = () => unknown;

/** All copies of the packages agree on it. */
const PROVIDER = Symbol.for("taskflock.taskContext");
const shared: typeof globalThis & { [PROVIDER]?: Provider } = globalThis;

let contexts: AsyncLocalStorage<TaskHere> | undefined;

/** What the task says that the calling code runs in, or undefined outside of one. */
export function taskHere(): TaskHere | undefined {
  return shared[PROVIDER]?.() as TaskHere | undefined;
}

/** Calls `run` as a task that has these surroundings. */
export function runAsTask<R>(here: TaskHere, run: () => R): R {
  return provided().run(here, run);
}

/** This process may be a worker's slot itself, and then has tasks of its own. */
function provided(): AsyncLocalStorage<TaskHere> {
  if (contexts !== undefined) return contexts;
  const here = new AsyncLocalStorage<TaskHere>();
  const outer = shared[PROVIDER];
  shared[PROVIDER] = () => here.getStore() ?? outer?.();
  contexts = here;
  return here;
}
