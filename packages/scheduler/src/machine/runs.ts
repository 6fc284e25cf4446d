// Runs: what people follow as one thing. Their counts, and the progress that their owner is told.

import type { Micros, RunCounts, RunId, RunInfo, RunNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { forgetRun } from "./queue.ts";
import { COUNTED, type Run, type Session, type Task } from "./records.ts";

/** Progress is said at most so often, µs. */
const PROGRESS_EVERY_US = 200_000;
/** Closed runs that a session keeps for people to look at. */
const CLOSED_RUNS_KEPT = 256;

export function openRun(core: Core, session: Session, number: RunNumber, name: string, weight: number): Run {
  const id = (core.lastRun + 1) as RunId;
  core.lastRun = id;
  const share = weight > 0 ? weight : 1;
  const counts = {
    steps: 0,
    stepsDone: 0,
    total: 0,
    done: 0,
    failed: 0,
    cancelled: 0,
    running: 0,
    active: 0,
    tasks: 0,
  };
  const run: Run = {
    id,
    number,
    session,
    name,
    weight: share,
    status: "open",
    ...counts,
    quietUntil: 0,
    alarmed: false,
  };
  session.runs.set(number, run);
  core.runs.add(run);
  return run;
}

export function closeRun(core: Core, run: Run, outcome: RunInfo["status"]): void {
  run.status = outcome;
  changed(core, run);
  const closed = [...run.session.runs.values()].filter((r) => r.status !== "open" && r.tasks === 0);
  for (const old of closed.slice(0, Math.max(0, closed.length - CLOSED_RUNS_KEPT))) dropRun(core, old);
}

/** Nobody looks at it any more; tasks that others share keep the record. */
export function dropRun(core: Core, run: Run): void {
  core.runs.delete(run);
  core.progress.delete(run);
  run.session.runs.delete(run.number);
  forgetRun(core.open, run);
  for (const lane of core.lanes.values()) forgetRun(lane, run);
  for (const worker of core.workers.values()) forgetRun(worker.parked, run);
}

export function countNew(core: Core, task: Task): void {
  task.run.total++;
  changed(core, task.run);
}

/** Once in a task's life: a result that is computed again was done before. */
export function countEnded(core: Core, task: Task, how: "done" | "failed" | "cancelled"): void {
  if ((task.flags & COUNTED) !== 0) return;
  task.flags |= COUNTED;
  task.run[how]++;
  changed(core, task.run);
}

export function countsOf(run: Run): RunCounts {
  const { total, done, failed, cancelled, running } = run;
  return { total, done, failed, cancelled, running };
}

export function runInfo(run: Run): RunInfo {
  const { id, session, name, weight, status, steps, stepsDone } = run;
  return { run: id, session: session.id, name, weight, status, steps, stepsDone, counts: countsOf(run) };
}

export function changed(core: Core, run: Run): void {
  // Tasks of a run that was dropped may still end: nobody is told.
  if (run.number !== 0 && core.runs.has(run)) core.progress.add(run);
}

/** Tells owners what changed; the last change is said by an alarm when it came too soon after another. */
export function sayProgress(core: Core): void {
  for (const run of core.progress) {
    if (!core.canTell(run.session)) continue;
    if (core.now >= run.quietUntil) {
      core.progress.delete(run);
      run.quietUntil = core.now + PROGRESS_EVERY_US;
      core.tell(run.session, { t: "runProgress", run: run.number, counts: countsOf(run) });
    } else if (!run.alarmed) {
      run.alarmed = true;
      core.timers.set(run.quietUntil as Micros, { what: "progress", run });
    }
  }
}
