// What the status page asks of the scheduler: all tasks of all clients, in answers of bounded size. Times are in µs of the scheduler's
// monotonic clock; tables travel as columns, because there are many rows and few names.

import type { RunId, TaskId } from "./ids.ts";
import type { DetailEntry } from "./run-details.ts";
import type { ClusterInfo, RunInfo, StoryLine, TaskStatus, WorkerInfo, WorkerMetrics } from "./tasks.ts";
import type { TaskDump } from "./watch-questions.ts";
import type { Why } from "./why.ts";

/** Rows that one answer may have. */
export const PAGE_TASKS = 200;
export const PAGE_SPANS = 8192;
export const PAGE_GRAPH_NODES = 5000;

/** Which tasks are meant; "" and null: any. */
export interface TaskFilter {
  /** Any part of the key, upper and lower case alike. */
  readonly text: string;
  readonly status: TaskStatus | "";
  /** A function's name, a worker's name. */
  readonly function: string;
  readonly worker: string;
  readonly run: RunId | 0;
}

export type PageQuestion =
  | { readonly q: "pageOverview" }
  /** All workers, or those with these numbers. */
  | { readonly q: "pageWorkers"; readonly workers: readonly number[] }
  /** A worker by name, there or gone: its facts, how it went, and the last attempts that ended there. */
  | { readonly q: "pageWorker"; readonly name: string }
  /** Workers that are gone, the last to go first; the last 1,000 are remembered. */
  | { readonly q: "pageGone"; readonly limit: number }
  /** Attempts that ended after span number `since` (the oldest first), and those that run now. */
  | { readonly q: "pageSpans"; readonly since: number; readonly limit: number }
  /** A page of tasks, newest first; `before` is the `next` of the page before, 0 the first. Looks at a bounded number of tasks. */
  | { readonly q: "pageTasks"; readonly filter: TaskFilter; readonly before: number; readonly limit: number }
  /** By id, or (id 0) by key. The answer's `data` is the encoded error of a task that failed, or none. */
  | { readonly q: "pageTask"; readonly task: TaskId; readonly key: string }
  /** A function by the first characters of its hash, as workers name its code. The answer's `data` is its encoded description, or none. */
  | { readonly q: "pageFunction"; readonly hash: string }
  /** The dependencies of a run's tasks, of all tasks (run 0), or around one task (`task` not 0). */
  | { readonly q: "pageGraph"; readonly run: RunId | 0; readonly task: TaskId; readonly limit: number }
  | { readonly q: "pageTransfers" }
  /** What clients told of a run (run-details.ts), after entry number `since`; run 0: of all runs. */
  | { readonly q: "pageDetails"; readonly run: RunId | 0; readonly since: number; readonly limit: number }
  /** Failures, the first to fail first. */
  | { readonly q: "pageFailures"; readonly limit: number }
  /** Cancels these tasks, and (run not 0) all unfinished tasks of that run, for all who refer to them. `who` stands in the event log. */
  | { readonly q: "pageCancel"; readonly tasks: readonly TaskId[]; readonly run: RunId | 0; readonly who: string };

/** How many tasks of a function are where; `done`, `failed`, `cancelled` count all that ever were. */
export interface FunctionProgress {
  readonly fn: number;
  readonly name: string;
  readonly waiting: number;
  readonly queued: number;
  /** Assigned or running. */
  readonly active: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** All calls that ended well, together; and the median of one, null before the first. */
  readonly spentUs: number;
  readonly medianUs: number | null;
}

/** Queued tasks that ask for the same. */
export interface QueueLine {
  /** Such as "GPU 1", "worker gpu-box"; "" for those that any worker can run. */
  readonly asks: string;
  readonly queued: number;
  /** Tasks of this kind that could run at one time on the workers that are there, and that do. 0 of 0: no worker could run one. */
  readonly places: number;
  readonly running: number;
}

/** Everything that the first view needs and that does not grow with the number of workers or tasks. */
export interface PageOverview extends Omit<ClusterInfo, "workers" | "runs" | "functions"> {
  readonly now: number;
  readonly workers: {
    readonly running: number;
    readonly paused: number;
    readonly retiring: number;
    readonly cut: number;
  };
  readonly slots: number;
  readonly busy: number;
  readonly storedBytes: number;
  readonly spilledBytes: number;
  readonly memoryLimitBytes: number;
  readonly rssBytes: number;
  /** What workers fetched of each other and took from clients since the scheduler's start. */
  readonly movedBytes: number;
  /** Tasks that ended, and transitions, since the scheduler's start. */
  readonly ended: number;
  readonly transitions: number;
  /** The open ones, and the last that ended: at most 200. `endedAt`: null while it is open. */
  readonly runs: readonly PageRun[];
  readonly runCount: number;
  /** Those with unfinished tasks, then the last used: at most 100. */
  readonly functions: readonly FunctionProgress[];
  readonly functionCount: number;
  /** The longest 20. */
  readonly queues: readonly QueueLine[];
  /** Numbers of the last event, line, span, detail entry: what asks for more says them. */
  readonly lastEvent: number;
  readonly lastLine: number;
  readonly lastSpan: number;
  readonly lastDetail: number;
}
export interface PageRun extends RunInfo {
  readonly client: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** What kind of details it has: "search", "training", "search of trainings"; or "". */
  readonly kind: string;
}

export interface PageWorker extends WorkerInfo {
  readonly joinedAt: number;
  /** µs since its last heartbeat. */
  readonly silentUs: number;
  /** Expected µs of what it has been given and has not ended. */
  readonly occupancyUs: number;
  readonly hasNanny: boolean;
}
export interface PageWorkers {
  readonly now: number;
  readonly workers: readonly PageWorker[];
}

/** A worker that left or was lost, as it was then. */
export interface GoneWorker {
  readonly worker: number;
  readonly name: string;
  readonly address: string;
  readonly slots: number;
  readonly pid: number;
  readonly memoryLimitBytes: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly joinedAt: number;
  readonly goneAt: number;
  /** Retired, restarted or told to leave: nothing was lost that need not be. */
  readonly planned: boolean;
  /** Such as "SIGKILL" or "it was silent for 20000 ms". */
  readonly how: string;
  readonly finished: number;
  readonly storedBytes: number;
  readonly metrics: WorkerMetrics | null;
  /** What it was said to run then: keys, of at most 20 tasks, and since when. */
  readonly running: readonly { readonly task: TaskId; readonly key: string; readonly startedAt: number | null }[];
}
export interface PageGone {
  readonly now: number;
  readonly items: readonly GoneWorker[];
}
export interface WorkerSpan {
  readonly task: TaskId;
  /** "" when the task is forgotten. */
  readonly key: string;
  readonly function: string;
  readonly endedAt: number;
  readonly durationUs: number;
  readonly end: (typeof spanEnds)[number];
}
export interface PageWorkerLife {
  readonly now: number;
  /** Null when none of this name is there now. */
  readonly worker: PageWorker | null;
  /** Earlier workers of this name, the last to go first. */
  readonly gone: readonly GoneWorker[];
  /** The last 20 attempts that ended there (or with it), of all workers of this name, the last to end first. */
  readonly spans: readonly WorkerSpan[];
  /** The last 20 of those that went, which the newer attempts of its successor do not push out. */
  readonly goneSpans: readonly WorkerSpan[];
}

export const spanEnds = ["done", "failed", "stopped"] as const;

/** Columns: all arrays have one length. Of very many short attempts only some are kept; `skipped` says how many were not, by worker. */
export interface PageSpans {
  readonly now: number;
  /** What to ask with next. */
  readonly last: number;
  /** Spans after `since` that were forgotten before they could be said. */
  readonly missed: number;
  readonly task: readonly number[];
  readonly fn: readonly number[];
  readonly worker: readonly number[];
  readonly endedAt: readonly number[];
  readonly durationUs: readonly number[];
  /** Index into `spanEnds`. */
  readonly end: readonly number[];
  /**
   * µs of work, and attempts, that are not among the spans, by worker and function, since the scheduler's start: of those pairs where
   * something was added after span `since` (0: of all), and of workers that are there. Worker 0: of all pairs
   * beyond the first 16,383; of functions that are forgotten they make room for others.
   */
  readonly skipped: {
    readonly worker: readonly number[];
    readonly fn: readonly number[];
    readonly count: readonly number[];
    readonly us: readonly number[];
  };
  /** Attempts that run now, as far as the scheduler was told (short ones are not): at most 4,096, the longest first. */
  readonly running: {
    readonly task: readonly number[];
    readonly fn: readonly number[];
    readonly worker: readonly number[];
    readonly startedAt: readonly number[];
  };
  /** Names of the functions, and keys of running tasks, in the same order as `running`. */
  readonly names: Readonly<Record<number, string>>;
  readonly runningKeys: readonly string[];
}

export interface PageTaskRow {
  readonly task: TaskId;
  readonly key: string;
  readonly function: string;
  readonly status: TaskStatus;
  readonly state: string;
  readonly run: RunId;
  readonly runName: string;
  readonly worker: string;
  readonly attempt: number;
  /** Of its last change of state; null when that is not remembered. */
  readonly since: number | null;
  readonly bytes: number;
  /** How it failed or why it was cancelled, one line; or "". */
  readonly outcome: string;
}
export interface PageTasks {
  readonly now: number;
  readonly items: readonly PageTaskRow[];
  /** What the next page asks with; null after the last. A page can be short, or empty, and have a next one: so much was looked at. */
  readonly next: number | null;
  /** Tasks that the scheduler knows, whatever the filter. */
  readonly total: number;
}
export interface PageTask {
  readonly now: number;
  readonly task: TaskDump;
  readonly runId: RunId;
  readonly why: Why;
  readonly story: readonly StoryLine[];
  /** Keys of its inputs and of its dependents, the first 50 of each. */
  readonly inputs: readonly PageTaskRow[];
  readonly dependents: readonly PageTaskRow[];
  /** Null unless it failed. */
  readonly failure: { readonly code: string; readonly name: string; readonly message: string } | null;
}

/** Columns. Where there are more tasks than the limit, tasks of one function with the same neighbours in kind stand as one node. */
export interface PageGraph {
  readonly now: number;
  /** 0 for a group. */
  readonly task: readonly number[];
  readonly fn: readonly number[];
  /** Tasks that the node stands for. */
  readonly count: readonly number[];
  /** Index into `statuses`; of a group: -1, see `groups`. */
  readonly status: readonly number[];
  readonly statuses: readonly TaskStatus[];
  /** Of each group, in the order of the nodes that are groups: tasks by status, in the order of `statuses`. */
  readonly groups: readonly (readonly number[])[];
  /** Edges: node indices, from an input to what needs it. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly names: Readonly<Record<number, string>>;
  /** Tasks in all, and whether some were left out. */
  readonly total: number;
  readonly isWhole: boolean;
}

/** What workers fetched of each other and took from clients, also those that are gone. */
export interface PageTransfers {
  readonly now: number;
  /** The 1,000 pairs with the most bytes. `us`: time that the fetches took, together. */
  readonly pairs: readonly {
    readonly from: string;
    readonly to: string;
    readonly bytes: number;
    readonly count: number;
    readonly us: number;
    readonly failures: number;
  }[];
  /** The last large ones, the newest first, at most 200. */
  readonly recent: readonly {
    readonly endedAt: number;
    readonly from: string;
    readonly to: string;
    readonly key: string;
    readonly bytes: number;
    readonly us: number;
  }[];
  readonly totalBytes: number;
}

export interface PageDetails {
  readonly now: number;
  readonly items: readonly {
    readonly seq: number;
    readonly at: number;
    readonly run: RunId;
    readonly entry: DetailEntry;
  }[];
  readonly last: number;
  /** How many after `since` are forgotten. */
  readonly missed: number;
}

export interface PageFailures {
  readonly now: number;
  readonly total: number;
  readonly items: readonly (PageTaskRow & { readonly at: number | null; readonly failedKey: string })[];
}

export interface PageAnswers {
  readonly pageOverview: PageOverview;
  readonly pageWorkers: PageWorkers;
  readonly pageWorker: PageWorkerLife;
  readonly pageGone: PageGone;
  readonly pageSpans: PageSpans;
  readonly pageTasks: PageTasks;
  readonly pageTask: PageTask;
  /** Its name; null when nobody uses such a function any more. */
  readonly pageFunction: string | null;
  readonly pageGraph: PageGraph;
  readonly pageTransfers: PageTransfers;
  readonly pageDetails: PageDetails;
  readonly pageFailures: PageFailures;
  /** How many were cancelled. */
  readonly pageCancel: number;
}
