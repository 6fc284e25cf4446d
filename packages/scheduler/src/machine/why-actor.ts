// Actors wait for no slot, and their calls for each other.

import type { WhyActor } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { ACTOR, CALL, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { isPlaced, QUEUED, WAITING } from "./states.ts";

/** Calls looked at. */
const LOOKS = 50_000;

export function actorOf(core: Core, task: Task): WhyActor | null {
  if ((task.flags & ACTOR) !== 0) return { key: keyOf(task), worker: worker(core, task), before: 0, given: 0 };
  const made = task.deps[0]?.dependency;
  if ((task.flags & CALL) === 0 || made === undefined) return null;
  const actor = core.actors.get(made);
  const line = actor?.lines.get(task.session);
  let before = 0;
  for (let i = line?.head ?? 0; line !== undefined && i < line.calls.length && i < line.head + LOOKS; i++) {
    const call = line.calls[i]!;
    if (call.seq < task.seq && (call.state === QUEUED || call.state === WAITING)) before++;
  }
  const given = [...(actor?.flying ?? [])].filter((call) => isPlaced(call.state) && call !== task).length;
  return { key: keyOf(made), worker: worker(core, made), before, given };
}

function worker(core: Core, made: Task): string {
  return (core.actors.get(made)?.worker ?? made.worker)?.name ?? "";
}
