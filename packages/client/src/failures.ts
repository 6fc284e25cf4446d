// From a failure as it travelled to an error as a person meets it.

import {
  type Cancelled,
  decodeValue,
  type ErrorCode,
  type Failed,
  type FailedCall,
  FlockError,
  type PayloadStore,
} from "@taskflock/protocol";
import { makeReadable } from "./stacks/readable.ts";

/** What a task threw, with what the cluster adds to it. */
export interface TaskError extends Error {
  readonly taskKey?: string;
  readonly worker?: string;
  readonly attempt?: number;
  /** The call that failed; the user's own property where the error has one of this name. */
  readonly task?: {
    readonly function: string;
    /** In short: `x: 3, rows: number[1797]`; "" when the function was not called. */
    readonly arguments: string;
    /** The last lines that it printed. */
    readonly log: readonly string[];
  };
}

/** The error of a task that failed or was cancelled; a new one with every call. */
export function errorOf(outcome: Failed | Cancelled, key: string, payloads: PayloadStore): Error {
  if (outcome.t === "cancelled") {
    const reason = outcome.reason === "" ? "" : `: ${outcome.reason}`;
    return Object.assign(new FlockError("FLOCK_CANCELLED", `Task ${key} was cancelled${reason}`), { taskKey: key });
  }
  const { failure, failedKey, worker, attempt } = outcome;
  const { thrown, call } = decodeThrown(outcome, payloads);
  const error = failure.code === null ? userError(outcome, thrown) : codedError(failure.code, outcome, thrown);
  if (failedKey === null || failedKey === key) return annotate(error, { taskKey: key, worker, attempt }, call);
  const cause = annotate(error, { taskKey: failedKey, worker, attempt }, call);
  const message = `Task ${key} could not run, because ${failedKey} failed: ${cause.message}`;
  return Object.assign(new FlockError("FLOCK_DEPENDENCY_FAILED", message, { cause }), { taskKey: key });
}

/** What the task's code threw, or what led to a coded failure; undefined when it did not travel or cannot be read. */
interface Thrown {
  readonly thrown: unknown;
  readonly call: FailedCall | null;
}

function decodeThrown({ failure }: Failed, payloads: PayloadStore): Thrown {
  if (failure.errorBytes > 0) {
    try {
      const [thrown, call] = decodeValue(payloads.get(failure.error), { copy: true }) as [unknown, FailedCall | null];
      makeReadable(thrown, call?.folders ?? []);
      return { thrown, call };
    } catch {
      // name and message are told by the failure itself
    }
  }
  return { thrown: undefined, call: null };
}

function userError({ failure }: Failed, thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const error = new Error(failure.message, thrown === undefined ? undefined : { cause: thrown });
  error.name = failure.name;
  delete error.stack; // it would point here, where nothing went wrong
  return error;
}

function codedError(code: ErrorCode, { failure }: Failed, thrown: unknown): Error {
  if (thrown instanceof FlockError && thrown.code === code) return thrown;
  return new FlockError(code, failure.message, thrown === undefined ? undefined : { cause: thrown });
}

interface Circumstances {
  readonly taskKey: string;
  readonly worker: string;
  readonly attempt: number;
}

/** Says where the error comes from, in properties that a printed error shows. */
function annotate(error: Error, circumstances: Circumstances, call: FailedCall | null): Error {
  if (!Object.isExtensible(error)) return error;
  Object.assign(error, circumstances);
  if (call === null || Object.hasOwn(error, "task")) return error; // `task` is the user's own
  const { function: name, arguments: args, log } = call;
  return Object.assign(error, { task: { function: name, arguments: args, log } });
}
