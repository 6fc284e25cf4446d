// What a task asks for, and how it ended: plain data shared by all parties.

import type { ErrorCode } from "./errors.ts";
import type { PayloadRef } from "./ids.ts";

/**
 * Where code runs: in the thread or the child process of a slot; in a thread or process of its own, which the object that the task
 * makes keeps (an actor); or in that of the actor that the task's first input is (a call of it).
 */
export type Isolation = "thread" | "process" | "actor" | "actor-process" | "call";
/** In the order of their numbers on the wire. */
export const isolations: readonly Isolation[] = ["thread", "process", "actor", "actor-process", "call"];

/** Options of a task as they travel: complete, with units, validated by the client and again at the scheduler. */
export interface TaskOptionsData {
  /** Higher runs first. Integer, -1,000,000 … 1,000,000. */
  readonly priority: number;
  /** How often an attempt that threw is tried again, 0 … 1,000. */
  readonly retries: number;
  /** Wait before the first retry, milliseconds; doubles each time, at most 60 s. */
  readonly backoffMs: number;
  /** Limit of one attempt, milliseconds; 0 is none. */
  readonly timeoutMs: number;
  /** Limit from the submission to the outcome, whatever happens in between, milliseconds; 0 is none. */
  readonly deadlineMs: number;
  /** How long it may wait while no worker that is there could ever run it, milliseconds; 0 is without end. */
  readonly noWorkerTimeoutMs: number;
  /** How many workers may die under the task before it fails. */
  readonly allowedFailures: number;
  /** After a cancel or time-out, how long the code may react to its AbortSignal before its slot is ended, milliseconds. */
  readonly cancelGraceMs: number;
  /** Resource name to amount, in 1/10,000 (`RESOURCE_UNIT`). */
  readonly resources: Readonly<Record<string, number>>;
  /** Names of the workers that may run it; empty is any. */
  readonly workers: readonly string[];
  /** With `workers`: others may run it when none of them is there. */
  readonly allowOtherWorkers: boolean;
  readonly isolation: Isolation;
  /** When it takes much longer than others of its function, it is run a second time elsewhere; the first result counts. */
  readonly speculate: boolean;
}

export const defaultTaskOptions: TaskOptionsData = {
  priority: 0,
  retries: 0,
  backoffMs: 0,
  timeoutMs: 0,
  deadlineMs: 0,
  noWorkerTimeoutMs: 0,
  allowedFailures: 3,
  cancelGraceMs: 1000,
  resources: {},
  workers: [],
  allowOtherWorkers: false,
  isolation: "thread",
  speculate: false,
};

/** Why a task failed: enough to tell the story without decoding the user's error. */
export interface Failure {
  /** A registry code, or null when the user's code threw an error of its own. */
  readonly code: ErrorCode | null;
  /** The error's class name, e.g. `TypeError`. */
  readonly name: string;
  /** At most 4 KiB. */
  readonly message: string;
  /** An encoded `[error, FailedCall | null]`: the whole error (stack, cause, fields) and the call that failed. Or 0. */
  readonly error: PayloadRef;
  readonly errorBytes: number;
}

/** What a worker says of a call that failed, for the person who reads the error. */
export interface FailedCall {
  readonly function: string;
  /** What it was called with, in short: `x: 3, rows: number[1797]`; "" when it was not called. At most 500 characters. */
  readonly arguments: string;
  /** The last lines that it printed: at most 20, and 2,048 characters together. */
  readonly log: readonly string[];
  /** Where Taskflock's own code is installed there: what a stack says of files in these folders is not the user's. */
  readonly folders: readonly string[];
  /** The line of code that came over the wire and threw, or called what threw; "" when it is not known. At most 202 characters. */
  readonly line: string;
}

export const taskStatuses = ["waiting", "queued", "assigned", "running", "done", "failed", "cancelled"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** One line of a task's story: a transition, when (µs of the scheduler's clock), and the event that caused it. */
export interface StoryLine {
  readonly at: number;
  readonly cause: number;
  readonly from: string;
  readonly to: string;
  /** What it meant, e.g. the worker's name or the error's message; may be empty. */
  readonly detail: string;
}

export interface WorkerInfo {
  readonly name: string;
  readonly worker: number;
  readonly address: string;
  /** `paused`: it gets no new tasks until its memory is below its pause limit. `cut`: its link is down, and may come back. */
  readonly status: "running" | "paused" | "retiring" | "cut";
  readonly slots: number;
  readonly pid: number;
  readonly memoryLimitBytes: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly resourcesUsed: Readonly<Record<string, number>>;
  readonly assigned: number;
  readonly running: number;
  readonly stored: number;
  /** Actors that live there, or are being made. */
  readonly actors: number;
  readonly storedBytes: number;
  readonly finished: number;
  /** The last heartbeat's figures; bytes and percent of one core. */
  readonly metrics: WorkerMetrics | null;
  /** What TensorFlow.js computes with there; empty until a task has loaded it. */
  readonly tensors: readonly WorkerTensors[];
}

export interface WorkerMetrics {
  readonly cpuPercent: number;
  readonly rssBytes: number;
  readonly arenaBytes: number;
  readonly arenaUsedBytes: number;
  /** Of the results that it holds, those that are files now; and how many were ever moved to files. */
  readonly spilledBytes: number;
  readonly spillCount: number;
  /** Fetches that broke and went on where they were; and how many parts came damaged, and were fetched again. Since its start. */
  readonly resumedFetches: number;
  readonly damagedParts: number;
  readonly eventLoopDelayMs: number;
  /** Of the GPUs that it gives out, in the order of their numbers; none: it gives out none. */
  readonly gpus: readonly GpuMetrics[];
}

/** GPUs that one worker can have. */
export const MAX_GPUS = 256;

/** What was last seen of a GPU; null: the device, or the program that is asked, does not tell. */
export interface GpuMetrics {
  /** As in CUDA_VISIBLE_DEVICES: a number, or the text that names a device or a part of one. */
  readonly device: string;
  /** Such as "NVIDIA H200". */
  readonly name: string;
  /** Share of the last moments in which it computed, from 0 to 1. */
  readonly utilization: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}

/** The kinds of places that tensors are computed in: threads, processes without a GPU, processes with one. */
export const tensorPlaces = ["thread", "process", "gpu"] as const;

/** What TensorFlow.js computes with in slots of a worker, as the slot that loaded it said. */
export interface WorkerTensors {
  readonly where: (typeof tensorPlaces)[number];
  /** Such as "node-gpu" or "wasm". */
  readonly backend: string;
  /** Such as "tfjs 4.22.0". */
  readonly versions: readonly string[];
  /** The device that computes, such as "NVIDIA H200"; null: the processor. */
  readonly device: string | null;
  /** Better backends, and why they do not serve there. */
  readonly passedOver: readonly { readonly backend: string; readonly why: string }[];
}

/** A run's tasks by state. `done` + `failed` + `cancelled` never shrinks while its results are kept. */
export interface RunCounts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
}

export interface RunInfo {
  readonly run: number;
  readonly session: number;
  readonly name: string;
  readonly weight: number;
  readonly status: "open" | "done" | "failed" | "stopped" | "cancelled";
  /** Steps the owner expects, 0 when unknown; and steps it reported finished. */
  readonly steps: number;
  readonly stepsDone: number;
  /** It outlives its client, or has. */
  readonly detached: boolean;
  readonly counts: RunCounts;
  /** What its tasks took of slots, all attempts that came to an end together, µs. */
  readonly spentUs: number;
}

export interface ClusterInfo {
  readonly scheduler: {
    readonly id: string;
    readonly version: string;
    readonly pid: number;
    readonly startedAtMs: number;
    /** The address of its page, as it knows it itself (http://0.0.0.0:8787/status: on all its addresses); null: it has none. */
    readonly dashboard: string | null;
  };
  readonly sessions: number;
  /** Names under which data is published. */
  readonly datasets: number;
  readonly functions: number;
  readonly tasks: Readonly<Record<TaskStatus, number>>;
  readonly workers: readonly WorkerInfo[];
  readonly runs: readonly RunInfo[];
}

/** What the record of an unfinished task costs the scheduler, beside its arguments. */
const TASK_COST_BYTES = 512;

/** What a submission takes of the session's `admissionBytes`, until its task has ended. Both ends reckon with it. */
export function submitCost(argsBytes: number): number {
  return argsBytes + TASK_COST_BYTES;
}
