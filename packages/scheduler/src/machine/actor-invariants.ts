// What must hold of actors and their calls.

import type { Core } from "./core.ts";
import { canServe, hasFree, takesTasks } from "./lanes.ts";
import { ACTOR, CALL, LINEAGE, type Task } from "./records.ts";
import { CANCELLED, DONE, FAILED, isActive, isPlaced, QUEUED, WAITING } from "./states.ts";
import { WORKING } from "./worker-record.ts";

export function checkActors(core: Core): string | null {
  for (const task of core.slots) {
    const problem = task === null ? null : checkOne(core, task);
    if (problem !== null) {
      const story = core.story.of(task!.id).map((l) => `\n  ${l.at} #${l.cause} ${l.from} -> ${l.to} ${l.detail}`);
      return `task ${task!.id}: ${problem}. Its story:${story.join("")}`;
    }
  }
  for (const worker of core.workers.values()) {
    for (const task of worker.actors) {
      if (task.state === DONE ? !worker.holds.has(task) : task.worker !== worker)
        return `worker ${worker.name} counts actor ${task.id}, which it does not have`;
    }
  }
  for (const { task } of core.actors.values())
    if (core.taskById(task.id) !== task) return `actor ${task.id}, which is forgotten, is kept`;
  for (const lane of core.actorsWaiting.keys())
    for (const worker of core.workers.values())
      if (takesTasks(worker) && canServe(lane, worker) && hasFree(lane, worker))
        return `an actor waits, and ${worker.name} has a place for it`;
  return core.actorsTouched.size === 0 ? null : "actors were left unlooked at";
}

function checkOne(core: Core, task: Task): string | null {
  if ((task.flags & CALL) !== 0) return checkCall(core, task);
  if ((task.flags & ACTOR) === 0) return null;
  const actor = core.actors.get(task);
  const ended = task.state === FAILED || task.state === CANCELLED;
  if (ended !== (actor === undefined)) return "an actor's state and its record disagree";
  const waits = core.actorsWaiting.get(task.options.lane)?.has(task) === true;
  if (waits !== (task.state === QUEUED)) return "a queued actor is not among those that wait";
  if (task.state !== DONE) return null;
  if (task.holders.length !== 1) return `an actor lives at ${task.holders.length} workers`;
  if (task.holders[0]!.worker !== actor!.worker) return "an actor lives elsewhere";
  return actor!.worker!.actors.has(task) ? null : "its worker does not count it";
}

function checkCall(core: Core, call: Task): string | null {
  if (!isActive(call.state)) return (call.flags & LINEAGE) === 0 ? null : "a call that is over could be repeated";
  const actor = core.actors.get(call.deps[0]!.dependency);
  if (actor === undefined) return "a call of no actor";
  if (isPlaced(call.state)) {
    if (call.worker !== actor.worker) return "a call is at another worker than its actor";
    return actor.flying.has(call) ? null : "a call that was given out is not counted";
  }
  const line = actor.lines.get(call.session);
  const at = line?.calls.indexOf(call, line.head) ?? -1;
  if (call.state !== QUEUED && call.state !== WAITING) return null;
  if (at < 0) return "a call stands in no line";
  const { worker } = actor;
  const before = line!.calls.slice(line!.head, at).filter((t) => t.state === QUEUED || t.state === WAITING);
  const first = before.length === 0 && line!.behind === null && call.state === QUEUED;
  const idle =
    worker?.up === true && worker.status === WORKING && !worker.paused && worker.equipped && actor.flying.size === 0;
  return first && idle ? "a call waits for an actor that does nothing" : null;
}
