// What a running task and its clients say to each other: reports from the task, words to it.

import type { Attempt, PayloadRef, TaskId, TaskNumber } from "./ids.ts";

/** Of one report, or one word to a task: encoded bytes. */
export const TALK_BYTES: number = 1024 * 1024;

/** Worker to scheduler: what a running task reports, an encoded value. Of several, one may stand for those before it. */
export interface Report {
  readonly t: "report";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}

/** Scheduler to worker: an encoded value for the code of a task that runs. */
export interface TellTask {
  readonly t: "tell";
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}

/** Scheduler to client: a report of a task whose reports it asked for. One that cannot be said is left out; the next one tells more. */
export interface TaskReport {
  readonly t: "report";
  readonly n: TaskNumber;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}

export type TalkQuestion =
  /** Reports of the task are to be said from now on, while the client refers to it. */
  | { readonly q: "hearReports"; readonly n: TaskNumber }
  /** A value for the task's code. Answered with whether the task runs, so that it was sent there. */
  | { readonly q: "tellTask"; readonly n: TaskNumber; readonly data: PayloadRef; readonly dataBytes: number };

export interface TalkAnswers {
  readonly hearReports: null;
  readonly tellTask: boolean;
}
