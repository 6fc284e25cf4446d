// What a modelled client has of a task, and what it means to do with it.

import type { TaskId, TaskNumber } from "@taskflock/protocol/words";
import type { TaskSpec } from "./tasks.ts";

/** What is to become of a future: kept, its result fetched, let go, or cancelled, so many µs after it was submitted. */
export interface PlannedTask {
  readonly spec: TaskSpec;
  readonly fetch: boolean;
  readonly releaseAfterUs: number | null;
  readonly cancelAfterUs: number | null;
}

export interface PlannedBurst {
  readonly atUs: number;
  readonly run: number;
  /** Of a detached run, if this burst is the first of its run. */
  readonly keepMs: number | null;
  readonly tasks: readonly PlannedTask[];
}

export interface ModelFuture {
  readonly n: TaskNumber;
  readonly plan: PlannedTask;
  /** Of a task that others may have submitted, and may cancel. */
  readonly shared: boolean;
  /** It came with a run of another client's. */
  attached: boolean;
  state: "pending" | "done" | "failed" | "cancelled";
  code: string | null;
  message: string;
  failedKey: string | null;
  task: TaskId | null;
  /** What was fetched, or came along. */
  value: number | null;
  /** It could not be had after all: the failure that was said instead. */
  lostTo: string | null;
  locating: boolean;
  released: boolean;
  releaseDue: boolean;
  cancelAsked: boolean;
}

export function newFuture(n: TaskNumber, plan: PlannedTask, shared: boolean): ModelFuture {
  return {
    n,
    plan,
    shared,
    attached: false,
    state: "pending",
    code: null,
    message: "",
    failedKey: null,
    task: null,
    value: null,
    lostTo: null,
    locating: false,
    released: false,
    releaseDue: false,
    cancelAsked: false,
  };
}

export interface FutureEnd {
  readonly state: "failed" | "cancelled";
  readonly code: string;
  readonly message: string;
  readonly failedKey: string | null;
}

/** `who` was told that it ended otherwise than well: once, or again in the same way. */
export function noteEnd(future: ModelFuture, who: string, { state, code, message, failedKey }: FutureEnd): void {
  future.failedKey = failedKey;
  if (future.state === "done") {
    // said to be done, and lost since: only who asks for the bytes learns it
    future.lostTo = code;
    future.locating = false;
    return;
  }
  if (future.state !== "pending" && (future.state !== state || future.code !== code))
    throw new Error(`${who} was told two ends of ${future.n}: ${future.code}, then ${code}`);
  future.state = state;
  future.code = code;
  future.message = message;
}
