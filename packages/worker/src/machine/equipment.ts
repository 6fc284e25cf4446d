// Plugins and files that every worker is to have: their parts are handed to the shell in order, each once.

import type { Equip, HeldGear, Unequip } from "@taskflock/protocol/words";
import type { WorkerEvent } from "./port.ts";
import type { WorkerState } from "./state.ts";

export interface Gear {
  readonly gear: number;
  readonly parts: number;
  /** Parts that have arrived. */
  received: number;
  /** Parts of which the scheduler was told that they were taken in; all of them after a failure. */
  told: number;
}

/** One that was said before, or follows on one that is missing, changes nothing: the next snapshot shows what is here. */
export function onEquip(s: WorkerState, message: Equip): void {
  const { gear, part, parts } = message;
  const known = s.equipment.get(gear);
  if (part === (known?.received ?? 0)) {
    if (known === undefined) s.equipment.set(gear, { gear, parts, received: 1, told: 0 });
    else known.received++;
    s.port.equip(message);
  }
  s.free(message.data);
}

export function onUnequip(s: WorkerState, { gear }: Unequip): void {
  if (s.equipment.delete(gear)) s.port.unequip(gear);
}

export function onEquipped(s: WorkerState, event: Extract<WorkerEvent, { e: "equipped" }>): void {
  const { gear, part, slots, failure } = event;
  const known = s.equipment.get(gear);
  if (known === undefined) return;
  if (failure !== null) known.received = known.parts;
  known.told = failure === null ? part + 1 : known.parts;
  s.send({ t: "equipped", gear, part, slots, failure });
}

export function heldGear(s: WorkerState): HeldGear[] {
  return [...s.equipment.values()].map(({ gear, received }) => ({ gear, parts: received }));
}

/** Lets everything go. */
export function dropEquipment(s: WorkerState): void {
  for (const gear of [...s.equipment.keys()].reverse()) s.port.unequip(gear);
  s.equipment.clear();
}

export function checkEquipment(s: WorkerState): string | null {
  for (const { gear, parts, received, told } of s.equipment.values()) {
    if (received < 1 || received > parts) return `has ${received} of ${parts} parts of equipment ${gear}`;
    if (told > received || told < received - 1) return `told ${told} of ${received} parts of equipment ${gear}`;
  }
  return null;
}
