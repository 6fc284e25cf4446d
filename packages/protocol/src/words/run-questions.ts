// Questions about detached runs, which outlive their client.

import type { RunId, RunNumber, TaskNumber } from "./ids.ts";
import type { RunInfo } from "./tasks.ts";

export type RunQuestion =
  /** The newest detached run of this name. Its progress is told from now on, under the number `as`. */
  | { readonly q: "attach"; readonly name: string; readonly as: RunNumber }
  /** Refers to the tasks of an attached run after the one that its owner numbered `after`, under numbers that were not used before. */
  | { readonly q: "attachTasks"; readonly run: RunId; readonly after: number; readonly as: readonly TaskNumber[] }
  /** The run is not kept any more: what of it nobody else wants is stopped and dropped. */
  | { readonly q: "forgetRun"; readonly run: RunId };

export interface AttachedInfo {
  readonly run: RunInfo;
  /** Whose it is, or was. */
  readonly owner: string;
  readonly isOwned: boolean;
}
export interface AttachedTasks {
  /** In the order of submission; as many as there were numbers, or fewer at the end. */
  readonly tasks: readonly { readonly n: number; readonly name: string; readonly key: string }[];
}
export interface RunAnswers {
  readonly attach: AttachedInfo;
  readonly attachTasks: AttachedTasks;
  readonly forgetRun: null;
}
