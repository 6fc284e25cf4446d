// A task that asks for more of a resource than is free anywhere might wait for ever while lesser ones take each part that becomes free. So
// a worker is saved for it, one for the first task of each such lane: tasks of lower priority leave it there what it needs.

import type { Core } from "./core.ts";
import { canServe, takesTasks } from "./lanes.ts";
import { headOf } from "./queue.ts";
import type { Lane } from "./records.ts";
import { amountIn } from "./resources.ts";
import type { Worker } from "./worker-record.ts";

export interface Saving {
  readonly lane: Lane;
  /** Of the lane's first task. */
  readonly priority: number;
}

/** The lane has tasks, and no worker has what they ask for now. */
export function saveWorker(core: Core, lane: Lane): void {
  if (lane.resources.length === 0 || core.savings.has(lane)) return;
  const { priority } = headOf(lane)!.options.data;
  if (!isPassed(core, lane, priority)) return;
  let best: Worker | null = null;
  for (const worker of core.workers.values()) {
    core.looks++;
    if (!worker.lanes.has(lane) || worker.savedFor !== null || !canServe(lane, worker)) continue;
    if (!freesEnough(lane, worker) || (best !== null && lacks(lane, worker) >= lacks(lane, best))) continue;
    best = worker;
  }
  if (best === null) return;
  best.savedFor = { lane, priority };
  core.savings.set(lane, best);
}

/** What it was saved for has its place, or does not want one any more. */
export function endSaving(core: Core, lane: Lane): void {
  const worker = core.savings.get(lane);
  if (worker === undefined) return;
  core.savings.delete(lane);
  worker.savedFor = null;
  // Others may have waited for this.
  if (takesTasks(worker)) core.touchWorker(worker);
}

/** Once a step: ends savings for lanes that have no such task any more, or one more urgent, and of workers that do not serve them. */
export function reviewSavings(core: Core): void {
  for (const [lane, worker] of core.savings) if (!holds(lane, worker)) endSaving(core, lane);
}

function holds(lane: Lane, { savedFor, lanes }: Worker): boolean {
  // Which run's task is the first changes with their shares; its priority does not.
  return lane.count > 0 && lanes.has(lane) && savedFor?.priority === headOf(lane)?.options.data.priority;
}

/** True when one of the lane's tasks would take what the worker is saved for. */
export function isSaved(lane: Lane, worker: Worker): boolean {
  const { savedFor } = worker;
  if (savedFor === null || savedFor.lane === lane) return false;
  const head = headOf(lane);
  if (head === null || head.options.data.priority >= savedFor.priority) return false;
  return lane.resources.some(([name, amount]) => {
    const wanted = amountOf(savedFor.lane, name);
    return wanted > 0 && (worker.free.get(name) ?? 0) - amount < wanted;
  });
}

/** Others of lower priority ask for less of the same, and so could take what this lane waits for. */
function isPassed(core: Core, lane: Lane, priority: number): boolean {
  for (const other of core.lanes.values()) {
    core.looks++;
    if (other === lane || other.count === 0) continue;
    if (!other.resources.some(([name, amount]) => amount < amountOf(lane, name))) continue;
    if (headOf(other)!.options.data.priority < priority) return true;
  }
  return false;
}

/** Actors keep what they have: what they leave is enough once all tasks there have ended. */
function freesEnough(lane: Lane, { hello, actors }: Worker): boolean {
  return lane.resources.every(([name, amount]) => {
    let left = amountIn(hello.resources, name);
    for (const actor of actors) left -= amountOf(actor.options.lane, name);
    return left >= amount;
  });
}

/** How much of what it asks for is not free at the worker, in shares of that. */
function lacks(lane: Lane, { free }: Worker): number {
  let missing = 0;
  for (const [name, amount] of lane.resources) missing += Math.max(0, amount - (free.get(name) ?? 0)) / amount;
  return missing;
}

function amountOf({ resources }: Lane, name: string): number {
  for (const [other, amount] of resources) if (other === name) return amount;
  return 0;
}

/** What does not add up, or null. */
export function checkSavings(core: Core): string | null {
  for (const [lane, worker] of core.savings) {
    if (worker.savedFor?.lane !== lane || !holds(lane, worker))
      return `${worker.name} is saved for a task that is gone`;
    if (!core.workers.has(worker.id)) return `${worker.name} is saved, and gone`;
  }
  for (const { name, savedFor } of core.workers.values())
    if (savedFor !== null && !core.savings.has(savedFor.lane)) return `${name} is saved for nobody`;
  return null;
}
