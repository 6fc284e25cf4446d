// Queues of runnable tasks: by lane (same requirement), in it by run, in it by priority and order. Taking a task out of
// the middle is free: its `queue` is cleared, and the entry it leaves behind is passed over later.

import type { Lane, Run, Task, TaskQueue } from "./records.ts";

/** Negative when `a` runs before `b`. */
export function compareTasks(a: Task, b: Task): number {
  return b.options.data.priority - a.options.data.priority || a.order - b.order || a.seq - b.seq;
}

export function enqueue(lane: Lane, task: Task): void {
  const queue = lane.byRun.get(task.run) ?? openQueue(lane, task.run);
  if (queue.at < 0) {
    queue.at = lane.active.length;
    lane.active.push(queue);
  }
  const last = queue.sorted.at(-1);
  if (last === undefined || compareTasks(last, task) <= 0) queue.sorted.push(task);
  else push(queue.heap, task);
  task.queue = queue;
  queue.count++;
  lane.count++;
  if (queue.sorted.length - queue.head + queue.heap.length > 4 * queue.count + 1024) compact(queue);
}

/** Takes a queued task out. */
export function withdrawFromQueue(task: Task): void {
  const queue = task.queue;
  if (queue === null) return;
  task.queue = null;
  queue.count--;
  queue.lane.count--;
  if (queue.count === 0) close(queue);
}

/** The task that the lane would run next, or null. */
export function headOf(lane: Lane): Task | null {
  const queue = fairest(lane);
  return queue === null ? null : first(queue);
}

/** The run's queues are not needed any more. */
export function forgetRun(lane: Lane, run: Run): void {
  const queue = lane.byRun.get(run);
  if (queue !== undefined && queue.count === 0) lane.byRun.delete(run);
}

/** True when `a`, the head of its lane, goes before `b`, the head of another. */
export function goesBefore(a: Task, b: Task): boolean {
  const priority = a.options.data.priority - b.options.data.priority;
  if (priority !== 0) return priority > 0;
  const share = shareOf(a.run) - shareOf(b.run);
  return share === 0 ? compareTasks(a, b) < 0 : share < 0;
}

function shareOf(run: Run): number {
  return run.active / run.weight;
}

function openQueue(lane: Lane, run: Run): TaskQueue {
  const queue: TaskQueue = { lane, run, count: 0, sorted: [], head: 0, heap: [], at: -1 };
  lane.byRun.set(run, queue);
  return queue;
}

function fairest(lane: Lane): TaskQueue | null {
  const active = lane.active;
  let best = active[0] ?? null;
  if (best === null || active.length === 1) return best;
  let bestHead = first(best);
  for (let i = 1; i < active.length; i++) {
    const queue = active[i]!;
    const head = first(queue);
    if (goesBefore(head, bestHead)) {
      best = queue;
      bestHead = head;
    }
  }
  return best;
}

/** A queue in `lane.active` has a live entry. */
function first(queue: TaskQueue): Task {
  const { sorted, heap } = queue;
  while (queue.head < sorted.length && sorted[queue.head]!.queue !== queue) queue.head++;
  if (queue.head > 1024 && queue.head * 2 > sorted.length) {
    queue.sorted = sorted.slice(queue.head);
    queue.head = 0;
  }
  while (heap.length > 0 && heap[0]!.queue !== queue) popTop(heap);
  const a = queue.sorted[queue.head];
  const b = heap[0];
  if (a === undefined) return b!;
  return b === undefined || compareTasks(a, b) <= 0 ? a : b;
}

function close(queue: TaskQueue): void {
  const active = queue.lane.active;
  const last = active.pop()!;
  if (last !== queue) {
    active[queue.at] = last;
    last.at = queue.at;
  }
  queue.at = -1;
  queue.sorted = [];
  queue.head = 0;
  queue.heap = [];
  if (isDropped(queue.run)) queue.lane.byRun.delete(queue.run);
}

/** Its session let it go; tasks that others share may still name it. */
function isDropped(run: Run): boolean {
  return run.session.runs.get(run.number) !== run;
}

/** Many were withdrawn: drops the entries they left behind, so that they do not keep forgotten tasks in memory. */
function compact(queue: TaskQueue): void {
  const live = new Set<Task>();
  for (let i = queue.head; i < queue.sorted.length; i++)
    if (queue.sorted[i]!.queue === queue) live.add(queue.sorted[i]!);
  for (const task of queue.heap) if (task.queue === queue) live.add(task);
  queue.sorted = [...live].sort(compareTasks);
  queue.head = 0;
  queue.heap = [];
}

function push(heap: Task[], task: Task): void {
  let at = heap.length;
  heap.push(task);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (compareTasks(heap[parent]!, task) <= 0) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = task;
}

function popTop(heap: Task[]): void {
  const last = heap.pop()!;
  const size = heap.length;
  if (size === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && compareTasks(heap[child + 1]!, heap[child]!) < 0) child++;
    if (compareTasks(last, heap[child]!) <= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
