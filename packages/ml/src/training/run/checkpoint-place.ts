// Where the checkpoints of a training lie: files of a storage, or bytes that the cluster keeps. One place belongs to one training.

import { FlockError } from "@taskflock/protocol/words";
import type { KeptBytes } from "../../executor.ts";
import type { Storage } from "../../storage/storage.ts";

/** The few methods that checkpoints need. A write is all or nothing. */
export interface CheckpointFiles {
  /** For people. */
  readonly where: string;
  write(name: string, bytes: Uint8Array): Promise<void>;
  read(name: string): Promise<Uint8Array>;
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

export function storedFiles(storage: Storage): CheckpointFiles {
  return {
    where: storage.url,
    write: (name, bytes) => storage.write(name, bytes),
    read: (name) => storage.read(name),
    list: async () => (await storage.list()).map(({ name }) => name),
    remove: (name) => storage.remove(name),
  };
}

export function keptFiles(kept: KeptBytes, prefix: string): CheckpointFiles {
  return {
    where: `the cluster's memory (dataset ${prefix}…)`,
    write: (name, bytes) => kept.write(prefix + name, bytes),
    read: (name) => kept.read(prefix + name),
    list: async () => (await kept.list(prefix)).map((name) => name.slice(prefix.length)),
    remove: (name) => kept.remove(prefix + name),
  };
}

/** What a checkpoint's name says. */
export interface CheckpointName {
  readonly name: string;
  /** Finished epochs, and finished batches of the one after them. */
  readonly epoch: number;
  readonly step: number;
  /** How often the training had gone on from a checkpoint. */
  readonly resumed: number;
}

const pattern = /^epoch-(\d{4,})\.step-(\d{8,})\.run-(\d+)\.checkpoint$/;

export function checkpointName(epoch: number, step: number, resumed: number): CheckpointName {
  const name = `epoch-${String(epoch).padStart(4, "0")}.step-${String(step).padStart(8, "0")}.run-${resumed + 1}.checkpoint`;
  return { name, epoch, step, resumed };
}

function parsed(name: string): CheckpointName | null {
  const found = pattern.exec(name);
  if (found === null) return null;
  return { name, epoch: Number(found[1]), step: Number(found[2]), resumed: Number(found[3]) - 1 };
}

const KEPT = 2;

export class CheckpointPlace {
  readonly #files: CheckpointFiles;
  readonly #warn: (message: string) => void;

  constructor(files: CheckpointFiles, warn: (message: string) => void) {
    this.#files = files;
    this.#warn = warn;
  }

  get where(): string {
    return this.#files.where;
  }

  /** The furthest first; of two equally far, the one of the later attempt. */
  async list(): Promise<readonly CheckpointName[]> {
    const names = (await this.#files.list()).map(parsed).filter((name) => name !== null);
    return names.sort((a, b) => b.epoch - a.epoch || b.step - a.step || b.resumed - a.resumed);
  }

  /** Makes sure that something can be written there, before hours go by. Rejects with the storage's error. */
  async probe(): Promise<void> {
    const name = ".taskflock-probe";
    await this.#files.write(name, new Uint8Array([1]));
    await this.#files.remove(name);
  }

  /** Then keeps the last two, and that of the best epoch. Rejects with the storage's error. */
  async write(name: CheckpointName, bytes: Uint8Array, bestEpoch: number | null): Promise<void> {
    await this.#files.write(name.name, bytes);
    try {
      const all = await this.list();
      const best = all.filter(({ epoch, step }) => epoch === bestEpoch && step === 0)[0];
      for (const old of all.slice(KEPT)) if (old !== best) await this.#files.remove(old.name);
    } catch (error) {
      this.#warn(`Older checkpoints in ${this.where} could not be removed: ${messageOf(error)}`);
    }
  }

  /**
   * The furthest checkpoint, or null when there is none at all. One that cannot be read, or that `check` throws for, is passed over with
   * a warning; when all are, rejects with what is wrong with the furthest.
   */
  async newest(check: (bytes: Uint8Array) => void): Promise<(CheckpointName & { readonly bytes: Uint8Array }) | null> {
    let first: unknown;
    const all = await this.list();
    for (const name of all) {
      try {
        const bytes = await this.#files.read(name.name);
        check(bytes);
        return { ...name, bytes };
      } catch (error) {
        first ??= error;
        this.#warn(`The checkpoint ${name.name} in ${this.where} is passed over: ${messageOf(error)}`);
      }
    }
    if (all.length > 0) throw first;
    return null;
  }

  async clear(): Promise<void> {
    for (const { name } of await this.list()) await this.#files.remove(name);
  }

  /** A fresh training does not mix its checkpoints with those of another. Throws FLOCK_OPTION_INVALID. */
  async ensureEmpty(): Promise<void> {
    const [found] = await this.list();
    if (found === undefined) return;
    const text = `${this.where} holds checkpoints of another training (${found.name}). Give resumeFrom: true to go on with that one, or another place.`;
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
