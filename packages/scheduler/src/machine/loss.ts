// A worker is gone. What ran there counts a failure (unless the stop was planned) and runs again elsewhere; what was only
// queued there goes back in line; what only it held is computed again by `recovery.ts`.

import { actorsLost } from "./actor-life.ts";
import type { Core } from "./core.ts";
import { equipmentAway } from "./equip.ts";
import { removeHolder } from "./holdings.ts";
import { leaveLanes } from "./lanes.ts";
import { end, failedWith, failure, requeue } from "./lifecycle.ts";
import { runningAt } from "./page-gone.ts";
import { spanStopped } from "./page-spans.ts";
import { profileLost } from "./profiles.ts";
import { compareTasks } from "./queue.ts";
import { SECOND, type Session, SOLO, type Task, troublesOf } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { reconsiderMoves } from "./retire.ts";
import { dropSecond } from "./second.ts";
import { promote } from "./speculation.ts";
import { isPlaced, RUNNING } from "./states.ts";
import { detach } from "./supply.ts";
import { uploadsLost } from "./upload.ts";
import { WORKING, type Worker } from "./worker-record.ts";

/** A task shorter than this may have been in a batch: which one of them ran is not known. */
const BATCHED_US = 5_000;
/** A worker can die before it says that a task began. So many deaths under a task that never began end it, per allowed failure. */
const SUSPICIONS_PER_FAILURE = 4;

export function workerLost(core: Core, worker: Worker, how: string, planned: boolean): void {
  const blameless = planned || worker.status !== WORKING;
  core.happened(blameless ? "workerLeft" : "workerLost", worker.name, how);
  worker.up = false;
  profileLost(core, worker);
  core.workers.delete(worker.id);
  core.retiring.delete(worker);
  leaveLanes(core, worker);
  equipmentAway(core, worker);
  core.touchWorker(worker);
  actorsLost(core, worker, how);
  const affected = new Set<Session>();
  const running = runningAt(core, worker);
  const suspects = blameless ? new Set<Task>() : suspectsOf(worker);
  for (const task of [...worker.assigned].sort(compareTasks)) {
    eachRef(task, (session) => affected.add(session));
    lose(core, task, worker, how, blameless, suspects);
  }
  for (const task of [...worker.seconds]) dropSecond(core, task);
  const copies = [...worker.holds.keys()];
  const { storedBytes } = worker;
  for (const task of copies) removeHolder(core, task, worker);
  core.gone.add(core, worker, storedBytes, running, how, blameless);
  core.spans.workerGone(worker.id);
  uploadsLost(core, worker);
  for (const task of copies) if (task.holders.length === 0) eachRef(task, (session) => affected.add(session));
  reconsiderMoves(core);
  if (blameless) core.port.closeWorker(worker.id);
  else notify(core, affected, worker, how);
}

function lose(core: Core, task: Task, worker: Worker, how: string, blameless: boolean, suspects: Set<Task>): void {
  if (task.worker !== worker) return;
  spanStopped(core, task, worker);
  if ((task.flags & SECOND) !== 0) {
    promote(core, task, `its first attempt went with ${worker.name}`);
    return;
  }
  const ran = task.state === RUNNING;
  const tiny = (task.definition?.record.durationUs ?? 0) < BATCHED_US;
  detach(core, task);
  if (!blameless) {
    if (ran || suspects.has(task)) {
      const troubles = troublesOf(task);
      if (ran) troubles.failures++;
      else troubles.suspicions++;
      troubles.deaths.push(`${worker.name} (${how})`);
    }
    if (ran || tiny) task.flags |= SOLO;
    if (isKiller(task)) {
      end(core, task, killed(task, worker));
      return;
    }
  }
  if (isPlaced(task.state)) requeue(core, task, null, `${worker.name} was lost: ${how}`);
}

/** Alone in its batch, next in line, and the worker died without a word of what it ran. */
function suspectsOf(worker: Worker): Set<Task> {
  const runnable = worker.assigned.filter((t) => t.state !== RUNNING && t.waitingOn === 0).sort(compareTasks);
  const silent = runnable.slice(0, Math.max(0, worker.slots - worker.running));
  return new Set(silent.filter((t) => (t.flags & SOLO) !== 0));
}

function isKiller(task: Task): boolean {
  if (task.troubles === null) return false;
  const { failures, suspicions } = task.troubles;
  const { allowedFailures } = task.options.data;
  return failures > allowedFailures || suspicions > SUSPICIONS_PER_FAILURE * (allowedFailures + 1);
}

function killed(task: Task, worker: Worker): ReturnType<typeof failedWith> {
  const { deaths } = task.troubles!;
  const text = `${keyOf(task)} was running on ${deaths.length} workers when they died: ${deaths.join(", ")}. It probably exhausts memory or crashes the process.`;
  return failedWith(failure("FLOCK_KILLED_WORKER", text), worker.name, task.attempt);
}

function notify(core: Core, affected: ReadonlySet<Session>, worker: Worker, how: string): void {
  const text = `Worker ${worker.name} was lost (${how}); what it ran or held alone is computed again.`;
  for (const session of affected) core.notice(session, text);
}
