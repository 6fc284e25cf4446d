// Deadlines: a timer for each task that has one, from its submission until it has ended.

import type { Micros } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Task } from "./records.ts";

export function setDeadline(core: Core, task: Task): void {
  const at = (core.now + task.options.data.deadlineMs * 1000) as Micros;
  task.extras.deadline = core.timers.set(at, { what: "deadline", task });
}

/** The client is to have answered until then: so many µs, and as many more as there are bytes. */
const RESEND_US = 300_000_000;

/** The session was asked (again) for data that was lost; `limitUs`: or another round is to begin. */
export function setUploadLimit(core: Core, task: Task, limitUs: number = RESEND_US + task.bytes): void {
  const upload = task.upload!;
  if (upload.timer !== null) core.timers.drop(upload.timer);
  upload.timer = core.timers.set((core.now + limitUs) as Micros, { what: "upload", task });
}

/** It has ended, or is not to be computed. */
export function clearDeadline(core: Core, task: Task): void {
  const timer = task.uncommon?.deadline ?? null;
  if (timer === null) return;
  core.timers.drop(timer);
  task.extras.deadline = null;
}
