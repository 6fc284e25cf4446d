// "Why does it wait?": what is known of one task, for the person who asks. Nothing here changes anything, and the effort is bounded,
// however many tasks there are.

import type {
  StoryLine,
  TaskId,
  TaskNumber,
  Why,
  WhyAttempts,
  WhyFunction,
  WhyOutcome,
  WhyTask,
} from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import { retryWaitUs } from "./backoff.ts";
import type { Core } from "./core.ts";
import { ableWorkers } from "./lanes.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session, Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { requirementOf } from "./requirement.ts";
import { CANCELLED, DELAYED, DONE, FAILED, QUEUED, stateNames, statusOf } from "./states.ts";
import { actorOf } from "./why-actor.ts";
import { type HeldUp, heldUpBy, inputsOf } from "./why-inputs.ts";
import { findByKey } from "./why-key.ts";
import { holdersOfResources, queueOf, savedForOthers } from "./why-queue.ts";
import { sentencesOf } from "./why-text.ts";
import { workerOf } from "./why-worker.ts";

/** A task in short. */
export type Describe = (task: Task) => WhyTask;
/** All but the words. */
export type Facts = Omit<Why, "sentences" | "text">;

const LISTED = 5;

export const whyHandlers: Handlers<"why" | "whyKey" | "storyOfKey"> = {
  why: (core, session, id, { n }) => answer(core, session, id, () => whyNumber(core, session, n)),
  whyKey: (core, session, id, { key }) =>
    answer(core, session, id, () => ofKey(core, key, (task) => whyOf(core, task))),
  storyOfKey: (core, session, id, { key }) =>
    answer(core, session, id, () => ofKey(core, key, (task) => core.story.of(task.id))),
};

function whyNumber(core: Core, session: Session, n: TaskNumber): QuestionAnswer {
  const task = session.tasks.get(n);
  if (task !== undefined) return { value: whyOf(core, task), error: null };
  const message = `Task ${n} is not known: it was released or never submitted.`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}

function ofKey(core: Core, key: string, make: (task: Task) => unknown): QuestionAnswer {
  const found = findByKey(core, key);
  return "error" in found ? found : { value: make(found), error: null };
}

export function whyOf(core: Core, task: Task): Why {
  const held = heldUpBy(task);
  const facts = factsOf(core, task, held);
  const last = held.depth === 0 ? null : factsOf(core, held.task, { task: held.task, depth: 0, isWhole: true });
  const sentences = sentencesOf(facts, last);
  return { ...facts, sentences, text: sentences.join("\n") };
}

function factsOf(core: Core, task: Task, held: HeldUp): Facts {
  const describe: Describe = (other) => inShort(core, other);
  const able = ableWorkers(core, task.queue?.lane ?? task.options.lane);
  const { lane } = task.options;
  return {
    ...describe(task),
    state: task.upload?.again === true ? "uploading again" : stateNames[task.state]!,
    client: task.session.name,
    run: task.run.name,
    function: functionOf(task),
    inputs: inputsOf(task, held, describe),
    requirement: requirementOf(core, lane, able),
    queue: queueOf(core, task, able),
    heldBy: task.state === QUEUED ? holdersOfResources(lane, able, describe) : [],
    savedFor: task.state === QUEUED ? savedForOthers(lane, able, describe) : [],
    worker: workerOf(core, task),
    actor: actorOf(core, task),
    attempts: attemptsOf(core, task),
    outcome: outcomeOf(core, task),
  };
}

function inShort(core: Core, task: Task): WhyTask {
  const last = lastLine(core, task);
  const status = statusOf(task.state);
  return { key: keyOf(task), status, forUs: last === undefined ? null : core.now - last.at };
}

function lastLine(core: Core, task: Task): StoryLine | undefined {
  return core.story.lastOf(new Set<TaskId>([task.id])).get(task.id);
}

function functionOf({ definition }: Task): WhyFunction | null {
  if (definition === null) return null;
  const { calls, spentUs, expectedUs, durations } = definition.record;
  if (calls === 0) return { name: definition.name, calls, meanUs: null, medianUs: null, latelyUs: null };
  const [meanUs, medianUs] = [Math.round(spentUs / calls), Math.round(durations.median())];
  return { name: definition.name, calls, meanUs, medianUs, latelyUs: expectedUs };
}

function attemptsOf(core: Core, task: Task): WhyAttempts {
  const { retries } = task.options.data;
  const left = (timer: { readonly at: number } | null | undefined): number | null =>
    timer == null ? null : Math.max(0, timer.at - core.now);
  return {
    attempt: task.attempt,
    retriesUsed: task.troubles?.retries ?? 0,
    retries,
    nextInUs: nextAttempt(core, task),
    deaths: task.troubles?.deaths.slice(-LISTED) ?? [],
    deadlineInUs: left(task.uncommon?.deadline),
    noWorkerInUs: left(task.uncommon?.stranded),
  };
}

/** A retry waits by its options; what came back for want of an input waits shortly. */
function nextAttempt(core: Core, task: Task): number | null {
  if (task.state !== DELAYED) return null;
  const last = lastLine(core, task);
  if (last === undefined || !last.detail.startsWith("retry ")) return 0;
  const waitUs = retryWaitUs(task.options.data.backoffMs, task.troubles!.retries);
  return Math.max(0, last.at + waitUs - core.now);
}

function outcomeOf(core: Core, task: Task): WhyOutcome | null {
  const nothing = { code: "", message: "", worker: "", failedKey: "", bytes: 0, holders: [], tookUs: null };
  if (task.state === CANCELLED && task.outcome?.kind === "cancelled") {
    return { ...nothing, kind: "cancelled", message: task.outcome.reason };
  }
  if (task.state === FAILED && task.outcome?.kind === "failed") {
    const { failure, worker, failedKey } = task.outcome;
    const message = failure.code === null ? `${failure.name}: ${failure.message}` : failure.message;
    return { ...nothing, kind: "failed", code: failure.code ?? "", message, worker, failedKey: failedKey ?? "" };
  }
  if (task.state !== DONE) return null;
  const stored = task.result === NO_PAYLOAD ? task.holders.slice(0, LISTED) : [];
  const lines = core.story.of(task.id);
  const done = lines.findLast((line) => line.to === "done");
  const begun = lines.findLast(({ from, to }) => to === "running" && from !== to);
  return {
    ...nothing,
    kind: "done",
    worker: done?.from === "running" || done?.from === "assigned" ? done.detail : "",
    bytes: task.bytes,
    holders: stored.map(({ worker }) => worker.name),
    tookUs: done === undefined || begun === undefined || done.from !== "running" ? null : done.at - begun.at,
  };
}
