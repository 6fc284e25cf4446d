// Actors that live here. Each has a slot of its own beside the numbered ones, and a queue: its calls run one at a time, in the order in
// which they became ready. It ends when the scheduler drops what its task made, or with its thread or process; its calls go with it.

import type { Assign, TaskId } from "@taskflock/protocol/words";
import { abandon } from "./attempts.ts";
import { tidy } from "./data.ts";
import { pinActor } from "./devices.ts";
import type { WorkerEvent } from "./port.ts";
import { type Actor, isFree, type TaskRecord } from "./records.ts";
import { give } from "./slots.ts";
import type { WorkerState } from "./state.ts";

export function isCall({ isolation }: Assign): boolean {
  return isolation === "call";
}

/** Gives each actor that is idle its next call. */
export function fillActors(s: WorkerState): void {
  for (const actor of s.actorsReady) {
    const next = isFree(actor.slot) ? actor.ready.peek() : undefined;
    // One that wants devices waits for them; they were counted out for it, so they will come.
    if (next !== undefined && (!s.wantsDevices(next.assign) || pinActor(s, actor, next.assign))) {
      actor.ready.remove(next);
      give(s, actor.slot, [next]);
    }
    if (actor.ready.size === 0) s.actorsReady.delete(actor);
  }
}

/** Its thread or process is gone, and its state with it. Nothing of it is put in its place. */
export function actorDied(s: WorkerState, actor: Actor, how: string): void {
  const { task } = actor;
  for (const call of callsOf(s, task)) abandon(s, call);
  const datum = s.data.get(task);
  if (datum?.state === "stored") {
    s.send({ t: "actorEnded", task, how });
    datum.dropping = true;
    datum.version = 0;
    tidy(s, datum);
  }
  s.closeActor(actor);
}

function callsOf(s: WorkerState, actor: TaskId): TaskRecord[] {
  return [...s.tasks.values()].filter(({ assign }) => isCall(assign) && assign.inputs[0]?.task === actor);
}

/** What the slot of an actor that has ended, or one that was closed, still says concerns nobody. */
export function isStray(s: WorkerState, event: WorkerEvent): boolean {
  if (!("slot" in event) || event.slot < s.config.slots) return false;
  if (s.actorSlots.has(event.slot) || s.deviceSlots.has(event.slot)) return false;
  if (event.e === "itemFailed") s.free(event.failure.error);
  else if (event.e === "itemsFinished") for (const { result } of event.items) s.free(result);
  return true;
}
