// A person at the status page cancels tasks, for all who refer to them.

import type { RunId, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { end } from "./lifecycle.ts";
import { ANNOUNCED, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { isActive, UPLOADING } from "./states.ts";

/** These tasks, and all of the run's, that have not ended. Returns how many they were. */
export function pageCancel(core: Core, ids: readonly TaskId[], run: RunId | 0, who: string): number {
  const tasks = new Set<Task>();
  for (const id of ids) {
    const task = core.taskById(id);
    if (task !== null && isUnfinished(task)) tasks.add(task);
  }
  let runName = "";
  for (const task of run === 0 ? [] : core.slots) {
    if (task === null || task.run.id !== run || !isUnfinished(task)) continue;
    tasks.add(task);
    runName = task.run.name;
  }
  if (tasks.size === 0) return 0;
  const only = tasks.size === 1 ? keyOf([...tasks][0]!) : "";
  const reason = who === "" ? "it was cancelled on the status page" : `${who} cancelled it on the status page`;
  // Later tasks first: none of them fails for want of an input.
  for (const task of [...tasks].sort((a, b) => b.seq - a.seq)) {
    if (isUnfinished(task)) end(core, task, { kind: "cancelled", reason });
  }
  const what = run === 0 ? "" : ` of run ${runName}`;
  core.happened(
    "cancelled",
    who,
    `${tasks.size} ${tasks.size === 1 ? "task" : "tasks"}${what} on the status page`,
    only,
  );
  return tasks.size;
}

/** Somebody still waits for its first outcome; what was announced stays so, also while it is computed again. */
function isUnfinished({ state, flags }: Task): boolean {
  return (isActive(state) || state === UPLOADING) && (flags & ANNOUNCED) === 0;
}
