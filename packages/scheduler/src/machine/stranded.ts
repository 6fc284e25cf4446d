// Tasks in line whose options say how long they may wait while no worker could ever run them: each has a timer while that is so.

import type { Micros } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Lane, Task } from "./records.ts";

/** The task is in line, and no worker that is there could ever run it. */
export function strand(core: Core, task: Task): void {
  const { noWorkerTimeoutMs } = task.options.data;
  if (noWorkerTimeoutMs === 0 || (task.uncommon?.stranded ?? null) !== null) return;
  const at = (core.now + noWorkerTimeoutMs * 1000) as Micros;
  task.extras.stranded = core.timers.set(at, { what: "noWorker", task });
  task.options.lane.stranded.add(task);
}

/** It leaves the line, or there is a worker for it. */
export function unstrand(core: Core, task: Task): void {
  const timer = task.uncommon?.stranded ?? null;
  if (timer === null) return;
  core.timers.drop(timer);
  task.extras.stranded = null;
  task.options.lane.stranded.delete(task);
}

/** The last worker that could run them is gone. */
export function strandLane(core: Core, lane: Lane): void {
  for (const queue of lane.active) {
    for (const tasks of [queue.sorted, queue.heap])
      for (const task of tasks) if (task.queue === queue) strand(core, task);
  }
  for (const actor of core.actorsWaiting.get(lane) ?? []) strand(core, actor);
}

/** A worker that could run them is there. */
export function unstrandLane(core: Core, lane: Lane): void {
  if (lane.stranded.size === 0) return;
  for (const task of [...lane.stranded]) unstrand(core, task);
}
