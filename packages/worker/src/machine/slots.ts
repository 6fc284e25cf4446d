// Gives what is ready to free slots.

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import { waitersOf } from "./data.ts";
import type { Datum, Slot, TaskRecord } from "./records.ts";
import { BATCHED, isFree, isHere, RUNNING, WAITING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";

export function fillSlots(s: WorkerState): void {
  if (s.ready.size === 0 || s.paused !== null) return;
  let free = 0;
  for (const slot of s.slots) if (isFree(slot)) free++;
  for (let index = 0; free > 0 && s.ready.size > 0; index++) {
    const slot = s.slot(index);
    if (!isFree(slot)) continue;
    give(s, slot, takeBatch(s, Math.ceil(s.ready.size / free)));
    free--;
  }
  if (s.ready.size > 0) fillAhead(s);
}

/** A slot whose batch will soon be through gets the next one meanwhile, so that it need not wait for its turn. */
function fillAhead(s: WorkerState): void {
  for (const slot of s.slots) {
    const next = s.ready.peek();
    if (next === undefined || !isBrief(s, next)) return;
    if (slot.ending || slot.batches.length !== 1 || !slot.batches[0]!.brief) continue;
    give(s, slot, takeBatch(s, Math.ceil(s.ready.size / s.slots.length)));
  }
}

/** The most urgent attempt, and with it, when it is tiny, the tiny ones that follow: at most `share`, so that other free slots get some. */
function takeBatch(s: WorkerState, share: number): TaskRecord[] {
  const first = s.ready.pop() as TaskRecord;
  const batch = [first];
  if (!mayShare(s, first)) return batch;
  let expected = first.assign.expectedUs;
  const most = Math.min(share, s.config.maxBatch);
  for (let next = s.ready.peek(); next !== undefined && batch.length < most; next = s.ready.peek()) {
    expected += next.assign.expectedUs;
    if (!mayShare(s, next) || expected > s.config.maxBatchUs) break;
    s.ready.pop();
    batch.push(next);
  }
  if (s.data.size > 0) addFollowers(s, batch, expected);
  return batch;
}

/**
 * Attempts that miss nothing but results of the batch run in it too, behind the items that make them: a link of a chain costs no turn of
 * the slot.
 */
function addFollowers(s: WorkerState, batch: TaskRecord[], expectedUs: number): void {
  const { maxBatch, maxBatchUs } = s.config;
  const looked: TaskRecord[] = [];
  let expected = expectedUs;
  for (let at = 0; at < batch.length && batch.length < maxBatch && expected <= maxBatchUs; at++) {
    for (const task of waitersInReach(s, batch[at]!)) {
      if (task.linked++ === 0) looked.push(task);
      if (task.linked < task.missing || !mayShare(s, task)) continue;
      expected += task.assign.expectedUs;
      if (expected > maxBatchUs || batch.length >= maxBatch) break;
      batch.push(task);
    }
  }
  for (const task of looked) task.linked = 0;
}

/** Attempts in no batch that wait for the result of this one, if it is likely to be small enough to be handed on within the slot. */
function waitersInReach(s: WorkerState, { assign }: TaskRecord): TaskRecord[] {
  const datum = s.data.get(assign.task);
  if (datum === undefined || s.large.has(assign.fn)) return [];
  return waitersOf(datum).filter((task) => task.state === WAITING);
}

/** Only short attempts of known duration share a slot's turn, that need no watching and are not under suspicion. */
function mayShare(s: WorkerState, task: TaskRecord): boolean {
  return 2 * task.assign.expectedUs <= s.config.maxBatchUs && isBrief(s, task);
}

/** It does not hold a slot for long, and needs none of its own: others may wait behind it in the slot, and it behind others. */
function isBrief(s: WorkerState, { assign }: TaskRecord): boolean {
  if (s.wantsDevices(assign)) return false;
  const { expectedUs, timeoutMs, isolation, solo } = assign;
  return expectedUs > 0 && expectedUs <= s.config.maxAheadUs && timeoutMs === 0 && isolation === "thread" && !solo;
}

export function give(s: WorkerState, slot: Slot, items: readonly TaskRecord[]): void {
  const ahead = slot.batches.length > 0;
  const batch = { items, first: 0, open: items.length, brief: items.every((task) => isBrief(s, task)) };
  slot.batches.push(batch);
  for (let place = 0; place < items.length; place++) {
    const task = items[place]!;
    task.place = place;
    // A short task's start is told only if it is still running when somebody looks: most have ended by then.
    task.running = !ahead && !mayShare(s, task);
    if (task.inputs.length > 0) nameInputs(s, task);
  }
  s.port.run(slot.index, items);
  for (let i = 0; i < items.length; i++) {
    const task = items[i]!;
    task.slot = slot.index;
    task.batch = batch;
    move(s, task, task.running ? RUNNING : BATCHED);
  }
}

function nameInputs(s: WorkerState, task: TaskRecord): void {
  const { assign, inputs } = task;
  task.inline = assign.inputs.map((input, i) => input.inline || (inputs[i]?.inline ?? NO_PAYLOAD));
  task.links = task.missing === 0 ? NO_LINKS : inputs.map((datum) => linkTo(s, datum));
}

/** Place of the item that makes what is not here. */
function linkTo(s: WorkerState, datum: Datum | null): number {
  return datum === null || isHere(datum) ? -1 : s.tasks.get(datum.task)!.place;
}

const NO_LINKS: readonly number[] = [];
