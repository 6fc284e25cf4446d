// The line in which a task stands, and who has what it waits for. Very long lines are estimated: every so many tasks of them are looked at.

import type { WhyHolder, WhyQueue } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { hasFree } from "./lanes.ts";
import { compareTasks, headOf } from "./queue.ts";
import type { Lane, Task, TaskQueue } from "./records.ts";
import { amountIn } from "./resources.ts";
import { isSaved } from "./saving.ts";
import { begun } from "./supply.ts";
import type { Describe } from "./why.ts";
import type { Worker } from "./worker-record.ts";

/** Tasks in line looked at. */
const LOOKS = 50_000;
/** Workers looked at, and tasks of each, for who has a resource. */
const WORKERS_LOOKED_AT = 64;
const TASKS_LOOKED_AT = 256;
const LISTED = 5;

interface Before {
  count: number;
  higher: number;
  /** What is expected of those whose function was measured, and how many those are. */
  us: number;
  measured: number;
}

export function queueOf(core: Core, task: Task, able: readonly Worker[]): WhyQueue | null {
  const queue = task.queue;
  if (queue === null) return null;
  const { lane } = queue;
  const before: Before = { count: 0, higher: 0, us: 0, measured: 0 };
  let entries = 0;
  for (const { sorted, head, heap } of lane.active) entries += sorted.length - head + heap.length;
  const stride = Math.ceil(entries / LOOKS);
  for (const other of lane.active) countBefore(other, task, stride, before);
  const slots = capacity(lane, able);
  return {
    inLine: lane.count,
    before: Math.min(before.count, lane.count - 1),
    ofHigherPriority: Math.min(before.higher, lane.count - 1),
    isExact: stride <= 1,
    otherRuns: lane.active.length - 1,
    elsewhere: lane.parkedAt === null ? queuedElsewhere(core, lane) : 0,
    slots,
    running: able.reduce((sum, worker) => sum + runningAt(worker, lane), 0),
    expectedUs: expected(before, able, slots),
    waitsFor: lane.parkedAt?.name ?? "",
  };
}

/** Those of its own run that go first, and those of other runs with a higher priority: with others of its priority it shares. */
function countBefore(queue: TaskQueue, task: Task, stride: number, before: Before): void {
  const own = queue === task.queue;
  const { priority } = task.options.data;
  const look = (other: Task | undefined): void => {
    if (other === undefined || other.queue !== queue || other === task) return;
    const higher = other.options.data.priority > priority;
    if (!higher && !(own && compareTasks(other, task) < 0)) return;
    before.count += stride;
    if (higher) before.higher += stride;
    const us = other.definition?.record.expectedUs ?? 0;
    if (us === 0) return;
    before.us += us * stride;
    before.measured += stride;
  };
  for (let i = queue.head; i < queue.sorted.length; i += stride) look(queue.sorted[i]);
  for (let i = 0; i < queue.heap.length; i += stride) look(queue.heap[i]);
}

function queuedElsewhere(core: Core, lane: Lane): number {
  let count = core.open.count - lane.count;
  for (const other of core.lanes.values()) count += other.count;
  return lane === core.open ? count : Math.max(0, count);
}

/** How many of the lane's tasks can run at one time. */
function capacity(lane: Lane, able: readonly Worker[]): number {
  let slots = 0;
  for (const worker of able) {
    let most = worker.slots;
    for (const [name, amount] of lane.resources) {
      most = Math.min(most, Math.floor(amountIn(worker.hello.resources, name) / amount));
    }
    slots += most;
  }
  return slots;
}

function runningAt(worker: Worker, lane: Lane): number {
  if (lane.resources.length === 0) return Math.min(worker.slots, begun(worker));
  let running = 0;
  for (const task of worker.assigned) if (takesOf(task, lane)) running++;
  for (const task of worker.seconds) if (takesOf(task, lane)) running++;
  for (const actor of worker.actors) if (actor.worker === null && takesOf(actor, lane)) running++;
  return running;
}

/** µs: what is before it and what is given already, shared by all that can run at one time. */
function expected(before: Before, able: readonly Worker[], slots: number): number | null {
  if (slots === 0 || (before.count > 0 && before.measured === 0) || able.slice(0, WORKERS_LOOKED_AT).some(hasUnknown)) {
    return null;
  }
  const inLine = before.measured === 0 ? 0 : (before.us / before.measured) * before.count;
  const given = able.reduce((sum, { load, parkedLoad }) => sum + load + parkedLoad, 0);
  return Math.round((inLine + given) / slots);
}

/** It was given tasks of which nobody knows how long they take. */
function hasUnknown(worker: Worker): boolean {
  return worker.assigned.slice(0, TASKS_LOOKED_AT).some((task) => task.definition?.record.expectedUs === 0);
}

/** Tasks for which workers are saved that have what the lane's tasks ask for. */
export function savedForOthers(lane: Lane, able: readonly Worker[], describe: Describe): WhyHolder[] {
  const saved: WhyHolder[] = [];
  for (const worker of able.slice(0, WORKERS_LOOKED_AT)) {
    const urgent = worker.savedFor === null ? null : headOf(worker.savedFor.lane);
    if (urgent === null || saved.length === LISTED || !hasFree(lane, worker) || !isSaved(lane, worker)) continue;
    saved.push({ ...describe(urgent), worker: worker.name });
  }
  return saved;
}

/** Tasks, and actors, that have now what the lane's tasks need. */
export function holdersOfResources(lane: Lane, able: readonly Worker[], describe: Describe): WhyHolder[] {
  const held: WhyHolder[] = [];
  if (lane.resources.length === 0) return [];
  for (const worker of able.slice(0, WORKERS_LOOKED_AT)) {
    const actors = [...worker.actors].filter((actor) => actor.worker === null);
    for (const task of [...actors, ...worker.assigned].slice(0, TASKS_LOOKED_AT)) {
      if (held.length < LISTED && takesOf(task, lane)) held.push({ ...describe(task), worker: worker.name });
    }
  }
  return held;
}

function takesOf(task: Task, lane: Lane): boolean {
  const { resources } = task.options.data;
  return lane.resources.some(([name]) => amountIn(resources, name) > 0);
}
