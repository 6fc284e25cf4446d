// Between worker, or its nanny, and scheduler.

import type { Holder } from "./client-messages.ts";
import type { Equip, Equipped, HeldGear, Unequip } from "./equipment.ts";
import type { ErrorCode } from "./errors.ts";
import type { Attempt, FunctionId, PayloadRef, TaskId, WorkerId } from "./ids.ts";
import type { WhyMissing } from "./relays.ts";
import type { Report, TellTask } from "./talk.ts";
import type { Failure, Isolation, WorkerMetrics, WorkerTensors } from "./tasks.ts";

export interface SendFunction {
  readonly t: "function";
  readonly fn: FunctionId;
  readonly hash: string;
  readonly name: string;
  readonly code: PayloadRef;
  readonly codeBytes: number;
}
/** No task uses the function any more. */
export interface ForgetFunction {
  readonly t: "forgetFunction";
  readonly fn: FunctionId;
}

/** Where an input is. `inline`: its bytes come along. No inline and no holders: it is made on this worker (assign-ahead). */
export interface Input {
  readonly task: TaskId;
  readonly bytes: number;
  readonly inline: PayloadRef;
  readonly holders: readonly Holder[];
}

export interface Assign {
  readonly t: "assign";
  readonly task: TaskId;
  readonly attempt: Attempt;
  /** For logs and errors: the readable key. */
  readonly key: string;
  readonly fn: FunctionId;
  readonly functions: readonly FunctionId[];
  readonly args: PayloadRef;
  readonly argsBytes: number;
  readonly inputs: readonly Input[];
  /** Lower runs first on the worker; the scheduler's own order. */
  readonly order: number;
  readonly timeoutMs: number;
  readonly cancelGraceMs: number;
  readonly isolation: Isolation;
  /** Never in a batch with others: it was on a worker that died. */
  readonly solo: boolean;
  /** The expected duration in µs, 0 when unknown: the worker batches tiny ones. */
  readonly expectedUs: number;
  /** What it asks for of the resource GPU, in 1/10,000: a worker that gives out its GPUs binds it to as many. */
  readonly gpu: number;
}

/** The bytes of a result are no longer wanted on this worker. Also sent for replicas. */
export interface Drop {
  readonly t: "drop";
  readonly task: TaskId;
}
/** Stop the attempt, queued or running; answered by `stopped` (or by its outcome, which came first). */
export interface StopTask {
  readonly t: "stop";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly why: "cancelled" | "stolen";
}
/** Get a copy from a holder and report `held` (hand-over before a retirement, replicas). */
export interface Acquire {
  readonly t: "acquire";
  readonly task: TaskId;
  readonly bytes: number;
  readonly holders: readonly Holder[];
}
/** A client is about to upload this task's bytes to the worker's peer port. */
export interface Expect {
  readonly t: "expect";
  readonly task: TaskId;
  readonly bytes: number;
}
/** Somebody who cannot reach the worker's peer port waits at the scheduler: it connects there, and serves the relay of this key. */
export interface Relay {
  readonly t: "relay";
  readonly key: string;
}
/** Planned stop: start nothing new, finish what runs, keep serving data until `leave`. Queued tasks were taken back by the scheduler. */
export interface Retire {
  readonly t: "retire";
}
/** Nothing here is needed any more: close and exit 0. `restart`: the nanny is to start the worker again. */
export interface Leave {
  readonly t: "leave";
  readonly restart: boolean;
}
export interface Configure {
  readonly t: "configure";
  readonly inlineLimitBytes: number;
}

/** Sample what the slots' threads do every so many µs; 0: no more, answered by `profiled`. */
export interface TakeProfile {
  readonly t: "profile";
  readonly intervalUs: number;
}

export type SchedulerToWorker =
  | TellTask
  | TakeProfile
  | Equip
  | Unequip
  | SendFunction
  | ForgetFunction
  | Assign
  | Drop
  | StopTask
  | Acquire
  | Expect
  | Relay
  | Retire
  | Leave
  | Configure;

/** A slot began with the task. Left out when its outcome is in the same frame. */
export interface Started {
  readonly t: "started";
  readonly task: TaskId;
  readonly attempt: Attempt;
}
export interface Finished {
  readonly t: "finished";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly bytes: number;
  /** The result when it is at most the inline limit; the worker then does not hold it. Else 0, and it holds it at `version`. */
  readonly result: PayloadRef;
  readonly version: number;
  /** How long the function ran, µs. */
  readonly durationUs: number;
}
export interface Errored {
  readonly t: "errored";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly failure: Failure;
  /** False for what no other attempt can mend (a function that is not found, an argument that was mutated). */
  readonly retryable: boolean;
  readonly durationUs: number;
}
/** The attempt is not here any more, without an outcome. */
export interface Stopped {
  readonly t: "stopped";
  readonly task: TaskId;
  readonly attempt: Attempt;
  /** `predecessor`: assigned ahead, and its input will not be made here. `input`: it could not be fetched (see `missing`). */
  readonly why: "cancelled" | "stolen" | "predecessor" | "input" | "retiring";
}
/** The worker holds a copy now: it fetched an input, acquired, or received an upload. */
export interface Held {
  readonly t: "held";
  readonly task: TaskId;
  readonly bytes: number;
  readonly version: number;
}
/** A copy could not be made after `expect` or `acquire`. */
export interface NotHeld {
  readonly t: "notHeld";
  readonly task: TaskId;
  readonly message: string;
  /** The error that it is, when it is one of ours. */
  readonly code: ErrorCode | null;
}
/** An input could not be fetched from `holder`, which had it at `version`. */
export interface Missing {
  readonly t: "missing";
  readonly task: TaskId;
  readonly holder: WorkerId;
  readonly version: number;
  readonly why: WhyMissing;
}
/** An actor ended without having been dropped: its thread or process is gone. */
export interface ActorEnded {
  readonly t: "actorEnded";
  readonly task: TaskId;
  readonly how: string;
}
/** The worker asks for a planned stop (SIGTERM, spot notice, lifetime); the scheduler answers `retire`. */
export interface WantsToRetire {
  readonly t: "wantsToRetire";
  readonly reason: string;
}
/** What the cloud said of the spot instance that it runs on, and what it does then: for the event log. */
export interface SpotNotice {
  readonly t: "spotNotice";
  readonly text: string;
}
/**
 * Its memory is above the limit at which it takes nothing new (`paused`), or below it again. What it has and has not begun is taken
 * back meanwhile; what runs goes on.
 */
export interface Pausing {
  readonly t: "pausing";
  readonly paused: boolean;
  readonly reason: string;
}
/** The copy that it held at `version` cannot be read any more: its file is damaged or gone. */
export interface Spoiled {
  readonly t: "spoiled";
  readonly task: TaskId;
  readonly version: number;
}
export interface Heartbeat {
  readonly t: "heartbeat";
  readonly metrics: WorkerMetrics;
}
/** Sources of one `moved`; and single fetches. */
export const MOVED_SOURCES = 64;
export const MOVED_LARGE = 8;

/** What came here from elsewhere since the last time: with a heartbeat, when there is something to tell. */
export interface Moved {
  readonly t: "moved";
  /** By the worker that it came from; 0: uploads of clients. What one message has no room for comes with a later one. */
  readonly sources: readonly {
    readonly from: WorkerId | 0;
    readonly bytes: number;
    readonly count: number;
    /** That they took, all together. */
    readonly us: number;
    readonly failures: number;
  }[];
  /** The largest of them. `agoUs`: since its end. */
  readonly large: readonly {
    readonly task: TaskId;
    readonly from: WorkerId | 0;
    readonly bytes: number;
    readonly us: number;
    readonly agoUs: number;
  }[];
}
/** What TensorFlow.js computes with in its slots: all of it, whenever that changes, and after each welcome. */
export interface TensorsTold {
  readonly t: "tensors";
  readonly tensors: readonly WorkerTensors[];
}
export interface WorkerLog {
  readonly t: "log";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
/** What the next `snapshot` has no room for: a frame has a limit, and a worker may hold any number of results. */
export interface SnapshotPart {
  readonly t: "snapshotPart";
  readonly holds: Snapshot["holds"];
}
/**
 * All that is here, together with the parts before it, after a resume (once what was not acknowledged has been sent again); also first after a fresh welcome, then empty.
 * Until it arrives the scheduler sends nothing to the worker.
 */
export interface Snapshot {
  readonly t: "snapshot";
  readonly holds: readonly { readonly task: TaskId; readonly bytes: number; readonly version: number }[];
  /** Attempts that are queued, waiting for inputs, or running here. */
  readonly tasks: readonly { readonly task: TaskId; readonly attempt: Attempt; readonly running: boolean }[];
  readonly functions: readonly FunctionId[];
  /** Uploads that are still expected here. */
  readonly expects: readonly TaskId[];
  /** Plugins and files that are here, or on their way. */
  readonly equipment: readonly HeldGear[];
}

/** What was sampled, as text in UTF-8; or why there is nothing. */
export interface Profiled {
  readonly t: "profiled";
  readonly data: PayloadRef;
  readonly dataBytes: number;
  readonly message: string;
}

export type WorkerToScheduler =
  | Report
  | Profiled
  | Equipped
  | Started
  | Finished
  | Errored
  | Stopped
  | Held
  | NotHeld
  | Missing
  | ActorEnded
  | WantsToRetire
  | SpotNotice
  | Pausing
  | Spoiled
  | Heartbeat
  | Moved
  | TensorsTold
  | WorkerLog
  | SnapshotPart
  | Snapshot;

/** A worker process is gone, and how: so that its loss is known at once, with its cause. */
export interface Exited {
  readonly t: "exited";
  readonly incarnation: string;
  /** E.g. "SIGKILL", "exit code 1", "above its memory limit (1.2 GiB of 1 GiB)". */
  readonly how: string;
}
export type NannyToScheduler = Exited;
