// What clients ask the scheduler now and then, and what it answers.

import type { PlaceAnswers, PlaceQuestion } from "./code-places.ts";
import type { DatasetContent, DatasetFacts, HeldResults, Moves } from "./data.ts";
import type { EquipmentAnswers, EquipmentQuestion } from "./equipment.ts";
import type { FunctionNumber, PayloadRef, TaskNumber } from "./ids.ts";
import type { PageAnswers, PageQuestion } from "./page-questions.ts";
import type { RunAnswers, RunQuestion } from "./run-questions.ts";
import type { Restarted, ScaleAdvice } from "./scaling.ts";
import type { SharedAnswers, SharedQuestion } from "./shared-objects.ts";
import type { TalkAnswers, TalkQuestion } from "./talk.ts";
import type { ClusterInfo, StoryLine, WorkerInfo } from "./tasks.ts";
import type { WatchAnswers, WatchQuestion } from "./watch-questions.ts";
import type { Why } from "./why.ts";

export type Question =
  | RunQuestion
  | WatchQuestion
  | SharedQuestion
  | EquipmentQuestion
  | TalkQuestion
  | PageQuestion
  | PlaceQuestion
  | { readonly q: "cluster" }
  | { readonly q: "story"; readonly n: TaskNumber }
  /** By key: of whichever client's task. */
  | { readonly q: "storyOfKey"; readonly key: string }
  /** What does it wait for, or how did it end? */
  | { readonly q: "why"; readonly n: TaskNumber }
  | { readonly q: "whyKey"; readonly key: string }
  | { readonly q: "retire"; readonly workers: readonly string[] }
  /** Answered once so many workers are there. */
  | { readonly q: "waitForWorkers"; readonly count: number }
  /** What was a task called with? The answer's `data` are the encoded arguments. */
  | { readonly q: "call"; readonly n: TaskNumber }
  /** Refers to the inputs of a task, all of them in the order that its arguments know, under numbers that were not used before. */
  | { readonly q: "inputs"; readonly n: TaskNumber; readonly as: readonly TaskNumber[] }
  /** Refers to the actor that has this key, under a number that was not used before. */
  | { readonly q: "actor"; readonly key: string; readonly as: TaskNumber }
  /** Names results, and the structure in which they stand (`data`: an encoded value with their indices in it). */
  | {
      readonly q: "publish";
      readonly name: string;
      readonly ns: readonly TaskNumber[];
      readonly override: boolean;
      readonly data: PayloadRef;
      readonly dataBytes: number;
    }
  /** What is published under the name? The answer's `data` is the structure. */
  | { readonly q: "dataset"; readonly name: string }
  /** Refers to the results of a dataset, in their order, under numbers that were not used before. */
  | {
      readonly q: "referToDataset";
      readonly name: string;
      readonly version: number;
      readonly as: readonly TaskNumber[];
    }
  /** Of another version, nothing is done: it was unpublished before, and its name given to other data. */
  | { readonly q: "unpublish"; readonly name: string; readonly version: number }
  | { readonly q: "datasets" }
  /** They run to their ends, whoever leaves. */
  | { readonly q: "fireAndForget"; readonly ns: readonly TaskNumber[] }
  /** Answered once the copies are there, or were refused. No workers: all. */
  | {
      readonly q: "replicate";
      readonly ns: readonly TaskNumber[];
      readonly copies: number;
      readonly workers: readonly string[];
    }
  /** Answered once the moves are over. Null: all that is stored. No workers: all. */
  | { readonly q: "rebalance"; readonly ns: readonly TaskNumber[] | null; readonly workers: readonly string[] }
  | { readonly q: "whoHas"; readonly ns: readonly TaskNumber[] }
  /** No workers: all. */
  | { readonly q: "hasWhat"; readonly workers: readonly string[] }
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

interface Answers
  extends RunAnswers,
    WatchAnswers,
    SharedAnswers,
    EquipmentAnswers,
    TalkAnswers,
    PageAnswers,
    PlaceAnswers {
  readonly cluster: ClusterInfo;
  readonly story: readonly StoryLine[];
  readonly storyOfKey: readonly StoryLine[];
  readonly why: Why;
  readonly whyKey: Why;
  readonly retire: readonly WorkerInfo[];
  readonly waitForWorkers: readonly WorkerInfo[];
  readonly call: CallInfo;
  readonly inputs: null;
  readonly actor: null;
  readonly publish: null;
  readonly dataset: DatasetContent;
  readonly referToDataset: null;
  readonly unpublish: null;
  readonly datasets: readonly DatasetFacts[];
  readonly fireAndForget: null;
  readonly replicate: Moves;
  readonly rebalance: Moves;
  /** For each result the names of the workers that have it. */
  readonly whoHas: readonly (readonly string[])[];
  readonly hasWhat: Readonly<Record<string, HeldResults>>;
  readonly scale: ScaleAdvice;
  readonly retireIdle: readonly string[];
  readonly scaledUp: null;
  readonly restart: Restarted;
  readonly restartWorkers: readonly WorkerInfo[];
  readonly waitForNamed: readonly WorkerInfo[];
  readonly ping: null;
}
export type AnswerOf<Q extends Question> = Answers[Q["q"]];
