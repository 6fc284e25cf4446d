// What must hold between the records. Returns what does not, with the task's story, or null.

import { NO_PAYLOAD, TASK_SLOTS } from "@taskflock/protocol/words";
import { checkActors } from "./actor-invariants.ts";
import { checkAdmission } from "./admission.ts";
import type { Core } from "./core.ts";
import { checkEquipment } from "./equipment-invariants.ts";
import { checkKept } from "./kept-invariants.ts";
import { canEverRun, takesTasks } from "./lanes.ts";
import { checkMaking } from "./making.ts";
import { checkPage } from "./page-invariants.ts";
import { AHEAD, ANNOUNCED, APART, CALL, HELD, type Lane, LINEAGE, type Task } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { checkCopied } from "./replicas.ts";
import { checkUploads } from "./resend.ts";
import { amountIn } from "./resources.ts";
import { checkSavings } from "./saving.ts";
import { checkSecond } from "./second.ts";
import { checkShared } from "./shared-invariants.ts";
import {
  CANCELLED,
  DELAYED,
  DONE,
  FAILED,
  FREE,
  IDLE,
  isActive,
  isPlaced,
  QUEUED,
  RUNNING,
  STATE_COUNT,
  stateNames,
  UPLOADING,
  WAITING,
} from "./states.ts";
import { begun } from "./supply.ts";
import { checkTalk } from "./talk.ts";
import type { Worker } from "./worker-record.ts";

export function checkTouched(core: Core): string | null {
  for (const id of core.story.sinceMark()) {
    const task = core.taskById(id);
    const problem = task === null ? null : checkTask(core, task);
    if (problem !== null) return told(core, task!, problem);
  }
  return checkWork(core);
}

export function checkAll(core: Core): string | null {
  for (const task of core.slots) {
    const problem = task === null ? null : checkTask(core, task);
    if (problem !== null) return told(core, task!, problem);
  }
  for (const worker of core.workers.values()) {
    const problem = checkWorker(core, worker);
    if (problem !== null) return `worker ${worker.name}: ${problem}`;
  }
  return (
    checkWork(core) ??
    checkCounts(core) ??
    checkCopied(core) ??
    checkAdmission(core) ??
    checkEquipment(core) ??
    checkReferences(core) ??
    checkQueues(core) ??
    checkLanes(core) ??
    checkFunctions(core) ??
    checkActors(core) ??
    checkFailedCalls(core) ??
    checkShared(core) ??
    checkUploads(core) ??
    checkTalk(core) ??
    checkSavings(core) ??
    checkPage(core) ??
    checkKept(core) ??
    core.moved.check() ??
    core.places.check() ??
    core.details.check(new Set([...core.runs].map(({ id }) => id)))
  );
}

function told(core: Core, task: Task, problem: string): string {
  const lines = core.story.of(task.id).map((l) => `\n  ${l.at} #${l.cause} ${l.from} -> ${l.to} ${l.detail}`);
  return `task ${task.id} (${keyOf(task)}, ${stateNames[task.state]}): ${problem}. Its story:${lines.join("")}`;
}

function checkTask(core: Core, t: Task): string | null {
  const known = core.taskById(t.id);
  if (t.state === FREE) return known === null ? null : "forgotten, but its slot is not free";
  if (known !== t) return "its slot names another task";
  const refs = (t.flags & HELD) / HELD + (t.others?.size ?? 0);
  if (refs !== t.refs) return `counts ${t.refs} references, has ${refs}`;
  const runsOn = (t.flags & CALL) !== 0 && isActive(t.state);
  if (t.refs === 0 && t.needed === 0 && t.dependents.length === 0 && !runsOn)
    return "nobody refers to it, and it is not forgotten";
  const needed = t.dependents.filter((e) => isActive(e.dependent.state)).length;
  if (needed !== t.needed) return `counts ${t.needed} needs, has ${needed}`;
  if (t.dependents.some((e, i) => e.at !== i || e.dependency !== t)) return "an edge is misplaced";
  return checkProgress(t) ?? checkLimits(core, t) ?? checkResult(t) ?? checkLineage(core, t);
}

function checkProgress(t: Task): string | null {
  if (isActive(t.state)) {
    const missing = t.deps.filter((e) => e.dependency.state !== DONE).length;
    if (missing !== t.waitingOn) return `waits on ${t.waitingOn}, but ${missing} inputs are not done`;
    if ((t.flags & LINEAGE) === 0) return "is to be computed, without a function";
    if (t.state === WAITING && missing === 0) return "waits for nothing";
    if (t.state === QUEUED && missing > 0) return "queued without its inputs";
    if (t.refs === 0 && t.needed === 0 && (t.flags & CALL) === 0) return "is computed for nobody";
  }
  if (isPlaced(t.state) !== (t.worker !== null)) return "state and worker disagree";
  if ((t.state === QUEUED && (t.flags & APART) === 0) !== (t.queue !== null)) return "state and queue disagree";
  if (t.worker !== null && t.worker.assigned[t.index] !== t) return "its worker does not have it";
  if ((t.flags & AHEAD) !== 0 && t.state !== t.worker?.assigned[t.index]?.state) return "ahead of nothing";
  if ((t.state === UPLOADING) !== (t.upload !== null)) return "state and upload disagree";
  return checkSecond(t);
}

function checkLimits(core: Core, t: Task): string | null {
  const { deadlineMs, noWorkerTimeoutMs } = t.options.data;
  const due = deadlineMs > 0 && isActive(t.state) && (t.flags & ANNOUNCED) === 0;
  const [deadline, timer] = [t.uncommon?.deadline ?? null, t.uncommon?.stranded ?? null];
  if (due !== (deadline !== null && deadline.place >= 0)) return "state and deadline disagree";
  const inLine = t.state === QUEUED && (t.flags & CALL) === 0;
  const stranded = noWorkerTimeoutMs > 0 && inLine && !canEverRun(core, t.queue?.lane ?? t.options.lane);
  if (stranded !== (timer !== null && timer.place >= 0)) return "its wait for a worker has the wrong limit";
  if (stranded !== t.options.lane.stranded.has(t)) return "its lane does not know whether it waits for a worker";
  return null;
}

function checkResult(t: Task): string | null {
  const ended = t.state === FAILED || t.state === CANCELLED;
  if (ended !== (t.outcome !== null)) return "state and outcome disagree";
  if ((ended || t.state === IDLE) && t.holders.length > 0) return "its bytes are kept for nothing";
  if (t.state !== DONE && t.result !== NO_PAYLOAD) return "has a result, but is not done";
  if (t.state === DONE && t.result === NO_PAYLOAD && t.holders.length === 0) return "done, but the result is nowhere";
  if (t.result !== NO_PAYLOAD && t.holders.length > 0) return "its result is inline and stored";
  if (t.holders.some((h, i) => h.at !== i || h.worker.holds.get(t) !== h)) return "a holder does not hold it";
  return null;
}

/** Of what has ended only calls that failed keep it, while a client has them. */
function checkLineage(core: Core, t: Task): string | null {
  const has = (t.flags & LINEAGE) !== 0;
  if (!has && (t.deps.length > 0 || t.args !== NO_PAYLOAD)) return "keeps parts of its lineage";
  const kept = core.failedCalls.has(t);
  if (kept && (!has || t.state !== FAILED || t.refs === 0)) return "its call is kept for nothing";
  if (has && !kept && (t.state === FAILED || t.state === CANCELLED)) return "keeps lineage for nothing";
  return null;
}

function checkWorker(core: Core, w: Worker): string | null {
  let load = 0;
  for (const [i, task] of w.assigned.entries()) {
    if (task.worker !== w || task.index !== i) return `task ${task.id} is not its own`;
    load += task.cost;
  }
  let running = w.assigned.filter((t) => t.state === RUNNING).length;
  for (const task of w.seconds) {
    const second = task.uncommon?.second;
    if (second?.worker !== w) return `the second attempt of task ${task.id} is not its own`;
    load += second.cost;
    if (second.running) running++;
  }
  if (Math.abs(load - w.load) > 1) return `its load is ${w.load}, but its tasks come to ${load}`;
  if (running !== w.running) return `counts ${w.running} running, has ${running}`;
  const ahead = w.assigned.filter((t) => (t.flags & (AHEAD | APART)) !== 0).length;
  if (ahead !== w.ahead) return `counts ${w.ahead} ahead, has ${ahead}`;
  let stored = 0;
  for (const [task, holding] of w.holds) {
    if (holding.worker !== w || task.holders[holding.at] !== holding) return `its hold on ${task.id} is not known`;
    stored += task.bytes;
  }
  if (stored !== w.storedBytes) return `counts ${w.storedBytes} stored bytes, has ${stored}`;
  if (!takesTasks(w) && isOffered(w)) return "is offered tasks, but is cut, paused or on its way out";
  if (w.paused && w.lanes.size > 0) return "is paused, and lanes count on it";
  return checkResources(w) ?? checkMaking(w) ?? checkRoom(core, w);
}

function checkResources(w: Worker): string | null {
  for (const [name, total] of Object.entries(w.hello.resources)) {
    let used = 0;
    const all = [...w.assigned, ...w.actors, ...w.seconds];
    for (const task of new Set(all)) used += amountIn(task.options.data.resources, name);
    const free = w.free.get(name) ?? 0;
    if (free !== total - used) return `${name}: ${free} free of ${total}, but ${used} used`;
    if (free < 0) return `${name}: more given than there is`;
  }
  return null;
}

function isOffered(w: Worker): boolean {
  return w.resting || w.heapAt >= 0;
}

function checkRoom(core: Core, w: Worker): string | null {
  const isFull = w.assigned.length >= core.config.maxAssignedPerWorker;
  const hasRoom = takesTasks(w) && !isFull && begun(w) < w.slots;
  if (hasRoom && !isOffered(w)) return "a slot is free, unseen";
  if (hasRoom && core.open.count > 0) return "a slot is free, and tasks are queued that it could run";
  return null;
}

/** The lists that a step leaves behind are empty. */
function checkWork(core: Core): string | null {
  const { loose, lost, broken, candidates, relocate, dirty } = core;
  const left = loose.length + lost.length + broken.length + candidates.length + relocate.length + dirty.length;
  return left === 0 ? null : `${left} entries of work were left undone`;
}

function checkCounts(core: Core): string | null {
  const counts = new Array<number>(STATE_COUNT).fill(0);
  let inline = 0;
  let live = 0;
  for (const task of core.slots) {
    if (task === null) continue;
    live++;
    counts[task.state]!++;
    if (task.result !== NO_PAYLOAD) inline += task.bytes;
  }
  for (let state = IDLE; state < STATE_COUNT; state++) {
    if (counts[state] !== core.counts[state])
      return `counts ${core.counts[state]} ${stateNames[state]}, has ${counts[state]}`;
  }
  if (inline !== core.inlineBytes) return `counts ${core.inlineBytes} inline bytes, has ${inline}`;
  if (live + core.freeSlots.length !== core.slots.length) return "a slot is neither used nor free";
  if (core.slots.length > TASK_SLOTS) return "more slots than ids";
  if (core.counts[DELAYED]! > core.timers.size) return "a delayed task has no timer";
  return checkRuns(core);
}

function checkRuns(core: Core): string | null {
  for (const run of core.runs) {
    const own = core.slots.filter((t) => t !== null && t.run === run);
    const running = own.filter((t) => t!.state === RUNNING).length;
    const active = own.filter((t) => isPlaced(t!.state)).length;
    if (own.length !== run.tasks) return `run ${run.id} counts ${run.tasks} tasks, has ${own.length}`;
    if (running !== run.running) return `run ${run.id} counts ${run.running} running, has ${running}`;
    if (active !== run.active) return `run ${run.id} counts ${run.active} active, has ${active}`;
    if (run.done + run.failed + run.cancelled > run.total) return `run ${run.id} ended more tasks than it has`;
  }
  return null;
}

function checkReferences(core: Core): string | null {
  for (const run of core.progress)
    if (!core.runs.has(run)) return `the progress of run ${run.id}, which is gone, is to be said`;
  for (const session of core.sessions.values()) {
    for (const [n, task] of session.tasks) {
      if (core.taskById(task.id) !== task) return `session ${session.id} refers to a forgotten task as ${n}`;
      let refers = false;
      eachRef(task, (s, m) => {
        refers ||= s === session && m === n;
      });
      if (!refers) return `task ${task.id} does not know of reference ${n} of session ${session.id}`;
    }
  }
  for (const [key, task] of core.keys) {
    if (core.taskById(task.id) !== task || task.key !== key) return `the key ${key} names a forgotten task`;
  }
  return null;
}

function checkQueues(core: Core): string | null {
  let queued = 0;
  const lanes: Lane[] = [core.open, ...core.lanes.values()];
  for (const worker of core.workers.values()) lanes.push(worker.parked);
  for (const lane of lanes) {
    let count = 0;
    for (const queue of lane.active) {
      const live = new Set([...queue.sorted, ...queue.heap].filter((t) => t.queue === queue));
      if (live.size !== queue.count || queue.count === 0) return `a queue counts ${queue.count}, has ${live.size}`;
      count += queue.count;
    }
    if (count !== lane.count) return `a lane counts ${lane.count}, has ${count}`;
    for (const queue of lane.byRun.values()) {
      if (queue.count === 0 && !core.runs.has(queue.run))
        return `a lane keeps the queue of run ${queue.run.id}, which is gone`;
    }
    queued += count;
  }
  for (const t of core.slots) if (t !== null && t.state === QUEUED && (t.flags & APART) !== 0) queued++;
  return queued === core.counts[QUEUED] ? null : `${core.counts[QUEUED]} tasks are queued, but queues have ${queued}`;
}

/** Whoever names a lane keeps it; nobody else does. */
function checkLanes(core: Core): string | null {
  const users = new Map<Lane, number>();
  const use = (lane: Lane): unknown => users.set(lane, (users.get(lane) ?? 0) + 1);
  for (const session of core.sessions.values()) for (const { lane } of session.options.values()) use(lane);
  for (const task of core.slots) if (task !== null) use(task.options.lane);
  for (const lane of [core.open, ...core.lanes.values()]) {
    if (lane.users !== (users.get(lane) ?? 0))
      return `lane ${lane.key} counts ${lane.users} users, has ${users.get(lane) ?? 0}`;
    users.delete(lane);
    if (lane.users === 0 && lane !== core.open) return `lane ${lane.key} is kept for nobody`;
  }
  return users.size === 0 ? null : "a lane in use was forgotten";
}

function checkFunctions(core: Core): string | null {
  const uses = new Map<unknown, number>();
  const use = (record: unknown): void => {
    uses.set(record, (uses.get(record) ?? 0) + 1);
  };
  for (const session of core.sessions.values()) for (const d of session.functions.values()) use(d.record);
  for (const { functions } of core.equipment.gear.values()) for (const record of functions) use(record);
  for (const task of core.slots) {
    if (task === null || (task.flags & LINEAGE) === 0) continue;
    use(task.definition!.record);
    for (const d of task.functions) use(d.record);
  }
  for (const f of core.functions.values()) {
    if (f.uses !== (uses.get(f) ?? 0)) return `function ${f.hash} counts ${f.uses} uses, has ${uses.get(f) ?? 0}`;
  }
  return null;
}

function checkFailedCalls(core: Core): string | null {
  const { failedCalls, failedCallBytes } = core.config;
  let bytes = 0;
  for (const task of core.failedCalls) {
    if (core.taskById(task.id) !== task) return `the call of task ${task.id}, which is forgotten, is kept`;
    bytes += task.argsBytes;
  }
  if (bytes !== core.failedCallBytes) return `counts ${core.failedCallBytes} bytes of failed calls, has ${bytes}`;
  return core.failedCalls.size <= failedCalls && bytes <= failedCallBytes ? null : "too many failed calls are kept";
}
