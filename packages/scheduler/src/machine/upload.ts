// Scattered data that is too large to travel with its message: which workers receive it, and what they say.

import type { ErrorCode, TaskId } from "@taskflock/protocol/words";
import { sayOutcome, sayUpload } from "./announce.ts";
import type { Core } from "./core.ts";
import { setUploadLimit } from "./deadlines.ts";
import { addHolder } from "./holdings.ts";
import { takesTasks } from "./lanes.ts";
import { complete, end, endUpload, failedWith, failure } from "./lifecycle.ts";
import { namedWorkers } from "./named-workers.ts";
import { LINK_CUT, type Ref, type Session, type Task, type Upload } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { UPLOADING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Receivers that fail without a word are tried again after so long, µs, and so often. */
const ROUND_US = 1_000_000;
const MOST_ROUNDS = 20;

export function newUpload(uploader: Ref, broadcast: boolean, workers: readonly string[], again: boolean): Upload {
  const refused = { refusal: "", refusalCode: "FLOCK_OUT_OF_MEMORY", rounds: 0, timer: null } as const;
  return { uploader, broadcast, workers, targets: new Set(), tried: new Set(), ...refused, again };
}

/** Chooses the receivers; waits for a worker when there is none. */
export function startUpload(core: Core, task: Task): void {
  const upload = task.upload!;
  const workers = receivers(core, upload);
  core.uploads.add(task);
  if (workers.length === 0) {
    upload.uploader.session.uploads.add(upload.uploader.n);
    return;
  }
  for (const worker of upload.broadcast ? workers : [emptiest(workers, task.bytes)]) {
    upload.targets.add(worker);
    upload.tried.add(worker);
    worker.expectingBytes += task.bytes;
    core.send(worker, { t: "expect", task: task.id, bytes: task.bytes });
  }
  sayUpload(core, upload.uploader.session, upload.uploader.n, task);
}

/** Why data cannot be meant for these workers, or null: none of them is there. */
export function receiversUnknown(core: Core, names: readonly string[]): string | null {
  if (names.length === 0 || namedWorkers(core, names).length > 0) return null;
  return `No worker is named ${names.join(" or ").slice(0, 1024)}; \`client.workers()\` and \`taskflock status\` list those that are there.`;
}

function receivers(core: Core, { workers, tried }: Upload): Worker[] {
  return [...core.workers.values()].filter(
    (worker) => takesTasks(worker) && !tried.has(worker) && (workers.length === 0 || workers.includes(worker.name)),
  );
}

/** Some worker is there now. */
export function startWaitingUploads(core: Core): void {
  for (const task of core.uploads) if (task.upload?.targets.size === 0) startUpload(core, task);
}

/** The receiver has the bytes. */
export function uploadHeld(core: Core, task: Task, worker: Worker, version: number): void {
  if (task.upload!.targets.delete(worker)) worker.expectingBytes -= task.bytes;
  addHolder(task, worker, version);
  if (task.upload!.broadcast) task.extras.copies = Math.max(task.extras.copies, task.holders.length);
  settle(core, task, "uploaded");
}

/** The receiver has no room, is gone, or cannot be reached. */
export function uploadRefused(
  core: Core,
  task: Task,
  worker: Worker,
  refusal: string,
  code: ErrorCode | null = null,
): void {
  const upload = task.upload;
  if (task.state !== UPLOADING || upload === null || !upload.targets.delete(worker)) return;
  worker.expectingBytes -= task.bytes;
  if (refusal !== "") upload.refusal = `${worker.name}: ${refusal}`;
  if (code === "FLOCK_DISK_FULL") upload.refusalCode = code;
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
  giveUpUpload(core, task, "its client is gone");
}

/** The bytes never come. */
export function giveUpUpload(core: Core, task: Task, why: string): void {
  const { uploader, again } = task.upload!;
  const text = again
    ? `The data ${keyOf(task)}, part of an argument, was lost with the last worker that held it, and could not be sent again: ${why}. Submit the task again.`
    : `The data ${keyOf(task)} was not uploaded: ${why}. Scatter it again.`;
  end(core, task, failedWith(failure("FLOCK_DATA_LOST", text), "", 0));
  // It was said to be there: further calls must not count on it.
  if (again && uploader.session.tasks.get(uploader.n) === task) sayOutcome(core, uploader.session, uploader.n, task);
}

/** The session that uploads let go of the task; another that refers to it takes over. */
export function passUploadOn(core: Core, task: Task): void {
  const upload = task.upload;
  if (upload === null) return;
  if (task.refs === 0 && task.dependents.length === 0) return;
  const next = upload.again ? null : uploaderFor(core, task);
  if (next === null) {
    abandon(core, task);
    return;
  }
  upload.uploader = next;
  sayUpload(core, upload.uploader.session, upload.uploader.n, task);
}

/** Nobody is behind what stands in a queue, or only has a name. */
function uploaderFor(core: Core, task: Task): Ref | null {
  let found: Ref | null = null;
  eachRef(task, (session, n) => {
    if (session !== core.kept.session) found ??= { session, n };
  });
  return found;
}

/** With all answers there: done if anybody has it; else another worker is tried. */
function settle(core: Core, task: Task, detail: string): void {
  const upload = task.upload!;
  if (upload.targets.size > 0) return;
  if (task.holders.length === 0 && receivers(core, upload).length > 0) {
    startUpload(core, task);
    return;
  }
  if (task.holders.length === 0 && task.extras.isKept && isWorthAnother(upload)) {
    anotherRound(core, task, upload);
    return;
  }
  endUpload(core, task);
  if (task.holders.length > 0) {
    complete(core, task, detail);
    return;
  }
  const what = `The data ${keyOf(task)} (${task.bytes} bytes)`;
  const why =
    upload.refusal === ""
      ? failure("FLOCK_DATA_LOST", `${what} was lost: the worker that received it is gone. Scatter it again.`)
      : failure(upload.refusalCode, `${what} could not be stored: ${upload.refusal}`);
  end(core, task, failedWith(why, "", 0));
}

/** The client has the bytes still, and no worker said that it has no room: they died, or were not reached. */
function isWorthAnother({ refusal, rounds }: Upload): boolean {
  return refusal === "" && rounds < MOST_ROUNDS;
}

function anotherRound(core: Core, task: Task, upload: Upload): void {
  upload.rounds++;
  upload.tried.clear();
  if (receivers(core, upload).length === 0) startUpload(core, task);
  else setUploadLimit(core, task, ROUND_US);
}

/** The time of the next round has come; or the client did not send in time what was lost. */
export function uploadDue(core: Core, task: Task): void {
  const upload = task.upload!;
  upload.timer = null;
  if (upload.targets.size === 0) startUpload(core, task);
  else if (!upload.again) return;
  // While it is away its session's own limit counts: when it is back it is asked again.
  else if (upload.uploader.session.link === LINK_CUT) setUploadLimit(core, task);
  else giveUpUpload(core, task, "its client did not answer in time");
}

/** Of those that may have room for it, if there are such. */
function emptiest(workers: readonly Worker[], bytes: number): Worker {
  let best = workers[0]!;
  for (const worker of workers) {
    const roomier =
      hasRoom(worker, bytes) === hasRoom(best, bytes) ? fill(worker) < fill(best) : hasRoom(worker, bytes);
    if (roomier) best = worker;
  }
  return best;
}

function hasRoom({ hello, storedBytes, expectingBytes }: Worker, bytes: number): boolean {
  return hello.memoryLimitBytes - storedBytes - expectingBytes >= bytes;
}

function fill({ hello, storedBytes, expectingBytes }: Worker): number {
  return (storedBytes + expectingBytes) / Math.max(1, hello.memoryLimitBytes);
}
