// How tasks come to run and how they end. Nothing here decides where they run.

import { type ErrorCode, type Failure, NO_PAYLOAD, type PayloadRef } from "@taskflock/protocol/words";
import { closeActor, standAside, standBy } from "./actors.ts";
import { announce } from "./announce.ts";
import type { Core } from "./core.ts";
import { clearDeadline, setDeadline } from "./deadlines.ts";
import { dropCopies } from "./holdings.ts";
import { putInLine, takeOutOfLine } from "./lanes.ts";
import { dropLineage, settleLineage } from "./lineage.ts";
import { spanStopped } from "./page-spans.ts";
import {
  ACTOR,
  AHEAD,
  ANNOUNCED,
  APART,
  NO_AHEAD,
  type Outcome,
  SECOND,
  type SharedError,
  type Task,
} from "./records.ts";
import { keyOf, loosen, unneedInputs } from "./references.ts";
import { countEnded } from "./runs.ts";
import { stopSecond } from "./second.ts";
import { ASSIGNED, CANCELLED, DONE, FAILED, IDLE, isActive, isPlaced, QUEUED, UPLOADING, WAITING } from "./states.ts";
import { unstrand } from "./stranded.ts";
import { clearAhead, detach } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** The task, and whatever it needs that was let go, is to be computed. */
export function activate(core: Core, root: Task, detail: string): void {
  let idle = activateOne(core, root, detail, null);
  while (idle !== null) {
    const task = idle.pop();
    if (task === undefined) return;
    // Data, which its client is asked for again (resend.ts).
    if (task.definition === null) core.lost.push(task);
    else idle = activateOne(core, task, detail, idle);
  }
}

/** Returns the inputs that are to be computed, too, with those there were; null without any, which is nearly always so. */
function activateOne(core: Core, task: Task, detail: string, before: Task[] | null): Task[] | null {
  if (isActive(task.state)) return before;
  let idle = before;
  let broken = false;
  const { deps } = task;
  task.waitingOn = 0;
  // Computed once in time, it may be computed again at any time.
  if (task.options.data.deadlineMs > 0 && (task.flags & ANNOUNCED) === 0) setDeadline(core, task);
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    const { state } = dependency;
    dependency.needed++;
    if (state === DONE) continue;
    task.waitingOn++;
    if (state === IDLE) {
      idle ??= [];
      idle.push(dependency);
    } else if (state === FAILED || state === CANCELLED) broken = true;
  }
  if (task.waitingOn === 0) ready(core, task, detail);
  else wait(core, task, detail);
  if (broken) core.broken.push(task);
  return idle;
}

export function ready(core: Core, task: Task, detail: string): void {
  core.move(task, QUEUED, detail);
  task.flags &= ~NO_AHEAD;
  if ((task.flags & APART) === 0) putInLine(core, task);
  else standBy(core, task);
}

export function wait(core: Core, task: Task, detail: string): void {
  core.move(task, WAITING, detail);
  if ((task.flags & APART) === 0) core.candidates.push(task);
  else standBy(core, task);
}

/** The attempt at `worker` is over without an outcome (and counted out there): the task goes back in line. */
export function requeue(core: Core, task: Task, worker: Worker | null, detail: string): void {
  if (worker !== null) revokeAhead(core, task, worker);
  if (task.waitingOn > 0) wait(core, task, detail);
  else ready(core, task, detail);
}

/**
 * What was assigned ahead, counting on its result at that worker, waits again. It cannot have begun. `follow`: it may be assigned ahead
 * once more; else only when its inputs are there, because they may move again.
 */
export function revokeAhead(core: Core, root: Task, worker: Worker, then: "follow" | "wait" = "wait"): void {
  const stack = [root];
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    for (const { dependent } of task.dependents) {
      if (dependent.state !== ASSIGNED || dependent.worker !== worker || (dependent.flags & AHEAD) === 0) continue;
      detach(core, dependent);
      core.send(worker, { t: "stop", task: dependent.id, attempt: dependent.attempt, why: "stolen" });
      if (then === "wait") dependent.flags |= NO_AHEAD;
      wait(core, dependent, "its input is not made there");
      stack.push(dependent);
    }
  }
}

/** Takes the task out of the queue, off its worker (if it was not counted out there before), or from its uploader. */
export function withdraw(core: Core, task: Task): void {
  if (task.state === QUEUED) {
    if ((task.flags & APART) === 0) takeOutOfLine(core, task);
    else standAside(core, task);
    unstrand(core, task);
  } else if (isPlaced(task.state) && task.worker !== null) {
    const { worker } = task;
    spanStopped(core, task, worker);
    if ((task.flags & SECOND) !== 0) stopSecond(core, task);
    detach(core, task);
    core.send(worker, { t: "stop", task: task.id, attempt: task.attempt, why: "cancelled" });
  } else if (task.state === UPLOADING && task.upload !== null) {
    for (const worker of task.upload.targets) core.send(worker, { t: "drop", task: task.id });
    endUpload(core, task);
  }
}

export function endUpload(core: Core, task: Task): void {
  const { session, n } = task.upload!.uploader;
  for (const worker of task.upload!.targets) worker.expectingBytes -= task.bytes;
  if (task.upload!.timer !== null) core.timers.drop(task.upload!.timer);
  session.uploads.delete(n);
  core.uploads.delete(task);
  task.extras.upload = null;
}

/** The result is there (inline, or at a holder): whoever waited for it goes on. */
export function complete(core: Core, task: Task, detail: string): void {
  const wasActive = isActive(task.state);
  core.move(task, DONE, detail);
  if (task.uncommon !== null) clearDeadline(core, task);
  if (wasActive) unneedInputs(core, task);
  if (task.result !== NO_PAYLOAD || (task.flags & APART) !== 0) dropLineage(core, task);
  countEnded(core, task, "done");
  const { dependents } = task;
  for (let i = 0; i < dependents.length; i++) {
    const { dependent } = dependents[i]!;
    if (!isActive(dependent.state)) continue;
    dependent.waitingOn--;
    if (dependent.waitingOn > 0) continue;
    if (dependent.state === WAITING) ready(core, dependent, "its inputs are there");
    else if (dependent.worker !== null && (dependent.flags & AHEAD) !== 0) {
      clearAhead(dependent, dependent.worker);
      core.touchWorker(dependent.worker);
    }
  }
  announce(core, task);
  loosen(core, task);
}

/** The task fails or is cancelled, and with it all that wait for its result. Consumes one use of the outcome. */
export function end(core: Core, root: Task, outcome: Outcome): void {
  endOne(core, root, outcome);
  const stack = [root];
  for (let failed = stack.pop(); failed !== undefined; failed = stack.pop()) {
    // A copy: ending a task takes its edges away. Two numbers of a session can name one shared task, so a task may stand there twice.
    const victims = failed.dependents.map((e) => e.dependent);
    for (const victim of victims) {
      if (!isActive(victim.state)) continue;
      endOne(core, victim, becauseOf(failed));
      stack.push(victim);
    }
  }
}

export function unregisterKey(core: Core, task: Task): void {
  if (task.key !== null && core.keys.get(task.key) === task) core.keys.delete(task.key);
}

/** The longest message of a failure (tasks.ts), UTF-16 units: it may quote names, reasons and deaths of any length. */
const MAX_MESSAGE = 4096;

/** A failure that the scheduler itself states. */
export function failure(code: ErrorCode, message: string): Failure {
  return { code, name: "FlockError", message: message.slice(0, MAX_MESSAGE), error: NO_PAYLOAD, errorBytes: 0 };
}

/** `failedKey` is for those who fail because of another. The payload in `failure.error` belongs to the outcome from now on. */
export function failedWith(failure: Failure, worker: string, attempt: number): Outcome {
  return { kind: "failed", failure, shared: share(failure.error), worker, attempt, failedKey: null };
}

export function releaseOutcome(core: Core, outcome: Outcome | null): void {
  if (outcome === null || outcome.kind !== "failed" || outcome.shared === null) return;
  outcome.shared.uses--;
  if (outcome.shared.uses === 0) core.port.free(outcome.shared.payload);
}

/** The outcome of a task that needs `failed`: the failure of the task that failed first, and its key. */
export function becauseOf(failed: Task): Outcome {
  const outcome = failed.outcome!;
  if (outcome.kind === "cancelled") {
    const key = keyOf(failed);
    const why = failure("FLOCK_CANCELLED", `Task ${key} was cancelled: ${outcome.reason}`);
    return { kind: "failed", failure: why, shared: null, worker: "", attempt: 0, failedKey: key };
  }
  if (outcome.shared !== null) outcome.shared.uses++;
  // That its actor is gone is what the call fails with.
  const isGone = (failed.flags & ACTOR) !== 0 && outcome.failure.code === "FLOCK_ACTOR_LOST";
  if (outcome.failedKey !== null || isGone) return outcome;
  return { ...outcome, failedKey: keyOf(failed) };
}

function endOne(core: Core, task: Task, outcome: Outcome): void {
  const wasActive = isActive(task.state);
  withdraw(core, task);
  clearDeadline(core, task);
  const failed = outcome.kind === "failed";
  core.move(task, failed ? FAILED : CANCELLED, failed ? outcome.failure.message : outcome.reason);
  task.extras.outcome = outcome;
  if (failed && outcome.failedKey === null) core.failures.add(core, task, outcome);
  if (wasActive) unneedInputs(core, task);
  settleLineage(core, task, outcome);
  dropCopies(core, task);
  if ((task.flags & ACTOR) !== 0) closeActor(core, task);
  unregisterKey(core, task);
  countEnded(core, task, failed ? "failed" : "cancelled");
  announce(core, task);
  loosen(core, task);
}

function share(payload: PayloadRef): SharedError | null {
  return payload === NO_PAYLOAD ? null : { payload, uses: 1 };
}
