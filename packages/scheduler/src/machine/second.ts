// The second attempt of a task that runs long, at another worker: what it takes there. It is no task of its own: the same
// task, under another attempt number; the first result counts. Only tasks that run have one.

import { type Attempt, FlockError } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { SECOND, type Second, type Task } from "./records.ts";
import { RUNNING } from "./states.ts";
import { countIncoming, expectedCost, refresh, uncountIncoming } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** The highest attempt number that was given out for the task; the first attempt's may be lower. */
export function lastAttempt({ attempt, uncommon }: Task): Attempt {
  return uncommon === null || uncommon.lastAttempt < attempt ? attempt : uncommon.lastAttempt;
}

/** True when this attempt of the task is its second one. */
export function isSecond(task: Task, worker: Worker, attempt: Attempt): boolean {
  if ((task.flags & SECOND) === 0) return false;
  const second = secondOf(task);
  return second.worker === worker && second.attempt === attempt;
}

/** Some attempt of the task is at this worker. */
export function isAt(task: Task, worker: Worker): boolean {
  return task.worker === worker || ((task.flags & SECOND) !== 0 && secondOf(task).worker === worker);
}

export function secondOf(task: Task): Second {
  const second = task.uncommon?.second ?? null;
  if (second === null) throw new FlockError("FLOCK_INVARIANT", `Task ${task.id} has no second attempt.`);
  return second;
}

/** Counts a second attempt in at its worker, as `attach` does for the first. */
export function attachSecond(core: Core, task: Task, worker: Worker): Second {
  const attempt = (lastAttempt(task) + 1) as Attempt;
  const second: Second = { worker, attempt, cost: expectedCost(core, task), running: false };
  task.extras.second = second;
  task.extras.lastAttempt = attempt;
  task.flags |= SECOND;
  worker.seconds.add(task);
  worker.load += second.cost;
  for (const [name, amount] of task.options.lane.resources) worker.free.set(name, worker.free.get(name)! - amount);
  countIncoming(task, worker);
  refresh(core, worker);
  return second;
}

/** It runs. */
export function startSecond(task: Task): void {
  const second = secondOf(task);
  if (second.running) return;
  second.running = true;
  second.worker.running++;
}

/** The second attempt is over, or nobody waits for it any more: counts it out. */
export function dropSecond(core: Core, task: Task): void {
  const second = forgetSecond(task);
  const { worker } = second;
  worker.load = worker.assigned.length + worker.seconds.size === 0 ? 0 : worker.load - second.cost;
  if (second.running) worker.running--;
  for (const [name, amount] of task.options.lane.resources) worker.free.set(name, worker.free.get(name)! + amount);
  core.placesChanged = true;
  uncountIncoming(task, worker);
  worker.retireDirty = true;
  core.touchWorker(worker);
}

/** The record goes, what is counted at the worker stays. */
export function forgetSecond(task: Task): Second {
  const second = secondOf(task);
  task.flags &= ~SECOND;
  task.extras.second = null;
  second.worker.seconds.delete(task);
  return second;
}

/** The same, with a word to the worker. */
export function stopSecond(core: Core, task: Task): void {
  const { worker, attempt } = secondOf(task);
  dropSecond(core, task);
  core.send(worker, { t: "stop", task: task.id, attempt, why: "cancelled" });
}

/** Null, or what is wrong with it. */
export function checkSecond(task: Task): string | null {
  const second = task.uncommon?.second ?? null;
  if (((task.flags & SECOND) !== 0) !== (second !== null)) return "flags and second attempt disagree";
  if (second === null) return null;
  if (task.state !== RUNNING) return "has a second attempt, but does not run";
  if (second.worker === task.worker) return "runs twice at one worker";
  if (!second.worker.seconds.has(task)) return "the worker of its second attempt does not have it";
  return second.attempt === lastAttempt(task) && second.attempt > task.attempt ? null : "its attempts are out of order";
}
