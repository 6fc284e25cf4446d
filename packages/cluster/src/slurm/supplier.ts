// How a Slurm cluster's workers are supplied and removed while it adapts.

import type { Client, ScaleAdvice, ScaleDemand } from "@taskflock/client";
import type { Supplier } from "../adaptive.ts";
import { serves } from "../serves.ts";

/** What the cluster does for its supplier. */
export interface SlurmWorkers {
  readonly slots: number;
  readonly resources: Readonly<Record<string, number>>;
  /** Names of those that are there, or on their way, and are not leaving. */
  staying(): readonly string[];
  /** Of those, the ones that Slurm has not begun to run. */
  pending(): readonly string[];
  /** Submits so many more, and does not wait for them: a queue may be long. */
  submit(count: number): Promise<void>;
  /** Takes those of them out of Slurm's queue that wait in it still. */
  cancelPending(names: readonly string[]): Promise<void>;
  /** They were told to leave. */
  leave(names: readonly string[]): void;
}

export class SlurmSupplier implements Supplier {
  readonly slotsPerWorker: number;
  readonly #client: Client;
  readonly #slurm: SlurmWorkers;

  constructor(client: Client, slurm: SlurmWorkers) {
    this.#client = client;
    this.#slurm = slurm;
    this.slotsPerWorker = slurm.slots;
  }

  workers(): readonly string[] {
    return this.#slurm.staying();
  }

  async supply(count: number): Promise<void> {
    await this.#slurm.submit(count);
    await this.#client.scaling.started(count, "there is work for them");
  }

  async remove(names: readonly string[], reason: string): Promise<readonly string[]> {
    const pending = new Set(this.#slurm.pending());
    const waiting = names.filter((name) => pending.has(name));
    await this.#slurm.cancelPending(waiting);
    const rest = names.filter((name) => !pending.has(name));
    const leaving = rest.length === 0 ? [] : await this.#client.scaling.retireIdle(rest, reason);
    this.#slurm.leave(leaving);
    return [...waiting, ...leaving];
  }

  /** What waits in Slurm's queue may go first of all. */
  async advice(options: { readonly targetDurationMs: number; readonly slotsPerWorker: number }): Promise<ScaleAdvice> {
    const advice = await this.#client.scaling.advice(options);
    return { ...advice, mayGo: [...this.#slurm.pending(), ...advice.mayGo] };
  }

  /** All its workers are alike. */
  canServe(demand: ScaleDemand): boolean {
    return serves(this.#slurm.resources, demand);
  }
}
