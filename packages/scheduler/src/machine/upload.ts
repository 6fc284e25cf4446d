// Scattered data that is too large to travel with its message: which workers receive it, and what they say.

import type { TaskId } from "@taskflock/protocol/words";
import { sayUpload } from "./announce.ts";
import type { Core } from "./core.ts";
import { addHolder } from "./holdings.ts";
import { takesTasks } from "./lanes.ts";
import { complete, end, endUpload, failedWith, failure } from "./lifecycle.ts";
import type { Ref, Session, Task } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { UPLOADING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Chooses the receivers; waits for a worker when there is none. */
export function startUpload(core: Core, task: Task): void {
  const upload = task.upload!;
  const workers = [...core.workers.values()].filter(takesTasks);
  core.uploads.add(task);
  if (workers.length === 0) {
    upload.uploader.session.uploads.add(upload.uploader.n);
    return;
  }
  for (const worker of upload.broadcast ? workers : [emptiest(workers)]) {
    upload.targets.add(worker);
    core.send(worker, { t: "expect", task: task.id, bytes: task.bytes });
  }
  sayUpload(core, upload.uploader.session, upload.uploader.n, task);
}

/** Some worker is there now. */
export function startWaitingUploads(core: Core): void {
  for (const task of core.uploads) if (task.upload?.targets.size === 0) startUpload(core, task);
}

/** The receiver has the bytes. */
export function uploadHeld(core: Core, task: Task, worker: Worker, version: number): void {
  task.upload!.targets.delete(worker);
  addHolder(task, worker, version);
  settle(core, task, "uploaded");
}

/** The receiver has no room, is gone, or cannot be reached. */
export function uploadRefused(core: Core, task: Task, worker: Worker, refusal: string): void {
  const upload = task.upload;
  if (task.state !== UPLOADING || upload === null || !upload.targets.delete(worker)) return;
  if (refusal !== "") upload.refusal = refusal;
  settle(core, task, "uploaded to some");
}

/**
 * The worker's link was cut: it may not have heard that it is to receive, and then has turned the client away. What it says that it
 * expects is not said again: if that failed since, it would expect it for ever.
 */
export function expectAgain(core: Core, worker: Worker, there: ReadonlySet<TaskId>): void {
  for (const task of core.uploads) {
    const upload = task.upload;
    if (upload === null || !upload.targets.has(worker) || there.has(task.id)) continue;
    core.send(worker, { t: "expect", task: task.id, bytes: task.bytes });
    sayUpload(core, upload.uploader.session, upload.uploader.n, task);
  }
}

/** The worker is gone. */
export function uploadsLost(core: Core, worker: Worker): void {
  for (const task of [...core.uploads]) uploadRefused(core, task, worker, "");
}

/** The client is gone: what it alone was to upload never comes. */
export function uploadsAbandoned(core: Core, session: Session): void {
  for (const task of [...core.uploads]) {
    if (task.upload?.uploader.session === session) abandon(core, task);
  }
}

function abandon(core: Core, task: Task): void {
  const text = `The data ${keyOf(task)} was not uploaded: its client is gone. Scatter it again.`;
  end(core, task, failedWith(failure("FLOCK_DATA_LOST", text), "", 0));
}

/** The session that uploads let go of the task; another that refers to it takes over. */
export function passUploadOn(core: Core, task: Task): void {
  const upload = task.upload;
  if (upload === null || task.refs === 0) return;
  const next = uploaderFor(core, task);
  if (next === null) {
    abandon(core, task);
    return;
  }
  upload.uploader = next;
  sayUpload(core, next.session, next.n, task);
}

/** Nobody is behind what stands in a queue. */
function uploaderFor(core: Core, task: Task): Ref | null {
  let found: Ref | null = null;
  eachRef(task, (session, n) => {
    if (session !== core.shared.keeper) found ??= { session, n };
  });
  return found;
}

/** With all answers there: done if anybody has it. */
function settle(core: Core, task: Task, detail: string): void {
  const upload = task.upload!;
  if (upload.targets.size > 0) return;
  endUpload(core, task);
  if (task.holders.length > 0) {
    complete(core, task, detail);
    return;
  }
  const what = `The data ${keyOf(task)} (${task.bytes} bytes)`;
  const why =
    upload.refusal === ""
      ? failure("FLOCK_DATA_LOST", `${what} was lost: the worker that received it is gone. Scatter it again.`)
      : failure("FLOCK_OUT_OF_MEMORY", `${what} could not be stored: ${upload.refusal}`);
  end(core, task, failedWith(why, "", 0));
}

function emptiest(workers: readonly Worker[]): Worker {
  let best = workers[0]!;
  for (const worker of workers) if (fill(worker) < fill(best)) best = worker;
  return best;
}

function fill(worker: Worker): number {
  return worker.storedBytes / Math.max(1, worker.hello.memoryLimitBytes);
}
