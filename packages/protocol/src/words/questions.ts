// What clients ask the scheduler now and then, and what it answers.

import type { FunctionNumber, TaskNumber } from "./ids.ts";
import type { ClusterInfo, StoryLine, WorkerInfo } from "./tasks.ts";
import type { WatchAnswers, WatchQuestion } from "./watch-questions.ts";

export type Question =
  | WatchQuestion
  | { readonly q: "cluster" }
  | { readonly q: "story"; readonly n: TaskNumber }
  | { readonly q: "retire"; readonly workers: readonly string[] }
  /** Answered once so many workers are there. */
  | { readonly q: "waitForWorkers"; readonly count: number }
  /** What was a task called with? The answer's `data` are the encoded arguments. */
  | { readonly q: "call"; readonly n: TaskNumber }
  /** Refers to the inputs of a task, all of them in the order that its arguments know, under numbers that were not used before. */
  | { readonly q: "inputs"; readonly n: TaskNumber; readonly as: readonly TaskNumber[] }
  /** Answered when all messages before it have been processed. */
  | { readonly q: "ping" };

/** What stands in the arguments of a call beside data. */
export interface CallInfo {
  /** Functions by the index that the arguments know, each under a number that the session gave it, or null if it has none. */
  readonly functions: readonly (FunctionNumber | null)[];
  /** How many inputs it has. */
  readonly inputs: number;
}

interface Answers extends WatchAnswers {
  readonly cluster: ClusterInfo;
  readonly story: readonly StoryLine[];
  readonly retire: readonly WorkerInfo[];
  readonly waitForWorkers: readonly WorkerInfo[];
  readonly call: CallInfo;
  readonly inputs: null;
  readonly ping: null;
}
export type AnswerOf<Q extends Question> = Answers[Q["q"]];
