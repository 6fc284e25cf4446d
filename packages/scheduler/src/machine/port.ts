// The border of the scheduler's machine: what happens to it, and the few ways in which it asks its shell to act.

import type {
  Attempt,
  Cause,
  ClientToScheduler,
  Micros,
  PayloadRef,
  RunCounts,
  SchedulerToClient,
  SchedulerToWorker,
  SessionId,
  WorkerHello,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";

/** What happens. Every event says when (the scheduler's monotonic clock) and carries its cause. */
export type SchedulerEvent = { readonly at: Micros; readonly cause: Cause } & (
  | {
      readonly e: "clientJoined";
      readonly session: SessionId;
      readonly name: string;
      /** It only asks, and does not count. Else absent. */
      readonly observer?: boolean;
    }
  /** The link is back: the outcomes of its tasks are said again. */
  | { readonly e: "clientResumed"; readonly session: SessionId }
  /** The link is cut; the session waits for `clientResumed` or `clientGone`. */
  | { readonly e: "clientCut"; readonly session: SessionId }
  /** Gone for good (goodbye, or it did not come back in time): its references are released. */
  | { readonly e: "clientGone"; readonly session: SessionId }
  /** The client does not read: no outcomes until `clientReady`, which delivers what is due. */
  | { readonly e: "clientBlocked"; readonly session: SessionId }
  | { readonly e: "clientReady"; readonly session: SessionId }
  /** One inbound frame. Payload references in it are the machine's from now on: it frees each. */
  | { readonly e: "clientMessages"; readonly session: SessionId; readonly messages: readonly ClientToScheduler[] }
  | {
      readonly e: "workerJoined";
      readonly worker: WorkerId;
      readonly hello: WorkerHello;
      /** Unguessable: who is told it may reach the worker through the scheduler. None: nobody may. */
      readonly relayKey?: string;
    }
  /** Nothing is sent to it until its `snapshot` arrives. */
  | { readonly e: "workerResumed"; readonly worker: WorkerId }
  | { readonly e: "workerCut"; readonly worker: WorkerId }
  /** It is dead, or did not come back in time. `planned`: after `leave` was sent. `how`: for people. */
  | { readonly e: "workerLost"; readonly worker: WorkerId; readonly how: string; readonly planned: boolean }
  | { readonly e: "workerMessages"; readonly worker: WorkerId; readonly messages: readonly WorkerToScheduler[] }
  /** The time asked for with `wakeAt` has come. */
  | { readonly e: "woken" }
  /** The operator stops workers by name (CLI, page). */
  | { readonly e: "retireWorkers"; readonly workers: readonly string[] }
  /** Nobody used the cluster for so long: its workers are to leave. */
  | { readonly e: "idleTimeout"; readonly afterMs: number }
);

/**
 * Payload references in a message given to the port are lent: the machine still owns them and says `free` when it is done.
 * The shell copies the bytes before the call returns (so `toClient(…); free(…)` is right).
 */
export interface SchedulerPort {
  /** Queues a message; the shell sends what has collected at the end of the turn. Only to workers whose link is up. */
  toWorker(worker: WorkerId, message: SchedulerToWorker): void;
  /** Only to sessions whose link is up and that are not blocked. */
  toClient(session: SessionId, message: SchedulerToClient): void;
  /** One alarm: `woken` at or soon after `at`; a new call replaces the last; null takes it back. */
  wakeAt(at: Micros | null): void;
  /** The bytes are not needed any more. Exactly once for each reference received in an event. */
  free(payload: PayloadRef): void;
  /** The worker has left as planned or never answered: the shell closes its connection. */
  closeWorker(worker: WorkerId): void;
}

/** What the machine cannot know of itself, said in answers to people. */
export interface SchedulerFacts {
  readonly id: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly dashboard: string | null;
}

/** Fixed at construction. */
export interface SchedulerConfig {
  readonly facts: SchedulerFacts;
  /** Results up to this size are sent with their completion. */
  readonly inlineLimitBytes: number;
  /** All inline results together; above it workers are told to keep theirs. */
  readonly inlineBudgetBytes: number;
  /** Tasks a worker may have assigned, however short they are. */
  readonly maxAssignedPerWorker: number;
  /** A worker is kept supplied for this long, µs of expected work per slot, by the measured duration of functions. */
  readonly supplyUs: number;
  /** Before anything is measured: bytes per µs between workers. */
  readonly bandwidthBytesPerUs: number;
  /** Calls that failed are kept, so that clients can look into them: so many, the last ones, and of so many bytes. */
  readonly failedCalls: number;
  readonly failedCallBytes: number;
  /** Pages of the tasks that failed first in their runs that are kept when the tasks are forgotten, with their encoded errors. */
  readonly failuresRemembered: number;
  /** A task that takes less is no straggler, however short others are; and so often stragglers are looked for, µs. */
  readonly stragglerUs: number;
  /** What the unfinished tasks of one client may cost (`submitCost`); it keeps further ones to itself. */
  readonly admissionBytes: number;
  /** Values in queues and variables, all together. */
  readonly sharedBudgetBytes: number;
  /** Plugins and uploaded files, all together. */
  readonly equipmentBudgetBytes: number;
  /** Copies that nobody asked for are dropped when nothing has read the result for so long, µs. */
  readonly surplusUs: number;
  /** Lines of story kept for all tasks together. */
  readonly storyLines: number;
  /** Entries of the event log that are kept. */
  readonly eventsKept: number;
  /** Printed lines that are kept, UTF-16 units. */
  readonly logUnitsKept: number;
  /** What clients tell of their runs, of one run and of all together, UTF-16 units. */
  readonly detailUnitsOfRun: number;
  readonly detailUnitsKept: number;
}

export const defaultSchedulerConfig: SchedulerConfig = {
  facts: { id: "", version: "", pid: 0, startedAtMs: 0, dashboard: null },
  inlineLimitBytes: 4096,
  inlineBudgetBytes: 256 * 1024 * 1024,
  maxAssignedPerWorker: 4096,
  supplyUs: 20_000,
  bandwidthBytesPerUs: 500,
  failedCalls: 256,
  failuresRemembered: 64,
  failedCallBytes: 64 * 1024 * 1024,
  stragglerUs: 1_000_000,
  surplusUs: 10_000_000,
  admissionBytes: 256 * 1024 * 1024,
  sharedBudgetBytes: 256 * 1024 * 1024,
  equipmentBudgetBytes: 256 * 1024 * 1024,
  storyLines: 100_000,
  eventsKept: 10_000,
  logUnitsKept: 8 * 1024 * 1024,
  detailUnitsOfRun: 4 * 1024 * 1024,
  detailUnitsKept: 64 * 1024 * 1024,
};

export type { Attempt, RunCounts };
