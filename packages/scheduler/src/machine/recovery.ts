// The end of a message: results without a copy are computed again, tasks with inputs that failed fail, and what
// nobody refers to is forgotten. Runs until nothing is left to do; each round leaves fewer tasks or fewer results.

import { NO_PAYLOAD, type TaskNumber } from "@taskflock/protocol/words";
import { closeActor, lossOf, mustRun, standAside } from "./actors.ts";
import { answerLocate } from "./announce.ts";
import type { Core } from "./core.ts";
import { clearDeadline } from "./deadlines.ts";
import { dropCopies } from "./holdings.ts";
import { takeOutOfLine } from "./lanes.ts";
import {
  activate,
  becauseOf,
  end,
  failedWith,
  failure,
  releaseOutcome,
  unregisterKey,
  wait,
  withdraw,
} from "./lifecycle.ts";
import { dropLineage } from "./lineage.ts";
import { rememberFailure } from "./page-task.ts";
import { ACTOR, APART, CALL, LINEAGE, type Task } from "./records.ts";
import { isWanted, keyOf, loosen, removeRef, unneedInputs } from "./references.ts";
import { awaitAgain, comesAgain, sendAgain } from "./resend.ts";
import { countEnded } from "./runs.ts";
import { CANCELLED, DONE, FAILED, FREE, IDLE, isActive, QUEUED, UPLOADING } from "./states.ts";
import { unstrand } from "./stranded.ts";

export function drain(core: Core): void {
  const { lost, broken, loose, kept } = core;
  while (lost.length + broken.length + loose.length + kept.over.length > 0) {
    const task = lost.pop();
    if (task !== undefined) {
      recover(core, task);
      continue;
    }
    const victim = broken.pop();
    if (victim !== undefined) failBroken(core, victim);
    else if (loose.length > 0) letGo(core, loose.pop()!);
    else letFiredGo(core, kept.over.pop()!);
  }
  if (core.relocate.length === 0) return;
  for (const { session, n } of core.relocate.splice(0)) {
    const about = session.tasks.get(n);
    if (about !== undefined) answerLocate(core, session, n, about);
  }
}

/** The last copy of a result is gone. */
function recover(core: Core, task: Task): void {
  if (task.state === IDLE && task.definition === null) sendAgain(core, task);
  if (task.state !== DONE || task.result !== NO_PAYLOAD || task.holders.length > 0) return;
  for (const { dependent } of task.dependents) {
    if (!isActive(dependent.state)) continue;
    dependent.waitingOn++;
    if (dependent.state !== QUEUED) continue;
    if ((dependent.flags & APART) === 0) takeOutOfLine(core, dependent);
    else standAside(core, dependent);
    unstrand(core, dependent);
    wait(core, dependent, "an input was lost");
  }
  if ((task.flags & APART) !== 0)
    end(core, task, failedWith(lossOf(task, "its worker does not have it any more"), "", 0));
  else if (comesAgain(task)) awaitAgain(core, task);
  else if ((task.flags & LINEAGE) === 0) {
    const text = `The data ${keyOf(task)} was lost with the last worker that held it. Scatter it again; with { broadcast: true } it survives the loss of a worker.`;
    end(core, task, failedWith(failure("FLOCK_DATA_LOST", text), "", 0));
  } else if (isWanted(task)) activate(core, task, "its last copy was lost");
  else {
    core.move(task, IDLE, "its last copy was lost, nobody wants it");
    loosen(core, task);
  }
}

/** It ran to its end, which nobody may have heard of. */
function letFiredGo(core: Core, n: TaskNumber): void {
  const { session } = core.kept;
  const task = session.tasks.get(n)!;
  const { outcome } = task;
  if (outcome?.kind === "failed")
    core.happened("forgottenFailed", outcome.worker, outcome.failure.message, keyOf(task));
  removeRef(core, session, n, task);
}

function failBroken(core: Core, task: Task): void {
  if (!isActive(task.state)) return;
  const edge = task.deps.find(({ dependency: d }) => d.state === FAILED || d.state === CANCELLED);
  if (edge !== undefined) end(core, task, becauseOf(edge.dependency));
}

/** Nobody refers to it: stop it, drop its bytes, or forget it altogether. */
function letGo(core: Core, task: Task): void {
  if (task.state === FREE || isWanted(task)) return;
  const isLineage = task.dependents.length > 0;
  if (isActive(task.state)) {
    // A call that was made runs, whether or not anybody wants its result.
    if ((task.flags & CALL) !== 0 && mustRun(core, task)) return;
    withdraw(core, task);
    clearDeadline(core, task);
    unneedInputs(core, task);
    countEnded(core, task, "cancelled");
    if (isLineage) core.move(task, IDLE, "nobody wants it");
  } else if (task.state === DONE && isLineage) {
    // Inline results cost less than their recomputation; data without lineage could not be had again.
    if (task.result !== NO_PAYLOAD || (task.flags & LINEAGE) === 0) return;
    dropCopies(core, task);
    core.move(task, IDLE, "nobody wants it");
  } else if (task.state === UPLOADING && !isLineage) {
    withdraw(core, task);
    countEnded(core, task, "cancelled");
  } else if (task.state === FAILED) dropLineage(core, task);
  if (!isLineage) forget(core, task);
}

function forget(core: Core, task: Task): void {
  dropCopies(core, task);
  if (task.result !== NO_PAYLOAD) {
    core.port.free(task.result);
    core.inlineBytes -= task.bytes;
    task.result = NO_PAYLOAD;
  }
  dropLineage(core, task);
  if ((task.flags & ACTOR) !== 0) closeActor(core, task);
  if (task.outcome !== null) rememberFailure(core, task);
  releaseOutcome(core, task.outcome);
  unregisterKey(core, task);
  core.move(task, FREE, "nobody refers to it");
  core.releaseSlot(task);
}
