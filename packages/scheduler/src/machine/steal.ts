// A worker with a free slot takes over what waits elsewhere: tasks parked for a busy worker at once, tasks sent to one by
// request, because only that worker knows whether they have begun.

import { assign } from "./assign.ts";
import type { Core } from "./core.ts";
import { canServe, takeOutOfLine } from "./lanes.ts";
import { expectedStart } from "./placement.ts";
import { headOf } from "./queue.ts";
import { AHEAD, APART, type Task } from "./records.ts";
import { copyForReaders } from "./replicas.ts";
import { ASSIGNED } from "./states.ts";
import { begun, expectedWait, hasRoom } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** Busy workers looked at for one idle worker, and idle workers per step. */
const VICTIMS_LOOKED_AT = 8;
const THIEVES_PER_STEP = 16;

export function rebalance(core: Core): void {
  const thieves = core.idle.items;
  if (thieves.length === 0 || (core.surplus.size === 0 && core.parkedLanes.size === 0)) return;
  for (const thief of thieves.slice(0, THIEVES_PER_STEP)) {
    while (
      hasFreeSlot(thief) ? takeParked(core, thief, false) || requestOne(core, thief) : takeParked(core, thief, true)
    );
    if (core.parkedLanes.size > 0 && hasFreeSlot(thief)) copyForReaders(core, thief);
  }
}

export function hasFreeSlot(worker: Worker): boolean {
  return begun(worker) + worker.thefts < worker.slots;
}

/** Takes a parked task when it begins earlier here, its transfer included. `near`: only one whose inputs are here. */
function takeParked(core: Core, thief: Worker, near: boolean): boolean {
  if (!hasRoom(core, thief)) return false;
  let looked = 0;
  for (const lane of core.parkedLanes) {
    if (looked++ >= VICTIMS_LOOKED_AT) return false;
    core.looks++;
    const victim = lane.parkedAt!;
    const task = headOf(lane);
    if (victim === thief || task === null) continue;
    const start = expectedStart(core, task, thief);
    if (start >= expectedWait(victim) || (near && start > expectedWait(thief))) continue;
    takeOutOfLine(core, task);
    assign(core, task, thief);
    return true;
  }
  return false;
}

/** Asks a worker with a surplus to give one back; when it does, the task is queued again and finds the idle worker. */
function requestOne(core: Core, thief: Worker): boolean {
  let looked = 0;
  for (const victim of core.surplus) {
    if (looked++ >= VICTIMS_LOOKED_AT) return false;
    core.looks++;
    const task = findStealable(core, victim, thief);
    if (task === null) continue;
    task.thief = thief;
    thief.thefts++;
    core.send(victim, { t: "stop", task: task.id, attempt: task.attempt, why: "stolen" });
    // The next thief looks at another victim first.
    core.surplus.delete(victim);
    core.surplus.add(victim);
    return true;
  }
  return false;
}

/** The last one given, of those that have not begun and would begin earlier at the thief. */
function findStealable(core: Core, victim: Worker, thief: Worker): Task | null {
  const { assigned } = victim;
  const wanted = begun(victim) - victim.slots - takenFrom(victim);
  if (wanted <= 0) return null;
  for (let i = assigned.length - 1; i >= 0 && i >= assigned.length - VICTIMS_LOOKED_AT; i--) {
    const task = assigned[i]!;
    if (task.state !== ASSIGNED || task.thief !== null || (task.flags & (AHEAD | APART)) !== 0) continue;
    if (!canServe(task.options.lane, thief) || task.options.lane.resources.length > 0) continue;
    if (expectedStart(core, task, thief) < expectedWait(victim)) return task;
  }
  return null;
}

function takenFrom(victim: Worker): number {
  let taken = 0;
  for (let i = Math.max(0, victim.assigned.length - VICTIMS_LOOKED_AT); i < victim.assigned.length; i++) {
    if (victim.assigned[i]!.thief !== null) taken++;
  }
  return taken;
}
