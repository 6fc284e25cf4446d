// How actors begin and end. None is made again: its state is nowhere else.

import type { ActorEnded } from "@taskflock/protocol/words";
import { lossOf } from "./actors.ts";
import type { Core } from "./core.ts";
import { removeHolder } from "./holdings.ts";
import { end, failedWith } from "./lifecycle.ts";
import type { Session, Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { DONE, isActive, isPlaced } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Its task has finished there, and was counted out: what it asks for stays taken. */
export function actorMade(core: Core, task: Task, worker: Worker): void {
  const actor = core.actors.get(task)!;
  actor.worker = worker;
  worker.actors.add(task);
  for (const [name, amount] of task.options.lane.resources) worker.free.set(name, worker.free.get(name)! - amount);
  core.touchWorker(worker);
  core.actorsTouched.add(actor);
  core.happened("actorCreated", worker.name, `by ${task.session.name}`, keyOf(task));
}

/** The worker is gone, or is leaving. */
export function actorsLost(core: Core, worker: Worker, how: string): void {
  for (const task of [...worker.actors])
    if (task.state === DONE) lost(core, task, worker, `its worker ${worker.name} is gone (${how})`);
}

/** Its worker says that the actor's own thread or process is gone. */
export function actorEnded(core: Core, worker: Worker, { task: id, how }: ActorEnded): void {
  const task = core.taskById(id);
  if (task !== null && worker.holds.has(task) && task.state === DONE)
    lost(core, task, worker, `${how}, on worker ${worker.name}`);
}

function lost(core: Core, task: Task, worker: Worker, how: string): void {
  core.happened("actorLost", worker.name, how, keyOf(task));
  removeHolder(core, task, worker);
  end(core, task, failedWith(lossOf(task, how), worker.name, task.attempt));
}

/**
 * A client is gone, and its references with it. Calls that its actors' workers do not have yet are not made; those of an actor that
 * nobody else has are stopped, so that it can end. But calls that others refer to, or that a detached run holds, go on.
 */
export function callsAbandoned(core: Core, session: Session): void {
  for (const { task, lines, flying } of [...core.actors.values()]) {
    const line = lines.get(session);
    const waiting = line === undefined ? [] : line.calls.slice(line.head);
    // Also those of clients that went before, while this one still had the actor.
    const isOver = (of: Session): boolean => of === session || core.sessions.get(of.id) !== of;
    const given = task.refs > 0 ? [] : [...flying].filter((call) => isOver(call.session));
    for (const call of [...waiting, ...given]) {
      if (call.refs > 0) continue;
      const over = !isActive(call.state) || (isPlaced(call.state) && task.refs > 0);
      if (!over) end(core, call, { kind: "cancelled", reason: `its client ${session.name} is gone` });
    }
    if (!waiting.some(({ state }) => isActive(state))) lines.delete(session);
  }
}
