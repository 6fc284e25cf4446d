// How many workers the work that is there could use, and which of those that are there could go. Found when somebody asks,
// from workers, lanes and a sample of each queue: never from all tasks.

import type { ScaleAdvice, ScaleDemand } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { takesTasks } from "./lanes.ts";
import { namedWorkers } from "./named-workers.ts";
import type { Handlers } from "./questions.ts";
import type { Lane, Task, TaskQueue } from "./records.ts";
import { amountIn } from "./resources.ts";
import { retire } from "./retire.ts";
import { WORKING, type Worker } from "./worker-record.ts";

/** A task of which nobody knows how long it takes counts as this long, µs. */
const UNKNOWN_US = 500_000;
/** Tasks of a list that are looked at; the others count as those. */
const SAMPLE = 64;
/** Above this share of the workers' memory, results want further workers; and so full they may be then. */
const FULL = 0.6;
const ROOMY = 0.5;

export const scaleHandlers: Handlers<"scale" | "retireIdle" | "scaledUp"> = {
  scale: (core, session, id, { targetDurationMs, slots }) =>
    answer(core, session, id, () => ({ value: scaleAdvice(core, targetDurationMs, slots), error: null })),
  retireIdle: (core, session, id, { workers, reason }) => {
    const asked = namedWorkers(core, workers);
    const idle = asked.filter(isIdle);
    if (idle.length > 0) core.happened("scaleDown", session.name, `${namesOf(idle).join(", ")}: ${reason}`);
    for (const worker of idle) retire(core, worker, reason);
    // Asked once more after a cut, those that leave already are named again.
    answer(core, session, id, () => ({ value: namesOf(asked.filter((w) => w.status !== WORKING)), error: null }));
  },
  scaledUp: (core, session, id, { count, reason }) => {
    core.happened("scaleUp", session.name, `${count} more: ${reason}`);
    answer(core, session, id, () => ({ value: null, error: null }));
  },
};

export function scaleAdvice(core: Core, targetDurationMs: number, slots: number): ScaleAdvice {
  const targetUs = Math.max(1, targetDurationMs) * 1000;
  const there = totals(core);
  const perWorker = there.workers > 0 ? there.slots / there.workers : slots;
  const openUs = there.assignedUs + expectedFor(core, core.open);
  const openTasks = there.assigned + waitingFor(core, core.open);
  const byWork = Math.ceil(Math.min(openUs / targetUs, openTasks) / perWorker);
  const atLeast = openTasks > 0 || core.uploads.size > 0 ? 1 : 0;
  const lanes = [...core.lanes.values()].filter((lane) => waitingFor(core, lane) > 0);
  const lanesUs = lanes.reduce((sum, lane) => sum + expectedFor(core, lane), 0);
  return {
    workers: there.workers,
    wanted: Math.max(atLeast, byWork, forMemory(there)),
    demands: lanes.map((lane) => demandOf(core, lane, targetUs, slots)),
    mayGo: namesOf(expendable(core, there)),
    runnable: openTasks + lanes.reduce((sum, lane) => sum + waitingFor(core, lane), 0),
    workMs: Math.round((openUs + lanesUs) / 1000),
    storedBytes: there.storedBytes,
    memoryLimitBytes: there.memoryBytes,
  };
}

interface Totals {
  workers: number;
  slots: number;
  /** Of what is at workers, or parked for them: tasks that run or could begin, and their expected µs. */
  assigned: number;
  assignedUs: number;
  storedBytes: number;
  memoryBytes: number;
}

function totals(core: Core): Totals {
  const sum: Totals = { workers: 0, slots: 0, assigned: 0, assignedUs: 0, storedBytes: 0, memoryBytes: 0 };
  for (const worker of core.workers.values()) {
    sum.storedBytes += worker.storedBytes;
    if (!takesTasks(worker)) continue;
    sum.workers++;
    sum.slots += worker.slots;
    sum.memoryBytes += worker.hello.memoryLimitBytes;
    sum.assigned += worker.assigned.length - worker.ahead + worker.parked.count;
    sum.assignedUs += sampledUs(worker.assigned, 0, worker.assigned.length) + expectedIn(worker.parked);
  }
  return sum;
}

/** So many that their memory is half full, once it is fuller than is good. */
function forMemory({ workers, storedBytes, memoryBytes }: Totals): number {
  if (workers === 0 || memoryBytes === 0 || storedBytes <= FULL * memoryBytes) return 0;
  return Math.ceil((storedBytes * workers) / (ROOMY * memoryBytes));
}

function demandOf(core: Core, lane: Lane, targetUs: number, slots: number): ScaleDemand {
  const able = [...core.workers.values()].filter((worker) => takesTasks(worker) && worker.lanes.has(lane));
  const named = lane.workers !== null && !lane.allowOthers;
  const places =
    able.length > 0 ? able.reduce((sum, w) => sum + placesAt(lane, w), 0) / able.length : placesOf(lane, slots);
  const byWork = Math.ceil(Math.min(expectedFor(core, lane) / targetUs, waitingFor(core, lane)) / places);
  const atLeast = able.length === 0 ? 1 : 0;
  return {
    resources: Object.fromEntries(lane.resources),
    workers: named ? [...lane.workers!] : [],
    tasks: waitingFor(core, lane),
    able: able.length,
    // Of a named worker there is one.
    wanted: named ? atLeast : Math.max(atLeast, byWork),
  };
}

/** Tasks that could begin now, and actors that could be made. */
function waitingFor(core: Core, lane: Lane): number {
  return lane.count + (core.actorsWaiting.get(lane)?.size ?? 0);
}

/** Their expected µs. */
function expectedFor(core: Core, lane: Lane): number {
  return expectedIn(lane) + (core.actorsWaiting.get(lane)?.size ?? 0) * UNKNOWN_US;
}

/** Tasks of the lane that the worker runs at once. */
function placesAt(lane: Lane, worker: Worker): number {
  let places = worker.slots;
  for (const [name, amount] of lane.resources)
    places = Math.min(places, Math.floor(amountIn(worker.hello.resources, name) / amount));
  return Math.max(1, places);
}

/** The same for a worker that is not there: it would have as much as one task needs, in whole units. */
function placesOf(lane: Lane, slots: number): number {
  const unit = 10_000;
  let places = slots;
  for (const [, amount] of lane.resources)
    places = Math.min(places, Math.floor((Math.ceil(amount / unit) * unit) / amount));
  return Math.max(1, places);
}

/** Nothing is at it or on its way there; and no actor, whose state would go with it. */
function isIdle(worker: Worker): boolean {
  const { assigned, seconds, parked, incoming, actors } = worker;
  const busy = assigned.length + seconds.size + parked.count + incoming.size + actors.size;
  return takesTasks(worker) && busy === 0;
}

/** Idle workers, those with least to hand over first, as long as the others have room for what they hold. */
function expendable(core: Core, { storedBytes, memoryBytes }: Totals): Worker[] {
  const idle = [...core.workers.values()].filter(isIdle);
  idle.sort((a, b) => a.storedBytes - b.storedBytes || b.id - a.id);
  let left = memoryBytes;
  const fits = (worker: Worker): boolean => {
    left -= worker.hello.memoryLimitBytes;
    return storedBytes <= ROOMY * left;
  };
  const stays = idle.findIndex((worker) => !fits(worker));
  return stays < 0 ? idle : idle.slice(0, stays);
}

function namesOf(workers: readonly Worker[]): string[] {
  return workers.map(({ name }) => name);
}

/** The expected µs of all that stands in a lane. */
function expectedIn(lane: Lane): number {
  return lane.active.reduce((sum, queue) => sum + expectedOf(queue), 0);
}

function expectedOf({ sorted, head, heap, count }: TaskQueue): number {
  const listed = sorted.length - head;
  if (listed + heap.length === 0) return 0;
  // Entries that were withdrawn from the middle are among them: their tasks are alike.
  const us = sampledUs(sorted, head, sorted.length) + sampledUs(heap, 0, heap.length);
  return (us / (listed + heap.length)) * count;
}

function sampledUs(tasks: readonly Task[], from: number, to: number): number {
  const size = to - from;
  const looks = Math.min(SAMPLE, size);
  let sum = 0;
  for (let i = 0; i < looks; i++) {
    const task = tasks[from + Math.floor((i * size) / looks)]!;
    const known = task.definition?.record.expectedUs ?? 0;
    sum += known === 0 ? UNKNOWN_US : known;
  }
  return looks === 0 ? 0 : (sum / looks) * size;
}
