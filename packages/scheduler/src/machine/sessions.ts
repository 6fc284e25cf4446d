// What clients say, and how their links fare.

import {
  type CancelTask,
  type ClientToScheduler,
  type DefineOptions,
  defaultTaskOptions,
  NO_PAYLOAD,
  type Release,
  type RunNumber,
  type SessionId,
  type TaskNumber,
  type Unavailable,
} from "@taskflock/protocol/words";
import { callsAbandoned } from "./actor-life.ts";
import { answerLocate, sayAllAgain, sayDue, sayUploadTo } from "./announce.ts";
import { type Freeing, forgetWaiting, freeQuestion } from "./answers.ts";
import type { Core } from "./core.ts";
import { keepsTask, keptRefs, leavesRuns, unfollow } from "./detached.ts";
import { draftsAbandoned } from "./equipment-questions.ts";
import { defineFunction, unuseFunction } from "./functions.ts";
import { dropStray, holderFailed } from "./holdings.ts";
import { laneFor } from "./lanes.ts";
import { end, failure } from "./lifecycle.ts";
import { newSession } from "./new-session.ts";
import { profilesAbandoned } from "./profiles.ts";
import { answerQuestion } from "./questions.ts";
import { ANNOUNCED, LINK_BLOCKED, LINK_CUT, LINK_UP, type Session, type Task } from "./records.ts";
import { removeRef } from "./references.ts";
import { noteUnreached } from "./relays.ts";
import { notKept } from "./resend.ts";
import { changed, closeRun, openRun } from "./runs.ts";
import { sharedSessionGone } from "./shared-questions.ts";
import { UPLOADING } from "./states.ts";
import { cancelAlone, scatter, submit } from "./submit.ts";
import { passUploadOn, uploadRefused, uploadsAbandoned } from "./upload.ts";

/** The client cannot tell which; what the worker says of it may come later. */
const UNPLACED = "it has no room for it, or cannot be reached; --memory-limit and --spill-directory give it more room";

export function sessionJoined(core: Core, id: SessionId, name: string, isObserver = false): void {
  const session = newSession(id, name, LINK_UP, isObserver);
  if (isObserver) {
    core.sessions.set(id, session);
    return;
  }
  session.options.set(0, { data: defaultTaskOptions, lane: core.open });
  core.open.users++;
  core.sessions.set(id, session);
  openRun(core, session, 0 as RunNumber, name, 1, null);
  core.happened("clientJoined", name, `session ${id}`);
}

export function sessionLink(core: Core, session: Session, e: "clientResumed" | "clientCut" | LinkPause): void {
  switch (e) {
    case "clientCut":
      session.link = LINK_CUT;
      break;
    case "clientBlocked":
      if (session.link === LINK_UP) session.link = LINK_BLOCKED;
      break;
    case "clientReady":
      if (session.link !== LINK_BLOCKED) break;
      session.link = LINK_UP;
      sayDue(core, session);
      break;
    case "clientResumed":
      session.link = LINK_UP;
      sayAllAgain(core, session);
      break;
  }
}
type LinkPause = "clientBlocked" | "clientReady";

export function sessionGone(core: Core, session: Session): void {
  session.link = LINK_CUT;
  sharedSessionGone(core, session);
  for (const [n] of [...session.tasks]) release(core, session, n);
  uploadsAbandoned(core, session);
  for (const { record } of session.functions.values()) unuseFunction(core, record);
  session.functions.clear();
  for (const { lane } of session.options.values()) core.unuseLane(lane);
  session.options.clear();
  draftsAbandoned(core, session);
  session.asks.length = 0;
  forgetWaiting(core, session.id);
  core.kept.said.delete(session.id);
  unfollow(core, session);
  profilesAbandoned(core, session);
  if (!leavesRuns(core, session)) core.sessions.delete(session.id);
  callsAbandoned(core, session);
  if (!session.isObserver) core.happened("clientGone", session.name, `session ${session.id}`);
}

export function clientMessage(core: Core, session: Session, message: ClientToScheduler): void {
  // The shell has closed its link already.
  if (session.isObserver && !isObservation(message)) {
    freeClientMessage(core, message);
    return;
  }
  switch (message.t) {
    case "submit":
      submit(core, session, message);
      return;
    case "release":
      release(core, session, (message as Release).n);
      return;
    case "function":
      defineFunction(core, session, message);
      return;
    case "options":
      defineOptions(core, session, message);
      return;
    case "scatter":
      scatter(core, session, message);
      return;
    case "notKept":
      notKept(core, session, message.n);
      return;
    case "cancel":
      cancel(core, session, message);
      return;
    case "locate":
      locate(core, session, message.n);
      return;
    case "unavailable":
      unavailable(core, session, message);
      return;
    case "ask":
      answerQuestion(core, session, message);
      return;
    case "goodbye":
      sessionGone(core, session);
      return;
    default:
      runMessage(core, session, message);
      return;
  }
}

/** What one who only looks on may say. */
export function isObservation({ t }: ClientToScheduler): boolean {
  return t === "ask" || t === "goodbye";
}

function defineOptions(core: Core, session: Session, { options, data }: DefineOptions): void {
  const lane = laneFor(core, data);
  lane.users++;
  if (data.noWorkerTimeoutMs > 0) lane.limited = true;
  const before = session.options.get(options);
  session.options.set(options, { data, lane });
  if (before !== undefined) core.unuseLane(before.lane);
}

/** The payloads in a message that nobody heeds. */
export function freeClientMessage(core: Freeing, message: ClientToScheduler): void {
  if (message.t === "submit" && message.args !== NO_PAYLOAD) core.port.free(message.args);
  else if (message.t === "scatter" && message.data !== NO_PAYLOAD) core.port.free(message.data);
  else if (message.t === "function" && message.code !== NO_PAYLOAD) core.port.free(message.code);
  else if (message.t === "ask") freeQuestion(core, message.question);
}

type RunMessage = Extract<ClientToScheduler, { t: "openRun" | "reportRun" | "closeRun" | "runDetails" }>;

function runMessage(core: Core, session: Session, message: RunMessage): void {
  const known = session.runs.get(message.run);
  // The session's own run is there as long as the session.
  if (message.run === 0) return;
  if (message.t === "openRun") {
    if (known !== undefined) return;
    openRun(core, session, message.run, message.name, message.weight, message.keepMs).steps = message.steps;
  } else if (known !== undefined && message.t === "reportRun") {
    known.stepsDone = message.stepsDone;
    changed(core, known);
  } else if (known !== undefined && message.t === "closeRun") closeRun(core, known, message.outcome);
  else if (known?.status === "open" && message.t === "runDetails") {
    for (const entry of message.entries) core.details.add(known.id, core.now, entry);
  }
}

function release(core: Core, session: Session, n: TaskNumber): void {
  const task = session.tasks.get(n);
  if (task === undefined || (task.run.detached !== null && keepsTask(core, session, n, task))) return;
  giveUp(core, session, n, task);
}

/** The session's number names the task no more. */
function giveUp(core: Core, session: Session, n: TaskNumber, task: Task): void {
  const uploads = session.uploads.has(n);
  removeRef(core, session, n, task);
  if (uploads) passUploadOn(core, task);
}

/** Others who share the task keep it. */
function cancel(core: Core, session: Session, message: CancelTask): void {
  const { n, reason } = message;
  const task = session.tasks.get(n);
  // What was announced stays so, also while it is computed again.
  if (task === undefined || (task.flags & ANNOUNCED) !== 0) return;
  if (task.refs - core.kept.firedRefs(task) - keptRefs(task) > 1) {
    // Also of a detached run, which others may hold it for.
    if (task.session === session) task.run.detached?.released.delete(n);
    giveUp(core, session, n, task);
    cancelAlone(core, session, n, task.name, reason);
  } else end(core, task, { kind: "cancelled", reason });
}

function locate(core: Core, session: Session, n: TaskNumber): void {
  const task = session.tasks.get(n);
  if (task !== undefined) answerLocate(core, session, n, task);
  else if (core.canTell(session)) {
    const why = failure("FLOCK_TASK_UNKNOWN", `Task ${n} is not known: it was released or never submitted.`);
    core.tell(session, { t: "failed", n, failure: why, worker: "", attempt: 0, failedKey: null });
  }
}

function unavailable(core: Core, session: Session, message: Unavailable): void {
  const { n, holder, version, why } = message;
  const task = session.tasks.get(n);
  if (task === undefined) return;
  const worker = core.workers.get(holder);
  if (worker !== undefined && why === "unreachable" && noteUnreached(core, session, worker)) {
    if (task.state === UPLOADING) {
      sayUploadTo(core, session, n, task, worker);
      return;
    }
  } else if (worker !== undefined && task.state === UPLOADING) {
    dropStray(core, worker, task.id);
    // Of data that its client keeps, it is the worker's to say that it has no room: it may be dying.
    uploadRefused(core, task, worker, task.uncommon?.isKept === true ? "" : UNPLACED);
  } else if (worker !== undefined) holderFailed(core, task, worker, version);
  // What the loss leads to is settled first (machine.ts drains before it answers).
  session.locates.add(n);
  core.relocate.push({ session, n });
}
