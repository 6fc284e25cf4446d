// Planned stops. A retiring worker gets nothing new, gives back what has not begun, finishes what runs, hands over what
// only it holds, at once, since its time may be short, and leaves. Results that no other worker can take are left behind and computed again when wanted;
// scattered data has no lineage, so the worker stays until another can take it (its own deadline bounds that).

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import { actorsLost } from "./actor-life.ts";
import type { Core } from "./core.ts";
import { holdersFor, removeHolder } from "./holdings.ts";
import { leaveLanes, takesTasks } from "./lanes.ts";
import { reconsiderTransfers } from "./moves.ts";
import { ACTOR, CALL, LINEAGE, type Task } from "./records.ts";
import { isWanted } from "./references.ts";
import { secondOf, stopSecond } from "./second.ts";
import { ASSIGNED, DONE } from "./states.ts";
import { LEAVING, type Moving, RETIRING, WORKING, type Worker } from "./worker-record.ts";

/** `why`: for the event log. */
export function retire(core: Core, worker: Worker, why: string): void {
  if (worker.status !== WORKING) return;
  worker.status = RETIRING;
  core.happened(
    "workerRetiring",
    worker.name,
    `${why}: it finishes what it runs, hands over what only it holds, and leaves`,
  );
  core.retiring.add(worker);
  leaveLanes(core, worker);
  core.touchWorker(worker);
  // Their first attempts go on elsewhere.
  for (const task of [...worker.seconds]) stopSecond(core, task);
  reconsiderTransfers(core);
  beginRetiring(core, worker);
}

/** Says so to the worker, and takes back what has not begun; again after its link was cut. */
export function beginRetiring(core: Core, worker: Worker): void {
  worker.retireDirty = true;
  core.send(worker, { t: "retire" });
  takeBack(core, worker);
}

/** Asks for all that it was given and has not begun. */
export function takeBack(core: Core, worker: Worker): void {
  for (const task of worker.assigned) {
    // Calls of an actor stay: one of them taken back while the next begins would come after it.
    if (task.state !== ASSIGNED || (task.flags & CALL) !== 0) continue;
    core.send(worker, { t: "stop", task: task.id, attempt: task.attempt, why: "stolen" });
  }
  for (const task of [...worker.seconds]) if (!secondOf(task).running) stopSecond(core, task);
}

/** Looks at retiring workers of which something changed. */
export function continueRetiring(core: Core): void {
  for (const worker of core.retiring) {
    if (!worker.retireDirty || !worker.up) continue;
    worker.retireDirty = false;
    const isIdle = worker.assigned.length + worker.seconds.size === 0;
    if (isIdle) askAgain(worker);
    if (handOver(core, worker) && isIdle) leave(core, worker);
  }
}

/** Who had no room while something ran here may have some now; once. */
function askAgain(worker: Worker): void {
  if (worker.isDrained) return;
  worker.isDrained = true;
  for (const move of worker.moving.values()) if (move.target === null) move.tried.clear();
}

/** Other workers came or went: copies may move there, or must move elsewhere. */
export function reconsiderMoves(core: Core): void {
  reconsiderTransfers(core);
  for (const worker of core.retiring) {
    worker.retireDirty = true;
    for (const move of worker.moving.values()) {
      if (move.target !== null && !(takesTasks(move.target) && core.workers.has(move.target.id))) move.target = null;
    }
  }
}

/** The worker that was to take a copy has no room for it. */
export function copyRefused(core: Core, task: Task, target: Worker): void {
  for (const { worker } of task.holders) {
    const move = worker.moving.get(task);
    if (move === undefined || move.target !== target) continue;
    move.tried.add(target);
    move.target = null;
    worker.retireDirty = true;
  }
  core.touchWorker(target);
}

/** A copy is somewhere else now. */
export function copyArrived(task: Task): void {
  for (const { worker } of task.holders) if (worker.moving.delete(task)) worker.retireDirty = true;
}

/** True when nothing keeps it here. */
function handOver(core: Core, worker: Worker): boolean {
  let finished = true;
  for (const task of worker.holds.keys()) {
    if (!mustKeep(task) || task.holders.some((h) => h.worker.status === WORKING && h.worker.up)) continue;
    const move = worker.moving.get(task) ?? { target: null, tried: new Set() };
    if (move.target === null) {
      move.target = chooseKeeper(core, move);
      if (move.target !== null) {
        worker.moving.set(task, move);
        const holders = holdersFor(core, task, move.target, 0, worker);
        core.send(move.target, { t: "acquire", task: task.id, bytes: task.bytes, holders });
      }
    }
    if (move.target !== null || (task.flags & LINEAGE) === 0) finished = false;
  }
  return finished;
}

function mustKeep(task: Task): boolean {
  if ((task.flags & ACTOR) !== 0) return false; // its state is nowhere else, and cannot be moved
  return task.state === DONE && task.result === NO_PAYLOAD && (isWanted(task) || (task.flags & LINEAGE) === 0);
}

function chooseKeeper(core: Core, move: Moving): Worker | null {
  let best: Worker | null = null;
  for (const worker of core.workers.values()) {
    if (!takesTasks(worker) || move.tried.has(worker)) continue;
    if (best === null || fill(worker) < fill(best)) best = worker;
  }
  return best;
}

function fill(worker: Worker): number {
  return worker.storedBytes / Math.max(1, worker.hello.memoryLimitBytes);
}

function leave(core: Core, worker: Worker): void {
  worker.status = LEAVING;
  core.retiring.delete(worker);
  core.send(worker, { t: "leave", restart: worker.restart });
  actorsLost(core, worker, "it was retired");
  for (const task of [...worker.holds.keys()]) removeHolder(core, task, worker);
}
