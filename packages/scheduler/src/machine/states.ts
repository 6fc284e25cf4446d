// The states of a task as small integers, and what each is called for people.

import type { TaskStatus } from "@taskflock/protocol/words";

export type State = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** The slot names no task. */
export const FREE = 0;
/** Nobody wants the result now; only the lineage is kept, for results that were made from it. */
export const IDLE = 1;
/** Some input is not there yet. */
export const WAITING = 2;
/** Waits for the time of its next attempt. */
export const DELAYED = 3;
/** Scattered data that a client is uploading, or will when a worker is there. */
export const UPLOADING = 4;
/** In a queue of the scheduler's. */
export const QUEUED = 5;
/** Sent to a worker, which has not said that it began. */
export const ASSIGNED = 6;
export const RUNNING = 7;
/** The result is inline or at one worker at least. */
export const DONE = 8;
export const FAILED = 9;
export const CANCELLED = 10;
export const STATE_COUNT = 11;

export const stateNames: readonly string[] = [
  "forgotten",
  "released",
  "waiting",
  "delayed",
  "uploading",
  "queued",
  "assigned",
  "running",
  "done",
  "failed",
  "cancelled",
];

/** On its way to a result: its inputs are needed, and `waitingOn` is kept. */
export function isActive(state: State): boolean {
  return state >= WAITING && state <= RUNNING && state !== UPLOADING;
}

/** It has a worker. */
export function isPlaced(state: State): boolean {
  return state === ASSIGNED || state === RUNNING;
}

const statuses: readonly TaskStatus[] = [
  "done",
  "done",
  "waiting",
  "waiting",
  "waiting",
  "queued",
  "assigned",
  "running",
  "done",
  "failed",
  "cancelled",
];

/** The public word; what is only kept as lineage was done before. */
export function statusOf(state: State): TaskStatus {
  return statuses[state] ?? "done";
}
