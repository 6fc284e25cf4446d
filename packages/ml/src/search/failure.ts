// Which failures of a fold belong to the fit (and cost one score), and which end the search.

import { type ErrorCode, FlockError, isFlockError } from "@taskflock/protocol/words";

/** What a fit can do to itself or to the worker under it. Any other coded error is not about this fit. */
const ownFailures: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FLOCK_ML_INPUT",
  "FLOCK_ML_PARAMETER",
  "FLOCK_ML_FIT",
  "FLOCK_TRAINING_MODEL",
  "FLOCK_LOSS_NOT_FINITE",
  "FLOCK_TIMEOUT",
  "FLOCK_KILLED_WORKER",
  "FLOCK_TASK_EXITED",
  "FLOCK_TASK_OUT_OF_MEMORY",
]);

export function isFitFailure(error: unknown): boolean {
  if (!isFlockError(error)) return true;
  if (error.code === "FLOCK_DEPENDENCY_FAILED" && error.cause !== undefined) return isFitFailure(error.cause);
  return ownFailures.has(error.code);
}

/** The error of a search that a failed fit ends. */
export function fitFailed(where: string, cause: unknown): FlockError {
  return new FlockError("FLOCK_ML_FIT", `${where} failed: ${messageOf(cause)}`, { cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
