// Every message between the parties: one closed union per direction. A frame carries a list of them (frames.ts packs the
// hot ones by columns). Machines see these very objects: bytes appear only as a `PayloadRef` and a size.
//
// Upstream (client → scheduler, worker → scheduler) is reliable and in order across reconnects: frames are numbered,
// acknowledged, and sent again (link/). Downstream is not: after a cut it is reconciled from state (a worker's snapshot,
// a client's live futures).

import type {
  Attempt,
  FunctionId,
  FunctionNumber,
  Micros,
  OptionsNumber,
  PayloadRef,
  RunNumber,
  SessionId,
  TaskId,
  TaskNumber,
  WorkerId,
} from "./ids.ts";
import type {
  ClusterInfo,
  Failure,
  RunCounts,
  RunInfo,
  StoryLine,
  TaskOptionsData,
  WorkerInfo,
  WorkerMetrics,
} from "./tasks.ts";

/** Raised with every incompatible change; both ends must say the same. */
export const PROTOCOL_VERSION = 1;

// ---------------------------------------------------------------- handshake (a frame of its own, first on a connection)

/** Workers and nannies present their incarnation: a random id of the process, made at its start. */
export type Hello =
  | {
      readonly t: "hello";
      readonly role: "client";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
      readonly resume: Resume | null;
    }
  | {
      readonly t: "hello";
      readonly role: "worker";
      readonly protocol: number;
      readonly token: string;
      readonly worker: WorkerHello;
      readonly resume: Resume | null;
    }
  | {
      readonly t: "hello";
      readonly role: "nanny";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
    }
  /** A peer or client that wants data from a worker's peer port (bulk.ts). */
  | {
      readonly t: "hello";
      readonly role: "peer";
      readonly protocol: number;
      readonly token: string;
      readonly name: string;
    };

/** Asks to go on with a session (client) or a worker (by id); `secret` is what the first welcome gave. */
export interface Resume {
  readonly id: number;
  readonly secret: string;
}

export interface WorkerHello {
  readonly name: string;
  readonly incarnation: string;
  readonly pid: number;
  readonly slots: number;
  /** In 1/10,000. */
  readonly resources: Readonly<Record<string, number>>;
  readonly memoryLimitBytes: number;
  /** host:port where peers and clients fetch its results. */
  readonly peerAddress: string;
}

export interface Welcome {
  readonly t: "welcome";
  readonly protocol: number;
  /** Random, one per scheduler process. */
  readonly scheduler: string;
  /** SessionId for a client, WorkerId for a worker, 0 otherwise. */
  readonly id: number;
  /** The name in use: a worker's name is made unique. */
  readonly name: string;
  readonly secret: string;
  readonly resumed: boolean;
  /** Number of the last upstream frame that was processed; later ones are to be sent again. */
  readonly received: number;
  /** Largest frame this end accepts. */
  readonly maxFrameBytes: number;
  /** Upstream bytes that may be sent and not yet acknowledged. */
  readonly creditBytes: number;
  /** Results up to this size travel with their completion. */
  readonly inlineLimitBytes: number;
  /** The scheduler's monotonic clock, for the offset. */
  readonly now: Micros;
}

export interface Refused {
  readonly t: "refused";
  readonly code: string;
  readonly message: string;
}

// ---------------------------------------------------------------- client → scheduler

/** Defines `fn` for this session. `code` is an encoded function description (function-description.ts). */
export interface DefineFunction {
  readonly t: "function";
  readonly fn: FunctionNumber;
  readonly hash: string;
  readonly name: string;
  readonly code: PayloadRef;
  readonly codeBytes: number;
}

export interface DefineOptions {
  readonly t: "options";
  readonly options: OptionsNumber;
  readonly data: TaskOptionsData;
}

/** A run of the client's: its tasks share a weight, its steps and events are what people follow. */
export interface OpenRun {
  readonly t: "openRun";
  readonly run: RunNumber;
  readonly name: string;
  readonly weight: number;
  readonly steps: number;
}
export interface ReportRun {
  readonly t: "reportRun";
  readonly run: RunNumber;
  readonly stepsDone: number;
}
export interface CloseRun {
  readonly t: "closeRun";
  readonly run: RunNumber;
  readonly outcome: "done" | "failed" | "stopped" | "cancelled";
}

export interface Submit {
  readonly t: "submit";
  readonly n: TaskNumber;
  readonly fn: FunctionNumber;
  /** Functions that stand inside the arguments, by the index they have there. */
  readonly functions: readonly FunctionNumber[];
  /** The encoded arguments: an array value with leaves for futures (index into `deps`) and functions (index into `functions`). */
  readonly args: PayloadRef;
  readonly argsBytes: number;
  /** Tasks of this session whose results stand inside the arguments; distinct, all submitted before. */
  readonly deps: readonly TaskNumber[];
  readonly options: OptionsNumber;
  readonly run: RunNumber;
  /** A key shared between clients, or null for one of its own (`name-session-n`). */
  readonly key: string | null;
  /** With a key: a hash of code and arguments; the same key with another fingerprint is a conflict. */
  readonly fingerprint: string | null;
}

/**
 * Data of the client's that becomes a task without a function. Small data travels here (`data`); larger data is
 * uploaded: the scheduler answers `uploadTo`, the client puts the bytes on the workers named, they report `held`.
 */
export interface Scatter {
  readonly t: "scatter";
  readonly n: TaskNumber;
  readonly key: string | null;
  readonly fingerprint: string | null;
  readonly name: string;
  readonly bytes: number;
  readonly data: PayloadRef;
  readonly broadcast: boolean;
}

/** The client no longer wants the result. Numbers are never used again, so this cannot overtake a submission. */
export interface Release {
  readonly t: "release";
  readonly n: TaskNumber;
}
export interface CancelTask {
  readonly t: "cancel";
  readonly n: TaskNumber;
  readonly reason: string;
}
/** Where is the result, which did not travel with its outcome? Answered by `located`. */
export interface Locate {
  readonly t: "locate";
  readonly n: TaskNumber;
}
/** A holder did not have it, or died: the scheduler corrects its table, recomputes if it must, and answers `located` or a failure. */
export interface Unavailable {
  readonly t: "unavailable";
  readonly n: TaskNumber;
  readonly holder: WorkerId;
  readonly version: number;
}
/** A seldom question; answered by `answer` with the same id. */
export interface Ask {
  readonly t: "ask";
  readonly id: number;
  readonly question: Question;
}
/** The client leaves for good: its references are released at once. */
export interface Goodbye {
  readonly t: "goodbye";
}

export type Question =
  | { readonly q: "cluster" }
  | { readonly q: "story"; readonly n: TaskNumber }
  | { readonly q: "retire"; readonly workers: readonly string[] }
  /** Answered once so many workers are there. */
  | { readonly q: "waitForWorkers"; readonly count: number }
  /** Answered when all messages before it have been processed. */
  | { readonly q: "ping" };

export type AnswerOf<Q extends Question> = Q extends { q: "cluster" }
  ? ClusterInfo
  : Q extends { q: "story" }
    ? readonly StoryLine[]
    : Q extends { q: "retire" }
      ? readonly WorkerInfo[]
      : Q extends { q: "waitForWorkers" }
        ? readonly WorkerInfo[]
        : null;

export type ClientToScheduler =
  | DefineFunction
  | DefineOptions
  | OpenRun
  | ReportRun
  | CloseRun
  | Submit
  | Scatter
  | Release
  | CancelTask
  | Locate
  | Unavailable
  | Ask
  | Goodbye;

// ---------------------------------------------------------------- scheduler → client

export interface Done {
  readonly t: "done";
  readonly n: TaskNumber;
  readonly bytes: number;
  /** The result itself when it is small, else 0: ask with `locate` when it is wanted. */
  readonly result: PayloadRef;
}
export interface Failed {
  readonly t: "failed";
  readonly n: TaskNumber;
  readonly failure: Failure;
  /** The name of the worker of the last attempt, or "". */
  readonly worker: string;
  readonly attempt: number;
  /** The task that failed first, when this one failed because of a dependency; else null. */
  readonly failedKey: string | null;
}
export interface Cancelled {
  readonly t: "cancelled";
  readonly n: TaskNumber;
  readonly reason: string;
}
export interface Holder {
  readonly worker: WorkerId;
  readonly address: string;
  /** The version of the worker's holdings in which this task appeared. */
  readonly version: number;
}
export interface Located {
  readonly t: "located";
  readonly n: TaskNumber;
  readonly task: TaskId;
  readonly bytes: number;
  /** Not empty; or `inline` holds the bytes. */
  readonly holders: readonly Holder[];
  readonly inline: PayloadRef;
}
export interface UploadTo {
  readonly t: "uploadTo";
  readonly n: TaskNumber;
  readonly task: TaskId;
  readonly holders: readonly Holder[];
}
export interface Answer {
  readonly t: "answer";
  readonly id: number;
  readonly value: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
}
/** A run's progress, at most a few times a second. */
export interface RunProgress {
  readonly t: "runProgress";
  readonly run: RunNumber;
  readonly counts: RunCounts;
}
/** Console output of a task, rate-limited. */
export interface TaskLog {
  readonly t: "log";
  readonly n: TaskNumber;
  readonly worker: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
/** A message to show to the person, e.g. that results are computed again because a worker died. */
export interface Notice {
  readonly t: "notice";
  readonly level: "info" | "warn";
  readonly text: string;
}

export type SchedulerToClient =
  | Done
  | Failed
  | Cancelled
  | Located
  | UploadTo
  | Answer
  | RunProgress
  | TaskLog
  | Notice;

// ---------------------------------------------------------------- scheduler → worker

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
  readonly isolation: "thread" | "process";
  /** Never in a batch with others: it was on a worker that died. */
  readonly solo: boolean;
  /** The expected duration in µs, 0 when unknown: the worker batches tiny ones. */
  readonly expectedUs: number;
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
/** Planned stop: start nothing new, finish what runs, keep serving data until `leave`. Queued tasks were taken back by the scheduler. */
export interface Retire {
  readonly t: "retire";
}
/** Nothing here is needed any more: close and exit 0. */
export interface Leave {
  readonly t: "leave";
}
export interface Configure {
  readonly t: "configure";
  readonly inlineLimitBytes: number;
}

export type SchedulerToWorker =
  | SendFunction
  | ForgetFunction
  | Assign
  | Drop
  | StopTask
  | Acquire
  | Expect
  | Retire
  | Leave
  | Configure;

// ---------------------------------------------------------------- worker → scheduler

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
}
/** An input could not be fetched from `holder`, which had it at `version`. */
export interface Missing {
  readonly t: "missing";
  readonly task: TaskId;
  readonly holder: WorkerId;
  readonly version: number;
}
/** The worker asks for a planned stop (SIGTERM, spot notice, lifetime); the scheduler answers `retire`. */
export interface WantsToRetire {
  readonly t: "wantsToRetire";
  readonly reason: string;
}
export interface Heartbeat {
  readonly t: "heartbeat";
  readonly metrics: WorkerMetrics;
}
export interface WorkerLog {
  readonly t: "log";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
/**
 * All that is here, after a resume (once what was not acknowledged has been sent again); also first after a fresh welcome, then empty.
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
}

export type WorkerToScheduler =
  | Started
  | Finished
  | Errored
  | Stopped
  | Held
  | NotHeld
  | Missing
  | WantsToRetire
  | Heartbeat
  | WorkerLog
  | Snapshot;

// ---------------------------------------------------------------- nanny → scheduler

/** A worker process is gone, and how: so that its loss is known at once, with its cause. */
export interface Exited {
  readonly t: "exited";
  readonly incarnation: string;
  /** E.g. "SIGKILL", "exit code 1", "above its memory limit (1.2 GiB of 1 GiB)". */
  readonly how: string;
}
export type NannyToScheduler = Exited;

/** Every message by direction; the codec and the validators are keyed by it. */
export interface Directions {
  readonly client: ClientToScheduler;
  readonly toClient: SchedulerToClient;
  readonly worker: WorkerToScheduler;
  readonly toWorker: SchedulerToWorker;
  readonly nanny: NannyToScheduler;
}

export type { ClusterInfo, RunInfo, SessionId };
