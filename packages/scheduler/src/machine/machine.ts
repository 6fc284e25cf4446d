// The scheduler as one pure state machine: events in, calls of the port out.

import {
  type ClusterEvent,
  type ClusterInfo,
  FlockError,
  type RunInfo,
  type SessionId,
  type StoryLine,
  type TaskId,
  type TaskStatus,
  type WorkerInfo,
} from "@taskflock/protocol/words";
import { sayDue } from "./announce.ts";
import { Core } from "./core.ts";
import { keptLongEnough } from "./detached.ts";
import { digestOf } from "./digest.ts";
import { dispatch } from "./dispatch.ts";
import { clusterInfo, runInfos, sessionCount, taskCounts, workerInfos } from "./info.ts";
import { watchInlineBudget } from "./inline-budget.ts";
import { checkAll, checkTouched } from "./invariants.ts";
import { requeue } from "./lifecycle.ts";
import { limitReached } from "./limits.ts";
import { workerLost } from "./loss.ts";
import { endStranded } from "./moves.ts";
import type { SchedulerConfig, SchedulerEvent, SchedulerPort } from "./port.ts";
import { retireNamed } from "./questions.ts";
import type { Session } from "./records.ts";
import { drain } from "./recovery.ts";
import { watchCopies } from "./replicas.ts";
import { leaveIdle } from "./restart.ts";
import { continueRetiring } from "./retire.ts";
import { sayProgress } from "./runs.ts";
import { clientMessage, freeClientMessage, sessionGone, sessionJoined, sessionLink } from "./sessions.ts";
import { waitsDue } from "./shared-waits.ts";
import { speculate } from "./speculation.ts";
import { DELAYED } from "./states.ts";
import { rebalance } from "./steal.ts";
import { watchStragglers } from "./stragglers.ts";
import { uploadDue } from "./upload.ts";
import { answerWatchers } from "./watch.ts";
import { freeWorkerMessage, workerCut, workerJoined, workerMessage } from "./workers.ts";

export class SchedulerMachine {
  readonly #core: Core;

  constructor(config: SchedulerConfig, port: SchedulerPort) {
    this.#core = new Core(config, port);
  }

  /** Takes one event in. Throws `FLOCK_INVARIANT` when it finds itself in a state that must not be; it is not usable after that. */
  step(event: SchedulerEvent): void {
    const core = this.#core;
    core.now = event.at;
    core.cause = event.cause;
    core.story.mark();
    handle(core, event);
    settle(core);
  }

  clusterInfo(): ClusterInfo {
    return clusterInfo(this.#core);
  }

  workers(): WorkerInfo[] {
    return workerInfos(this.#core);
  }

  runs(): RunInfo[] {
    return runInfos(this.#core);
  }

  taskCounts(): Record<TaskStatus, number> {
    return taskCounts(this.#core);
  }

  sessions(): SessionId[] {
    return [...this.#core.sessions.values()].filter(({ isOrphan }) => !isOrphan).map(({ id }) => id);
  }

  /** Clients that count. */
  sessionCount(): number {
    return sessionCount(this.#core);
  }

  /** Transitions so far, all tasks together. */
  transitions(): number {
    return this.#core.story.total;
  }

  /** What came to workers from others and from clients since the start. */
  moved(): { readonly bytes: number; readonly count: number; readonly failures: number } {
    return this.#core.moved.totals;
  }

  /** Payloads that are kept for people who ask what failed, when nothing else needs them. */
  rememberedErrors(): number {
    return this.#core.remembered.errors;
  }

  /** Lanes, workers and tasks looked at so far in order to place tasks. */
  looks(): number {
    return this.#core.looks;
  }

  /** The task's last transitions, as far as the ring still has them. */
  story(task: TaskId): StoryLine[] {
    return this.#core.story.of(task);
  }

  /** What happened after event number `seq`, as far as the log still has it, oldest first. */
  eventsSince(seq: number, limit: number): ClusterEvent[] {
    return this.#core.events.since(seq, limit);
  }

  /** The whole state in a few characters: equal for equal histories. */
  digest(): string {
    return digestOf(this.#core);
  }

  /** Throws `FLOCK_INVARIANT` with what does not hold. `touched`: the records that the last step changed. */
  checkInvariants(which: "touched" | "all"): void {
    const problem = which === "all" ? checkAll(this.#core) : checkTouched(this.#core);
    if (problem !== null) throw new FlockError("FLOCK_INVARIANT", `After event #${this.#core.cause}: ${problem}`);
  }
}

function handle(core: Core, event: SchedulerEvent): void {
  switch (event.e) {
    case "clientMessages":
      for (const message of event.messages) {
        const session = sessionThere(core, event.session);
        if (session === null) freeClientMessage(core, message);
        else clientMessage(core, session, message);
        drain(core);
      }
      return;
    case "workerMessages":
      for (const message of event.messages) {
        const worker = core.workers.get(event.worker);
        if (worker === undefined) freeWorkerMessage(core, message);
        else workerMessage(core, worker, message);
        drain(core);
      }
      return;
    case "clientJoined":
      sessionJoined(core, event.session, event.name, event.observer === true);
      return;
    case "workerJoined":
      workerJoined(core, event.worker, event.hello, event.relayKey ?? "");
      return;
    case "retireWorkers":
      retireNamed(core, event.workers, "the operator asked for that");
      return;
    case "idleTimeout":
      leaveIdle(core, event.afterMs);
      return;
    case "woken":
      woken(core);
      return;
    default:
      handleLink(core, event);
      return;
  }
}

/** One that said goodbye is heard no more, also while its detached runs keep its record. */
function sessionThere(core: Core, id: SessionId): Session | null {
  const session = core.sessions.get(id);
  return session === undefined || session.isOrphan ? null : session;
}

type LinkEvent = Extract<
  SchedulerEvent,
  | { e: "clientResumed" | "clientCut" | "clientGone" | "clientBlocked" | "clientReady" }
  | { e: "workerResumed" | "workerCut" | "workerLost" }
>;

function handleLink(core: Core, event: LinkEvent): void {
  switch (event.e) {
    // A worker that is back says its snapshot next; until then it counts as cut.
    case "workerResumed":
    case "workerCut": {
      const worker = core.workers.get(event.worker);
      if (worker !== undefined) workerCut(core, worker);
      return;
    }
    case "workerLost": {
      const worker = core.workers.get(event.worker);
      if (worker !== undefined) workerLost(core, worker, event.how, event.planned);
      return;
    }
    default: {
      const session = sessionThere(core, event.session);
      if (session === null) return;
      if (event.e === "clientGone") sessionGone(core, session);
      else sessionLink(core, session, event.e);
    }
  }
}

function woken(core: Core): void {
  core.armed = null;
  for (let due = core.timers.take(core.now); due !== null; due = core.timers.take(core.now)) {
    if (due.what === "progress") due.run.alarmed = false;
    else if (due.what === "keep") keptLongEnough(core, due.run);
    else if (due.what === "due") sayDue(core, due.session);
    else if (due.what === "waits") waitsDue(core);
    else if (due.what === "stragglers") core.lookTimer = null;
    else if (due.what === "upload") uploadDue(core, due.task);
    else if (due.what === "deadline" || due.what === "noWorker") limitReached(core, due.what, due.task);
    else if (due.what === "retry" && due.task.state === DELAYED && due.task.attempt === due.attempt) {
      requeue(core, due.task, null, "its wait is over");
    }
  }
}

/** The end of a step: first what follows for tasks, then who gets what, then what is said. */
function settle(core: Core): void {
  drain(core);
  dispatch(core);
  rebalance(core);
  continueRetiring(core);
  if (core.hasWork()) {
    drain(core);
    dispatch(core);
  }
  if (core.stranded.length > 0) endStranded(core);
  watchInlineBudget(core);
  watchCopies(core);
  watchStragglers(core, speculate);
  sayProgress(core);
  answerWatchers(core);
  const next = core.timers.next();
  if (next === core.armed) return;
  core.armed = next;
  core.port.wakeAt(next);
}
