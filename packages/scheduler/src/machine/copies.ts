// Copies of results that turn up at workers.

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { addHolder } from "./holdings.ts";
import { complete, withdraw } from "./lifecycle.ts";
import { transferArrived } from "./moves.ts";
import { ACTOR, type Task } from "./records.ts";
import { noteCopies } from "./replicas.ts";
import { copyArrived } from "./retire.ts";
import { DONE, isActive, isPlaced, UPLOADING } from "./states.ts";
import { uploadHeld, uploadRefused } from "./upload.ts";
import { LEAVING, WORKING, type Worker } from "./worker-record.ts";

/** False when the copy serves nothing and is to be dropped. */
export function takeCopy(core: Core, task: Task, worker: Worker, bytes: number, version: number): boolean {
  // An actor has no copies: what is told is the one that is known, or one that nobody can use.
  if ((task.flags & ACTOR) !== 0 && !worker.holds.has(task)) return false;
  // Told to leave, it takes what it has with it.
  if (worker.status === LEAVING) {
    uploadRefused(core, task, worker, task.uncommon?.isKept === true ? "" : "it is leaving");
    return false;
  }
  if (task.state === UPLOADING) {
    if (task.upload?.targets.has(worker) !== true) return false;
    uploadHeld(core, task, worker, version);
    return true;
  }
  if (task.state === DONE) {
    if (task.result !== NO_PAYLOAD) return false;
    addHolder(task, worker, version);
    if (worker.status === WORKING) copyArrived(task);
    transferArrived(core, task, worker);
    noteCopies(core, task);
    return true;
  }
  // The last known copy was lost and the task was to run again: no need, unless it is under way.
  if (!isActive(task.state) || isPlaced(task.state)) return false;
  withdraw(core, task);
  task.bytes = bytes;
  addHolder(task, worker, version);
  complete(core, task, `a copy turned up at ${worker.name}`);
  return true;
}
