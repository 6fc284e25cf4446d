// A fresh start: of the whole cluster (no task, no data, new processes), or of single workers, without a loss.

import { NO_PAYLOAD, type Restarted } from "@taskflock/protocol/words";
import { actorsLost } from "./actor-life.ts";
import { addWaiting, answer, once } from "./answers.ts";
import type { Core } from "./core.ts";
import { unpublishAll } from "./datasets.ts";
import { removeHolder } from "./holdings.ts";
import { workerInfo } from "./info.ts";
import { leaveLanes } from "./lanes.ts";
import { end } from "./lifecycle.ts";
import { listed, namedWorkers, notFound } from "./named-workers.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session, Task } from "./records.ts";
import { reconsiderMoves, retire } from "./retire.ts";
import { DONE, isActive, UPLOADING } from "./states.ts";
import { isThere, LEAVING, WORKING, type Worker } from "./worker-record.ts";

export const restartHandlers: Handlers<"restart" | "restartWorkers" | "waitForNamed"> = {
  restart: (core, session, id) => {
    const done = once(core, session, id, () => ({ value: restartAll(core, session), error: null }));
    answer(core, session, id, () => done);
  },
  restartWorkers: (core, session, id, { workers }) => {
    const done = once(core, session, id, () => restartNamed(core, session, workers));
    answer(core, session, id, () => done);
  },
  waitForNamed: (core, session, id, { workers }) => {
    addWaiting(core, session, core.returning, { session: session.id, id, names: workers });
    answerReturned(core);
  },
};

/** Some who wait for workers by name have them all. */
export function answerReturned(core: Core): void {
  if (core.returning.length === 0) return;
  for (const wait of core.returning.splice(0)) {
    const session = core.sessions.get(wait.session);
    if (session === undefined) continue;
    const there = namedWorkers(core, wait.names, isThere);
    const names = new Set(there.map(({ name }) => name));
    if (wait.names.every((name) => names.has(name)))
      answer(core, session, wait.id, () => ({ value: there.map(workerInfo), error: null }));
    else core.returning.push(wait);
  }
}

function restartAll(core: Core, session: Session): Restarted {
  const reason = `the cluster was restarted by ${session.name}`;
  unpublishAll(core, session.name);
  const { cancelled, dropped } = dropAllWork(core, reason);
  const working = [...core.workers.values()].filter(({ status }) => status === WORKING);
  const watched = working.filter(({ hello }) => hello.nanny);
  for (const worker of watched) leaveNow(core, worker, true);
  reconsiderMoves(core);
  const names = (workers: readonly Worker[]): string[] => workers.map(({ name }) => name);
  const kept = names(working.filter(({ hello }) => !hello.nanny));
  const text = `${watched.length} workers begin anew; ${cancelled} tasks and ${dropped} results were cancelled`;
  core.happened("clusterRestarted", session.name, text);
  for (const other of core.sessions.values())
    if (other !== session) core.notice(other, `All tasks were cancelled: ${reason}.`);
  return { restarted: names(watched), kept, cancelled, dropped };
}

/** All that has not ended, and all that only workers hold. Later tasks first: nobody fails for want of an input. */
function dropAllWork(core: Core, reason: string): { cancelled: number; dropped: number } {
  const counts = { cancelled: 0, dropped: 0 };
  const tasks = core.slots.filter((task): task is Task => task !== null).sort((a, b) => b.seq - a.seq);
  for (const task of tasks) {
    if (isActive(task.state) || task.state === UPLOADING) counts.cancelled++;
    else if (task.state === DONE && task.result === NO_PAYLOAD) counts.dropped++;
    else continue;
    end(core, task, { kind: "cancelled", reason });
  }
  return counts;
}

/** Nobody has used the cluster for long. */
export function leaveIdle(core: Core, afterMs: number): void {
  const working = [...core.workers.values()].filter(({ status }) => status !== LEAVING);
  core.happened("idleTimeout", "", `no task was there to be done for ${afterMs} ms; ${working.length} workers leave`);
  for (const worker of working) leaveNow(core, worker, false);
  reconsiderMoves(core);
}

/** Without handing anything over: nothing that anybody waits for runs there. */
function leaveNow(core: Core, worker: Worker, restart: boolean): void {
  worker.restart = restart;
  core.retiring.delete(worker);
  worker.status = LEAVING;
  leaveLanes(core, worker);
  core.touchWorker(worker);
  actorsLost(core, worker, restart ? "the cluster was restarted" : "the cluster was not used for long");
  for (const task of [...worker.holds.keys()]) removeHolder(core, task, worker);
  core.send(worker, { t: "leave", restart });
}

function restartNamed(core: Core, session: Session, names: readonly string[]): QuestionAnswer {
  const workers = namedWorkers(core, names, ({ status }) => status === WORKING);
  const problem = notFound(names, workers, ", or it is leaving");
  if (problem !== null) return problem;
  const alone = workers.filter(({ hello }) => !hello.nanny).map(({ name }) => name);
  if (alone.length > 0) {
    const message = `${listed(alone)} cannot be restarted: there is no nanny that would start it again. Start workers without --no-nanny.`;
    return { value: null, error: { code: "FLOCK_NO_NANNY", message } };
  }
  for (const worker of workers) {
    worker.restart = true;
    core.happened("workerRestarting", worker.name, `${session.name} asked for that`);
    retire(core, worker, `it is to be restarted, ${session.name} asked for that`);
  }
  return { value: workers.map(workerInfo), error: null };
}
