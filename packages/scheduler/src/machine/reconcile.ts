// A worker's link is up (again): its snapshot is compared with what the scheduler believes, and both sides set right.

import type { Snapshot, TaskId } from "@taskflock/protocol/words";
import { takeCopy } from "./copies.ts";
import type { Core } from "./core.ts";
import { reconcileEquipment } from "./equip.ts";
import { dropStray, removeHolder } from "./holdings.ts";
import { joinLanes, reconsiderStranded, takesTasks } from "./lanes.ts";
import { requeue } from "./lifecycle.ts";
import { profileAgain } from "./profiles.ts";
import { SECOND, type Task } from "./records.ts";
import { answerReturned } from "./restart.ts";
import { beginRetiring, reconsiderMoves, takeBack } from "./retire.ts";
import { changed } from "./runs.ts";
import { dropSecond, isSecond, startSecond } from "./second.ts";
import { promote } from "./speculation.ts";
import { ASSIGNED, isPlaced, RUNNING } from "./states.ts";
import { watch } from "./stragglers.ts";
import { detach } from "./supply.ts";
import { expectAgain, startWaitingUploads } from "./upload.ts";
import { answerWaiters } from "./waiters.ts";
import { LEAVING, RETIRING, WORKING, type Worker } from "./worker-record.ts";

/**
 * A snapshot that a cut swallowed is sent again, before the one of the new connection. The first of them counts: nothing was said to the
 * worker since, and what it did since follows. The others know nothing of what was said after the first.
 */
export function takeSnapshot(core: Core, worker: Worker, snapshot: Snapshot): void {
  if (worker.up) return;
  worker.up = true;
  if (worker.wasCut) core.happened("workerBack", worker.name, `with ${snapshot.tasks.length} tasks`);
  worker.wasCut = false;
  // Functions first: what is assigned next relies on it.
  reconcileFunctions(core, worker, snapshot);
  reconcileEquipment(core, worker, snapshot);
  reconcileTasks(core, worker, snapshot);
  reconcileHoldings(core, worker, snapshot);
  reconcileUploads(core, worker, snapshot);
  if (core.limited) core.send(worker, { t: "configure", inlineLimitBytes: 0 });
  if (worker.status === WORKING && !takesTasks(worker)) holdBack(core, worker);
  else if (worker.status === WORKING) joinLanes(core, worker);
  else if (worker.status === RETIRING) beginRetiring(core, worker);
  else if (worker.status === LEAVING) core.send(worker, { t: "leave", restart: worker.restart });
  core.touchWorker(worker);
  profileAgain(core, worker);
  reconsiderMoves(core);
  startWaitingUploads(core);
  answerWaiters(core);
  answerReturned(core);
}

/** It is there, but paused, or lacks what it is to have: nothing new, and what it has not begun is taken back. */
function holdBack(core: Core, worker: Worker): void {
  takeBack(core, worker);
  reconsiderStranded(core);
}

function reconcileFunctions(core: Core, worker: Worker, snapshot: Snapshot): void {
  worker.functions = new Set();
  for (const id of snapshot.functions) {
    const record = core.functionsById.get(id);
    if (record !== undefined) worker.functions.add(record);
    else core.send(worker, { t: "forgetFunction", fn: id });
  }
}

/** What it expects and nobody uploads is taken back; what it is to expect and does not has not reached it. */
function reconcileUploads(core: Core, worker: Worker, snapshot: Snapshot): void {
  const there = new Set(snapshot.expects);
  for (const id of there) {
    if (core.taskById(id)?.upload?.targets.has(worker) !== true) dropStray(core, worker, id);
  }
  expectAgain(core, worker, there);
}

/** What was assigned and never arrived goes back in line; what is there and not wanted is stopped. */
function reconcileTasks(core: Core, worker: Worker, snapshot: Snapshot): void {
  const there = new Set<Task>();
  for (const { task: id, attempt, running } of snapshot.tasks) {
    const task = core.taskById(id);
    if (task !== null && isSecond(task, worker, attempt)) {
      there.add(task);
      if (running) startSecond(task);
      continue;
    }
    if (task === null || task.worker !== worker || task.attempt !== attempt) {
      core.send(worker, { t: "stop", task: id, attempt, why: "cancelled" });
      continue;
    }
    there.add(task);
    if (running && task.state === ASSIGNED) noteRunning(core, task, worker);
    if (task.thief !== null) {
      task.thief.thefts--;
      task.thief = null;
    }
  }
  for (const task of [...worker.assigned]) {
    if (there.has(task) || task.worker !== worker) continue;
    if ((task.flags & SECOND) !== 0) {
      promote(core, task, `its first attempt did not arrive at ${worker.name}`);
      continue;
    }
    detach(core, task);
    if (isPlaced(task.state)) requeue(core, task, worker, `did not arrive at ${worker.name}`);
  }
  for (const task of [...worker.seconds]) if (!there.has(task)) dropSecond(core, task);
}

function noteRunning(core: Core, task: Task, worker: Worker): void {
  core.move(task, RUNNING, worker.name);
  worker.running++;
  task.run.running++;
  changed(core, task.run);
  watch(core, task);
}

function reconcileHoldings(core: Core, worker: Worker, snapshot: Snapshot): void {
  const there = new Set<TaskId>();
  for (const holds of [worker.reported, snapshot.holds]) {
    for (const { task: id, bytes, version } of holds) {
      const task = core.taskById(id);
      if (task !== null && takeCopy(core, task, worker, bytes, version)) there.add(id);
      else dropStray(core, worker, id);
    }
  }
  worker.reported = [];
  for (const task of [...worker.holds.keys()]) if (!there.has(task.id)) removeHolder(core, task, worker);
}
