// What workers say.

import {
  type Errored,
  type Finished,
  type Held,
  type Micros,
  type Missing,
  NO_PAYLOAD,
  type NotHeld,
  type Spoiled,
  type Started,
  type Stopped,
  type WorkerHello,
  type WorkerId,
  type WorkerLog,
  type WorkerToScheduler,
} from "@taskflock/protocol/words";
import { actorEnded, actorMade } from "./actor-life.ts";
import { assign } from "./assign.ts";
import { retryWaitUs } from "./backoff.ts";
import { takeCopy } from "./copies.ts";
import type { Core } from "./core.ts";
import { equipmentAway, onEquipped } from "./equip.ts";
import { measure } from "./functions.ts";
import { addHolder, dropStray, holderFailed, holdersFor } from "./holdings.ts";
import { leaveLanes, takesTasks } from "./lanes.ts";
import { complete, end, failedWith, failure, requeue, revokeAhead } from "./lifecycle.ts";
import { transferRefused } from "./moves.ts";
import { SPAN_DONE, SPAN_FAILED, spanStopped } from "./page-spans.ts";
import { pausing } from "./pause.ts";
import { profiled } from "./profiles.ts";
import { takeSnapshot } from "./reconcile.ts";
import { ACTOR, NO_AHEAD, SECOND, type Task, troublesOf } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { noteRelayWanted, takeRelayWanted } from "./relays.ts";
import { copyRefused, reconsiderMoves, retire } from "./retire.ts";
import { changed } from "./runs.ts";
import { dropSecond, isAt, isSecond, startSecond, stopSecond } from "./second.ts";
import { preferSecond, promote } from "./speculation.ts";
import { ASSIGNED, DELAYED, QUEUED, RUNNING, UPLOADING } from "./states.ts";
import { watch } from "./stragglers.ts";
import { detach, recount } from "./supply.ts";
import { reported } from "./talk.ts";
import { uploadRefused } from "./upload.ts";
import { Worker } from "./worker-record.ts";

/** A task that comes back for want of an input goes in line at once so often; then it waits, longer each time; then it fails. */
const FREE_RETURNS = 3;
const MAX_RETURNS = 12;
const RETURN_WAIT_US = 50_000;

/** It is spoken to after its first snapshot. */
export function workerJoined(core: Core, id: WorkerId, hello: WorkerHello, relayKey: string): void {
  core.workers.set(id, new Worker(id, hello, relayKey, core.now));
  core.happened(
    "workerJoined",
    hello.name,
    `${hello.slots} ${hello.slots === 1 ? "slot" : "slots"}, pid ${hello.pid}, at ${hello.peerAddress}`,
  );
}

/** It keeps what it has, gets nothing new, and is not spoken to. */
export function workerCut(core: Core, worker: Worker): void {
  if (!worker.up) return;
  worker.up = false;
  worker.wasCut = true;
  core.happened("workerCut", worker.name, "its link is cut; it may come back");
  leaveLanes(core, worker);
  core.touchWorker(worker);
  equipmentAway(core, worker);
  reconsiderMoves(core);
}

export function workerMessage(core: Core, worker: Worker, message: WorkerToScheduler): void {
  switch (message.t) {
    case "finished":
      finished(core, worker, message);
      return;
    case "started":
      started(core, worker, message);
      return;
    case "errored":
      errored(core, worker, message);
      return;
    case "stopped":
      stopped(core, worker, message);
      return;
    case "held":
      held(core, worker, message);
      return;
    case "notHeld":
      notHeld(core, worker, message);
      return;
    case "missing":
      missing(core, worker, message);
      return;
    case "actorEnded":
      actorEnded(core, worker, message);
      return;
    case "equipped":
      onEquipped(core, worker, message);
      return;
    case "profiled":
      profiled(core, worker, message);
      return;
    case "wantsToRetire":
      retire(core, worker, message.reason);
      return;
    case "pausing":
      pausing(core, worker, message);
      return;
    case "spoiled":
      spoiled(core, worker, message);
      return;
    case "log":
      log(core, worker, message);
      return;
    case "report":
      reported(core, worker, message);
      return;
    case "snapshotPart":
      // Not by spread: there is no limit to their number.
      if (!worker.up) for (const held of message.holds) worker.reported.push(held);
      return;
    case "snapshot":
      takeSnapshot(core, worker, message);
      return;
    default:
      describes(core, worker, message);
      return;
  }
}

/** For people to read. */
function describes(
  core: Core,
  worker: Worker,
  message: Extract<WorkerToScheduler, { t: "heartbeat" | "tensors" | "moved" | "spotNotice" }>,
): void {
  if (message.t === "heartbeat") {
    worker.metrics = message.metrics;
    worker.heardAt = core.now;
  } else if (message.t === "moved") core.moved.add(core, worker, message);
  else if (message.t === "spotNotice") core.happened("spotNotice", worker.name, message.text);
  else worker.tensors = message.tensors;
}

/** Payloads of a worker that is not known any more. */
export function freeWorkerMessage(core: Core, message: WorkerToScheduler): void {
  if ((message.t === "profiled" || message.t === "report") && message.data !== NO_PAYLOAD) core.port.free(message.data);
  else if (message.t === "finished" && message.result !== NO_PAYLOAD) core.port.free(message.result);
  else if (message.t === "errored" && message.failure.error !== NO_PAYLOAD) core.port.free(message.failure.error);
}

/** The task, if the message is about an attempt that counts, at this worker. */
function current(core: Core, worker: Worker, message: Started | Finished | Errored | Stopped): Task | null {
  const task = core.taskById(message.task);
  if (task === null) return null;
  if (task.worker === worker && task.attempt === message.attempt) return task;
  return (task.flags & SECOND) !== 0 && isSecond(task, worker, message.attempt) ? task : null;
}

/** One of two attempts has ended without a result: the other goes on alone. False when there is no other. */
function otherGoesOn(core: Core, task: Task, worker: Worker): boolean {
  if ((task.flags & SECOND) === 0) return false;
  if (task.worker === worker) promote(core, task, `its first attempt, at ${worker.name}, gave no result`);
  else dropSecond(core, task);
  return true;
}

function started(core: Core, worker: Worker, message: Started): void {
  const task = current(core, worker, message);
  if (task === null) return;
  if (task.worker !== worker) startSecond(task);
  if (task.state !== ASSIGNED) return;
  core.move(task, RUNNING, worker.name);
  if (task.troubles !== null) task.troubles.returns = 0;
  worker.running++;
  task.run.running++;
  changed(core, task.run);
  watch(core, task);
}

function finished(core: Core, worker: Worker, message: Finished): void {
  const task = current(core, worker, message);
  if (task === null) {
    freeWorkerMessage(core, message);
    if (message.result === NO_PAYLOAD) dropUnlessHeld(core, worker, message);
    return;
  }
  if ((task.flags & SECOND) !== 0) {
    if (task.worker === worker) stopSecond(core, task);
    else preferSecond(core, task);
  }
  detach(core, task);
  worker.finished++;
  const { record } = task.definition!;
  const isNew = record.durationUs === 0;
  const isActor = (task.flags & ACTOR) !== 0;
  const result = isActor ? noBytes(core, message) : message.result;
  const stored = result === NO_PAYLOAD ? message.bytes : 0;
  measure(record, message.durationUs, stored / core.config.bandwidthBytesPerUs);
  task.run.spentUs += message.durationUs;
  if (isNew) recount(core, record);
  core.spans.add(core.now, task.id, record.id, worker.id, message.durationUs, SPAN_DONE);
  task.bytes = message.bytes;
  task.result = result;
  if (result === NO_PAYLOAD) addHolder(task, worker, message.version);
  else core.inlineBytes += message.bytes;
  if (isActor) actorMade(core, task, worker);
  complete(core, task, worker.name);
}

/** An actor stays where it was made: bytes that a worker sends for it are of no use. */
function noBytes(core: Core, { result }: Finished): typeof NO_PAYLOAD {
  if (result !== NO_PAYLOAD) core.port.free(result);
  return NO_PAYLOAD;
}

/** Bytes of a stale attempt; unless the task's own result is at the same worker, or a newer attempt. */
function dropUnlessHeld(core: Core, worker: Worker, message: Finished): void {
  const task = core.taskById(message.task);
  if (task === null || !(isAt(task, worker) || worker.holds.has(task))) dropStray(core, worker, message.task);
}

function errored(core: Core, worker: Worker, message: Errored): void {
  const task = current(core, worker, message);
  if (task === null) {
    freeWorkerMessage(core, message);
    return;
  }
  const { record } = task.definition!;
  core.spans.add(core.now, task.id, record.id, worker.id, message.durationUs, SPAN_FAILED);
  task.run.spentUs += message.durationUs;
  if (otherGoesOn(core, task, worker)) {
    freeWorkerMessage(core, message);
    return;
  }
  const { retries, backoffMs } = task.options.data;
  const used = task.troubles?.retries ?? 0;
  detach(core, task);
  if (!message.retryable || used >= retries) {
    end(core, task, failedWith(message.failure, worker.name, message.attempt));
    return;
  }
  freeWorkerMessage(core, message);
  troublesOf(task).retries++;
  const detail = `retry ${used + 1} of ${retries}: ${message.failure.message}`;
  if (backoffMs === 0) requeue(core, task, worker, detail);
  else delay(core, task, worker, retryWaitUs(backoffMs, used + 1), detail);
}

/** Out of line until its time comes. */
function delay(core: Core, task: Task, worker: Worker, waitUs: number, detail: string): void {
  revokeAhead(core, task, worker);
  core.move(task, DELAYED, detail);
  core.timers.set((core.now + waitUs) as Micros, { what: "retry", task, attempt: task.attempt });
}

function stopped(core: Core, worker: Worker, message: Stopped): void {
  const task = current(core, worker, message);
  if (task === null) return;
  if (task.worker === worker) spanStopped(core, task, worker);
  if (otherGoesOn(core, task, worker)) return;
  detach(core, task);
  const detail = `not run by ${worker.name}: ${message.why}`;
  if (message.why === "predecessor") {
    if (task.waitingOn === 0 && takesTasks(worker)) {
      sendAgain(core, task, worker, detail);
      return;
    }
    // Its input will not be made there after all, whatever the scheduler has heard of that so far.
    task.flags |= NO_AHEAD;
  }
  if (message.why !== "input") {
    requeue(core, task, worker, detail);
    return;
  }
  // The next attempt goes another way: that is no reason to give up.
  if (takeRelayWanted(worker, task)) {
    requeue(core, task, null, detail);
    return;
  }
  const troubles = troublesOf(task);
  troubles.returns++;
  if (troubles.returns > MAX_RETURNS) {
    const text = `The inputs of ${keyOf(task)} could not be brought to any worker in ${troubles.returns} attempts, the last at ${worker.name}. Check that the workers' peer ports can be reached, and their memory.`;
    end(core, task, failedWith(failure("FLOCK_TRANSFER_FAILED", text), worker.name, message.attempt));
  } else if (troubles.returns <= FREE_RETURNS) requeue(core, task, worker, detail);
  else delay(core, task, worker, RETURN_WAIT_US * 2 ** (troubles.returns - FREE_RETURNS - 1), detail);
}

/** Assigned ahead, it reached the worker when the small result it counted on was made and gone: it comes again, with that result. */
function sendAgain(core: Core, task: Task, worker: Worker, detail: string): void {
  revokeAhead(core, task, worker, "follow");
  core.move(task, QUEUED, detail);
  assign(core, task, worker);
}

function notHeld(core: Core, worker: Worker, message: NotHeld): void {
  const task = core.taskById(message.task);
  if (task === null) return;
  if (task.state === UPLOADING) {
    // It may be said of a fetch from before, and the worker has been told since that the bytes come from their client.
    if (task.upload?.targets.has(worker) === true) dropStray(core, worker, task.id);
    uploadRefused(core, task, worker, message.message, message.code);
  } else if (worker.relayWanted.delete(task.id) && task.holders.length > 0) {
    const holders = holdersFor(core, task, worker);
    core.send(worker, { t: "acquire", task: task.id, bytes: task.bytes, holders });
  } else {
    copyRefused(core, task, worker);
    transferRefused(core, task, worker, message.message);
  }
}

function missing(core: Core, worker: Worker, message: Missing): void {
  const task = core.taskById(message.task);
  const holder = core.workers.get(message.holder);
  if (task === null || holder === undefined) return;
  if (message.why === "unreachable" && noteRelayWanted(core, worker, task, holder)) return;
  holderFailed(core, task, holder, message.version);
}

function spoiled(core: Core, worker: Worker, message: Spoiled): void {
  const task = core.taskById(message.task);
  if (task !== null) holderFailed(core, task, worker, message.version);
}

function held(core: Core, worker: Worker, message: Held): void {
  const task = core.taskById(message.task);
  if (worker.relayWanted.size > 0) worker.relayWanted.delete(message.task);
  if (task !== null && takeCopy(core, task, worker, message.bytes, message.version)) return;
  dropStray(core, worker, message.task);
}

function log(core: Core, worker: Worker, message: WorkerLog): void {
  const task = core.taskById(message.task);
  const { stream, text } = message;
  const [key, run] = task === null ? ["", ""] : [keyOf(task), task.run.name];
  core.logs.add({ at: core.now, worker: worker.name, key, run, stream, text });
  if (task === null) return;
  eachRef(task, (session, n) => {
    if (core.canTell(session)) core.tell(session, { t: "log", n, worker: worker.name, stream, text });
  });
}
