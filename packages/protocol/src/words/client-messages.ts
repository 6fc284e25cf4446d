// Between client and scheduler.

import type { PlacesWanted } from "./code-places.ts";
import type { FunctionNumber, OptionsNumber, PayloadRef, RunNumber, TaskId, TaskNumber, WorkerId } from "./ids.ts";
import type { Question } from "./questions.ts";
import type { WhyMissing } from "./relays.ts";
import type { RunDetails } from "./run-details.ts";
import type { TaskReport } from "./talk.ts";
import type { Failure, RunCounts, TaskOptionsData } from "./tasks.ts";

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
  /**
   * Its tasks go on when their client leaves, and their results are kept for so long after all of it has ended, milliseconds. Null: it
   * ends with its client.
   */
  readonly keepMs: number | null;
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
  /** Names of the workers that may receive it, when it is uploaded; none: any. */
  readonly workers: readonly string[];
  /** The client keeps the bytes for now: they may be asked for again (`uploadTo`) when the last copy is lost. */
  readonly kept: boolean;
}
/** Data is to be uploaded again, and the client has its bytes no more. */
export interface NotKept {
  readonly t: "notKept";
  readonly n: TaskNumber;
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
  readonly why: WhyMissing;
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

export type ClientToScheduler =
  | DefineFunction
  | DefineOptions
  | OpenRun
  | ReportRun
  | CloseRun
  | RunDetails
  | Submit
  | Scatter
  | NotKept
  | Release
  | CancelTask
  | Locate
  | Unavailable
  | Ask
  | Goodbye;

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
  /** The task that failed first, when this one failed because of a dependency: `failure` is that task's. Else null. */
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
  /** Bytes that belong to the answer, or 0. */
  readonly data: PayloadRef;
  readonly dataBytes: number;
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
/** What all submissions of the session that are over cost, together; said now and then, and when the link is back. */
export interface Credit {
  readonly t: "credit";
  readonly bytes: number;
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
  | TaskReport
  | Credit
  | PlacesWanted
  | Notice;
