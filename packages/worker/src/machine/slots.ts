// Gives what is ready to free slots.

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { TaskRecord } from "./records.ts";
import { BATCHED, RUNNING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";

export function fillSlots(s: WorkerState): void {
  if (s.ready.size === 0) return;
  let free = 0;
  for (const slot of s.slots) if (!slot.busy && !slot.ending) free++;
  for (let index = 0; free > 0 && s.ready.size > 0; index++) {
    const slot = s.slot(index);
    if (slot.busy || slot.ending) continue;
    give(s, index, takeBatch(s, Math.ceil(s.ready.size / free)));
    free--;
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
  return batch;
}

/** Only short attempts of known duration share a slot's turn, that need no watching and are not under suspicion. */
function mayShare(s: WorkerState, task: TaskRecord): boolean {
  const { expectedUs, timeoutMs, isolation, solo } = task.assign;
  return expectedUs > 0 && 2 * expectedUs <= s.config.maxBatchUs && timeoutMs === 0 && isolation === "thread" && !solo;
}

function give(s: WorkerState, index: number, batch: TaskRecord[]): void {
  const slot = s.slot(index);
  slot.busy = true;
  slot.batch = batch;
  slot.first = 0;
  slot.open = batch.length;
  for (let i = 0; i < batch.length; i++) prepare(s, batch[i]!);
  s.port.run(index, batch);
  for (let i = 0; i < batch.length; i++) {
    const task = batch[i]!;
    task.slot = index;
    move(s, task, task.running ? RUNNING : BATCHED);
  }
}

/** A short task's start is told only if it is still running when somebody looks: most have ended by then. */
function prepare(s: WorkerState, task: TaskRecord): void {
  const { assign, inputs } = task;
  task.running = !mayShare(s, task);
  if (inputs.length === 0) return;
  task.inline = assign.inputs.map((input, i) => input.inline || (inputs[i]?.inline ?? NO_PAYLOAD));
}
