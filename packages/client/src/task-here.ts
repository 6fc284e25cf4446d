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
  report(progress: unknown): void;
}

type Provider = () => unknown;

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
    report: (progress) => console.log(`progress ${typeof progress === "string" ? progress : format("%o", progress)}`),
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
