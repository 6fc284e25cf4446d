// Requirements: which workers can run a task at all, and which can run it now.

import type { TaskOptionsData } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { enqueue, headOf, withdrawFromQueue } from "./queue.ts";
import { type Lane, makeLane, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { requirementOf, sayLack, sayRequirement } from "./requirement.ts";
import { amountIn } from "./resources.ts";
import { strand, strandLane, unstrandLane } from "./stranded.ts";
import { isThere, WORKING, type Worker } from "./worker-record.ts";

/** The lane of all tasks that ask for the same. */
export function laneFor(core: Core, data: TaskOptionsData): Lane {
  const resources = Object.entries(data.resources)
    .filter(([, amount]) => amount > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (resources.length === 0 && data.workers.length === 0) return core.open;
  const names = [...new Set(data.workers)].sort();
  const others = data.allowOtherWorkers && names.length > 0;
  const key = JSON.stringify([resources, names, others]);
  const known = core.lanes.get(key);
  if (known !== undefined) return known;
  const lane = makeLane(key, resources, names.length > 0 ? new Set(names) : null, others, null);
  core.lanes.set(key, lane);
  for (const worker of core.workers.values()) if (takesTasks(worker)) joinLane(core, lane, worker);
  return lane;
}

/** It is there, has memory left and what it is to have, and is not on its way out. */
export function takesTasks(worker: Worker): boolean {
  return worker.up && worker.status === WORKING && !worker.paused && worker.equipped;
}

export function joinLanes(core: Core, worker: Worker): void {
  core.placesChanged = true;
  for (const lane of core.lanes.values()) joinLane(core, lane, worker);
  for (const task of worker.actors) core.touchActor(task);
  reconsiderStranded(core);
}

/** No lane counts on the worker any more; what was parked for it goes back. */
export function leaveLanes(core: Core, worker: Worker): void {
  core.placesChanged = true;
  for (const lane of worker.lanes) {
    lane.available.delete(worker);
    lane.members--;
    if (lane.workers?.has(worker.name) === true) lane.named--;
    // The last of those named is gone: now it is the others' turn.
    if (lane.allowOthers && lane.named === 0) for (const other of core.workers.values()) core.touchWorker(other);
    if (lane.members === 0 && lane.count > 0 && !lane.warned) warn(core, lane, headOf(lane)!);
  }
  worker.lanes.clear();
  for (const queue of [...worker.parked.active]) {
    for (const task of [...queue.sorted, ...queue.heap]) {
      if (task.queue !== queue) continue;
      withdrawFromQueue(task);
      enqueue(core.open, task);
    }
  }
  worker.parkedLoad = 0;
  core.parkedLanes.delete(worker.parked);
  core.ready.delete(worker.parked);
  if (core.open.count > 0) core.ready.add(core.open);
  reconsiderStranded(core);
}

/** Some worker that is there could serve it, were it not for what others take of it, or for the memory that it lacks just now. */
export function canEverRun(core: Core, lane: Lane): boolean {
  if (lane.members > 0 || lane.parkedAt !== null) return true;
  for (const worker of core.workers.values()) if (isThere(worker) && canServe(lane, worker)) return true;
  return false;
}

/** The workers that are there and could run one of its tasks, now or later. */
export function ableWorkers(core: Core, lane: Lane): Worker[] {
  if (lane.parkedAt !== null) return [lane.parkedAt];
  return [...core.workers.values()].filter((worker) => isThere(worker) && canServe(lane, worker));
}

/** Workers came or went: for some tasks there is one now, for others there is none any more. */
export function reconsiderStranded(core: Core): void {
  reconsider(core, core.open);
  for (const lane of core.lanes.values()) reconsider(core, lane);
}

function reconsider(core: Core, lane: Lane): void {
  if (!lane.limited || (lane.count === 0 && lane.stranded.size === 0 && !core.actorsWaiting.has(lane))) return;
  if (canEverRun(core, lane)) unstrandLane(core, lane);
  else strandLane(core, lane);
}

/** The worker has the names and the amounts that the lane asks for. */
export function canServe(lane: Lane, worker: Worker): boolean {
  if (lane.workers !== null && !lane.workers.has(worker.name) && !(lane.allowOthers && lane.named === 0)) return false;
  return lane.resources.every(([name, amount]) => amountIn(worker.hello.resources, name) >= amount);
}

export function hasFree(lane: Lane, worker: Worker): boolean {
  for (const [name, amount] of lane.resources) if ((worker.free.get(name) ?? 0) < amount) return false;
  return true;
}

/** Puts a runnable task (state `QUEUED`) in line. */
export function putInLine(core: Core, task: Task): void {
  const { lane } = task.options;
  enqueue(lane, task);
  core.ready.add(lane);
  noticeNobody(core, task);
}

/** The task has begun to wait for a worker: perhaps for one that is not there. */
export function noticeNobody(core: Core, task: Task): void {
  const { lane } = task.options;
  if (lane !== core.open && lane.members === 0 && !lane.warned) warn(core, lane, task);
  if (lane.limited && (lane.stranded.size > 0 || !canEverRun(core, lane))) strand(core, task);
}

/** Takes a queued task out of whatever line it stands in. */
export function takeOutOfLine(core: Core, task: Task): void {
  const lane = task.queue?.lane;
  withdrawFromQueue(task);
  const parkedAt = lane?.parkedAt ?? null;
  if (parkedAt === null) return;
  if (parkedAt.parked.count > 0) parkedAt.parkedLoad -= task.cost;
  else {
    parkedAt.parkedLoad = 0;
    core.parkedLanes.delete(parkedAt.parked);
  }
}

/** The task waits for this worker, because its data is there; it stays the scheduler's to give to another. */
export function park(core: Core, task: Task, worker: Worker, cost: number): void {
  task.cost = cost;
  enqueue(worker.parked, task);
  worker.parkedLoad += cost;
  core.parkedLanes.add(worker.parked);
}

/** Workers are there, and none can run it: a person may have mistyped a name, or wait for something that never comes. */
function warn(core: Core, lane: Lane, task: Task): void {
  const requirement = requirementOf(core, lane, ableWorkers(core, lane));
  // One that is paused comes back by itself.
  if (requirement.there === 0 || requirement.able > 0 || !core.canTell(task.session)) return;
  lane.warned = true;
  const { noWorkerTimeoutMs } = task.options.data;
  const limit = noWorkerTimeoutMs > 0 ? `, at most ${noWorkerTimeoutMs} ms (noWorkerTimeoutMs)` : "";
  const what = `${keyOf(task)} asks for ${sayRequirement(requirement)}; none of the ${requirement.there} workers can run it: ${sayLack(requirement)}.`;
  core.notice(task.session, `FLOCK_NO_WORKER: ${what} It waits until one joins that can${limit}.`);
}

function joinLane(core: Core, lane: Lane, worker: Worker): void {
  const isNamed = lane.workers?.has(worker.name) === true;
  if (lane.workers !== null && !isNamed && !lane.allowOthers) return;
  if (!lane.resources.every(([name, amount]) => amountIn(worker.hello.resources, name) >= amount)) return;
  worker.lanes.add(lane);
  lane.members++;
  lane.warned = false;
  lane.available.add(worker);
  if (isNamed) lane.named++;
  if (lane.count > 0) core.ready.add(lane);
}
