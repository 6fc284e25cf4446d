// What must hold of plugins and uploaded files.

import type { Core } from "./core.ts";
import { isThere, type Worker } from "./worker-record.ts";

export function checkEquipment(core: Core): string | null {
  const { equipment } = core;
  let bytes = 0;
  for (const { id, functions, parts, errand } of equipment.gear.values()) {
    for (const part of parts) bytes += part.bytes;
    if (parts.length === 0) return `equipment ${id} has no parts`;
    if (functions.some((record) => record.uses === 0)) return `a function of equipment ${id} is forgotten`;
    if (errand === null) continue;
    if (errand.waiting.size === 0) return `equipment ${id} is awaited of nobody`;
    for (const worker of errand.waiting) {
      if (!worker.up || !core.workers.has(worker.id))
        return `equipment ${id} is awaited of ${worker.name}, which is away`;
      if ((worker.gear.get(id) ?? parts.length) === parts.length)
        return `${worker.name} has equipment ${id}, and is awaited`;
    }
  }
  for (const [session, drafts] of equipment.drafts) {
    if (!core.sessions.has(session)) return `session ${session}, which is gone, brings files`;
    for (const draft of drafts.values()) for (const part of draft.parts) bytes += part.bytes;
  }
  if (bytes !== equipment.bytes) return `equipment counts ${equipment.bytes} bytes, has ${bytes}`;
  for (const worker of core.workers.values()) {
    const problem = checkWorker(core, worker);
    if (problem !== null) return `${worker.name} ${problem}`;
  }
  return null;
}

function checkWorker(core: Core, worker: Worker): string | null {
  let lacks = false;
  for (const [id, taken] of worker.gear) {
    const gear = core.equipment.gear.get(id);
    if (gear === undefined) return `has equipment ${id}, which is forgotten`;
    if (taken > gear.parts.length) return `took ${taken} parts of equipment ${id}, which has ${gear.parts.length}`;
    // What is new does not keep it from taking tasks.
    if (taken < gear.parts.length && gear.errand === null) lacks = true;
  }
  if (!isThere(worker)) return null;
  for (const id of core.equipment.gear.keys()) if (!worker.gear.has(id)) return `was not sent equipment ${id}`;
  if (worker.equipped && lacks) return "takes tasks, and lacks what it is to have";
  const complete = [...core.equipment.gear.values()].every(({ id, parts }) => worker.gear.get(id) === parts.length);
  return !worker.equipped && complete ? "has all that it is to have, and takes no tasks" : null;
}
