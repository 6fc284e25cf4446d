// GPUs, and which attempt gets which. One that asks for some runs beside the numbered slots, in a slot of its own whose process sees
// just them. A slot that is through is kept, so that the next one that asks for the same finds a process that knows its devices; it is
// closed when others are to have a device that it sees: its process may hold memory there.

import { type Assign, RESOURCE_UNIT } from "@taskflock/protocol/words";
import { type Actor, isFree, newSlot, type Share, type Slot } from "./records.ts";
import { give } from "./slots.ts";
import type { WorkerState } from "./state.ts";

/** The most urgent first; it is not passed by others while it waits for devices, or it might wait for ever. */
export function fillDevices(s: WorkerState): void {
  if (s.paused !== null) return;
  for (let next = s.devicesWanted.peek(); next !== undefined; next = s.devicesWanted.peek()) {
    const shares = choose(s, next.assign.gpu);
    if (shares === null) return;
    s.devicesWanted.remove(next);
    give(s, slotWith(s, shares), [next]);
  }
}

/** False: there are not as many free now as the actor is to have, which keeps them as long as it lives. */
export function pinActor(s: WorkerState, { slot }: Actor, { gpu }: Assign): boolean {
  if (slot.shares.length > 0) return true;
  const shares = choose(s, gpu);
  if (shares === null) return false;
  closeIdle(s, shares, null);
  slot.shares = shares;
  s.port.pin(slot.index, devicesOf(shares));
  return true;
}

/** Whole devices, and, for what is left over, a share of one more: of the fullest that has room. Null: not now. */
function choose(s: WorkerState, units: number): Share[] | null {
  const free = freeUnits(s);
  const rest = units % RESOURCE_UNIT;
  const shares: Share[] = [];
  const order = [...free.keys()].sort(
    (a, b) => free[a]! - free[b]! || knows(s, b, units) - knows(s, a, units) || a - b,
  );
  if (rest > 0) {
    const device = order.find((one) => free[one]! >= rest);
    if (device === undefined) return null;
    shares.push({ device, units: rest });
  }
  for (const device of order) {
    if (shares.length === Math.ceil(units / RESOURCE_UNIT)) break;
    if (free[device] === RESOURCE_UNIT && device !== shares[0]?.device) shares.push({ device, units: RESOURCE_UNIT });
  }
  if (shares.length < Math.ceil(units / RESOURCE_UNIT)) return null;
  return shares.sort((a, b) => a.device - b.device);
}

/** 1: an idle slot that was given as much sees the device. */
function knows(s: WorkerState, device: number, units: number): number {
  for (const slot of s.deviceSlots.values()) {
    const given = slot.shares.reduce((sum, share) => sum + share.units, 0);
    if (given === units && isFree(slot) && slot.shares.some((share) => share.device === device)) return 1;
  }
  return 0;
}

/** Of each device: what nobody has at the moment. */
function freeUnits(s: WorkerState): number[] {
  const free = new Array<number>(s.config.devices).fill(RESOURCE_UNIT);
  const take = ({ shares }: Slot): void => {
    for (const { device, units } of shares) free[device] = free[device]! - units;
  };
  for (const slot of s.deviceSlots.values()) if (!isFree(slot)) take(slot);
  for (const { slot } of s.actorSlots.values()) take(slot);
  return free;
}

function slotWith(s: WorkerState, shares: readonly Share[]): Slot {
  const key = keyOf(shares);
  const known = [...s.deviceSlots.values()].find((slot) => isFree(slot) && keyOf(slot.shares) === key) ?? null;
  closeIdle(s, shares, key);
  if (known !== null) return known;
  const slot = newSlot(++s.lastSlot);
  slot.shares = shares;
  s.deviceSlots.set(slot.index, slot);
  s.port.pin(slot.index, devicesOf(shares));
  return slot;
}

/** Idle slots that see one of the devices go, but for those that are given just these shares. */
function closeIdle(s: WorkerState, shares: readonly Share[], key: string | null): void {
  const taken = new Set(devicesOf(shares));
  for (const [index, slot] of s.deviceSlots) {
    if (!isFree(slot) || keyOf(slot.shares) === key || !slot.shares.some(({ device }) => taken.has(device))) continue;
    s.deviceSlots.delete(index);
    s.port.closeSlot(index);
  }
}

function devicesOf(shares: readonly Share[]): number[] {
  return shares.map(({ device }) => device);
}

function keyOf(shares: readonly Share[]): string {
  return shares.map(({ device, units }) => `${device}=${units}`).join();
}

/** What does not add up, or null. */
export function checkDevices(s: WorkerState): string | null {
  const free = freeUnits(s);
  const over = free.findIndex((units) => units < 0);
  if (over >= 0) return `device ${over} is given out ${1 - free[over]! / RESOURCE_UNIT} times`;
  for (const [index, { shares, batches }] of s.deviceSlots) {
    if (index < s.config.slots || shares.length === 0) return `slot ${index} sees no device`;
    if (batches.length > 1) return `slot ${index}, which sees devices, has ${batches.length} batches`;
    const given = shares.reduce((sum, { units }) => sum + units, 0);
    const other = batches[0]?.items.find((item) => item.batch !== null && item.assign.gpu !== given);
    if (other !== undefined) return `slot ${index} was given ${given}, and runs what asks for ${other.assign.gpu}`;
  }
  const next = s.devicesWanted.peek();
  if (next === undefined || s.left || s.paused !== null) return null;
  return choose(s, next.assign.gpu) === null ? null : "devices are free, and wanted";
}
