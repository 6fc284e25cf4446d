// Takes in what every worker is to have: plugins, which go to the slots, and files, which go to the disk.
import { type Equip, type GearFailure, NO_PAYLOAD, type PayloadStore } from "@taskflock/protocol";
import type { Logger } from "pino";
import type { WorkerFiles } from "./files.ts";
import type { FunctionLibrary } from "./function-library.ts";
import { failureOf } from "./slot/failure.ts";
import type { PluginTable } from "./slots/plugin-table.ts";

export interface EquipmentParts {
  readonly payloads: PayloadStore;
  readonly functions: FunctionLibrary;
  readonly plugins: PluginTable;
  readonly files: WorkerFiles;
  readonly logger: Logger;
  equipped(gear: number, part: number, slots: number, failure: GearFailure | null): void;
}

/** A plugin or file of the scheduler's; its number may mean another one after a restart of the scheduler, the object does not. */
interface Held {
  readonly kind: Equip["kind"];
  readonly name: string;
  /** The plugin's serial in the slots, or the file's own. */
  readonly serial: number;
}

export class WorkerEquipment {
  readonly #parts: EquipmentParts;
  readonly #held: Map<number, Held> = new Map();
  #lastFile = 0;

  constructor(parts: EquipmentParts) {
    this.#parts = parts;
  }

  /** Reads the payload during the call. */
  equip(message: Equip, worker: string): void {
    const bytes = message.data === NO_PAYLOAD ? new Uint8Array(0) : this.#parts.payloads.get(message.data).slice();
    if (message.kind === "plugin") this.#plug(message, bytes, worker);
    else void this.#write(message, bytes);
  }

  unequip(gear: number): void {
    const held = this.#held.get(gear);
    if (held === undefined) return;
    this.#held.delete(gear);
    if (held.kind === "plugin") {
      this.#parts.plugins.remove(held.serial);
      return;
    }
    try {
      this.#parts.files.remove(held.serial, held.name);
    } catch (error) {
      this.#parts.logger.warn({ err: error, file: held.name }, "an uploaded file could not be removed");
    }
  }

  #plug({ gear, name, functions }: Equip, data: Uint8Array, worker: string): void {
    const sent = functions.map((fn) => {
      const { number, name: called, code } = this.#parts.functions.get(fn);
      return { fn: number, name: called, code };
    });
    const serial = this.#parts.plugins.add({ name, worker, functions: sent, data }, ({ slots, failure }) => {
      if (failure !== null) this.#parts.logger.warn({ plugin: name, failure }, "the setup of a plugin failed");
      // Of a former scheduler's, or one that is gone, nobody wants to know.
      if (this.#held.get(gear)?.serial === serial) this.#parts.equipped(gear, 0, slots, failure);
    });
    this.#held.set(gear, { kind: "plugin", name, serial });
  }

  async #write({ gear, name, part, parts }: Equip, bytes: Uint8Array): Promise<void> {
    const held = this.#held.get(gear) ?? { kind: "file" as const, name, serial: ++this.#lastFile };
    this.#held.set(gear, held);
    const { files, logger } = this.#parts;
    try {
      await files.append(held.serial, part, bytes);
      if (this.#held.get(gear) !== held) files.drop(held.serial);
      else if (part + 1 === parts) files.place(held.serial, name);
    } catch (error) {
      logger.warn({ err: error, file: name }, "an uploaded file could not be written");
      files.drop(held.serial);
      if (this.#held.get(gear) === held) this.#parts.equipped(gear, part, 0, failureText(error));
      return;
    }
    if (this.#held.get(gear) === held) this.#parts.equipped(gear, part, 0, null);
  }
}

function failureText(error: unknown): GearFailure {
  const { name, message } = failureOf(error);
  return { name, message, stack: "" };
}
