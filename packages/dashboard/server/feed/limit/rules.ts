// Each rule says in one sentence what limits the cluster, or null when it is something else. The first that speaks is heard.

import type { QueueLine } from "@taskflock/protocol/words";
import { type Flow, type LimitFacts, type Load, loadOf } from "./facts.ts";
import { all, bytes, count, counted, duration, is, name, number, rate, SENTENCE_UNITS } from "./phrases.ts";

type Rule = (facts: LimitFacts, load: Load) => string | null;

/** A scheduler that takes so long to answer has too much to do, ms, if so many tasks per second come or end; else its machine has. */
const BUSY_MS = 150;
const BUSY_PER_SECOND = 10_000;
const LATE_MS = 500;
/** Time that is left and worth halving, seconds. */
const LONG_LEFT = 20;
/** Tasks per second that come one by one at least, when it is no accident. */
const ONE_BY_ONE_PER_SECOND = 5;
/** Shorter tasks cost more than they compute, seconds; and so many per second are many. */
const TINY_SECONDS = 0.001;
const MANY_PER_SECOND = 1_000;
/** Of the slots' time: less computing is mostly overhead. */
const LITTLE_COMPUTING = 0.25;
/** Bytes per second that are worth telling. */
const MUCH_MOVED = 10e6;
/** Seconds without an ending, after which the last tasks are worth naming. */
const LONG_SECONDS = 5;

const nobodyThere: Rule = ({ overview: { workers } }, { unfinished }) => {
  const { running, paused, retiring, cut } = workers;
  if (running > 0) return null;
  if (paused + retiring + cut === 0) {
    return unfinished === 0
      ? "No worker is connected, and there is nothing to do."
      : `${count(unfinished, "task")} cannot run: no worker is connected.`;
  }
  if (unfinished === 0) return `Nothing to do; ${unusable(workers)}.`;
  return `${counted(unfinished, "task", "wait")}: no worker takes tasks; ${unusable(workers)}.`;
};

function unusable({ paused, retiring, cut }: LimitFacts["overview"]["workers"]): string {
  const parts = [
    [paused, "paused because memory is full"],
    [cut, "cut off"],
    [retiring, "retiring"],
  ] as const;
  return parts
    .filter(([value]) => value > 0)
    .map(([value, what], index) => `${index === 0 ? count(value, "worker") : number(value)} ${is(value)} ${what}`)
    .join(", ");
}

const nothingToDo: Rule = ({ overview, flow }, { unfinished, slots }) => {
  if (unfinished > 0) return null;
  if (flow !== null && comesOneByOne(flow)) return oneByOne(flow);
  const open = overview.runs.find(({ status, steps, stepsDone }) => status === "open" && stepsDone < steps);
  if (open !== undefined) {
    return `Nothing to do: ${name(open.name)} has ${number(open.stepsDone)} of ${count(open.steps, "step")}, and its client submits nothing now.`;
  }
  return `Idle: ${count(overview.workers.running, "worker")} with ${count(slots, "slot")}, and nothing to do.`;
};

/** One is submitted when the one before has ended. */
function comesOneByOne({ endedPerSecond, mostUnfinished }: Flow): boolean {
  return mostUnfinished <= 1 && endedPerSecond >= ONE_BY_ONE_PER_SECOND;
}

function oneByOne({ endedPerSecond }: Flow): string {
  return `Slots are idle: tasks come one by one, ${rate(endedPerSecond)} per second. Submit many before waiting for one.`;
}

/** Tasks that no worker could ever run wait without end, whatever the others do; what limits those is said, too. */
const impossible: Rule = (facts) => {
  const lines = facts.overview.queues.filter(({ asks, places, queued }) => places === 0 && queued > 0 && asks !== "");
  if (lines[0] === undefined) return null;
  const never = neverRun(lines[0]);
  const { overview } = facts;
  const queued = overview.tasks.queued - lines.reduce((sum, line) => sum + line.queued, 0);
  const queues = overview.queues.filter((line) => !lines.includes(line));
  const others = { ...facts, overview: { ...overview, queues, tasks: { ...overview.tasks, queued } } };
  const load = loadOf(others.overview);
  const said = load.unfinished > 0 ? limits.map((rule) => rule(others, load)).find((text) => text !== null) : null;
  const both = `${said} ${never}`;
  return said != null && both.length <= SENTENCE_UNITS ? both : never;
};

function neverRun(line: QueueLine): string {
  const { resources, workers } = asksOf(line);
  const tasks = counted(line.queued, "task", "wait");
  if (workers === null) return `${tasks} for ${name(resources, 60)}, and no worker has that.`;
  if (resources === "") return `${tasks} for ${workers}, and no such worker is there.`;
  return `${tasks} for ${name(resources, 40)} on ${workers}, and no such worker is there.`;
}

const schedulerBusy: Rule = ({ answerMs, flow }, { unfinished, idle }) => {
  if (answerMs < BUSY_MS || unfinished === 0 || flow === null) return null;
  if (flow.endedPerSecond + flow.submittedPerSecond < BUSY_PER_SECOND) {
    if (answerMs < LATE_MS) return null;
    return `The scheduler takes ${duration(answerMs / 1000)} to answer though it has little to do: its machine is busy with something else.`;
  }
  const advice = idle > 0 ? " Larger tasks would keep more slots busy." : "";
  return `The scheduler has too much to do: it takes ${duration(answerMs / 1000)} to answer, at ${rate(flow.endedPerSecond)} tasks per second.${advice}`;
};

const tinyTasks: Rule = ({ flow, overview }) => {
  if (flow === null || flow.computing === null || flow.taskSeconds === null) return null;
  if (flow.endedPerSecond < MANY_PER_SECOND || flow.taskSeconds >= TINY_SECONDS) return null;
  if (flow.computing >= LITTLE_COMPUTING) return null;
  const busiest = [...overview.functions].sort((a, b) => b.done - a.done)[0];
  const what = busiest === undefined ? "Tasks take" : `Tasks of ${name(busiest.name)} take`;
  return `${what} ${duration(flow.taskSeconds)} each, less than it costs to hand them out: give each more to do (${rate(flow.endedPerSecond)} per second now).`;
};

/** The longest line that a resource or a worker's name holds up, while slots are idle. */
const scarce: Rule = ({ overview: { queues } }, { idle }) => {
  if (idle === 0) return null;
  const line = queues.find(({ asks, places, running, queued }) => asks !== "" && queued > 0 && running >= places);
  if (line === undefined) return null;
  const { resources, workers } = asksOf(line);
  const tasks = counted(line.queued, "task", "wait");
  if (workers !== null) {
    const what = resources === "" ? workers : `${name(resources, 40)} on ${workers}`;
    return `${tasks} for ${what}; ${taken(line.places, "place")}.`;
  }
  const one = /^(\S+) 1$/.exec(resources)?.[1];
  if (one !== undefined) return `${tasks} for ${name(one)}; ${taken(line.places, name(one))}.`;
  return `${tasks} for ${name(resources, 60)}; ${taken(line.places, "place")}.`;
};

/** `2 GPUs, both busy`. */
function taken(places: number, noun: string): string {
  if (places === 1) return `the only ${noun} is busy`;
  return `${count(places, noun)}, ${places === 2 ? "both" : "all"} busy`;
}

/** `GPU 1, worker a or b` in its parts. */
function asksOf({ asks }: QueueLine): { readonly resources: string; readonly workers: string | null } {
  const at = asks.startsWith("worker ") ? 0 : asks.indexOf(", worker ");
  if (at < 0) return { resources: asks, workers: null };
  return { resources: asks.slice(0, at), workers: name(asks.slice(at).replace(/^, /, ""), 60) };
}

const memoryFull: Rule = ({ overview: { workers } }, { queued }) => {
  const there = workers.running + workers.paused;
  if (workers.paused === 0 || queued === 0) return null;
  return `${number(workers.paused)} of ${count(there, "worker")} ${is(workers.paused)} paused because memory is full; ${counted(queued, "task", "wait")}.`;
};

const slotsBusy: Rule = ({ overview, secondsLeft }, { queued, idle, slots, pending }) => {
  if (idle > 0 || queued === 0 || slots === 0) return null;
  const places = slots === 1 ? "" : ` of ${count(workersOf(overview), "worker")}`;
  const subject = `${all(slots, "slot")}${places} ${is(slots)} busy, ${count(pending, "task")} to come`;
  if (secondsLeft === null) return `${subject}: more workers would help.`;
  if (secondsLeft < LONG_LEFT) return `${subject}: about ${duration(Math.max(1, secondsLeft))} left.`;
  // What runs now has a slot already; what waits in line would find twice as many.
  const share = queued >= slots ? 0.5 : 1 - queued / (2 * slots);
  return `${subject}: with twice the workers about ${duration(secondsLeft * share)} instead of ${duration(secondsLeft)}.`;
};

function workersOf({ workers }: LimitFacts["overview"]): number {
  return workers.running + workers.paused + workers.retiring + workers.cut;
}

const transfers: Rule = ({ flow }, { active, runningTasks, idle }) => {
  const fetching = Math.min(active - runningTasks, idle);
  if (flow === null || flow.movedBytesPerSecond < MUCH_MOVED || fetching <= 0) return null;
  return `${counted(fetching, "task", "wait")} for data on the way: ${bytes(flow.movedBytesPerSecond)} per second move between workers.`;
};

const chain: Rule = ({ overview: { functions } }, { waiting, queued, active, busy, slots }) => {
  if (waiting === 0 || queued > 0 || (active > 0 && busy >= slots)) return null;
  if (active === 0)
    return `${counted(waiting, "task", "wait")}, and none can begin yet: for a retry, or for what their client still sends.`;
  const part = `${number(busy)} of ${count(slots, "slot")} busy: ${counted(waiting, "task", "wait")} for`;
  const holding = [...functions].filter((one) => one.active > 0).sort((a, b) => b.active - a.active)[0];
  if (holding === undefined) return `${part} the results of others.`;
  // Some of what was given to workers may wait there for the others.
  const running = Math.min(holding.active, Math.max(1, busy));
  if (running === 1) return `${part} the result of ${name(holding.name)}.`;
  return `${part} results of ${name(holding.name)}, of which ${number(running)} run.`;
};

const slowClient: Rule = ({ flow }, { pending, idle, busy, slots }) => {
  if (flow === null || pending > 0 || idle === 0 || flow.submittedPerSecond < 0.5) return null;
  if (comesOneByOne(flow)) return oneByOne(flow);
  return `${number(busy)} of ${count(slots, "slot")} busy: tasks are submitted more slowly (${rate(flow.submittedPerSecond)} per second) than the workers could do them.`;
};

const stragglers: Rule = ({ overview, running, quietSeconds }, { pending, active, idle }) => {
  if (pending > 0 || active === 0 || idle === 0) return null;
  const seconds = running[0]?.seconds ?? quietSeconds;
  if (seconds < LONG_SECONDS || active > Math.max(4, idle)) return null;
  const open = overview.runs.filter(({ counts }) => counts.total > counts.done + counts.failed + counts.cancelled);
  const of = open.length === 1 ? ` of ${name(open[0]!.name)}` : "";
  const longest = running[0];
  const fn = longest === undefined || longest.function === "" ? "" : `${name(longest.function)} `;
  const where = longest === undefined ? "" : `, ${active === 1 ? "" : "the longest "}${fn}on ${name(longest.worker)}`;
  const last = active === 1 ? `The last task${of} has` : `The last ${number(active)} tasks${of} have`;
  return `${last} run for ${duration(seconds)}${where}.`;
};

const rest: Rule = (_facts, { queued, active, busy, slots, pending, idle }) => {
  const part = `${number(busy)} of ${count(slots, "slot")} busy`;
  if (idle === 0) return `${all(slots, "slot")} ${is(slots)} busy, and nothing waits.`;
  if (queued > 0) return `${part}; ${count(pending, "task")} to come.`;
  if (active > busy) return `${part}; ${count(active - busy, "task")} to begin at their workers.`;
  return active === 1 ? `${part}: the only task runs.` : `${part}: all ${count(active, "task")} run.`;
};

const limits: readonly Rule[] = [
  ...[tinyTasks, schedulerBusy, scarce, memoryFull, slotsBusy, transfers, chain, slowClient, stragglers],
];

/** In the order in which they are asked. */
export const rules: readonly Rule[] = [nobodyThere, nothingToDo, impossible, ...limits, rest];
