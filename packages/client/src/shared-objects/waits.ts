// What all waits for shared objects have in common: names, time limits, and the task in which they wait.

import { FlockError } from "@taskflock/protocol/words";
import { abortSignal, type Checks, checkOptions, describe, milliseconds, name } from "../option-checks.ts";
import { taskHere } from "../task-here.ts";

export interface SharedWaitOptions {
  /** Milliseconds after which the wait fails with FLOCK_WAIT_TIMEOUT; 0 does not wait. Default: no limit. */
  readonly timeoutMs?: number;
  /** Ends the wait with FLOCK_CANCELLED. In a task its own `AbortSignal` does, too. */
  readonly signal?: AbortSignal;
}

export const sharedWaitChecks: Checks<SharedWaitOptions> = { timeoutMs: milliseconds, signal: abortSignal };

/** How long, and until when. */
export interface Patience {
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | undefined;
}

export function patienceOf(where: string, raw: SharedWaitOptions | undefined): Patience {
  return patience(checkOptions(where, raw, sharedWaitChecks));
}

export function patience({ timeoutMs, signal }: SharedWaitOptions): Patience {
  const task = taskHere()?.signal;
  const either = signal !== undefined && task !== undefined ? AbortSignal.any([signal, task]) : (signal ?? task);
  if (either?.aborted) throw new FlockError("FLOCK_CANCELLED", "The wait was given up before it began.");
  return { timeoutMs: timeoutMs === undefined ? null : Math.ceil(timeoutMs), signal: either };
}

export function checkName(where: string, given: unknown): string {
  const takes = name(given);
  if (takes === null) return given as string;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${where} takes a name, ${takes}, not ${describe(given)}.`);
}

/** What `waiting` resolves with, or undefined when it would have had to wait. */
export async function unlessBusy<T>(waiting: Promise<T>): Promise<T | undefined> {
  try {
    return await waiting;
  } catch (error) {
    if (error instanceof FlockError && error.code === "FLOCK_WAIT_TIMEOUT") return undefined;
    throw error;
  }
}
