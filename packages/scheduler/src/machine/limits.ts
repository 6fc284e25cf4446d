// How long a task may take in all, and how long it may wait for a worker that could run it: what happens when that is over.

import type { ErrorCode } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { end, failedWith, failure } from "./lifecycle.ts";
import type { Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { requirementOf, sayLack, sayRequirement } from "./requirement.ts";
import { ASSIGNED, DELAYED, QUEUED, RUNNING } from "./states.ts";
import { unstrand } from "./stranded.ts";

/** A timer of the task's is over. */
export function limitReached(core: Core, what: "deadline" | "noWorker", task: Task): void {
  if (what === "deadline") deadlineReached(core, task);
  else noWorkerCame(core, task);
}

function deadlineReached(core: Core, task: Task): void {
  task.extras.deadline = null;
  const { deadlineMs } = task.options.data;
  const text = `${keyOf(task)} had not ended ${deadlineMs} ms after its submission (deadlineMs): it was ${whereabouts(task)}.`;
  fail(core, task, "FLOCK_DEADLINE_EXCEEDED", text);
}

function noWorkerCame(core: Core, task: Task): void {
  unstrand(core, task);
  const { noWorkerTimeoutMs } = task.options.data;
  const requirement = requirementOf(core, task.options.lane, []);
  const open = task.options.lane === core.open;
  const text = open
    ? `${keyOf(task)} waited ${noWorkerTimeoutMs} ms (noWorkerTimeoutMs), and no worker was there. Start one.`
    : `${keyOf(task)} waited ${noWorkerTimeoutMs} ms (noWorkerTimeoutMs), and no worker was there that could run it. It asks for ${sayRequirement(requirement)}: ${sayLack(requirement)}. Start a worker that meets all of it, or ask for less.`;
  fail(core, task, "FLOCK_NO_WORKER_TIMEOUT", text);
}

function fail(core: Core, task: Task, code: ErrorCode, text: string): void {
  const worker = task.worker?.name ?? "";
  end(core, task, failedWith(failure(code, text), worker, task.attempt));
}

function whereabouts(task: Task): string {
  const { state, attempt, waitingOn, deps, worker } = task;
  if (state === RUNNING) return `running on ${worker!.name}, in attempt ${attempt}`;
  if (state === ASSIGNED) return `given to ${worker!.name}, and had not begun there`;
  if (state === QUEUED) return "queued, with its inputs there";
  if (state === DELAYED) return `waiting for the time of its next attempt, after ${attempt}`;
  return `waiting for ${waitingOn} of its ${deps.length} inputs`;
}
