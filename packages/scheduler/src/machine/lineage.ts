// What a task would be computed from again: its function, its arguments, and the tasks that its inputs are. A task that
// failed keeps them for a while, so that its client can run the call itself and see why.

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { unuseFunction } from "./functions.ts";
import { APART, LINEAGE, type Outcome, type Task } from "./records.ts";
import { unlinkInputs } from "./references.ts";

/** Function, arguments and inputs are not needed for this task any more. */
export function dropLineage(core: Core, task: Task): void {
  if ((task.flags & LINEAGE) === 0) return;
  task.flags &= ~LINEAGE;
  if (task.outcome !== null && core.failedCalls.delete(task)) core.failedCallBytes -= task.argsBytes;
  if (task.args !== NO_PAYLOAD) core.port.free(task.args);
  task.args = NO_PAYLOAD;
  unuseFunction(core, task.definition!.record);
  const { functions } = task;
  if (functions.length > 0) for (const { record } of functions) unuseFunction(core, record);
  unlinkInputs(core, task);
}

/** The task has ended: its lineage is dropped, or kept if the task's own call failed and a client has it. */
export function settleLineage(core: Core, task: Task, outcome: Outcome): void {
  const { failedCalls, failedCallBytes } = core.config;
  const failed = outcome.kind === "failed" && outcome.failedKey === null && (task.flags & APART) === 0;
  if (!failed || task.refs === 0 || (task.flags & LINEAGE) === 0 || task.argsBytes > failedCallBytes) {
    dropLineage(core, task);
    return;
  }
  core.failedCalls.add(task);
  core.failedCallBytes += task.argsBytes;
  for (const oldest of core.failedCalls) {
    if (core.failedCalls.size <= failedCalls && core.failedCallBytes <= failedCallBytes) return;
    dropLineage(core, oldest);
  }
}
