// More copies of results, at the workers where the least is stored.

import type { Core } from "./core.ts";
import { takesTasks } from "./lanes.ts";
import { beginTransfer, type Errand } from "./moves.ts";
import { ACTOR, type Task } from "./records.ts";
import { DONE } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Results that travel with the scheduler's words have no copies: they are everywhere. */
export function replicate(
  core: Core,
  errand: Errand,
  tasks: readonly Task[],
  copies: number,
  among: readonly Worker[],
): void {
  const targets = among.filter(takesTasks);
  const coming = new Map<Worker, number>();
  for (const task of tasks) {
    if (task.state !== DONE || task.holders.length === 0 || (task.flags & ACTOR) !== 0) continue;
    task.extras.copies = Math.max(task.extras.copies, copies);
    const free = targets.filter((worker) => !worker.holds.has(task));
    const wanted = Math.min(copies, targets.length) - (targets.length - free.length);
    for (let i = 0; i < wanted; i++) {
      const target = takeEmptiest(free, coming);
      coming.set(target, (coming.get(target) ?? 0) + task.bytes);
      beginTransfer(core, errand, task, target, null);
    }
  }
}

function takeEmptiest(workers: Worker[], coming: ReadonlyMap<Worker, number>): Worker {
  const fill = (worker: Worker): number =>
    (worker.storedBytes + (coming.get(worker) ?? 0)) / Math.max(1, worker.hello.memoryLimitBytes);
  let best = 0;
  for (let i = 1; i < workers.length; i++) if (fill(workers[i]!) < fill(workers[best]!)) best = i;
  return workers.splice(best, 1)[0]!;
}
