// The life of an attempt: taken on, stopped, ended.

import type { Assign, Stopped, TaskId } from "@taskflock/protocol/words";
import { lease, seekElsewhere, tidy, unlease, waitersOf, willBeMade } from "./data.ts";
import type { Datum, LossReason, TaskRecord } from "./records.ts";
import {
  BATCHED,
  DOOMED,
  firstOf,
  GONE,
  isHere,
  newTask,
  READY,
  RUNNING,
  STOPPING,
  timeoutFailure,
  WAITING,
} from "./records.ts";
import type { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";

/** Takes an assignment on. One that is here already, or an earlier attempt, changes nothing. */
export function takeOn(s: WorkerState, assign: Assign): void {
  const present = s.tasks.get(assign.task);
  if (present !== undefined && present.assign.attempt >= assign.attempt) {
    freeAssign(s, assign);
    return;
  }
  if (s.retiring || s.left) {
    sayStopped(s, assign, "retiring");
    freeAssign(s, assign);
    return;
  }
  if (assign.isolation === "call" && !s.actors.has(assign.inputs[0]?.task ?? assign.task)) {
    // That it ended was said before, so that the scheduler will not send this again.
    sayStopped(s, assign, "cancelled");
    freeAssign(s, assign);
    return;
  }
  const task = newTask(assign, ++s.arrivals);
  const complete = leaseInputs(s, task);
  if (present !== undefined) abandon(s, present);
  s.counts[GONE] = (s.counts[GONE] as number) + 1;
  s.tasks.set(assign.task, task);
  if (makesActor(assign)) s.openActor(assign.task);
  move(s, task, task.missing > 0 || !complete ? WAITING : READY);
  if (!complete) stopQueued(s, task, "predecessor");
}

/** False when an input can never come. */
function leaseInputs(s: WorkerState, task: TaskRecord): boolean {
  if (task.assign.inputs.length === 0) return true;
  const inputs: (Datum | null)[] = [];
  task.inputs = inputs;
  for (const input of task.assign.inputs) {
    if (input.inline !== 0) {
      inputs.push(null);
      continue;
    }
    const datum = lease(s, task, input);
    if (datum === null) return false;
    inputs.push(datum);
    if (!isHere(datum)) task.missing++;
  }
  return true;
}

/** Ends an attempt that no slot has, with a word to the scheduler. */
export function stopQueued(s: WorkerState, task: TaskRecord, why: Stopped["why"]): void {
  sayStopped(s, task.assign, why);
  conclude(s, task);
}

/** Tells an attempt that a slot has to stop; its outcome will be reported accordingly. */
export function stopInSlot(s: WorkerState, task: TaskRecord, why: "cancelled" | "timeout" | "abandoned"): void {
  task.stop = why;
  if (task.state > RUNNING) return;
  s.lost.push(task.assign.task);
  if (task.state === BATCHED) {
    move(s, task, DOOMED);
    watchFirst(s, task.slot);
  } else if (task.state === RUNNING) move(s, task, STOPPING);
}

/** The scheduler knows this attempt no more: it ends without a word. */
export function abandon(s: WorkerState, task: TaskRecord): void {
  s.tasks.delete(task.assign.task);
  if (task.slot < 0) conclude(s, task);
  else stopInSlot(s, task, "abandoned");
}

/** The attempt ended after it was told to stop, or with its slot: says what the scheduler is to know. */
export function sayWhyStopped(s: WorkerState, task: TaskRecord, durationUs: number): void {
  const { assign } = task;
  const { task: id, attempt } = assign;
  if (task.stop === "timeout") {
    s.send({ t: "errored", task: id, attempt, failure: timeoutFailure(assign), retryable: true, durationUs });
  } else if (task.stop !== "abandoned" && task.stop !== null) sayStopped(s, assign, task.stop);
}

export function sayStopped(s: WorkerState, assign: Assign, why: Stopped["why"]): void {
  s.send({ t: "stopped", task: assign.task, attempt: assign.attempt, why });
}

/** Items run in order, so the first without an outcome runs now: when it was told to stop, its grace begins. */
export function watchFirst(s: WorkerState, slot: number): void {
  const first = firstOf(s.slot(slot));
  if (first?.state === DOOMED) move(s, first, STOPPING);
}

/** The attempt is over: gives back all that it had. */
export function conclude(s: WorkerState, task: TaskRecord): void {
  const { assign } = task;
  const { slot } = task;
  const made = makesActor(assign) ? (s.actorSlots.get(slot) ?? s.actors.get(assign.task)) : undefined;
  move(s, task, GONE);
  s.counts[GONE] = (s.counts[GONE] as number) - 1;
  if (slot >= 0) leaveSlot(s, task);
  if (made !== undefined && s.data.get(assign.task)?.state !== "stored") s.closeActor(made);
  if (s.tasks.get(assign.task) === task) s.tasks.delete(assign.task);
  if (s.data.size > 0) s.lost.push(assign.task);
  const { inputs } = task;
  for (let i = 0; i < inputs.length; i++) {
    const datum = inputs[i];
    if (datum) unlease(s, task, datum);
  }
  freeAssign(s, assign);
}

/** The slot has the item no more. */
export function leaveSlot(s: WorkerState, task: TaskRecord): void {
  const { slot } = task;
  task.batch!.open--;
  task.batch = null;
  task.slot = -1;
  watchFirst(s, slot);
}

export function freeAssign(s: WorkerState, { args, inputs }: Assign): void {
  s.free(args);
  for (let i = 0; i < inputs.length; i++) s.free(inputs[i]!.inline);
}

/** Attempts that were promised the result of one that gives none are stopped; those that follow them too. */
export function settleLost(s: WorkerState): void {
  for (let task = s.lost.pop(); task !== undefined; task = s.lost.pop()) settlePromise(s, task);
}

function settlePromise(s: WorkerState, task: TaskId): void {
  const datum = s.data.get(task);
  if (datum === undefined || datum.state !== "promised" || willBeMade(s, task)) return;
  if (!seekElsewhere(s, datum)) lose(s, datum, "predecessor");
}

/** Nothing gives the datum any more: whoever waits for it is stopped. */
export function lose(s: WorkerState, datum: Datum, why: LossReason): void {
  for (const task of waitersOf(datum)) {
    if (task.slot < 0) stopQueued(s, task, why);
    else if (task.stop === null) {
      // its slot does not get the input either, and returns it
      task.stop = why;
      s.lost.push(task.assign.task);
    }
  }
  tidy(s, datum);
}

/** It makes an actor, or is a call of one: it cannot go on elsewhere. */
export function isApart(assign: Assign): boolean {
  return assign.isolation === "call" || makesActor(assign);
}

/** What the attempt makes stays in a slot of its own. */
export function makesActor({ isolation }: Assign): boolean {
  return isolation === "actor" || isolation === "actor-process";
}
