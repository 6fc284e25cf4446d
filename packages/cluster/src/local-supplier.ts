// How a local cluster's workers are supplied and removed while it adapts.

import { type Client, FlockError, type ScaleAdvice, type ScaleDemand } from "@taskflock/client";
import type { Supplier } from "./adaptive.ts";
import type { CompleteOptions } from "./options.ts";
import { serves } from "./serves.ts";

/** A worker that is not seen for so long does not come back, milliseconds. */
const ABSENT_MS = 30_000;

/** What the cluster does for its supplier. */
export interface LocalWorkers {
  readonly options: CompleteOptions;
  /** Names of the workers whose processes, or nannies, run. */
  names(): readonly string[];
  /** Starts so many processes; resolves with the workers' names and, for each, a promise that rejects when it ends. */
  start(count: number): Promise<readonly { readonly name: string; readonly ended: Promise<never> }[]>;
}

export class LocalSupplier implements Supplier {
  readonly slotsPerWorker: number;
  readonly #client: Client;
  readonly #local: LocalWorkers;
  /** Told to leave. */
  readonly #leaving: Set<string> = new Set();
  readonly #lastSeenMs: Map<string, number> = new Map();

  constructor(client: Client, local: LocalWorkers) {
    this.#client = client;
    this.#local = local;
    this.slotsPerWorker = local.options.threadsPerWorker;
  }

  /** One that died is on its way: its nanny starts it again. */
  async workers(): Promise<readonly string[]> {
    const nowMs = performance.now();
    for (const { name, status } of await this.#client.workers()) {
      if (status === "retiring") this.#leaving.add(name);
      else this.#lastSeenMs.set(name, nowMs);
      // It was restarted, and is back.
      if (status === "running" || status === "paused") this.#leaving.delete(name);
    }
    const names = new Set(this.#local.names());
    for (const known of [this.#leaving, this.#lastSeenMs])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    return [...names].filter((name) => {
      const seenMs = this.#lastSeenMs.get(name) ?? nowMs;
      this.#lastSeenMs.set(name, seenMs);
      return !this.#leaving.has(name) && nowMs - seenMs < ABSENT_MS;
    });
  }

  async supply(count: number): Promise<void> {
    const { startTimeoutMs } = this.#local.options;
    const started = await this.#local.start(count);
    const joined = this.#client.scaling.joined(started.map(({ name }) => name));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `Workers that were started did not join within ${startTimeoutMs} ms.`;
      timer = setTimeout(() => reject(new FlockError("FLOCK_CLUSTER_START", message)), startTimeoutMs);
    });
    try {
      await Promise.race([joined, late, ...started.map(({ ended }) => ended)]);
    } finally {
      clearTimeout(timer);
      joined.catch(() => undefined); // the client may be closed while it waits
    }
    await this.#client.scaling.started(count, "there is work for them");
  }

  async remove(names: readonly string[], reason: string): Promise<readonly string[]> {
    const leaving = await this.#client.scaling.retireIdle(names, reason);
    for (const name of leaving) this.#leaving.add(name);
    return leaving;
  }

  advice(options: { readonly targetDurationMs: number; readonly slotsPerWorker: number }): Promise<ScaleAdvice> {
    return this.#client.scaling.advice(options);
  }

  /** All its workers are alike, but for GPUs: those of the machine are given out, and another worker brings none. */
  canServe(demand: ScaleDemand): boolean {
    return serves(this.#local.options.resources, demand);
  }
}
