// Brings plugins and files to workers, part by part: the next part is sent when a worker has taken the last one in. A worker that joins,
// or comes back, gets no tasks before it has all of them.

import type { Equipped, GearKind, GearOutcome, SessionId, Snapshot } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Gear, GearErrand, Part } from "./equipment.ts";
import { ensureFunction, unuseFunction } from "./functions.ts";
import { joinLanes, takesTasks } from "./lanes.ts";
import type { QuestionAnswer } from "./records.ts";
import { reconsiderMoves } from "./retire.ts";
import { startWaitingUploads } from "./upload.ts";
import { answerWaiters } from "./waiters.ts";
import { isThere, WORKING, type Worker } from "./worker-record.ts";

/** An event's text and a notice quote what was thrown. */
const MAX_QUOTED = 500;

/** The kept and the new: it is brought to all workers that are there. Answered at once when there are none. */
export function keepGear(core: Core, gear: Gear): void {
  core.equipment.gear.set(gear.id, gear);
  for (const record of gear.functions) record.uses++;
  const { waiting } = gear.errand!;
  for (const worker of core.workers.values()) {
    if (!isThere(worker)) continue;
    waiting.add(worker);
    worker.gear.set(gear.id, 0);
    sendPart(core, worker, gear, 0);
  }
  conclude(core, gear);
}

/** Nobody is to have it any more. Whoever waits for it is told so. */
export function dropGear(core: Core, gear: Gear, why: string): void {
  core.equipment.gear.delete(gear.id);
  for (const worker of core.workers.values()) {
    if (worker.gear.delete(gear.id)) core.send(worker, { t: "unequip", gear: gear.id });
    if (!worker.equipped) lookAgain(core, worker);
  }
  for (const record of gear.functions) unuseFunction(core, record);
  freeParts(core, gear.parts);
  const { errand } = gear;
  gear.errand = null;
  if (errand === null) return;
  const code = gear.kind === "plugin" ? "FLOCK_PLUGIN_FAILED" : "FLOCK_FILE_FAILED";
  const message = `The ${gear.kind} "${gear.name}" was ${why} before all workers had it.`;
  say(core, errand.session, errand.id, { value: null, error: { code, message } });
}

export function freeParts(core: Core, parts: readonly Part[]): void {
  for (const { data, bytes } of parts) {
    core.equipment.bytes -= bytes;
    core.port.free(data);
  }
}

/** What a worker says of a part. */
export function onEquipped(core: Core, worker: Worker, { gear: id, part, slots, failure }: Equipped): void {
  const gear = core.equipment.gear.get(id);
  const taken = worker.gear.get(id);
  if (gear === undefined || taken === undefined) return;
  if (failure !== null) {
    worker.gear.set(id, gear.parts.length);
    const { errand } = gear;
    if (errand?.waiting.has(worker) === true) errand.failed.push({ worker: worker.name, ...failure });
    else failedLate(core, worker, gear, `${failure.name}: ${failure.message}`);
  } else if (part !== taken)
    return; // said before
  else if (part + 1 < gear.parts.length) {
    worker.gear.set(id, part + 1);
    sendPart(core, worker, gear, part + 1);
    return;
  } else {
    worker.gear.set(id, gear.parts.length);
    if (gear.errand?.waiting.has(worker) === true) gear.errand.workers[worker.name] = slots;
  }
  noLongerAwaited(core, worker, gear);
  if (!worker.equipped) lookAgain(core, worker);
}

/** Its link is up: what it lacks is sent, what it has for nothing is taken back. */
export function reconcileEquipment(core: Core, worker: Worker, snapshot: Snapshot): void {
  const there = new Map(snapshot.equipment.map(({ gear, parts }) => [gear, parts]));
  for (const id of there.keys()) if (!core.equipment.gear.has(id)) core.send(worker, { t: "unequip", gear: id });
  if (worker.status !== WORKING) return;
  for (const gear of core.equipment.gear.values()) {
    const arrived = there.get(gear.id) ?? 0;
    const taken = Math.min(worker.gear.get(gear.id) ?? 0, arrived);
    worker.gear.set(gear.id, taken);
    // What has arrived and was not taken in yet, it says.
    if (arrived === taken && taken < gear.parts.length) sendPart(core, worker, gear, taken);
  }
  worker.equipped = hasAll(core, worker);
}

/** It is cut off or gone: nobody waits for it. */
export function equipmentAway(core: Core, worker: Worker): void {
  for (const gear of [...core.equipment.gear.values()]) noLongerAwaited(core, worker, gear);
}

/** The question is asked again, and what it asked for is under way. */
export function isBeingKept(core: Core, session: SessionId, id: number): boolean {
  for (const { errand } of core.equipment.gear.values()) {
    if (errand !== null && errand.session === session && errand.id === id) return true;
  }
  return false;
}

export function say(core: Core, session: SessionId, id: number, said: QuestionAnswer): void {
  const known = core.sessions.get(session);
  if (known === undefined || known.isOrphan) return;
  core.kept.remember(session, id, said);
  answer(core, known, id, () => said);
}

function noLongerAwaited(core: Core, worker: Worker, gear: Gear): void {
  if (gear.errand?.waiting.delete(worker) === true) conclude(core, gear);
}

/** All workers that were there have answered. */
function conclude(core: Core, gear: Gear): void {
  const { errand, kind, name } = gear;
  if (errand === null || errand.waiting.size > 0) return;
  gear.errand = null;
  const { workers, failed } = errand;
  if (failed.length === 0) {
    for (const older of [...core.equipment.gear.values()]) {
      if (older.kind === kind && older.name === name && older.id < gear.id) dropGear(core, older, "replaced");
    }
    const text = `${name}: ${gear.bytes} bytes, on ${Object.keys(workers).length} workers`;
    core.happened(kind === "plugin" ? "pluginRegistered" : "fileUploaded", gear.by, text);
  } else {
    const first = failed[0]!;
    const text = `${name}: ${first.name}: ${first.message}`.slice(0, MAX_QUOTED);
    core.happened(failedEvent(kind), first.worker, `${text}; it is not kept`);
    dropGear(core, gear, "given up");
  }
  const value: GearOutcome = { workers, failed };
  say(core, errand.session, errand.id, { value, error: null });
}

/** On a worker that joined later, or in a slot that began later: the worker goes on without it. */
function failedLate(core: Core, worker: Worker, { kind, name }: Gear, why: string): void {
  const text = `${name}: ${why}`.slice(0, MAX_QUOTED);
  core.happened(failedEvent(kind), worker.name, text);
  const what = kind === "plugin" ? "The setup of plugin" : "The uploaded file";
  const said = `${what} ${text} (on ${worker.name}, which takes tasks without it).`;
  for (const session of core.sessions.values()) core.notice(session, said);
}

function failedEvent(kind: GearKind): "pluginFailed" | "fileFailed" {
  return kind === "plugin" ? "pluginFailed" : "fileFailed";
}

function sendPart(core: Core, worker: Worker, gear: Gear, part: number): void {
  const { id, kind, name, functions, parts } = gear;
  for (const record of functions) ensureFunction(core, worker, record);
  const { data, bytes } = parts[part]!;
  core.send(worker, {
    ...{ t: "equip", gear: id, kind, name, functions: functions.map((record) => record.id) },
    ...{ part, parts: parts.length, data, dataBytes: bytes },
  });
}

function hasAll(core: Core, worker: Worker): boolean {
  for (const gear of core.equipment.gear.values()) {
    if ((worker.gear.get(gear.id) ?? gear.parts.length) < gear.parts.length) return false;
  }
  return true;
}

/** Perhaps it has all now, and takes tasks. */
function lookAgain(core: Core, worker: Worker): void {
  if (!worker.up || !hasAll(core, worker)) return;
  worker.equipped = true;
  if (takesTasks(worker)) joinLanes(core, worker);
  core.touchWorker(worker);
  reconsiderMoves(core);
  startWaitingUploads(core);
  answerWaiters(core);
}

export function newErrand(session: SessionId, id: number): GearErrand {
  return { session, id, waiting: new Set(), workers: {}, failed: [] };
}
