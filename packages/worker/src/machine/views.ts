// What others may see of the worker's state: figures, and a digest for replays.

import { isFree, itemsOf } from "./records.ts";
import type { WorkerState } from "./state.ts";

export interface WorkerCounts {
  readonly waiting: number;
  readonly ready: number;
  /** Given to slots: batched, running or being stopped. */
  readonly inSlots: number;
  readonly freeSlots: number;
  readonly fetching: number;
  readonly toFetch: number;
  readonly stored: number;
  readonly storedBytes: number;
  /** Small results kept for attempts here. */
  readonly inline: number;
  readonly functions: number;
  readonly retiring: boolean;
}

export function countsOf(s: WorkerState): WorkerCounts {
  let stored = 0;
  let storedBytes = 0;
  let inline = 0;
  for (const datum of s.data.values()) {
    if (datum.state === "inline") inline++;
    if (datum.state !== "stored") continue;
    stored++;
    storedBytes += datum.bytes;
  }
  const [, waiting = 0, ready = 0, batched = 0, running = 0, doomed = 0, stopping = 0, ending = 0] = s.counts;
  return {
    waiting,
    ready,
    inSlots: batched + running + doomed + stopping + ending,
    freeSlots: s.slots.filter((slot) => isFree(slot)).length,
    fetching: s.fetching,
    toFetch: s.fetchQueue.size,
    stored,
    storedBytes,
    inline,
    functions: s.functions.size,
    retiring: s.retiring,
  };
}

export function digestOf(s: WorkerState): string {
  const parts: unknown[] = [
    s.version,
    s.arrivals,
    s.alarm,
    s.retiring,
    s.left,
    s.retireReason,
    s.snapshotDue,
    s.paused,
  ];
  for (const t of s.tasks.values())
    parts.push(t.assign.task, t.assign.attempt, t.state, t.slot, t.missing, t.stop, t.deadline, t.readyPlace);
  for (const d of s.data.values())
    parts.push(d.task, d.state, d.bytes, d.version, d.leases, d.waiters.size, d.holders.length, d.acquire, d.dropping);
  for (const actor of s.actors.values()) parts.push(actor.task, actor.ready.size);
  for (const slot of s.everySlot())
    parts.push(
      slot.batches.length,
      slot.ending,
      slot.shares.map(({ device, units }) => `${device}=${units}`).join(),
      itemsOf(slot)
        .map((i) => i.assign.task)
        .join(),
    );
  parts.push([...s.functions].join());
  for (const { gear, received, told } of s.equipment.values()) parts.push(gear, received, told);
  return fnv(parts.join());
}

/** 64 bits of FNV-1a in two halves, as hexadecimal digits. */
function fnv(text: string): string {
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i) ^ (a >>> 16), 0x01000193);
  }
  return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
}
