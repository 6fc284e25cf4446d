// A task that takes much longer than others of its function is begun a second time on another worker, if it asked for
// that. The first result counts; an attempt that ends otherwise leaves the other one running, at no cost to the task.

import { assignment } from "./assign.ts";
import type { Core } from "./core.ts";
import { canServe, hasFree, takesTasks } from "./lanes.ts";
import { revokeAhead } from "./lifecycle.ts";
import { countMaking } from "./making.ts";
import { expectedStart } from "./placement.ts";
import { APART, SECOND, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { attachSecond, forgetSecond, secondOf } from "./second.ts";
import { ASSIGNED, RUNNING } from "./states.ts";
import { hasFreeSlot } from "./steal.ts";
import { watch } from "./stragglers.ts";
import { detach, hasRoom } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** Workers with a free slot that are looked at for one task. */
const WORKERS_LOOKED_AT = 64;

/** Begins the task a second time; false when no worker has room for it now, so that it may be tried again. */
export function speculate(core: Core, task: Task): boolean {
  if ((task.flags & SECOND) !== 0) return true;
  // An actor's state is in one place.
  if (task.waitingOn > 0 || (task.flags & APART) !== 0) return false;
  const worker = workerFor(core, task);
  if (worker === null) return false;
  const { attempt } = attachSecond(core, task, worker);
  core.story.add(task.id, core.now, core.cause, RUNNING, RUNNING, `begun a second time at ${worker.name}`);
  const text = `begun a second time, because it runs long at ${task.worker!.name}; the first result counts`;
  core.happened("speculation", worker.name, text, keyOf(task));
  // Alone: what runs long once may do so again, and what it shared a batch with would wait.
  core.send(worker, assignment(core, task, worker, attempt, true));
  return true;
}

/** The first attempt is over without a result: the second becomes the only one. */
export function promote(core: Core, task: Task, detail: string): void {
  const first = task.worker!;
  takeOver(core, task, detail);
  revokeAhead(core, task, first);
}

/** The second attempt stands in the place of the first, which is counted out. */
function takeOver(core: Core, task: Task, detail: string): void {
  detach(core, task);
  const { worker, attempt, cost, running } = forgetSecond(task);
  task.attempt = attempt;
  task.worker = worker;
  task.index = worker.assigned.length;
  worker.assigned.push(task);
  task.cost = cost;
  countMaking(task, worker);
  task.run.active++;
  core.touchWorker(worker);
  if (!running) {
    core.move(task, ASSIGNED, `${worker.name}: ${detail}`);
    return;
  }
  task.run.running++;
  core.story.add(task.id, core.now, core.cause, RUNNING, RUNNING, `${worker.name}: ${detail}`);
  watch(core, task);
}

/**
 * The second attempt has a result: the first is stopped, and the second stands in its place. What was assigned ahead to the
 * first one's worker stays there: it may have begun with a result that came a moment too late; if not, the worker gives it
 * back, and it comes again with this result.
 */
export function preferSecond(core: Core, task: Task): void {
  const first = task.worker!;
  const { attempt } = task;
  const second = secondOf(task).worker;
  takeOver(core, task, "its second attempt was first");
  core.send(first, { t: "stop", task: task.id, attempt, why: "cancelled" });
  core.happened(
    "speculation",
    second.name,
    `the second attempt was first; the one at ${first.name} is stopped`,
    keyOf(task),
  );
}

/** Of the workers with a free slot that meet what it asks for: where it would begin first. */
function workerFor(core: Core, task: Task): Worker | null {
  const { lane } = task.options;
  let best: Worker | null = null;
  let bestStart = Number.POSITIVE_INFINITY;
  let looked = 0;
  for (const worker of core.idle.items) {
    if (looked++ === WORKERS_LOOKED_AT) break;
    core.looks++;
    if (worker === task.worker || !takesTasks(worker) || !hasFreeSlot(worker) || !hasRoom(core, worker)) continue;
    if (!canServe(lane, worker) || !hasFree(lane, worker) || worker.savedFor !== null) continue;
    const start = expectedStart(core, task, worker);
    if (start >= bestStart) continue;
    best = worker;
    bestStart = start;
  }
  return best;
}
