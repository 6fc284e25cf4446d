// The part of a client that names, copies and moves data on the cluster.

import { type DatasetFacts, FlockError, type HeldResults, type Moves } from "@taskflock/protocol/words";
import type { RebalanceOptions, ReplicateOptions } from "../data-moves.ts";
import { type Future, isFuture, noFuture, ownerOf } from "../future.ts";
import { loadSeldom } from "../load-session.ts";
import { type Checks, checkOptions, describe, flag, name as nameCheck } from "../option-checks.ts";
import { ownFutures } from "../own-futures.ts";
import { ClientWatch } from "./watch.ts";

export interface PublishOptions {
  /** Takes the name from what was published under it before. Default false. */
  readonly override?: boolean;
}

/** Data that is published. */
export interface DatasetInfo {
  readonly name: string;
  /** How many results it has. */
  readonly results: number;
  /** Of all its results that are done, together. */
  readonly bytes: number;
  /** The name of the client that published it. */
  readonly publishedBy: string;
  readonly publishedAt: Date;
}

const publishChecks: Checks<PublishOptions> = { override: flag };

/** Users hold a `Client`, which has more. */
export class ClientData extends ClientWatch {
  /**
   * Gives results a name under which every client has them: a future, or arrays, plain objects, maps and sets of futures and plain
   * values. The cluster keeps them until `unpublish`, also when this client is gone; what still runs goes on.
   *
   * Rejects with FLOCK_DATASET_EXISTS, FLOCK_RELEASED, FLOCK_ARGUMENT_INVALID, FLOCK_OPTION_INVALID, FLOCK_NOT_SERIALIZABLE and
   * FLOCK_TOO_LARGE (more than 1 MiB beside the futures).
   */
  async publish(name: string, value: unknown, options?: PublishOptions): Promise<void> {
    const { override = false } = checkOptions("publish", options, publishChecks);
    const session = this.open();
    const { publish } = await loadSeldom();
    await publish(session, datasetName("publish", name), value, override);
  }

  /**
   * What was published under a name, in its structure, with futures of this client. They keep the results like any others, also
   * after `unpublish`. Rejects with FLOCK_DATASET_UNKNOWN, which names those that there are.
   */
  async getDataset<T = unknown>(name: string): Promise<T> {
    const session = this.open();
    const { getDataset } = await loadSeldom();
    const [found] = await getDataset(session, datasetName("getDataset", name));
    return found as T;
  }

  /** Takes a name back: its results are dropped when no client has futures of them. Rejects with FLOCK_DATASET_UNKNOWN. */
  async unpublish(name: string): Promise<void> {
    const { questions } = this.open();
    const { version } = await questions.ask({ q: "dataset", name: datasetName("unpublish", name) });
    await questions.ask({ q: "unpublish", name, version });
  }

  /** All that is published, by any client. */
  async datasets(): Promise<readonly DatasetInfo[]> {
    const facts = await this.open().questions.ask({ q: "datasets" });
    return facts.map(toInfo);
  }

  /**
   * Makes copies of results, so that they survive the loss of workers and are read in several places. Waits for the tasks, and
   * resolves when the copies are there, or were refused, with both. Small results need none: the scheduler has them.
   *
   * Rejects with the first failure of a task, FLOCK_WORKER_UNKNOWN, FLOCK_OPTION_INVALID, FLOCK_ARGUMENT_INVALID, FLOCK_RELEASED.
   */
  async replicate(futures: unknown, options?: ReplicateOptions): Promise<Moves> {
    const session = this.open();
    return (await loadSeldom()).replicate(session, futures, options);
  }

  /**
   * Moves stored results, those of all clients or only these, until the workers store about as many bytes each. A copy is dropped
   * only when the other is there. Resolves when all moves are over, with what moved and what was refused.
   */
  async rebalance(futures?: unknown, options?: RebalanceOptions): Promise<Moves> {
    const session = this.open();
    return (await loadSeldom()).rebalance(session, futures, options);
  }

  /** By key of each future, the names of the workers that store its result; none when it is small, or not done. */
  async whoHas(futures: unknown): Promise<Record<string, readonly string[]>> {
    const session = this.open();
    return (await loadSeldom()).whoHas(session, futures);
  }

  /** By name of each worker (default: all), what it stores: how many results, bytes, and the keys of the 1,000 largest. */
  async hasWhat(workers: readonly string[] = []): Promise<Readonly<Record<string, HeldResults>>> {
    const session = this.open();
    return (await loadSeldom()).hasWhat(session, workers);
  }

  /**
   * Lets tasks run to their ends though their futures are released, or this client leaves. Resolves when the scheduler knows; it
   * need not be awaited. Failures go to the event log. Throws at once FLOCK_ARGUMENT_INVALID and FLOCK_RELEASED.
   */
  fireAndForget(futures: Future<unknown> | Iterable<Future<unknown>>): Promise<void> {
    const session = this.open();
    return session.fireAndForget(ownFutures("fireAndForget", session, futures));
  }
}

/** The same as `client.fireAndForget`, of the client that made the future. */
export function fireAndForget(future: Future<unknown>): Promise<void> {
  if (!isFuture(future)) throw noFuture("fireAndForget", future);
  return ownerOf(future).fireAndForget([future]);
}

function datasetName(where: string, name: unknown): string {
  const takes = nameCheck(name);
  if (takes === null) return name as string;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${where} takes a name, ${takes}, not ${describe(name)}.`);
}

function toInfo({ name, results, bytes, by, agoMs }: DatasetFacts): DatasetInfo {
  return { name, results, bytes, publishedBy: by, publishedAt: new Date(Date.now() - agoMs) };
}
