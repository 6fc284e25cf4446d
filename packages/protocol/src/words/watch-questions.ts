// Questions of people who look at a cluster: what happened, what was printed, all that the scheduler knows.

import type { ClusterEvent } from "./events.ts";
import type { TaskId } from "./ids.ts";
import type { StoryLine } from "./tasks.ts";

/** Which lines are meant; "" is any. */
export interface LogFilter {
  readonly worker: string;
  /** A task's key. */
  readonly key: string;
  /** A run's name. */
  readonly run: string;
}

export type WatchQuestion =
  /** Those after number `since`, the oldest first. `wait`: answered once there is one. */
  | { readonly q: "events"; readonly since: number; readonly limit: number; readonly wait: boolean }
  /** What was printed, after line number `since`. */
  | {
      readonly q: "logs";
      readonly filter: LogFilter;
      readonly since: number;
      readonly limit: number;
      readonly wait: boolean;
    }
  /** An event of the user's own. */
  | { readonly q: "note"; readonly text: string }
  /** Samples the threads of these workers, or of all, until each profile is taken. Answered with their names. */
  | { readonly q: "startProfile"; readonly workers: readonly string[]; readonly intervalUs: number }
  /** Ends it; the answer's `data` are what was sampled. */
  | { readonly q: "takeProfile"; readonly worker: string }
  /** A page of all that the scheduler knows, from a place that the page before named; 0 is the first. */
  | { readonly q: "dump"; readonly section: DumpSection; readonly from: number; readonly limit: number };

/** One or more whole lines that a task printed, or that a worker said of itself. */
export interface LogEntry {
  /** 1, 2, 3 …: which of this scheduler. */
  readonly seq: number;
  /** µs of the scheduler's monotonic clock, when they came. */
  readonly at: number;
  readonly worker: string;
  /** The task's key; "" for the worker's own words. */
  readonly key: string;
  /** The name of the task's run. */
  readonly run: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What there is after a number. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The scheduler's clock as it answers, µs. */
  readonly now: number;
  /** How many after the number were forgotten already. */
  readonly missed: number;
}

export type DumpSection = "tasks" | "story";

/** All there is to a task, beside its data. */
export interface TaskDump {
  readonly task: TaskId;
  readonly key: string;
  readonly state: string;
  readonly function: string;
  readonly session: number;
  readonly run: string;
  readonly attempt: number;
  readonly order: number;
  readonly worker: string;
  /** The first 200, and how many there are. */
  readonly inputs: readonly TaskId[];
  readonly inputCount: number;
  readonly waitingOn: number;
  readonly dependents: number;
  readonly references: number;
  readonly needed: number;
  readonly argsBytes: number;
  readonly bytes: number;
  readonly isInline: boolean;
  readonly holders: readonly string[];
  /** How it failed, or why it was cancelled; or "". */
  readonly outcome: string;
}
export interface StoryDump extends StoryLine {
  readonly task: TaskId;
}
export interface DumpPage {
  readonly items: readonly (TaskDump | StoryDump)[];
  /** Where the next page begins, or null after the last. */
  readonly next: number | null;
  readonly now: number;
  readonly cause: number;
}

export interface WatchAnswers {
  readonly events: Page<ClusterEvent>;
  readonly logs: Page<LogEntry>;
  readonly note: null;
  readonly dump: DumpPage;
  readonly startProfile: readonly string[];
  readonly takeProfile: null;
}
