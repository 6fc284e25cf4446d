// The plugins of a worker, and which of its slots have them. A slot's thread or process gets them when it begins, before its first
// batch, and later ones in order with its batches.
import type { GearFailure } from "@taskflock/protocol";
import type { SlotPlugin } from "../slot/equipment.ts";
import type { Executor } from "./executor.ts";

export interface PluginReport {
  /** In how many slots the setup ran. */
  readonly slots: number;
  readonly failure: GearFailure | null;
}

interface Entry {
  readonly plugin: SlotPlugin;
  /** Those that have not answered. */
  readonly open: Set<Executor>;
  slots: number;
  failure: GearFailure | null;
  reported: boolean;
  readonly report: (report: PluginReport) => void;
}

export class PluginTable {
  /** By serial, in the order in which they came. */
  readonly #entries: Map<number, Entry> = new Map();
  readonly #executors: Set<Executor> = new Set();
  #serial = 0;

  /** There were plugins: slots may have something to take down. */
  get wasUsed(): boolean {
    return this.#serial > 0;
  }

  /** `report` is called when all slots that there are have answered, and again when one that begins later fails. Returns its serial. */
  add(plugin: Omit<SlotPlugin, "serial">, report: (report: PluginReport) => void): number {
    const serial = ++this.#serial;
    const open = new Set(this.#executors);
    const entry: Entry = {
      plugin: { ...plugin, serial },
      open,
      slots: 0,
      failure: null,
      reported: false,
      report,
    };
    this.#entries.set(serial, entry);
    for (const executor of open) executor.plug(entry.plugin);
    this.#look(entry);
    return serial;
  }

  remove(serial: number): void {
    if (!this.#entries.delete(serial)) return;
    for (const executor of this.#executors) executor.unplug(serial);
  }

  /** It has been made, and was given nothing yet. */
  begun(executor: Executor): void {
    this.#executors.add(executor);
    for (const entry of this.#entries.values()) {
      entry.open.add(executor);
      executor.plug(entry.plugin);
    }
  }

  plugged(executor: Executor, serial: number, failure: GearFailure | null): void {
    const entry = this.#entries.get(serial);
    if (entry === undefined || !entry.open.delete(executor)) return;
    if (failure === null) entry.slots++;
    else if (entry.reported) entry.report({ slots: entry.slots, failure });
    else entry.failure ??= failure;
    this.#look(entry);
  }

  /** It takes nothing any more. */
  ended(executor: Executor): void {
    if (!this.#executors.delete(executor)) return;
    for (const entry of this.#entries.values()) {
      entry.open.delete(executor);
      this.#look(entry);
    }
  }

  #look(entry: Entry): void {
    // Without a single slot it waits for one: a slot that is being replaced is about to come.
    if (entry.reported || entry.open.size > 0 || this.#executors.size === 0) return;
    entry.reported = true;
    entry.report({ slots: entry.slots, failure: entry.failure });
  }
}
