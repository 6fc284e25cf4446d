// The link to the scheduler: what is told when it comes back, and how everything is let go.

import type { Snapshot } from "@taskflock/protocol/words";
import { abandon } from "./attempts.ts";
import { stopSeeking } from "./data.ts";
import { dropEquipment, heldGear } from "./equipment.ts";
import type { WorkerEvent } from "./port.ts";
import type { TaskRecord } from "./records.ts";
import { DOOMED, ENDING, firstOf, itemsOf, RUNNING, STOPPING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";

export function onLinkUp(s: WorkerState, event: Extract<WorkerEvent, { e: "linkUp" }>): void {
  if (s.left) return;
  if (event.fresh) {
    dropAll(s);
    if (s.retiring) s.port.retiring(false);
    s.retiring = false;
    s.snapshotDue = true;
  } else if (!s.snapshotDue && !event.snapshotPending) sendSnapshot(s);
}

/** A scheduler that knows nothing of this worker is answered once nothing of its predecessor's runs: ids may mean other tasks now. */
export function sayFirstSnapshot(s: WorkerState): void {
  if (!s.snapshotDue || isRunning(s)) return;
  s.snapshotDue = false;
  sendSnapshot(s);
  if (s.retireReason !== null) s.send({ t: "wantsToRetire", reason: s.retireReason });
  if (s.paused !== null) s.send({ t: "pausing", paused: true, reason: s.paused });
}

function isRunning(s: WorkerState): boolean {
  for (const slot of s.everySlot()) if (firstOf(slot) !== undefined) return true;
  return false;
}

export function onRetireWanted(s: WorkerState, event: Extract<WorkerEvent, { e: "retireWanted" }>): void {
  if (s.retireReason !== null) return;
  s.retireReason = event.reason;
  if (!s.snapshotDue) s.send({ t: "wantsToRetire", reason: event.reason });
}

export function onPausing(s: WorkerState, { paused, reason }: Extract<WorkerEvent, { e: "pausing" }>): void {
  if (paused === (s.paused !== null)) return;
  s.paused = paused ? reason : null;
  if (!s.snapshotDue && !s.left) s.send({ t: "pausing", paused, reason });
}

/** In parts, each well below the limit of a frame. */
function sendSnapshot(s: WorkerState): void {
  const whole = snapshot(s);
  const { maxSnapshotHolds } = s.config;
  let from = 0;
  for (; whole.holds.length - from > maxSnapshotHolds; from += maxSnapshotHolds)
    s.send({ t: "snapshotPart", holds: whole.holds.slice(from, from + maxSnapshotHolds) });
  s.send({ ...whole, holds: whole.holds.slice(from) });
}

export function snapshot(s: WorkerState): Snapshot {
  const holds: Snapshot["holds"][number][] = [];
  const expects: Snapshot["expects"][number][] = [];
  for (const datum of s.data.values()) {
    if (datum.state === "expected") expects.push(datum.task);
    if (datum.state === "stored" && !datum.dropping)
      holds.push({ task: datum.task, bytes: datum.bytes, version: datum.version });
  }
  const tasks: Snapshot["tasks"][number][] = [];
  for (const { assign, state } of s.tasks.values()) {
    const running = state === RUNNING || state === STOPPING || state === ENDING;
    tasks.push({ task: assign.task, attempt: assign.attempt, running });
  }
  return { t: "snapshot", holds, tasks, functions: [...s.functions.keys()], expects, equipment: heldGear(s) };
}

/** The scheduler sends nothing more. */
export function leave(s: WorkerState, restart: boolean): void {
  dropAll(s);
  s.left = true;
  s.port.leave(restart);
}

/** Lets everything go. What runs is ended; its bytes are freed when its slot says so. */
function dropAll(s: WorkerState): void {
  for (const task of [...s.tasks.values()]) abandon(s, task);
  for (const slot of [...s.everySlot()]) endAbandoned(s, itemsOf(slot));
  const actors = new Set(s.actors.keys());
  for (const actor of [...s.actorSlots.values()]) if (firstOf(actor.slot) === undefined) s.closeActor(actor);
  s.lost.length = 0;
  for (const datum of s.data.values()) {
    const hasBytes = datum.state === "stored" && !actors.has(datum.task);
    if (hasBytes || datum.state === "expected") s.port.dropStored(datum.task);
    stopSeeking(s, datum);
    datum.acquire = false;
    datum.dropping = false;
    // what an abandoned attempt still reads is freed at its end
    if (datum.leases === 0) s.free(datum.inline);
  }
  s.data.clear();
  for (const [fn, code] of s.functions) {
    s.port.forgetFunction(fn);
    s.free(code);
  }
  s.functions.clear();
  s.large.clear();
  dropEquipment(s);
}

function endAbandoned(s: WorkerState, items: readonly TaskRecord[]): void {
  for (const item of items) if (item.state === DOOMED || item.state === STOPPING) move(s, item, ENDING);
}
