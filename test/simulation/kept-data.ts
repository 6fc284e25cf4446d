// Data that is a part of arguments: a modelled client keeps it for its tasks, and sends it again when it is lost.

import type { ClientToScheduler, Holder, TaskId } from "@taskflock/protocol/words";
import { type ClientTransfers, TRIES } from "./client-transfers.ts";
import type { ModelFuture } from "./model-future.ts";

/** What it needs of its client. */
export interface Keeper {
  readonly futures: ReadonlyMap<number, ModelFuture>;
  say(message: ClientToScheduler): void;
}

export class KeptData {
  readonly #client: Keeper;
  readonly #transfers: ClientTransfers;

  constructor(client: Keeper, transfers: ClientTransfers) {
    this.#client = client;
    this.#transfers = transfers;
  }

  /** A future that the client holds may have to be computed from the data again. */
  isNeeded({ plan: { spec } }: ModelFuture): boolean {
    if (!spec.kept) return false;
    for (const { plan, released } of this.#client.futures.values())
      if (!released && plan.spec.sources.has(spec)) return true;
    return false;
  }

  /** Of what the released future was made, the data that was to be let go of. */
  due({ plan }: ModelFuture): ModelFuture[] {
    if (plan.spec.sources.size === 0) return [];
    return [...this.#client.futures.values()].filter((f) => f.releaseDue && plan.spec.sources.has(f.plan.spec));
  }

  /** The client is gone, or lets go of its future. */
  letGo(futures: Iterable<ModelFuture>): void {
    for (const { plan } of futures) if (plan.spec.kept) plan.spec.history.letGo = true;
  }

  uploadTo(future: ModelFuture, task: TaskId, holders: readonly Holder[]): void {
    future.task = task;
    const isFirst = future.state === "pending";
    if (isFirst || (future.plan.spec.kept && !future.released && !this.#transfers.forgets())) {
      for (const holder of holders) this.#transfers.upload(future, task, holder, isFirst ? 0 : TRIES);
    } else {
      this.letGo([future]);
      this.#client.say({ t: "notKept", n: future.n });
    }
  }
}
