// The same in words: a few short sentences, the most important first.

import type { WhyActor, WhyFunction, WhyInputs, WhyQueue, WhyTask } from "@taskflock/protocol/words";
import { sayLack, sayRequirement } from "./requirement.ts";
import { sayBytes, sayCount, sayTime } from "./say.ts";
import type { Facts } from "./why.ts";

/** Longer than so many times the median, and than a second, is said to be long. */
const LONG = 3;
const LONG_US = 1_000_000;
/** A message or a reason is quoted up to here, UTF-16 units. */
const QUOTED = 500;

/** `held`: of the task that really holds it up, or null. */
export function sentencesOf(facts: Facts, held: Facts | null): string[] {
  return [...ownSentences(facts), ...(held === null ? [] : heldSentences(facts, held)), ...limits(facts)];
}

function ownSentences(facts: Facts): string[] {
  switch (facts.state) {
    case "waiting":
      return [`${facts.key} waits for ${missing(facts.inputs!)}.`];
    case "delayed":
      return [`${facts.key} waits for its next attempt${inTime(facts.attempts.nextInUs)}: ${attempts(facts)}.`];
    case "uploading":
    case "uploading again":
      return [uploading(facts)];
    case "queued":
      return queued(facts);
    case "assigned":
      return assigned(facts);
    case "running":
      return running(facts);
    case "released":
      return [`${facts.key} is not computed: nobody wants its result. It is kept to compute others from it again.`];
    default:
      return [ended(facts)];
  }
}

function missing({ total, missing: count, byStatus, first }: WhyInputs): string {
  const states = Object.entries(byStatus).filter(([status]) => status !== "done");
  const named = first.map((task) => task.key).join(", ");
  const more = count > first.length ? " …" : "";
  const which =
    count === total ? (total === 1 ? "its input" : `all of its ${total} inputs`) : `${count} of its ${total} inputs`;
  return `${which}: ${states.map(([status, many]) => `${many} ${status}`).join(", ")} (${named}${more})`;
}

function heldSentences({ inputs }: Facts, held: Facts): string[] {
  const depth = inputs?.heldUpBy?.depth ?? 0;
  const own = ownSentences(held);
  if (inputs?.isWhole === false) {
    return [
      `It is at the end of a long way: ${depth} calls before it there is ${held.key}, which waits for others, too.`,
    ];
  }
  if (depth > 1) return [`What holds it up is ${sayCount(depth, "call")} before it:`, ...own];
  return own;
}

function queued(facts: Facts): string[] {
  const { key, requirement, queue, forUs } = facts;
  const said = [`${key} ${forUs === null ? "is" : "has been"} queued${lasting(forUs)}: its inputs are there.`];
  if (facts.actor !== null && facts.actor.key !== key) return [...said, calls(facts.actor)];
  if (requirement.able === 0) {
    const rest =
      requirement.there === 0
        ? "No worker is there: it waits until one joins"
        : `It asks for ${sayRequirement(requirement)}: ${sayLack(requirement)}. It waits until a worker joins that can run it`;
    return [...said, `${rest}.`];
  }
  const asks = requirement.resources.length > 0 || requirement.workersInAll > 0;
  if (asks) said.push(`It asks for ${sayRequirement(requirement)}: ${able(requirement.able)} run it.`);
  if (queue !== null && queue.waitsFor !== "")
    said.push(`It waits for ${queue.waitsFor}, where data of its inputs is.`);
  if (requirement.paused > 0)
    said.push(
      `${sayCount(requirement.paused, "worker")} of those ${requirement.paused === 1 ? "gets" : "get"} nothing new for now: too much memory is in use there.`,
    );
  said.push(
    ...heldResources(facts),
    ...savedResources(facts),
    queue === null ? "It makes an actor, which waits for no slot." : line(queue, facts.function),
  );
  return said;
}

function calls({ key, worker, before, given }: WhyActor): string {
  const where = worker === "" ? "" : ` at ${worker}`;
  return `It is a call of the actor ${key}${where}, which makes one call at a time: ${given} of them were given to it, and ${before} of the same client are before this one.`;
}

function able(count: number): string {
  return count === 1 ? "one worker can" : `${count} workers can`;
}

function savedResources({ savedFor }: Facts): string[] {
  if (savedFor.length === 0) return [];
  const who = savedFor.map(({ key, worker }) => `${key} on ${worker}`);
  return [`What is free is saved for ${who.join(", ")}: of a higher priority, and waiting for more.`];
}

function heldResources({ heldBy, requirement }: Facts): string[] {
  if (heldBy.length === 0) return [];
  const names = requirement.resources.map(({ name }) => name).join(" and ");
  const who = heldBy.map(
    (task) => `${task.key} on ${task.worker}${task.forUs === null ? "" : ` (${task.status}${lasting(task.forUs)})`}`,
  );
  return [`${names} ${requirement.resources.length === 1 ? "is" : "are"} taken by ${who.join(", ")}.`];
}

function line(
  { before, ofHigherPriority, isExact, otherRuns, slots, running, expectedUs }: WhyQueue,
  fn: WhyFunction | null,
): string {
  const parts = [`${running} of ${sayCount(slots, "slot")} for such tasks ${running === 1 ? "is" : "are"} taken`];
  const higher = ofHigherPriority > 0 ? `, ${ofHigherPriority} of them with a higher priority` : "";
  parts.push(
    before === 0
      ? "it is the next of its run"
      : `${isExact ? "" : "about "}${sayCount(before, "task")} ${before === 1 ? "is" : "are"} before it${higher}`,
  );
  if (otherRuns > 0) parts.push(`slots are shared with ${sayCount(otherRuns, "other run")}`);
  const soon =
    expectedUs === 0
      ? " It begins at once."
      : ` It begins in about ${sayTime(expectedUs ?? 0)}, by what calls took so far.`;
  const when = expectedUs === null ? "" : soon;
  return `${capital(parts.join("; "))}.${when}${stats(fn)}`;
}

function assigned(facts: Facts): string[] {
  const { key, worker, inputs } = facts;
  const { name, status, slots, running: there, before, transfers, transferBytes, from, transferUs } = worker!;
  const said: string[] = [];
  if (inputs !== null && inputs.missing > 0)
    said.push(
      `${key} was sent to ${name} ahead, and begins there once its inputs are made: it waits for ${missing(inputs)}.`,
    );
  else said.push(`${key} was given to ${name}${ago(facts.forUs)}, and has not begun there.`);
  if (status === "cut")
    said.push(`The link to ${name} is cut: it may come back, else the task goes to another worker.`);
  if (status === "retiring" || status === "paused") said.push(`${name} is ${status}, and is asked to give it back.`);
  if (transfers > 0) {
    const source = from.length === 0 ? "" : ` from ${from.join(", ")}`;
    said.push(
      `${name} gets ${sayCount(transfers, "input")} (${sayBytes(transferBytes)})${source}: about ${sayTime(transferUs)}.`,
    );
  }
  if (facts.actor === null && (there >= slots || before > 0)) {
    const next =
      before === 0 ? "it is the next there" : `${sayCount(before, "task")} ${before === 1 ? "goes" : "go"} before it`;
    said.push(`${there} of its ${sayCount(slots, "slot")} ${there === 1 ? "is" : "are"} taken, and ${next}.`);
  }
  return said;
}

function running(facts: Facts): string[] {
  const { key, worker, forUs, function: fn } = facts;
  const said = [
    `${key} ${forUs === null ? "is" : "has been"} running on ${worker!.name}${lasting(forUs)}${facts.attempts.attempt > 1 ? `, ${attempts(facts)}` : ""}.${stats(fn)}`,
  ];
  if (worker!.status === "cut")
    said.push(`The link to ${worker!.name} is cut: it may come back, else the task runs again elsewhere.`);
  const usual = fn?.medianUs ?? null;
  if (usual !== null && forUs !== null && forUs > LONG * usual && forUs > LONG_US) {
    said.push("That is longer than usual.");
  }
  if (worker!.second !== "") said.push(`It was begun a second time, on ${worker!.second}: the first result counts.`);
  return said;
}

/** With a space before it, or "". */
function stats(fn: WhyFunction | null): string {
  if (fn === null) return "";
  if (fn.meanUs === null || fn.latelyUs === null) return ` No call of ${fn.name} has ended well so far.`;
  const lately = Math.abs(fn.latelyUs - fn.meanUs) > fn.meanUs / 4 ? `, lately ${sayTime(fn.latelyUs)}` : "";
  return ` ${fn.name} took ${sayTime(fn.meanUs)} on average in ${sayCount(fn.calls, "call")}${lately}.`;
}

function attempts({ attempts: { attempt, retriesUsed, retries, deaths } }: Facts): string {
  const used = retries > 0 ? `, ${retriesUsed} of ${sayCount(retries, "retry").replace("retrys", "retries")} used` : "";
  const died = deaths.length > 0 ? `; workers died under it: ${deaths.join(", ")}` : "";
  return `attempt ${attempt}${used}${died}`;
}

function uploading({ key, client, requirement, state }: Facts): string {
  const isThere = requirement.there > 0;
  if (state === "uploading again") {
    const what = `${key} is part of an argument, and was lost with the last worker that held it: it waits for its client's data again`;
    return isThere ? `${what}; ${client} is asked to send it.` : `${what}, and no worker is there to take it.`;
  }
  return isThere
    ? `${key} is data that ${client} is uploading to a worker.`
    : `${key} is data of ${client} that waits to be uploaded: no worker is there.`;
}

function ended({ key, outcome, actor, forUs }: Facts): string {
  if (outcome === null) return `${key} has ended.`;
  if (outcome.kind === "done" && actor?.key === key)
    return `${key} is an actor${actor.worker === "" ? "" : ` at ${actor.worker}`}, made${ago(forUs)}.`;
  const when = ago(forUs);
  if (outcome.kind === "cancelled")
    return `${key} was cancelled${when}${outcome.message === "" ? "" : `: ${quote(outcome.message)}`}.`;
  if (outcome.kind === "failed") {
    const why = outcome.failedKey === "" ? "" : ` because ${outcome.failedKey} did`;
    const where = outcome.worker === "" ? "" : ` on ${outcome.worker}`;
    const code = outcome.code === "" ? "" : `${outcome.code}: `;
    return `${key} failed${when}${where}${why}: ${code}${quote(outcome.message)}`;
  }
  const took = outcome.tookUs === null ? "" : `, after ${sayTime(outcome.tookUs)} of running`;
  const where = outcome.worker === "" ? "" : ` on ${outcome.worker}`;
  const kept =
    outcome.holders.length === 0 ? "the scheduler has its result" : `its result is at ${outcome.holders.join(", ")}`;
  return `${key} was done${when}${where}${took}: ${kept} (${sayBytes(outcome.bytes)}).`;
}

function limits({ attempts: { deadlineInUs, noWorkerInUs } }: Facts): string[] {
  const said: string[] = [];
  if (noWorkerInUs !== null)
    said.push(`If no such worker joins, it fails in ${sayTime(noWorkerInUs)} (noWorkerTimeoutMs).`);
  if (deadlineInUs !== null) said.push(`It fails unless it ends within ${sayTime(deadlineInUs)} (deadlineMs).`);
  return said;
}

function lasting(us: WhyTask["forUs"]): string {
  return us === null ? "" : ` for ${sayTime(us)}`;
}

function ago(us: WhyTask["forUs"]): string {
  return us === null ? "" : ` ${sayTime(us)} ago`;
}

function inTime(us: number | null): string {
  return us === null || us === 0 ? "" : `, in ${sayTime(us)}`;
}

function quote(text: string): string {
  return text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
