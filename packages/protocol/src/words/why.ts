// Why a task waits, or how it ended: what the scheduler knows, in words and as data. Times are in microseconds.

import type { TaskStatus, WorkerInfo } from "./tasks.ts";

/** A task in short. */
export interface WhyTask {
  readonly key: string;
  readonly status: TaskStatus;
  /** How long it has been in its state; null when that is not remembered. */
  readonly forUs: number | null;
}

/** What is known of the function that a task calls. */
export interface WhyFunction {
  readonly name: string;
  /** Calls that have ended well, of all clients; how long one took, on average, as a rule, and lately. Null before the first. */
  readonly calls: number;
  readonly meanUs: number | null;
  /** Right within an eighth. */
  readonly medianUs: number | null;
  readonly latelyUs: number | null;
}

/** What a task takes in. */
export interface WhyInputs {
  readonly total: number;
  /** How many are not there yet; and those by status: of all, or of the first 100,000. */
  readonly missing: number;
  readonly byStatus: Readonly<Partial<Record<TaskStatus, number>>>;
  /** The first five that are missing. */
  readonly first: readonly WhyTask[];
  /** The task that holds it up, so many calls away: it waits for no other. Null when nothing is missing. */
  readonly heldUpBy: (WhyTask & { readonly depth: number }) | null;
  /** False when the way there is longer than is looked at: `heldUpBy` waits for others, too. */
  readonly isWhole: boolean;
}

/** The line in which a queued task stands: of tasks that ask for the same. */
export interface WhyQueue {
  readonly inLine: number;
  /** How many are before it, and how many of those have a higher priority. Estimated in very long lines. */
  readonly before: number;
  readonly ofHigherPriority: number;
  readonly isExact: boolean;
  /** Other runs with tasks in this line: slots are shared with them by their weights. */
  readonly otherRuns: number;
  /** Tasks in line that ask for something else. */
  readonly elsewhere: number;
  /** Tasks that could run at one time, by slots and resources, on the workers that could run it; and that do. */
  readonly slots: number;
  readonly running: number;
  /** Until it begins, by what calls took before; null when nothing is known of them. */
  readonly expectedUs: number | null;
  /** The worker that is worth waiting for, because data of the task's is there; "" for any. */
  readonly waitsFor: string;
}

/** Who has now what a task needs. */
export interface WhyHolder extends WhyTask {
  readonly worker: string;
}

/** The worker that a task was given to. */
export interface WhyWorker {
  readonly name: string;
  readonly status: WorkerInfo["status"];
  readonly slots: number;
  readonly running: number;
  /** Tasks that were given to it, have not begun and go before this one. */
  readonly before: number;
  /** Inputs that it does not have yet, and where they are: the first five workers. */
  readonly transfers: number;
  readonly transferBytes: number;
  readonly from: readonly string[];
  /** Where it runs a second time, because it takes long; or "". */
  readonly second: string;
  /** About as long as that takes. */
  readonly transferUs: number;
}

/** The actor that a task makes, or calls. */
export interface WhyActor {
  readonly key: string;
  /** Where it lives, or is made; "" before that. */
  readonly worker: string;
  /** Of a call: calls of its client that are made before it and have not been given out; and calls that have been, of all clients. */
  readonly before: number;
  readonly given: number;
}

/** Attempts and limits. */
export interface WhyAttempts {
  /** The number of the last one; 0 before the first. */
  readonly attempt: number;
  readonly retriesUsed: number;
  readonly retries: number;
  /** Until the next one, when it waits for that. */
  readonly nextInUs: number | null;
  /** Workers that died under it. */
  readonly deaths: readonly string[];
  readonly deadlineInUs: number | null;
  readonly noWorkerInUs: number | null;
}

/** How a task ended. */
export interface WhyOutcome {
  readonly kind: "done" | "failed" | "cancelled";
  /** A code of the registry; "" for errors of the user's code, and for what did not fail. */
  readonly code: string;
  readonly message: string;
  /** Of the last attempt, or "". */
  readonly worker: string;
  /** The task that failed first, when this one failed because of it; else "". */
  readonly failedKey: string;
  /** The size of the result, and the workers that have it, the first five; none when the scheduler itself has it. */
  readonly bytes: number;
  readonly holders: readonly string[];
  /** From its begin to its end, as far as that is remembered. */
  readonly tookUs: number | null;
}

/** Why a task is where it is. */
export interface Why extends WhyTask {
  /** Its state as stories name it: `waiting`, `delayed`, `queued` … */
  readonly state: string;
  /** Who submitted it: the client's name; and the name of the run that it belongs to. */
  readonly client: string;
  readonly run: string;
  /** Null for data that was scattered. */
  readonly function: WhyFunction | null;
  readonly inputs: WhyInputs | null;
  readonly requirement: WhyRequirement;
  /** While it is queued. */
  readonly queue: WhyQueue | null;
  /** Tasks that have the resources it waits for, the first five. */
  readonly heldBy: readonly WhyHolder[];
  /** Tasks of higher priority for which what is free is saved, with the workers, the first five. */
  readonly savedFor: readonly WhyHolder[];
  readonly worker: WhyWorker | null;
  /** Null for tasks that have to do with none. */
  readonly actor: WhyActor | null;
  readonly attempts: WhyAttempts;
  readonly outcome: WhyOutcome | null;
  /** All that in words, the most important first; and as one text. */
  readonly sentences: readonly string[];
  readonly text: string;
}

/** A resource that a task takes while it runs. */
export interface WhyResource {
  readonly name: string;
  readonly amount: number;
  /** Workers that are there and what each has of it in all, the richest five. */
  readonly has: readonly { readonly worker: string; readonly amount: number }[];
  /** How many workers have none. */
  readonly hasNone: number;
}

/** What a task asks of a worker. */
export interface WhyRequirement {
  readonly resources: readonly WhyResource[];
  /** Names of workers, the first five; how many are named in all, and how many of those are there. */
  readonly workers: readonly string[];
  readonly workersInAll: number;
  readonly workersThere: number;
  readonly allowOtherWorkers: boolean;
  /** Workers that are there and take tasks; and how many of them could ever run it. */
  readonly there: number;
  readonly able: number;
  /** Of those: how many get nothing now, because their memory is above its limit. */
  readonly paused: number;
}
