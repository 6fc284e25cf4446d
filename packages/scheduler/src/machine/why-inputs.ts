// What a task still needs, and the one task that really holds it up. Of very many inputs and very long chains only a part is looked at.

import type { TaskStatus, WhyInputs } from "@taskflock/protocol/words";
import { AHEAD, type Task } from "./records.ts";
import { ASSIGNED, DELAYED, DONE, QUEUED, type State, statusOf, UPLOADING, WAITING } from "./states.ts";
import type { Describe } from "./why.ts";

/** Inputs looked at, for counting and on the way down. */
const LOOKS = 100_000;
const LISTED = 5;

/** The end of the way from a task through what it waits for. */
export interface HeldUp {
  readonly task: Task;
  readonly depth: number;
  readonly isWhole: boolean;
}

/** The task waits for others: it has not got its inputs, or was sent ahead to where they are made. */
export function waitsForInputs(task: Task): boolean {
  return task.state === WAITING || (task.state === ASSIGNED && (task.flags & AHEAD) !== 0);
}

export function heldUpBy(root: Task): HeldUp {
  let task = root;
  let depth = 0;
  let looks = 0;
  while (waitsForInputs(task)) {
    let last: Task | null = null;
    for (const { dependency } of task.deps) {
      if (++looks > LOOKS) return { task, depth, isWhole: false };
      if (dependency.state === DONE) continue;
      if (last === null || farness(dependency) > farness(last)) last = dependency;
      if (waitsForInputs(last)) break;
    }
    if (last === null) break;
    task = last;
    depth++;
  }
  return { task, depth, isWhole: true };
}

export function inputsOf(task: Task, held: HeldUp, describe: Describe): WhyInputs | null {
  if (task.deps.length === 0) return null;
  const byStatus: Partial<Record<TaskStatus, number>> = {};
  const first: Task[] = [];
  const missing = waitsForInputs(task) ? task.waitingOn : 0;
  for (let i = 0; i < task.deps.length && i < LOOKS; i++) {
    const { dependency } = task.deps[i]!;
    const status = statusOf(dependency.state);
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (missing > 0 && dependency.state !== DONE && first.length < LISTED) first.push(dependency);
  }
  return {
    total: task.deps.length,
    missing,
    byStatus,
    first: first.map(describe),
    heldUpBy: held.depth === 0 ? null : { ...describe(held.task), depth: held.depth },
    isWhole: held.isWhole,
  };
}

const far: Partial<Record<State, number>> = { [DELAYED]: 4, [UPLOADING]: 3, [QUEUED]: 2, [ASSIGNED]: 1 };

/** How far it is from its end, as far as its state says so. */
function farness(task: Task): number {
  return waitsForInputs(task) ? 5 : (far[task.state] ?? 0);
}
