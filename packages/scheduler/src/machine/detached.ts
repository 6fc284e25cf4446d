// Detached runs: their tasks go on when their client leaves, and their results are kept for a while after all of it has ended. Such a run
// holds its tasks itself: that its client let go of one is only noted. A session that leaves some behind stays as an orphan, which nobody
// can come back to; other clients attach to the runs.

import type { RunId, RunQuestion, TaskNumber } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import { HELD, type QuestionAnswer, type Run, type Session, type Task } from "./records.ts";
import { keyOf, removeRef } from "./references.ts";
import { clearKeep, dropRun, endedOf, runInfo, settleDetached } from "./runs.ts";
import { refer } from "./submit.ts";

/** Names that an error quotes. */
const NAMES_SHOWN = 20;

export const runHandlers: Handlers<RunQuestion["q"]> = {
  attach: (core, session, id, { name, as }) => {
    const run = newestNamed(core, name);
    if (run === null) {
      answer(core, session, id, () => unknownRun(core, `is named ${name}`));
      return;
    }
    run.detached?.followers.set(session, as);
    const owner = run.session.name;
    const isOwned = !run.session.isOrphan;
    answer(core, session, id, () => ({ value: { run: runInfo(run), owner, isOwned }, error: null }));
  },
  attachTasks: (core, session, id, { run: number, after, as }) => {
    // Asked again after a cut, the numbers mean what they meant: the run may have other tasks by now.
    const answered = core.kept.recall(session.id, id) ?? attachedTasks(core, session, id, number, after, as);
    answer(core, session, id, () => answered);
  },
  forgetRun: (core, session, id, { run: number }) => {
    const run = detachedRun(core, number);
    // Asked again after a cut, it is gone already.
    if (run !== null) forgetRun(core, run, `at the wish of ${session.name}`);
    answer(core, session, id, () => ({ value: null, error: null }));
  },
};

/** The run holds the task for its client, who let go of it: true. */
export function keepsTask(core: Core, session: Session, n: TaskNumber, task: Task): boolean {
  const { detached } = task.run;
  if (detached === null || !isHeldBy(session, n, task)) return false;
  detached.released.add(n);
  if (session.due.size > 0) session.due.delete(n);
  if (session.locates.size > 0) session.locates.delete(n);
  settleDetached(core, task.run);
  return true;
}

/** Of its references: the one that a detached run has on its own, and nobody behind it. */
export function keptRefs(task: Task): 0 | 1 {
  const { detached, session } = task.run;
  if (detached === null || !isHeldBy(session, task.n, task)) return 0;
  return session.isOrphan || detached.released.has(task.n) ? 1 : 0;
}

/** Its client is gone. True when it leaves something behind. */
export function leavesRuns(core: Core, session: Session): boolean {
  for (const run of [...session.runs.values()]) {
    if (run.detached === null) dropRun(core, run);
  }
  if (session.runs.size === 0) return false;
  session.isOrphan = true;
  for (const run of [...session.runs.values()]) {
    core.happened(
      "runDetached",
      run.name,
      `${session.name} left; ${run.total - endedOf(run)} of its ${run.total} tasks go on`,
    );
    settleDetached(core, run);
  }
  return true;
}

/** Nobody is told of its progress any more. */
export function unfollow(core: Core, session: Session): void {
  for (const run of core.runs) run.detached?.followers.delete(session);
}

/** The time of a detached run is over. */
export function keptLongEnough(core: Core, run: Run): void {
  forgetRun(core, run, "its time is over");
}

function forgetRun(core: Core, run: Run, why: string): void {
  const { session, detached } = run;
  if (detached === null) return;
  core.happened("runForgotten", run.name, why);
  clearKeep(core, detached);
  run.detached = null;
  const isOrphan = session.isOrphan;
  const held = isOrphan
    ? [...session.tasks].filter(([n, task]) => task.run === run && isHeldBy(session, n, task))
    : null;
  for (const n of held === null ? detached.released : held.map(([n]) => n)) {
    const task = session.tasks.get(n);
    if (task !== undefined) removeRef(core, session, n, task);
  }
  if (!isOrphan) return;
  dropRun(core, run);
  if (session.runs.size === 0) core.sessions.delete(session.id);
}

function isHeldBy(session: Session, n: TaskNumber, task: Task): boolean {
  return task.session === session && task.n === n && (task.flags & HELD) !== 0;
}

function newestNamed(core: Core, name: string): Run | null {
  let found: Run | null = null;
  for (const run of core.runs) if (run.detached !== null && run.name === name) found = run;
  return found;
}

function detachedRun(core: Core, id: RunId): Run | null {
  for (const run of core.runs) if (run.id === id && run.detached !== null) return run;
  return null;
}

function attachedTasks(
  core: Core,
  session: Session,
  id: number,
  number: RunId,
  after: number,
  as: readonly TaskNumber[],
): QuestionAnswer {
  const run = detachedRun(core, number);
  if (run === null) return unknownRun(core, `has the number ${number}`);
  return core.kept.remember(session.id, id, referToTasks(core, session, run, after, as));
}

function referToTasks(
  core: Core,
  session: Session,
  run: Run,
  after: number,
  as: readonly TaskNumber[],
): QuestionAnswer {
  const owner = run.session;
  const tasks: { n: TaskNumber; name: string; key: string }[] = [];
  for (const [n, task] of owner.tasks.after(after)) {
    const number = as[tasks.length];
    if (number === undefined) break;
    if (task.run !== run || !isHeldBy(owner, n, task)) continue;
    if (!session.tasks.has(number)) refer(core, session, number, task);
    tasks.push({ n, name: task.name, key: keyOf(task) });
  }
  return { value: { tasks }, error: null };
}

function unknownRun(core: Core, which: string): QuestionAnswer {
  const names = new Set<string>();
  for (const run of core.runs) if (run.detached !== null) names.add(run.name);
  const shown = [...names].slice(-NAMES_SHOWN).join(", ").slice(0, 2048);
  const there =
    names.size === 0 ? "There are none" : `There are ${shown}${names.size > NAMES_SHOWN ? " and others" : ""}`;
  return { value: null, error: { code: "FLOCK_RUN_UNKNOWN", message: `No detached run ${which}. ${there}.` } };
}
