// How workers on AWS are supplied and removed while a cluster adapts.

import type { Client, ScaleAdvice, ScaleDemand } from "@taskflock/client";
import type { Supplier } from "../adaptive.ts";
import { serves } from "../serves.ts";
import type { AwsFleet } from "./fleet.ts";

const RESOURCE_UNIT = 10_000;

export class AwsSupplier implements Supplier {
  readonly #client: Client;
  readonly #fleet: AwsFleet;
  /** Retired, and their machines are about to end. */
  readonly #leaving: Set<string> = new Set();
  /** Of the workers that were there last. */
  #slots = 1;
  #resources: Readonly<Record<string, number>>;
  #joined: ReadonlySet<string> = new Set();
  readonly #ending: Set<Promise<void>> = new Set();
  /** Resolves when nobody waits for those that end any more. */
  readonly #abandoned: Promise<void>;
  #abandon: () => void = () => undefined;

  constructor(client: Client, fleet: AwsFleet) {
    this.#abandoned = new Promise((resolve) => {
      this.#abandon = resolve;
    });
    this.#client = client;
    this.#fleet = fleet;
    this.#resources = fleet.resources;
  }

  get slotsPerWorker(): number {
    return this.#slots;
  }

  async workers(): Promise<readonly string[]> {
    const [members, workers] = await Promise.all([this.#fleet.members(), this.#client.workers()]);
    this.#joined = new Set(workers.map(({ name }) => name));
    const [first] = workers;
    if (first !== undefined) {
      this.#slots = first.slots;
      const amounts = Object.entries(first.resources).map(([name, amount]) => [name, amount / RESOURCE_UNIT]);
      this.#resources = Object.fromEntries(amounts);
    }
    const there = new Set(members);
    for (const name of this.#leaving) if (!there.has(name)) this.#leaving.delete(name);
    const retiring = new Set(workers.filter(({ status }) => status === "retiring").map(({ name }) => name));
    return members.filter((name) => !this.#leaving.has(name) && !retiring.has(name));
  }

  async supply(count: number): Promise<void> {
    const more = await this.#fleet.grow(count);
    if (more > 0) await this.#client.scaling.started(more, "there is work for them");
  }

  /** Machines on which no worker has joined yet go at once; of the others those that are idle still. */
  async remove(names: readonly string[], reason: string): Promise<readonly string[]> {
    const coming = names.filter((name) => !this.#joined.has(name));
    const there = names.filter((name) => this.#joined.has(name));
    const retired = there.length === 0 ? [] : await this.#client.scaling.retireIdle(there, reason);
    const leaving = [...coming, ...retired];
    for (const name of leaving) this.#leaving.add(name);
    // A worker may take its time to hand over what it holds; whoever cannot be ended is looked at again in a later round.
    const ended = this.#fleet
      .end(leaving)
      .catch(() => {
        for (const name of leaving) this.#leaving.delete(name);
      })
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    return leaving;
  }

  async advice(options: { readonly targetDurationMs: number; readonly slotsPerWorker: number }): Promise<ScaleAdvice> {
    const [advice, members] = await Promise.all([this.#client.scaling.advice(options), this.workers()]);
    return { ...advice, mayGo: [...members.filter((name) => !this.#joined.has(name)), ...advice.mayGo] };
  }

  /** All its workers are alike. */
  canServe(demand: ScaleDemand): boolean {
    return serves(this.#resources, demand);
  }

  /** Resolves when no machine is being ended any more, or with `abandon`. */
  async settled(): Promise<void> {
    await Promise.race([Promise.all(this.#ending), this.#abandoned]);
  }

  /** All machines are about to end: workers that retire still, which may take minutes, are waited for no more. */
  abandon(): void {
    this.#abandon();
  }
}
