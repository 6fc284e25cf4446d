// How much a worker is given: enough to keep its slots busy for one round trip, and no more.

import type { Core } from "./core.ts";
import { takesTasks } from "./lanes.ts";
import { countMaking, makingUs, uncountMaking } from "./making.ts";
import { AHEAD, APART, type FunctionRecord, type Lane, type Task } from "./records.ts";
import { RUNNING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** The expected µs of one task; unknown counts as long, so that nothing piles up before it has been measured. */
export function expectedCost(core: Core, task: Task): number {
  const measured = task.definition?.record.expectedUs ?? 0;
  return measured === 0 ? core.config.supplyUs : measured;
}

/** Attempts that have a slot or could take one. */
export function begun({ assigned, ahead, seconds }: Worker): number {
  return assigned.length - ahead + seconds.size;
}

/** µs until a task given now would begin. */
export function expectedWait(worker: Worker): number {
  return begun(worker) < worker.slots ? 0 : (worker.load + worker.parkedLoad) / worker.slots;
}

export function hasRoom(core: Core, worker: Worker): boolean {
  const { maxAssignedPerWorker, supplyUs } = core.config;
  if (!takesTasks(worker) || worker.assigned.length >= maxAssignedPerWorker) return false;
  if (begun(worker) < worker.slots + 1) return true;
  const most = supplyUs * worker.slots;
  return worker.load < most && makingUs(worker) < most;
}

/** Tasks of one chain may be assigned ahead, for each slot, before their function has been measured. */
const UNMEASURED_AHEAD = 64;

/** Room for a task that waits for another one there: beside what keeps the slots busy, as many again. */
export function hasRoomAhead(core: Core, worker: Worker): boolean {
  const { maxAssignedPerWorker, supplyUs } = core.config;
  // Places for as many as keep the slots busy are left to tasks that can begin.
  if (!takesTasks(worker) || worker.ahead + worker.slots + 1 >= maxAssignedPerWorker) return false;
  if (worker.assigned.length >= maxAssignedPerWorker) return false;
  return worker.ahead < worker.slots || worker.load < supplyUs * worker.slots;
}

/**
 * The task alone continues what is under way at the worker, by a function that nobody has measured. It could not begin earlier elsewhere,
 * and a few at a time would reach the worker when what they continue is done and gone.
 */
export function hasRoomInChain(core: Core, worker: Worker, task: Task): boolean {
  if (task.definition!.record.durationUs !== 0 || worker.ahead >= UNMEASURED_AHEAD * worker.slots) return false;
  if (!takesTasks(worker) || worker.assigned.length + worker.slots + 1 >= core.config.maxAssignedPerWorker)
    return false;
  return task.deps.length === 1 && task.deps[0]!.dependency.dependents.length === 1;
}

/** Counts the task in: the worker's load, its resources, the run's share, the inputs on their way. */
export function attach(core: Core, task: Task, worker: Worker): void {
  task.worker = worker;
  task.index = worker.assigned.length;
  worker.assigned.push(task);
  const apart = (task.flags & APART) !== 0;
  task.cost = apart ? 0 : expectedCost(core, task);
  worker.load += task.cost;
  countMaking(task, worker);
  if (task.waitingOn > 0 && !apart) task.flags |= AHEAD;
  if (task.waitingOn > 0 || apart) worker.ahead++;
  const { resources } = task.options.lane;
  if (resources.length > 0)
    for (const [name, amount] of resources) worker.free.set(name, worker.free.get(name)! - amount);
  task.run.active++;
  countIncoming(task, worker);
  refresh(core, worker);
}

/** Inputs that are on their way to the worker now. */
export function countIncoming({ deps }: Task, worker: Worker): void {
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    if (dependency.holders.length > 0 && !worker.holds.has(dependency)) {
      worker.incoming.set(dependency, (worker.incoming.get(dependency) ?? 0) + 1);
    }
  }
}

export function uncountIncoming({ deps }: Task, worker: Worker): void {
  if (worker.incoming.size > 0) for (const { dependency } of deps) notIncoming(worker, dependency);
}

/** Counts it out again, whatever became of it. */
export function detach(core: Core, task: Task): void {
  const worker = task.worker!;
  task.worker = null;
  const last = worker.assigned.pop()!;
  if (last !== task) {
    worker.assigned[task.index] = last;
    last.index = task.index;
  }
  worker.load = worker.assigned.length + worker.seconds.size === 0 ? 0 : worker.load - task.cost;
  if (task.state === RUNNING) {
    core.begun.delete(task);
    worker.running--;
    task.run.running--;
  }
  clearAhead(task, worker);
  if ((task.flags & APART) !== 0) {
    worker.ahead--;
    worker.actors.delete(task);
  }
  uncountMaking(task, worker);
  const { resources } = task.options.lane;
  if (resources.length > 0) {
    for (const [name, amount] of resources) worker.free.set(name, worker.free.get(name)! + amount);
    core.placesChanged = true;
  }
  task.run.active--;
  if (task.thief !== null) {
    task.thief.thefts--;
    task.thief = null;
  }
  uncountIncoming(task, worker);
  worker.retireDirty = true;
  core.touchWorker(worker);
}

/** The function has been measured for the first time: what was counted as long on the way is counted anew. */
export function recount(core: Core, record: FunctionRecord): void {
  for (const worker of core.workers.values()) {
    for (const task of worker.assigned) {
      if (task.definition?.record !== record || (task.flags & APART) !== 0) continue;
      worker.load -= task.cost;
      task.cost = expectedCost(core, task);
      worker.load += task.cost;
      core.touchWorker(worker);
    }
  }
}

/** All its inputs are made now. */
export function clearAhead(task: Task, worker: Worker): void {
  if ((task.flags & AHEAD) === 0) return;
  task.flags &= ~AHEAD;
  worker.ahead--;
}

/** Puts the worker where its load says: among those with room, with a free slot, with a surplus. Twice for each task, so it looks twice before it writes. */
export function refresh(core: Core, worker: Worker): void {
  const { slots, load } = worker;
  const busy = begun(worker);
  if (hasRoom(core, worker)) {
    if (busy === 0) rest(core, worker);
    else {
      core.resting.remove(worker);
      // A free slot goes before any queue; among those the emptier worker.
      core.heap.set(worker, busy < slots ? busy / slots - 1 : load / slots);
    }
    if (core.open.count > 0) core.ready.add(core.open);
    if (worker.parked.count > 0) core.ready.add(worker.parked);
    if (worker.lanes.size > 0) for (const lane of worker.lanes) offer(core, lane, worker);
  } else {
    core.resting.remove(worker);
    core.heap.remove(worker);
  }
  const takes = takesTasks(worker);
  core.idle.put(worker, takes && busy < slots);
  const waits = takes && busy > slots && load > core.config.supplyUs * slots;
  if (waits === worker.hasSurplus) return;
  worker.hasSurplus = waits;
  if (waits) core.surplus.add(worker);
  else core.surplus.delete(worker);
}

function rest(core: Core, worker: Worker): void {
  core.heap.remove(worker);
  core.resting.put(worker);
}

/** Before assigning: looks again at all workers whose load changed. */
export function refreshDirty(core: Core): void {
  const { dirty } = core;
  for (let worker = dirty.pop(); worker !== undefined; worker = dirty.pop()) {
    worker.dirty = false;
    refresh(core, worker);
    if (worker.aheadWaiting.length > 0) core.dirtyAhead.add(worker);
  }
}

function offer(core: Core, lane: Lane, worker: Worker): void {
  lane.available.add(worker);
  if (lane.count > 0) core.ready.add(lane);
}

function notIncoming(worker: Worker, dependency: Task): void {
  const count = worker.incoming.get(dependency);
  if (count === undefined) return;
  if (count > 1) worker.incoming.set(dependency, count - 1);
  else worker.incoming.delete(dependency);
}
