// Runs: what people follow as one thing. Their counts, and the progress that their owner is told.

import type { Micros, RunCounts, RunId, RunInfo, RunNumber } from "@taskflock/protocol/words";
import { admit, credit } from "./admission.ts";
import type { Core } from "./core.ts";
import { forgetRun } from "./queue.ts";
import { COUNTED, type Detached, type Run, type Session, type Task } from "./records.ts";

/** Progress is said at most so often, µs. */
const PROGRESS_EVERY_US = 200_000;
/** Closed runs that a session keeps for people to look at. */
const CLOSED_RUNS_KEPT = 256;

export function openRun(
  core: Core,
  session: Session,
  number: RunNumber,
  name: string,
  weight: number,
  keepMs: number | null,
): Run {
  const id = (core.lastRun + 1) as RunId;
  core.lastRun = id;
  const share = weight > 0 ? weight : 1;
  const counts = {
    steps: 0,
    stepsDone: 0,
    spentUs: 0,
    total: 0,
    done: 0,
    failed: 0,
    cancelled: 0,
    running: 0,
    active: 0,
    tasks: 0,
    remembered: 0,
  };
  const run: Run = {
    id,
    number,
    session,
    name,
    weight: share,
    status: "open",
    ...counts,
    startedAt: core.now,
    endedAt: null,
    detached:
      keepMs === null ? null : { keepUs: keepMs * 1000, released: new Set(), followers: new Map(), timer: null },
    quietUntil: 0,
    alarmed: false,
  };
  session.runs.set(number, run);
  core.runs.add(run);
  return run;
}

export function closeRun(core: Core, run: Run, outcome: RunInfo["status"]): void {
  run.status = outcome;
  run.endedAt = core.now;
  core.details.closed(run.id);
  settleDetached(core, run);
  changed(core, run);
  const closed = [...run.session.runs.values()].filter(
    (r) => r.status !== "open" && r.tasks === 0 && r.detached === null,
  );
  for (const old of closed.slice(0, Math.max(0, closed.length - CLOSED_RUNS_KEPT))) dropRun(core, old);
}

/** Nobody looks at it any more; tasks that others share keep the record. */
export function dropRun(core: Core, run: Run): void {
  core.details.closed(run.id);
  core.pastRuns.add(run, core.now);
  core.runs.delete(run);
  core.progress.delete(run);
  run.session.runs.delete(run.number);
  forgetRun(core.open, run);
  for (const lane of core.lanes.values()) forgetRun(lane, run);
  for (const worker of core.workers.values()) forgetRun(worker.parked, run);
}

export function countNew(core: Core, task: Task): void {
  if (task.definition !== null) admit(task.run.session, task.argsBytes);
  task.run.total++;
  settleDetached(core, task.run);
  changed(core, task.run);
}

/** Once in a task's life: a result that is computed again was done before. */
export function countEnded(core: Core, task: Task, how: "done" | "failed" | "cancelled"): void {
  if ((task.flags & COUNTED) !== 0) return;
  task.flags |= COUNTED;
  const { run, definition } = task;
  run[how]++;
  core.ended++;
  if (run.endedAt !== null) run.endedAt = core.now;
  if (definition !== null) {
    const { record } = definition;
    record[how]++;
    record.lastEnded = core.ended;
    credit(core, run.session, task.argsBytes);
  }
  settleDetached(core, task.run);
  changed(core, task.run);
}

export function countsOf(run: Run): RunCounts {
  const { total, done, failed, cancelled, running } = run;
  return { total, done, failed, cancelled, running };
}

export function runInfo(run: Run): RunInfo {
  const { id, session, name, weight, status, steps, stepsDone } = run;
  const detached = run.detached !== null;
  const counts = countsOf(run);
  return {
    run: id,
    session: session.id,
    name,
    weight,
    status,
    steps,
    stepsDone,
    detached,
    counts,
    spentUs: run.spentUs,
  };
}

export function changed(core: Core, run: Run): void {
  // Tasks of a run that was dropped may still end: nobody is told.
  if (run.number !== 0 && core.runs.has(run)) core.progress.add(run);
}

export function endedOf({ done, failed, cancelled }: Run): number {
  return done + failed + cancelled;
}

/** Sets the time of its end, once all of it has ended. */
export function settleDetached(core: Core, run: Run): void {
  const { detached } = run;
  if (detached === null) return;
  const isOver = (run.status !== "open" || run.session.isOrphan) && endedOf(run) === run.total;
  if (!isOver) {
    clearKeep(core, detached);
    return;
  }
  if (run.status === "open") {
    run.status = run.failed > 0 ? "failed" : "done";
    run.endedAt = core.now;
  }
  detached.timer ??= core.timers.set((core.now + detached.keepUs) as Micros, { what: "keep", run });
}

/** It is not over after all, or is forgotten at once. */
export function clearKeep(core: Core, detached: Detached): void {
  if (detached.timer !== null) core.timers.drop(detached.timer);
  detached.timer = null;
}

/** Tells owners, and those who follow, what changed; the last change is said by an alarm when it came too soon after another. */
export function sayProgress(core: Core): void {
  for (const run of core.progress) {
    if (!hasListener(core, run)) continue;
    if (core.now >= run.quietUntil) {
      core.progress.delete(run);
      run.quietUntil = core.now + PROGRESS_EVERY_US;
      tellProgress(core, run);
    } else if (!run.alarmed) {
      run.alarmed = true;
      core.timers.set(run.quietUntil as Micros, { what: "progress", run });
    }
  }
}

/** Of one that nobody listens to now, the change is kept for later, unless nobody ever will. */
function hasListener(core: Core, run: Run): boolean {
  if (core.canTell(run.session)) return true;
  if (run.detached !== null)
    for (const session of run.detached.followers.keys()) if (core.canTell(session)) return true;
  if (run.session.isOrphan) core.progress.delete(run);
  return false;
}

function tellProgress(core: Core, run: Run): void {
  const counts = countsOf(run);
  if (core.canTell(run.session)) core.tell(run.session, { t: "runProgress", run: run.number, counts });
  if (run.detached === null) return;
  for (const [session, number] of run.detached.followers) {
    if (core.canTell(session)) core.tell(session, { t: "runProgress", run: number, counts });
  }
}
