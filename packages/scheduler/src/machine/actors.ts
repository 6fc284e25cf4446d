// Actors: objects that live at one worker, and whose calls run there one at a time.
//
// An actor is the result of a task, held by the worker that made it, as data is: it lives while somebody refers to it or a call of it is
// not over, and its worker is told to drop it then. But it cannot be copied, moved or made again, and it keeps what it asked for of the
// worker's resources. A call is a task whose first input is the actor. Those of one client stand in a line, in the order in which they
// were made, and the first is given out when its inputs are there.

import { type Failure, NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { noticeNobody } from "./lanes.ts";
import { ACTOR, CALL, type Options, type Session, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { DELAYED, isPlaced, QUEUED, WAITING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

export interface Actor {
  readonly task: Task;
  /** Where it lives; null until it is made. */
  worker: Worker | null;
  /** Calls that are at its worker. */
  readonly flying: Set<Task>;
  readonly lines: Map<Session, Line>;
}

/** The calls of one client. */
export interface Line {
  /** Not given out yet, in the order of their submission; those that have ended are passed over. */
  calls: Task[];
  head: number;
  /** A call that was given out and may come back for want of an input: none behind it is given out before it is over. */
  behind: Task | null;
}

/** The flag of a task with these options; 0 for all that are neither actors nor calls. */
export function apartOf({ data }: Options): number {
  const { isolation } = data;
  if (isolation === "thread" || isolation === "process") return 0;
  return isolation === "call" ? CALL : ACTOR;
}

/** Null, or what is wrong: only a call may have an actor among its inputs, and it must be the first. */
export function checkActors(inputs: readonly Task[] | number, { data }: Options): string | null {
  if (typeof inputs === "number") return null;
  const isCall = data.isolation === "call";
  if (isCall && ((inputs[0]?.flags ?? 0) & ACTOR) === 0) return "it is a call, and its first input is no actor";
  for (let i = isCall ? 1 : 0; i < inputs.length; i++)
    if ((inputs[i]!.flags & ACTOR) !== 0) return `its input ${keyOf(inputs[i]!)} is an actor, which is no data`;
  return null;
}

export function openActor(core: Core, task: Task): void {
  core.actors.set(task, { task, worker: null, flying: new Set(), lines: new Map() });
}

/** It has ended, or was never made; its calls have ended before. */
export function closeActor(core: Core, task: Task): void {
  const actor = core.actors.get(task);
  if (actor === undefined) return;
  core.actors.delete(task);
  core.actorsTouched.delete(actor);
  forgetWaiting(core, task);
}

/** The task (state `QUEUED` or `WAITING`) is to be given out when its turn comes. */
export function standBy(core: Core, task: Task): void {
  if ((task.flags & CALL) !== 0) lineUp(core, task);
  else if (task.state === QUEUED) {
    const { lane } = task.options;
    const waiting = core.actorsWaiting.get(lane) ?? new Set();
    core.actorsWaiting.set(lane, waiting.add(task));
    core.placesChanged = true;
    noticeNobody(core, task);
  }
}

/** It is not (state `QUEUED`) to be given out any more, or not yet. A call keeps its place in the line. */
export function standAside(core: Core, task: Task): void {
  if ((task.flags & ACTOR) !== 0) forgetWaiting(core, task);
}

export function forgetWaiting(core: Core, task: Task): void {
  const { lane } = task.options;
  const waiting = core.actorsWaiting.get(lane);
  if (waiting?.delete(task) === true && waiting.size === 0) core.actorsWaiting.delete(lane);
}

/** A call that comes back from the worker goes where it was. */
function lineUp(core: Core, task: Task): void {
  const actor = core.actors.get(task.deps[0]!.dependency);
  if (actor === undefined) return;
  core.actorsTouched.add(actor);
  const line = lineOf(actor, task.session);
  const { calls } = line;
  const last = calls.at(-1);
  if (line.head === calls.length || last!.seq < task.seq) calls.push(task);
  else insert(line, task);
}

function lineOf(actor: Actor, session: Session): Line {
  let line = actor.lines.get(session);
  if (line === undefined) {
    line = { calls: [], head: 0, behind: null };
    actor.lines.set(session, line);
  }
  return line;
}

function insert(line: Line, task: Task): void {
  const { calls } = line;
  let low = line.head;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (calls[middle]!.seq < task.seq) low = middle + 1;
    else high = middle;
  }
  if (calls[low] === task) return;
  if (low === line.head && low > 0) calls[--line.head] = task;
  else calls.splice(low, 0, task);
}

/** The call that the line would give out next, if its inputs are there; null otherwise. */
export function nextCall(line: Line): Task | null {
  const { behind, calls } = line;
  if (behind !== null) {
    if (isPlaced(behind.state) || behind.state === DELAYED) return null;
    line.behind = null;
  }
  while (line.head < calls.length && !stands(calls[line.head]!)) line.head++;
  const first = calls[line.head];
  if (first === undefined) {
    line.calls = [];
    line.head = 0;
    return null;
  }
  if (line.head > 256 && line.head * 2 > calls.length) {
    line.calls = calls.slice(line.head);
    line.head = 0;
  }
  return first.state === QUEUED ? first : null;
}

/** `nextCall` goes to the worker. */
export function takeCall(line: Line, call: Task): void {
  line.head++;
  // An input that travels may get lost on its way.
  if (call.deps.some(({ dependency }, i) => i > 0 && dependency.result === NO_PAYLOAD)) line.behind = call;
}

function stands({ state }: Task): boolean {
  return state === QUEUED || state === WAITING;
}

/** True when the line need not be kept. */
export function isOver(line: Line): boolean {
  return line.head === line.calls.length && line.behind === null;
}

/**
 * A call that nobody wants the result of runs all the same while its client is there; after that what the worker has of it, if others
 * have the actor.
 */
export function mustRun(core: Core, call: Task): boolean {
  if (core.sessions.get(call.session.id) === call.session) return true;
  return isPlaced(call.state) && call.deps[0]!.dependency.refs > 0;
}

/** Its worker has it no more: what it held of the worker's resources is free. */
export function actorLeft(core: Core, task: Task, worker: Worker): void {
  if (!worker.actors.delete(task)) return;
  core.placesChanged = true;
  for (const [name, amount] of task.options.lane.resources) worker.free.set(name, worker.free.get(name)! + amount);
  core.touchWorker(worker);
}

/** What somebody hears who asks where an actor's bytes are. */
export function noData(task: Task): Failure {
  const text = `${keyOf(task)} is an actor, which is no data: it has no result to fetch. Call its methods, with the handle that client.actor gives.`;
  return {
    code: "FLOCK_ARGUMENT_INVALID",
    name: "FlockError",
    message: text.slice(0, 4096),
    error: NO_PAYLOAD,
    errorBytes: 0,
  };
}

/** Why an actor, or the result of a call that was stored with it, is gone. */
export function lossOf(task: Task, how: string): Failure {
  const key = keyOf(task);
  const text =
    (task.flags & ACTOR) !== 0
      ? `The actor ${key} is gone, with its state: ${how}. What it was called for and gave no result may have run or not. Create it anew.`
      : `The result of ${key} was lost with the worker that held it, and a call of an actor is never repeated.`;
  const code = (task.flags & ACTOR) !== 0 ? "FLOCK_ACTOR_LOST" : "FLOCK_DATA_LOST";
  return { code, name: "FlockError", message: text.slice(0, 4096), error: NO_PAYLOAD, errorBytes: 0 };
}
