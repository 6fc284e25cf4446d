// A cluster on AWS, from a program: as `taskflock aws` starts it, and it adapts.

import {
  type Client,
  type ClientOptions,
  checkOptions,
  FlockError,
  integerFrom,
  type WorkerInfo,
} from "@taskflock/client";
import { Adaptive, type AdaptOptions, completeAdaptOptions, RunningAdaptive } from "../adaptive.ts";
import type { AwsFleet } from "./fleet.ts";
import { AwsSupplier } from "./supplier.ts";

const MOST_WORKERS = 500;

export interface AwsParts {
  readonly fleet: AwsFleet;
  readonly client: Client;
  /** What `close` does with the machines. */
  readonly ends: boolean;
}

/**
 * A scheduler and workers on machines of AWS's. One that was started by `start` is taken down by `close()`, or the end of the `await using`
 * block; one that was attached to goes on. A program that is killed leaves machines: they end when the cluster expires, or by
 * `taskflock aws down`.
 */
export class AwsCluster {
  /** As `taskflock aws` names it. */
  readonly name: string;
  readonly address: string;
  /** The status page. */
  readonly dashboardUrl: string;
  /** When AWS ends it in any case. */
  readonly expiresAt: Date;
  /** Private, so that a printed cluster does not show it. */
  readonly #parts: AwsParts;
  #adaptive: RunningAdaptive | null = null;
  #supplier: AwsSupplier | null = null;
  #closing: Promise<void> | null = null;

  /** Clusters come from `AwsCluster.start` and `AwsCluster.attach`. */
  constructor(parts: AwsParts) {
    const { fleet } = parts;
    this.#parts = parts;
    this.name = fleet.name;
    this.address = fleet.address;
    this.dashboardUrl = fleet.dashboardUrl;
    this.expiresAt = new Date(fleet.expiresAt);
  }

  /** A client of this cluster. Close it before the cluster. */
  connect(options?: Omit<ClientOptions, "token" | "tokenFile" | "tls">): Promise<Client> {
    return this.#parts.fleet.connect({ ...options });
  }

  /** The workers as the scheduler sees them. Rejects with FLOCK_CLOSED. */
  async workers(): Promise<readonly WorkerInfo[]> {
    this.#mustBeOpen();
    return this.#parts.client.workers();
  }

  /**
   * Starts machines, or retires the idlest workers and ends exactly their machines, until there are `count`; resolves when they have joined,
   * or ended. Ends what `adapt` began. Rejects with FLOCK_AWS_TOO_MANY, FLOCK_AWS_NOT_READY with what to look at, and FLOCK_AWS_….
   */
  async scale(count: number): Promise<void> {
    checkOptions("scale", { workers: count }, { workers: integerFrom(0, MOST_WORKERS) });
    await this.#adaptive?.stop();
    this.#mustBeOpen();
    await this.#parts.fleet.scale(count);
    await this.#parts.fleet.joined();
  }

  /**
   * From now on the cluster has as many workers as its work can use, as with `LocalCluster`. A machine takes minutes to come: the default of
   * `intervalMs` is 10,000, of `waitCount` 12. `maximum` is bounded by the profile's `workersMax`. A later call, or `scale`, ends this one.
   * Rejects with FLOCK_OPTION_INVALID and FLOCK_CLOSED.
   */
  async adapt(options: AdaptOptions): Promise<RunningAdaptive> {
    completeAdaptOptions(options);
    await this.#adaptive?.stop();
    this.#mustBeOpen();
    const { client, fleet } = this.#parts;
    const supplier = new AwsSupplier(client, fleet);
    this.#supplier = supplier;
    const adaptive = new Adaptive(supplier, { intervalMs: 10_000, waitCount: 12, ...options });
    this.#adaptive = new RunningAdaptive(adaptive, () => supplier.settled());
    return this.#adaptive;
  }

  /** Takes down what `start` started, and lets go of what `attach` attached to. Rejects with FLOCK_TERRAFORM_FAILED; then machines may be left. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { client, fleet, ends } = this.#parts;
    try {
      if (ends) this.#supplier?.abandon();
      // Whatever becomes of these two: machines that go on cost.
      await Promise.allSettled([this.#adaptive?.stop()]);
      await Promise.allSettled([client.close()]);
      if (ends) await fleet.down();
    } finally {
      await fleet.close();
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== null) throw new FlockError("FLOCK_CLOSED", "The cluster was closed.");
  }
}
