// Where actors are made, and which of their calls go to their workers.

import { type Actor, forgetWaiting, isOver, type Line, nextCall, takeCall } from "./actors.ts";
import { assign } from "./assign.ts";
import type { Core } from "./core.ts";
import { canServe, hasFree, takesTasks } from "./lanes.ts";
import type { Lane, Session } from "./records.ts";
import { isPlaced } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Calls of one actor that are at its worker: enough that it need not wait for the next. */
const MAX_FLYING = 16;

/** Before other tasks. An actor has a thread of its own, so it waits for no slot; only for what it asks for. */
export function dispatchActors(core: Core): void {
  if (core.placesChanged) for (const [lane, tasks] of core.actorsWaiting) place(core, lane, tasks);
  core.placesChanged = false;
  for (const actor of core.actorsTouched) giveOut(core, actor);
  core.actorsTouched.clear();
}

function place(core: Core, lane: Lane, tasks: ReadonlySet<Parameters<typeof assign>[1]>): void {
  for (const task of tasks) {
    const worker = emptiest(core, lane);
    if (worker === null) return;
    forgetWaiting(core, task);
    assign(core, task, worker);
    worker.actors.add(task);
  }
}

/** Of those that have what it asks for the one with the fewest actors, and with the least to do. */
function emptiest(core: Core, lane: Lane): Worker | null {
  let best: Worker | null = null;
  for (const worker of core.workers.values()) {
    core.looks++;
    if (!takesTasks(worker) || !canServe(lane, worker) || !hasFree(lane, worker)) continue;
    if (best === null || isEmptier(worker, best)) best = worker;
  }
  return best;
}

function isEmptier(a: Worker, b: Worker): boolean {
  return a.actors.size !== b.actors.size ? a.actors.size < b.actors.size : a.load / a.slots < b.load / b.slots;
}

/** The clients take turns. */
function giveOut(core: Core, actor: Actor): void {
  const { worker, flying, lines } = actor;
  if (worker === null || !takesTasks(worker)) return;
  for (const call of flying) if (!isPlaced(call.state)) flying.delete(call);
  for (const [session, line] of lines) {
    if (flying.size >= MAX_FLYING) return;
    if (giveOne(core, actor, worker, line)) takeTurn(lines, session, line);
    else if (isOver(line)) lines.delete(session);
  }
}

function giveOne(core: Core, { flying }: Actor, worker: Worker, line: Line): boolean {
  const call = nextCall(line);
  if (call === null) return false;
  takeCall(line, call);
  flying.add(call);
  assign(core, call, worker);
  return true;
}

/** It comes again in the same round, after the others. */
function takeTurn(lines: Map<Session, Line>, session: Session, line: Line): void {
  lines.delete(session);
  lines.set(session, line);
}
