// What the model allows: which ends a future may have had, and what may be left when everybody has let go.

import type { ClientProcess } from "./client-process.ts";
import type { ModelFuture } from "./model-future.ts";
import { isCall, makesActor, type TaskSpec } from "./tasks.ts";

/** What the run went through: with trouble, more may fail. */
export interface Judgement {
  readonly disturbed: boolean;
  /** A client restarted the cluster. */
  readonly restarted: boolean;
  /** The scheduler takes few tasks at a time: who has a key may have let go of it before other work comes under it. */
  readonly crowded: boolean;
}

export function judgeFutures(clients: readonly ClientProcess[], how: Judgement): void {
  for (const client of clients) {
    if (client.state === "lost") continue;
    for (const future of client.futures.values()) {
      if (!future.released) judge(client, future, how);
    }
  }
}

function judge(client: ClientProcess, future: ModelFuture, how: Judgement): void {
  const { spec } = future.plan;
  const who = `${client.name}'s future ${future.n} (task ${spec.id})`;
  switch (future.state) {
    case "pending":
      throw new Error(`${who} has no outcome, and nothing more happens`);
    case "done":
      if (mustFail(spec, how)) throw new Error(`${who} is done, and could not be`);
      if (future.value === null && future.lostTo === null && !makesActor(spec))
        throw new Error(`${who} is done, and its bytes never came`);
      if (future.lostTo === "FLOCK_ARGUMENT_INVALID" && makesActor(spec)) return;
      if (makesActor(spec) && mayFail(spec, future.lostTo ?? "", how)) return;
      // a cancel may come while a lost result is computed again
      if (future.lostTo === "FLOCK_CANCELLED" && (future.cancelAsked || future.shared || how.restarted)) return;
      if (future.lostTo !== null && !(how.disturbed && mayFail(spec, future.lostTo, how)))
        throw new Error(`${who} was done, then lost to ${future.lostTo}`);
      return;
    case "cancelled":
      if (!future.cancelAsked && !how.restarted && !(future.shared && spec.history.cancels > 0))
        throw new Error(`${who} is cancelled, and nobody asked for that`);
      return;
    case "failed":
      if (!mayFail(spec, future.code ?? "", how))
        throw new Error(`${who} failed with ${future.code}: ${future.message}`);
  }
}

/** True when the task, computed as often as the options allow, may end with this code. */
function mayFail(spec: TaskSpec, code: string, how: Judgement): boolean {
  const { history, options } = spec;
  switch (code) {
    case "ModelError":
      return spec.fails > options.retries && !spec.exits;
    case "FLOCK_TASK_EXITED":
      return spec.fails > options.retries && spec.exits;
    case "FLOCK_TIMEOUT":
      return spec.endless && options.timeoutMs > 0;
    case "FLOCK_DEADLINE_EXCEEDED":
      return options.deadlineMs > 0;
    case "FLOCK_NO_WORKER_TIMEOUT":
      return options.noWorkerTimeoutMs > 0;
    case "FLOCK_KILLED_WORKER":
      // a worker can die before it says that a task began: that counts a quarter
      return history.losses > options.allowedFailures || history.suspected > 4 * (options.allowedFailures + 1);
    case "FLOCK_ACTOR_LOST":
      return makesActor(spec)
        ? how.disturbed || history.actorEnds > 0
        : isCall(spec) && (how.disturbed || spec.inputs[0]!.history.actorEnds > 0);
    case "FLOCK_DATA_LOST":
      // parts of arguments are sent again, as long as their client has them
      return ((spec.kind === "scatter" && (!spec.kept || history.letGo)) || isCall(spec)) && how.disturbed;
    case "FLOCK_OUT_OF_MEMORY":
      return spec.kind === "scatter" && how.disturbed;
    case "FLOCK_KEY_CONFLICT":
      return spec.conflicts;
    case "FLOCK_DEPENDENCY_FAILED":
      if (how.restarted && spec.inputs.length > 0) return true;
      return spec.inputs.some((input) => input.history.cancels > 0 || failureCodes.some((c) => mayFail(input, c, how)));
    default:
      return false;
  }
}

const failureCodes: readonly string[] = [
  "ModelError",
  "FLOCK_TASK_EXITED",
  "FLOCK_TIMEOUT",
  "FLOCK_ACTOR_LOST",
  "FLOCK_DEADLINE_EXCEEDED",
  "FLOCK_NO_WORKER_TIMEOUT",
  "FLOCK_KILLED_WORKER",
  "FLOCK_DATA_LOST",
  "FLOCK_OUT_OF_MEMORY",
  "FLOCK_DEPENDENCY_FAILED",
];

/** True when the task cannot have been done. What was computed unseen (on a worker that was given up) uses up failures, too. */
function mustFail(spec: TaskSpec, how: Judgement): boolean {
  if (spec.endless || (spec.conflicts && !how.crowded) || spec.inputs.some((input) => mustFail(input, how)))
    return true;
  // An attempt that throws while another one runs uses up no retry.
  return !how.disturbed && spec.key === null && !spec.options.speculate && spec.fails > spec.options.retries;
}

/** Undisturbed, what is done was computed once, and once more for each retry; twice as often at most where it may run a second time. */
export function judgeExecutions(clients: readonly ClientProcess[], specs: readonly TaskSpec[]): void {
  const kept = new Set<TaskSpec>();
  const wanted = new Map<TaskSpec, number>();
  for (const client of clients) {
    for (const { plan, released, state } of client.futures.values()) {
      wanted.set(plan.spec, (wanted.get(plan.spec) ?? 0) + 1);
      if (!released && state === "done") kept.add(plan.spec);
    }
  }
  for (const spec of specs) {
    if (spec.kind === "scatter") continue;
    const { begun, threw, interrupted, recalled } = spec.history;
    const attempts = (1 + threw + interrupted + recalled) * (spec.options.speculate ? 2 : 1);
    const most = attempts * (spec.key === null ? 1 : (wanted.get(spec) ?? 0));
    if (begun > most && !spec.endless)
      throw new Error(`task ${spec.id} was computed ${begun} times, with ${threw} errors`);
    if (spec.history.fired && begun === 0 && runsForSure(spec))
      throw new Error(`task ${spec.id} was to run to its end, and never began`);
    if (kept.has(spec) && begun === 0) throw new Error(`task ${spec.id} is done and was never computed`);
  }
}

/** It and all that it needs run without a failure, if they are wanted; undisturbed. */
function runsForSure(spec: TaskSpec): boolean {
  const { options, history, conflicts, fails } = spec;
  const limited = options.timeoutMs + options.deadlineMs + options.noWorkerTimeoutMs > 0;
  const sure = spec.kind === "scatter" || (fails <= options.retries && !limited);
  return (
    sure && !conflicts && history.cancels === 0 && !isCall(spec) && !makesActor(spec) && spec.inputs.every(runsForSure)
  );
}
