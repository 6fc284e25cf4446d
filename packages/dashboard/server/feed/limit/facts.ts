// What the sentence is made of.

import type { PageOverview } from "@taskflock/protocol/words";

/** What changed over the last seconds; null: nothing is known yet. */
export interface Flow {
  readonly endedPerSecond: number;
  /** In the last second or so. */
  readonly submittedPerSecond: number;
  /** The most that were unfinished at one time. */
  readonly mostUnfinished: number;
  readonly movedBytesPerSecond: number;
  /** Share of the slots' time in which tasks ran their own code, and how long one took, seconds; null when nothing ended. */
  readonly computing: number | null;
  readonly taskSeconds: number | null;
}

/** A task that runs, the longest first. */
export interface RunningTask {
  readonly function: string;
  readonly worker: string;
  readonly seconds: number;
}

export interface LimitFacts {
  readonly overview: PageOverview;
  readonly flow: Flow | null;
  /** Until all that was submitted is done; null when that is not known. */
  readonly secondsLeft: number | null;
  /** How long the scheduler takes to answer, ms. */
  readonly answerMs: number;
  /** How long no task has ended, seconds. */
  readonly quietSeconds: number;
  /** Empty when they are not known. */
  readonly running: readonly RunningTask[];
}

/** Counts that most rules look at. */
export interface Load {
  readonly waiting: number;
  readonly queued: number;
  /** Given to a worker, or running there. */
  readonly active: number;
  readonly runningTasks: number;
  readonly pending: number;
  readonly unfinished: number;
  readonly slots: number;
  readonly busy: number;
  readonly idle: number;
}

export function loadOf({ tasks, slots, busy }: PageOverview): Load {
  const { waiting, queued, assigned, running } = tasks;
  const active = assigned + running;
  const pending = waiting + queued;
  const counts = { waiting, queued, active, runningTasks: running, pending, unfinished: pending + active };
  return { ...counts, slots, busy, idle: Math.max(0, slots - busy) };
}
