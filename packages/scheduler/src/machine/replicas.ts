// Copies that nobody asked for. Where several tasks wait for one worker because of a result that it has, another worker with
// a free slot gets a copy. Copies, made so or because a task read them, are dropped when nothing reads them any more.

import type { SessionId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { dropCopy } from "./holdings.ts";
import { beginTransfer, newErrand } from "./moves.ts";
import { ACTOR, type Lane, type Task } from "./records.ts";
import { DONE } from "./states.ts";
import { WORKING, type Worker } from "./worker-record.ts";

/** So many tasks that wait for a holder of their input make a copy of it. */
const READERS = 3;
/** Workers with a queue of their own, and tasks in each, that are looked at for one free worker. */
const LANES_LOOKED_AT = 8;
const TASKS_LOOKED_AT = 16;
/** Copies under way, those that people asked for included. */
const MOST_UNDER_WAY = 64;
/** Copies of one result that are no surplus. */
const KEPT = 2;
/** Of a worker's memory limit: above it copies that nobody asked for go at once, and none is made. */
const SCARCE = 0.5;

/** The worker has a free slot, and what waits elsewhere would not begin earlier here: for those who come later it gets a copy. */
export function copyForReaders(core: Core, worker: Worker): void {
  if (core.transfers.size >= MOST_UNDER_WAY || isBusy(core, worker)) return;
  let looked = 0;
  for (const lane of core.parkedLanes) {
    if (looked++ === LANES_LOOKED_AT) break;
    core.looks++;
    const input = lane.count < READERS || lane.parkedAt === worker ? null : sharedInput(lane, worker);
    if (input === null || worker.storedBytes + input.bytes > SCARCE * worker.hello.memoryLimitBytes) continue;
    worker.copying = input.id;
    beginTransfer(core, newErrand(0 as SessionId, 0, "replicate"), input, worker, null);
    return;
  }
  worker.noCopiesBefore = core.now + core.config.supplyUs;
}

/** It is getting a copy; or it could not, a moment ago. */
function isBusy(core: Core, worker: Worker): boolean {
  if (worker.copying === null) return core.now < worker.noCopiesBefore;
  const task = core.taskById(worker.copying);
  if (task !== null && core.transfers.get(task)?.some(({ target }) => target === worker) === true) return true;
  worker.copying = null;
  if (task !== null && !worker.holds.has(task)) worker.noCopiesBefore = core.now + core.config.surplusUs;
  return core.now < worker.noCopiesBefore;
}

/** What several of the tasks that wait in the lane read, and the worker does not have. */
function sharedInput(lane: Lane, worker: Worker): Task | null {
  const readers = new Map<Task, number>();
  let looked = 0;
  for (const queue of lane.active) {
    for (let i = queue.head; i < queue.sorted.length && looked < TASKS_LOOKED_AT; i++) {
      const task = queue.sorted[i]!;
      if (task.queue !== queue) continue;
      looked++;
      for (const { dependency } of task.deps) {
        if (!isStored(dependency) || worker.holds.has(dependency) || worker.incoming.has(dependency)) continue;
        const count = (readers.get(dependency) ?? 0) + 1;
        if (count === READERS) return dependency;
        readers.set(dependency, count);
      }
    }
  }
  return null;
}

function isStored(task: Task): boolean {
  return task.state === DONE && task.holders.length > 0 && (task.flags & ACTOR) === 0;
}

/** A copy has come to be: perhaps there are more than are worth their memory. */
export function noteCopies(core: Core, task: Task): void {
  if (task.holders.length <= keptOf(task) || core.copied.has(task.id)) return;
  if (core.copied.size === 0) core.copiesDue = core.now + core.config.surplusUs / 2;
  core.copied.set(task.id, null);
}

/** As many copies as are no surplus: those that were asked for are none. */
function keptOf(task: Task): number {
  return Math.max(KEPT, task.uncommon?.copies ?? 0);
}

/**
 * Drops copies of results that nothing has read for a while, or that are where memory is scarce. Now and then, in passing: workers that
 * are there say something all the time.
 */
export function watchCopies(core: Core): void {
  if (core.copied.size === 0 || core.now < core.copiesDue) return;
  const { surplusUs } = core.config;
  core.copiesDue = core.now + surplusUs / 2;
  for (const [id, since] of core.copied) {
    const task = core.taskById(id);
    if (task === null || task.state !== DONE || task.holders.length <= keptOf(task)) core.copied.delete(id);
    else if (task.needed > 0) core.copied.set(id, null);
    else {
      core.copied.set(id, since ?? core.now);
      dropSome(core, task, since !== null && core.now - since >= surplusUs);
    }
  }
}

/** The fullest workers go first. A copy at a worker that is on its way out, or away, is not counted on. */
function dropSome(core: Core, task: Task, isIdle: boolean): void {
  if (core.transfers.has(task)) return;
  const lasting = task.holders.map(({ worker }) => worker).filter(({ up, status }) => up && status === WORKING);
  const surplus = lasting.length - keptOf(task);
  if (surplus <= 0) return;
  lasting.sort((a, b) => fill(b) - fill(a) || a.id - b.id);
  for (const worker of lasting.slice(0, surplus)) if (isIdle || fill(worker) > SCARCE) dropCopy(core, task, worker);
}

function fill(worker: Worker): number {
  return worker.storedBytes / Math.max(1, worker.hello.memoryLimitBytes);
}

/** Null, or what is wrong. */
export function checkCopied(core: Core): string | null {
  for (const task of core.slots) {
    if (task === null || task.state !== DONE || task.holders.length <= keptOf(task)) continue;
    if (!core.copied.has(task.id)) return `task ${task.id} has ${task.holders.length} copies, unseen`;
  }
  return null;
}
