// What the slots say.

import type { Finished, TaskId } from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import { actorDied } from "./actors.ts";
import {
  conclude,
  isApart,
  leaveSlot,
  makesActor,
  sayStopped,
  sayWhyStopped,
  settleLost,
  stopQueued,
} from "./attempts.ts";
import { becameStored, keepInline, saySpoiled } from "./data.ts";
import type { WorkerEvent } from "./port.ts";
import type { Actor, Slot, TaskRecord } from "./records.ts";
import { BATCHED, DOOMED, firstOf, itemsOf, READY, RUNNING, STOPPING, WAITING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { broken } from "./state.ts";
import { arm, move } from "./transitions.ts";

type Event<E extends WorkerEvent["e"]> = Extract<WorkerEvent, { e: E }>;

function itemOf(slot: Slot, event: { task: TaskId; attempt: number }): TaskRecord | undefined {
  const first = firstOf(slot);
  // Outcomes come in order, so this is nearly always it.
  if (first !== undefined && isOf(first, event)) return first;
  return itemsOf(slot).find((item) => isOf(item, event));
}

function isOf({ assign }: TaskRecord, { task, attempt }: { task: TaskId; attempt: number }): boolean {
  return assign.task === task && assign.attempt === attempt;
}

export function onItemStarted(s: WorkerState, event: Event<"itemStarted">): void {
  const item = itemOf(s.slot(event.slot), event);
  if (item?.state === BATCHED) move(s, item, RUNNING);
  else if (item?.state === DOOMED) move(s, item, STOPPING);
}

export function onItemsFinished(s: WorkerState, { slot, items }: Event<"itemsFinished">): void {
  const from = s.slot(slot);
  for (let i = 0; i < items.length; i++) {
    onFinished(s, from, items[i]!);
    if (s.lost.length > 0) settleLost(s);
  }
}

function onFinished(s: WorkerState, slot: Slot, finished: Finished): void {
  const item = itemOf(slot, finished);
  if (item === undefined || item.stop !== null) {
    discardResult(s, finished);
    if (item === undefined) return;
    sayWhyStopped(s, item, finished.durationUs);
    conclude(s, item);
    return;
  }
  if (makesActor(item.assign)) {
    onActorMade(s, item, finished);
    return;
  }
  const { task, bytes, result } = finished;
  const large = result === NO_PAYLOAD;
  noteSize(s, item, large);
  s.send(large ? { ...finished, version: becameStored(s, task, bytes).version } : finished);
  if (!large && !keepInline(s, task, bytes, result)) s.free(result);
  conclude(s, item);
}

/** The object stays in its slot, and is held under its task as data is. */
function onActorMade(s: WorkerState, item: TaskRecord, finished: Finished): void {
  s.free(finished.result);
  const { version } = becameStored(s, finished.task, 0);
  s.send({ ...finished, bytes: 0, result: NO_PAYLOAD, version });
  conclude(s, item);
}

/** Whoever needs a large result does not get it within the slot. */
function noteSize(s: WorkerState, { assign }: TaskRecord, large: boolean): void {
  if (large) s.large.add(assign.fn);
  else if (s.large.size > 0) s.large.delete(assign.fn);
}

/** Bytes that nobody is told of are not kept, unless they are the copy of which the scheduler knows. */
function discardResult(s: WorkerState, { task, result }: Finished): void {
  s.free(result);
  if (result === NO_PAYLOAD && s.data.get(task)?.state !== "stored") s.port.dropStored(task);
}

export function onItemFailed(s: WorkerState, event: Event<"itemFailed">): void {
  const item = itemOf(s.slot(event.slot), event);
  if (item === undefined) {
    s.free(event.failure.error);
    return;
  }
  if (item.stop === null && endedForAnother(s, event)) {
    s.free(event.failure.error);
    requeue(s, item);
    return;
  }
  const { task, attempt, failure, retryable, durationUs } = event;
  if (item.stop === null || (item.stop === "timeout" && failure.code === "FLOCK_TIMEOUT")) {
    // Who gave up its place goes on elsewhere: no failure.
    if (s.retiring && failure.code === "FLOCK_TASK_YIELDED" && !isApart(item.assign))
      sayStopped(s, item.assign, "retiring");
    else s.send({ t: "errored", task, attempt, failure, retryable, durationUs });
  } else sayWhyStopped(s, item, durationUs);
  s.free(failure.error);
  conclude(s, item);
}

export function onItemReturned(s: WorkerState, event: Event<"itemReturned">): void {
  const item = itemOf(s.slot(event.slot), event);
  if (item === undefined) return;
  if (item.stop === null) requeue(s, item);
  else {
    sayWhyStopped(s, item, 0);
    conclude(s, item);
  }
}

/** What it was to read is gone: the scheduler hears of that first, so that the attempt that follows finds it made again. */
export function onInputSpoiled(s: WorkerState, event: Event<"inputSpoiled">): void {
  saySpoiled(s, event.input);
  const item = itemOf(s.slot(event.slot), event);
  if (item === undefined) return;
  if (item.stop === null) sayStopped(s, item.assign, "input");
  else sayWhyStopped(s, item, 0);
  conclude(s, item);
}

/** The slot was to be ended because of an item before this one, and went on to this one in the meantime. */
function endedForAnother(s: WorkerState, event: Event<"itemFailed">): boolean {
  const { code } = event.failure;
  return s.slot(event.slot).ending && (code === "FLOCK_CANCELLED" || code === "FLOCK_TIMEOUT");
}

/** It has little time left. */
export function onItemDeaf(s: WorkerState, { slot, task }: Extract<WorkerEvent, { e: "itemDeaf" }>): void {
  const item = firstOf(s.slot(slot));
  if (item === undefined || item.assign.task !== task || item.state !== STOPPING) return;
  const deadline = s.at + s.config.deafUs;
  if (deadline < item.deadline) arm(s, item, deadline);
}

export function onBatchDone(s: WorkerState, event: Event<"batchDone">): void {
  const batch = s.slot(event.slot).batches.shift();
  const left = batch?.items.find((item) => item.batch === batch);
  if (left !== undefined) throw broken(s, left.assign.task, `slot ${event.slot} is through without its outcome`);
}

export function onSlotReplaced(s: WorkerState, event: Event<"slotReplaced">): void {
  const slot = s.slot(event.slot);
  const actor = s.actorSlots.get(event.slot);
  if (actor !== undefined) endActor(s, actor);
  else returnAll(s, slot);
}

function endActor(s: WorkerState, actor: Actor): void {
  const { slot } = actor;
  const how = slot.ending ? "a call was to stop and did not within its cancelGraceMs" : "its thread or process ended";
  for (const item of itemsOf(slot)) {
    if (item.stop !== null) sayWhyStopped(s, item, 0);
    conclude(s, item);
  }
  slot.batches.length = 0;
  slot.ending = false;
  actorDied(s, actor, how);
}

function returnAll(s: WorkerState, slot: Slot): void {
  for (const item of itemsOf(slot)) {
    if (item.stop === null) requeue(s, item);
    else {
      sayWhyStopped(s, item, 0);
      conclude(s, item);
    }
  }
  slot.batches.length = 0;
  slot.ending = false;
}

/** Back to the queue: it has no outcome, and nobody wanted it stopped. */
function requeue(s: WorkerState, item: TaskRecord): void {
  leaveSlot(s, item);
  // what it was linked to may be queued again too
  move(s, item, item.missing > 0 ? WAITING : READY);
  if (s.retiring) stopQueued(s, item, "retiring");
}
