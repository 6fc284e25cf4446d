// What clients are told of their tasks. A client that does not read gets it later; one whose link is cut gets all of
// it again when it is back.

import { type Holder, type Micros, NO_PAYLOAD, type TaskNumber } from "@taskflock/protocol/words";
import { noData } from "./actors.ts";
import { isCreditDue, sayCredit } from "./admission.ts";
import type { Core } from "./core.ts";
import { setUploadLimit } from "./deadlines.ts";
import { holdersFor } from "./holdings.ts";
import { ACTOR, ANNOUNCED, HELD, LINK_BLOCKED, type QuestionAnswer, type Session, type Task } from "./records.ts";
import { addressFor } from "./relays.ts";
import { CANCELLED, DONE, FAILED, IDLE } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Outcomes said in one step of those that are due. */
const DUE_AT_ONCE = 512;

/** Says the outcome to everyone with a reference; once in a task's life. */
export function announce(core: Core, task: Task): void {
  const first = (task.flags & ANNOUNCED) === 0;
  task.flags |= ANNOUNCED;
  if ((task.flags & HELD) !== 0) announceTo(core, task.session, task.n, task, first);
  const { others } = task;
  if (others === null) return;
  for (const { session, n } of others) {
    if (session === core.kept.session) core.kept.ended(n);
    else announceTo(core, session, n, task, first);
  }
}

function announceTo(core: Core, session: Session, n: TaskNumber, task: Task, first: boolean): void {
  if (first) sayOutcome(core, session, n, task);
  if (session.locates.size > 0 && session.locates.has(n)) answerLocate(core, session, n, task);
}

/** What was announced before stays so, also while the result is computed again. */
export function sayOutcome(core: Core, session: Session, n: TaskNumber, task: Task): void {
  if ((task.flags & ANNOUNCED) === 0) return;
  if (!core.canTell(session)) {
    if (session.link === LINK_BLOCKED) session.due.add(n);
    return;
  }
  if (task.state === FAILED || task.state === CANCELLED) sayFailure(core, session, n, task);
  else core.tell(session, { t: "done", n, bytes: task.bytes, result: task.result });
}

/** Answers now when it can; else the question stays with the session. */
export function answerLocate(core: Core, session: Session, n: TaskNumber, task: Task): void {
  session.locates.add(n);
  if (!core.canTell(session)) return;
  if (task.state === FAILED || task.state === CANCELLED) sayFailure(core, session, n, task);
  else if (task.state === DONE && (task.flags & ACTOR) !== 0)
    core.tell(session, { t: "failed", n, failure: noData(task), worker: "", attempt: 0, failedKey: null });
  else if (task.state === DONE && (task.result !== NO_PAYLOAD || task.holders.length > 0)) {
    const holders = task.result === NO_PAYLOAD ? holdersFor(core, task, session) : [];
    core.tell(session, { t: "located", n, task: task.id, bytes: task.bytes, holders, inline: task.result });
  } else {
    if (task.state === IDLE && task.definition === null) core.lost.push(task); // its client is asked for it (resend.ts)
    return;
  }
  session.locates.delete(n);
}

export function sayUpload(core: Core, session: Session, n: TaskNumber, task: Task): void {
  session.uploads.add(n);
  const upload = task.upload;
  if (upload === null || upload.targets.size === 0 || !core.canTell(session)) return;
  const holders = [...upload.targets].map((w) => uploadHolder(core, session, w));
  if (upload.again) setUploadLimit(core, task);
  core.tell(session, { t: "uploadTo", n, task: task.id, holders });
}

/** One of the receivers is to be tried another way. What others got is theirs. */
export function sayUploadTo(core: Core, session: Session, n: TaskNumber, task: Task, worker: Worker): void {
  session.uploads.add(n);
  if (task.upload?.targets.has(worker) !== true || !core.canTell(session)) return;
  core.tell(session, { t: "uploadTo", n, task: task.id, holders: [uploadHolder(core, session, worker)] });
}

function uploadHolder(core: Core, session: Session, worker: Worker): Holder {
  return { worker: worker.id, address: addressFor(core, worker, session), version: 0 };
}

/**
 * The client reads again: what is due, what was asked, what it is to upload. A part of it at a time, so that a client that stops to read
 * again is noticed before all of it lies in memory.
 */
export function sayDue(core: Core, session: Session): void {
  if (!core.canTell(session)) return;
  if (isCreditDue(core, session)) sayCredit(core, session);
  let said = 0;
  for (const n of session.due) {
    if (said++ === DUE_AT_ONCE) {
      core.timers.set((core.now + 1) as Micros, { what: "due", session });
      return;
    }
    session.due.delete(n);
    const task = session.tasks.get(n);
    if (task !== undefined) sayOutcome(core, session, n, task);
  }
  for (const n of [...session.uploads]) {
    const task = session.tasks.get(n);
    if (task !== undefined) sayUpload(core, session, n, task);
  }
  for (const n of [...session.locates]) {
    const task = session.tasks.get(n);
    if (task !== undefined) answerLocate(core, session, n, task);
  }
  const asks = session.asks.splice(0);
  for (const { id, answer } of asks) sayAnswer(core, session, id, answer());
  for (const run of session.runs.values()) if (run.number !== 0) core.progress.add(run);
}

export function sayAnswer(core: Core, session: Session, id: number, answer: QuestionAnswer): void {
  core.tell(session, { t: "answer", id, data: NO_PAYLOAD, dataBytes: 0, ...answer });
}

/** The link is new: whatever was said on the last one may not have arrived. */
export function sayAllAgain(core: Core, session: Session): void {
  if (session.creditedBytes + session.uncreditedBytes > 0) sayCredit(core, session);
  session.due.clear();
  for (const [n, task] of session.tasks) if ((task.flags & ANNOUNCED) !== 0) session.due.add(n);
  sayDue(core, session);
}

function sayFailure(core: Core, session: Session, n: TaskNumber, task: Task): void {
  const outcome = task.outcome!;
  if (outcome.kind === "cancelled") core.tell(session, { t: "cancelled", n, reason: outcome.reason });
  else {
    const { failure, worker, attempt, failedKey } = outcome;
    core.tell(session, { t: "failed", n, failure, worker, attempt, failedKey });
  }
}
