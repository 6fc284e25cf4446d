// Deadlines: a timer for each task that has one, from its submission until it has ended.

import type { Micros } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Task } from "./records.ts";

export function setDeadline(core: Core, task: Task): void {
  const at = (core.now + task.options.data.deadlineMs * 1000) as Micros;
  task.extras.deadline = core.timers.set(at, { what: "deadline", task });
}

/** It has ended, or is not to be computed. */
export function clearDeadline(core: Core, task: Task): void {
  const timer = task.uncommon?.deadline ?? null;
  if (timer === null) return;
  core.timers.drop(timer);
  task.extras.deadline = null;
}
