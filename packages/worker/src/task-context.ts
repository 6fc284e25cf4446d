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
  /**
   * Says how far the task is: a fraction from 0 to 1, or any value that a task could return, of up to 1 MiB. Clients that ask for it
   * get the value (`future.onReport`): the latest one, where reports come faster than some twenty per second. It also becomes a line of
   * the task's log, unless `quiet`. Throws FLOCK_TOO_LARGE; with `quiet` also FLOCK_NOT_SERIALIZABLE.
   */
  report(progress: unknown, options?: { readonly quiet?: boolean }): void;
  /**
   * Calls `hear` with each value that a client tells this task (`future.tell`), and with those that came before the first call of
   * `onTell`. Returns what ends that.
   */
  onTell(hear: (value: unknown) => void): () => void;
  /**
   * Aborted when the worker is to stop as planned: it waits for what runs. A task that can go on elsewhere saves where it is and calls
   * `retiring.throwIfAborted()`: it is begun again on another worker, which counts neither as a failure nor as a retry.
   */
  readonly retiring: AbortSignal;
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
