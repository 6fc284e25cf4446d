// What code that runs as a task can ask about itself. Shipped code, installed packages and the slot may each load their own
// copy of this module, so the slot leaves its answer under a symbol that all copies agree on.
import { FlockError } from "@taskflock/protocol/words";

export interface TaskContext {
  /** Aborted when the task is cancelled or runs into its time limit; the reason is a `FlockError`. */
  readonly signal: AbortSignal;
  readonly task: {
    readonly key: string;
    /** 1 for the first execution. */
    readonly attempt: number;
    /** Name of the worker. */
    readonly worker: string;
  };
  /**
   * The absolute path of a file that `client.uploadFile` brought to the workers; a module is imported by it. It stays readable until the
   * file has been replaced or removed twice. Throws FLOCK_FILE_UNKNOWN, with the names that there are.
   */
  file(name: string): string;
  /** Writes a line to the task's log, as console.log does. */
  log(...values: unknown[]): void;
  /** Says how far the task is: a fraction from 0 to 1, or anything printable. It becomes a line of the task's log. */
  report(progress: unknown): void;
}

type Provider = () => TaskContext | undefined;

const PROVIDER = Symbol.for("taskflock.taskContext");
const shared: typeof globalThis & { [PROVIDER]?: Provider } = globalThis;

/** Installs what answers `taskContext()` in this thread. The slot's own. */
export function provideTaskContext(provider: Provider): void {
  shared[PROVIDER] = provider;
}

/** The task that the calling code runs in, also after an await. Throws `FLOCK_NOT_IN_TASK` elsewhere. */
export function taskContext(): TaskContext {
  const context = shared[PROVIDER]?.();
  if (context === undefined) {
    throw new FlockError(
      "FLOCK_NOT_IN_TASK",
      "taskContext() was called outside a task; call it from a function that was submitted, while it runs.",
    );
  }
  return context;
}
