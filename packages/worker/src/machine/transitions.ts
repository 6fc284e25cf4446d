// Every change of an attempt's state is one entry of this table. A pair that is not in it is a defect.

import type { TaskRecord, TaskState } from "./records.ts";
import { BATCHED, DOOMED, ENDING, GONE, READY, RUNNING, STOPPING, stateNames, WAITING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { broken } from "./state.ts";

type Step = (s: WorkerState, task: TaskRecord) => void;

const key = (from: TaskState, to: TaskState): number => from * 8 + to;

const nothing: Step = () => {};
const queue: Step = (s, task) => {
  s.queueFor(task).push(task);
};
const unqueue: Step = (s, task) => {
  s.queueFor(task).remove(task);
};
const begin: Step = (s, task) => {
  s.send({ t: "started", task: task.assign.task, attempt: task.assign.attempt });
  if (task.assign.timeoutMs > 0) arm(s, task, s.at + task.assign.timeoutMs * 1000);
};
const unqueueAndBegin: Step = (s, task) => {
  unqueue(s, task);
  begin(s, task);
};
const abort: Step = (s, task) => {
  s.port.abortItem(task.slot, task.assign.task, task.stop === "timeout" ? "timeout" : "cancelled");
};
const grace: Step = (s, task) => arm(s, task, s.at + task.assign.cancelGraceMs * 1000);
const abortWithGrace: Step = (s, task) => {
  abort(s, task);
  grace(s, task);
};
const disarm: Step = (s, task) => {
  s.timers.remove(task);
};
const endSlot: Step = (s, task) => {
  disarm(s, task);
  const slot = s.slot(task.slot);
  if (slot.ending) return;
  slot.ending = true;
  s.port.endSlot(task.slot, task.stop === "timeout" ? "timeout" : "cancelled");
};
const disarmAndQueue: Step = (s, task) => {
  disarm(s, task);
  queue(s, task);
};

const entries: readonly (readonly [number, Step])[] = [
  [key(GONE, WAITING), nothing],
  [key(GONE, READY), queue],
  [key(WAITING, READY), queue],
  // behind the items of the batch that make what it misses
  [key(WAITING, BATCHED), nothing],
  [key(WAITING, GONE), nothing],
  [key(READY, BATCHED), unqueue],
  [key(READY, RUNNING), unqueueAndBegin],
  [key(READY, GONE), unqueue],
  [key(BATCHED, RUNNING), begin],
  // its slot was ended under it
  [key(BATCHED, READY), queue],
  [key(BATCHED, WAITING), nothing],
  [key(RUNNING, READY), disarmAndQueue],
  [key(BATCHED, DOOMED), abort],
  [key(BATCHED, GONE), nothing],
  [key(RUNNING, STOPPING), abortWithGrace],
  [key(DOOMED, ENDING), endSlot],
  [key(RUNNING, GONE), disarm],
  [key(DOOMED, STOPPING), grace],
  [key(DOOMED, GONE), nothing],
  [key(STOPPING, ENDING), endSlot],
  [key(STOPPING, GONE), disarm],
  [key(ENDING, GONE), disarm],
];
/** By `key`; an array, because every task goes through it three times. */
const table: (Step | undefined)[] = new Array<undefined>(64).fill(undefined);
for (const [at, step] of entries) table[at] = step;

/** Moves the attempt to another state, with all that belongs to it. */
export function move(s: WorkerState, task: TaskRecord, to: TaskState): void {
  const from = task.state;
  const step = table[key(from, to)];
  const { task: id, attempt } = task.assign;
  s.story.add(id, attempt, s.at, s.cause, from, to);
  if (step === undefined) throw broken(s, id, `no way from ${stateNames[from]} to ${stateNames[to]}`);
  s.counts[from] = (s.counts[from] as number) - 1;
  s.counts[to] = (s.counts[to] as number) + 1;
  task.state = to;
  s.touched.push(task);
  step(s, task);
}

/** Something must be done about it then. */
export function arm(s: WorkerState, task: TaskRecord, deadline: number): void {
  s.timers.remove(task);
  task.deadline = deadline;
  s.timers.push(task);
}
