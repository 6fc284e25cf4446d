// What clients ask the scheduler now and then, and what it answers.

import type { FunctionNumber, TaskNumber } from "./ids.ts";
import type { Restarted, ScaleAdvice } from "./scaling.ts";
import type { SharedAnswers, SharedQuestion } from "./shared-objects.ts";
import type { ClusterInfo, StoryLine, WorkerInfo } from "./tasks.ts";
import type { WatchAnswers, WatchQuestion } from "./watch-questions.ts";

export type Question =
  | WatchQuestion
  | SharedQuestion
  | { readonly q: "cluster" }
  | { readonly q: "story"; readonly n: TaskNumber }
  | { readonly q: "retire"; readonly workers: readonly string[] }
  /** Answered once so many workers are there. */
  | { readonly q: "waitForWorkers"; readonly count: number }
  /** What was a task called with? The answer's `data` are the encoded arguments. */
  | { readonly q: "call"; readonly n: TaskNumber }
  /** Refers to the inputs of a task, all of them in the order that its arguments know, under numbers that were not used before. */
  | { readonly q: "inputs"; readonly n: TaskNumber; readonly as: readonly TaskNumber[] }
  /** How many workers the work could use, so that it is done within `targetDurationMs`. `slots`: of a worker, where none is there. */
  | { readonly q: "scale"; readonly targetDurationMs: number; readonly slots: number }
  /** Retires those of the workers that are idle; answered with their names. */
  | { readonly q: "retireIdle"; readonly workers: readonly string[]; readonly reason: string }
  /** For the event log: workers were started. */
  | { readonly q: "scaledUp"; readonly count: number; readonly reason: string }
  /** Cancels all tasks, drops all data, and replaces every worker process that has a nanny. */
  | { readonly q: "restart" }
  /** Replaces the processes of workers, one by one: each finishes what it runs and hands over what only it holds. */
  | { readonly q: "restartWorkers"; readonly workers: readonly string[] }
  /** Answered once workers of all these names are there and take tasks. */
  | { readonly q: "waitForNamed"; readonly workers: readonly string[] }
  /** Answered when all messages before it have been processed. */
  | { readonly q: "ping" };

/** What stands in the arguments of a call beside data. */
export interface CallInfo {
  /** Functions by the index that the arguments know, each under a number that the session gave it, or null if it has none. */
  readonly functions: readonly (FunctionNumber | null)[];
  /** How many inputs it has. */
  readonly inputs: number;
}

interface Answers extends WatchAnswers, SharedAnswers {
  readonly cluster: ClusterInfo;
  readonly story: readonly StoryLine[];
  readonly retire: readonly WorkerInfo[];
  readonly waitForWorkers: readonly WorkerInfo[];
  readonly call: CallInfo;
  readonly inputs: null;
  readonly scale: ScaleAdvice;
  readonly retireIdle: readonly string[];
  readonly scaledUp: null;
  readonly restart: Restarted;
  readonly restartWorkers: readonly WorkerInfo[];
  readonly waitForNamed: readonly WorkerInfo[];
  readonly ping: null;
}
export type AnswerOf<Q extends Question> = Answers[Q["q"]];
