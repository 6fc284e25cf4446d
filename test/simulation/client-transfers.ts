// How a modelled client gets results from workers, and brings data to them: any of it may fail half-way.

import type { ClientToScheduler, Holder, TaskId } from "@taskflock/protocol/words";
import { isRelayed } from "@taskflock/protocol/words";
import type { ModelFuture } from "./model-future.ts";
import type { Content } from "./payloads.ts";
import type { Random } from "./random.ts";
import type { WorkerSurroundings } from "./worker-process.ts";

/** How often a client tries to give a worker what it is to send again. */
export const TRIES = 20;

/** What it needs of its client. */
export interface Receiver {
  readonly name: string;
  readonly isAlive: boolean;
  say(message: ClientToScheduler): void;
  got(future: ModelFuture, content: Content): void;
}

export class ClientTransfers {
  readonly #client: Receiver;
  readonly #around: WorkerSurroundings;
  readonly #random: Random;

  constructor(client: Receiver, around: WorkerSurroundings, random: Random) {
    this.#client = client;
    this.#around = around;
    this.#random = random;
  }

  /** Tries the holders one after the other. */
  fetch(future: ModelFuture, task: TaskId, holders: readonly Holder[]): void {
    const [holder, ...others] = holders;
    if (holder === undefined || !this.#wants(future)) return;
    const relayed = isRelayed(holder.address);
    transfer(this.#around, this.#random, { reader: this.#client.name, holder, task, relayed }, (content, why) => {
      if (!this.#wants(future)) return;
      if (content !== null) this.#client.got(future, content);
      else if (others.length > 0) this.fetch(future, task, others);
      else {
        const reason = why === "unreachable" ? "unreachable" : "gone";
        const { worker, version } = holder;
        this.#client.say({ t: "unavailable", n: future.n, holder: worker, version, why: reason });
      }
    });
  }

  #wants(future: ModelFuture): boolean {
    return this.#client.isAlive && !future.released && future.value === null;
  }

  /** A client lets go of data that it keeps, when there is too much of it. */
  forgets(): boolean {
    return this.#around.transferTrouble() > 0 && this.#random.chance(0.3);
  }

  /**
   * The receiver may learn of it much later than the client does, so it is tried as long as there is no outcome; `tries`: of data that is
   * sent again, so often.
   */
  upload(future: ModelFuture, task: TaskId, holder: Holder, tries = 0): void {
    this.#around.world.after(this.#random.skewed(100, 10_000), () => {
      if (!this.#client.isAlive || future.released || (tries === 0 && future.state !== "pending")) return;
      const { value, bytes } = future.plan.spec;
      const worker = this.#around.workerAt(holder.worker);
      const relayed = isRelayed(holder.address);
      const path = worker === null ? "direct" : this.#around.network.path(this.#client.name, worker.name, relayed);
      const done = path === "direct" && (worker?.upload(task, { is: "value", value, bytes }) ?? false);
      if (path === "unreachable") this.#unavailable(future, holder, "unreachable");
      else if (!done && tries === 1) this.#unavailable(future, holder, "gone");
      else if (!done && worker !== null) this.upload(future, task, holder, Math.max(0, tries - 1));
    });
  }

  #unavailable(future: ModelFuture, { worker }: Holder, why: "unreachable" | "gone"): void {
    this.#client.say({ t: "unavailable", n: future.n, holder: worker, version: 0, why });
  }
}

interface Way {
  readonly reader: string;
  readonly holder: Holder;
  readonly task: TaskId;
  readonly relayed: boolean;
}

/** `trouble`: it was there, and did not arrive. */
type Why = "gone" | "unreachable" | "relay" | "trouble";

/** The holder begins to send what it has, and must be there, and reached, until the end. */
export function transfer(
  around: WorkerSurroundings,
  random: Random,
  { reader, holder, task, relayed }: Way,
  done: (content: Content | null, why: Why) => void,
): void {
  const look = (act: (content: Content) => void): void => {
    const peer = around.workerAt(holder.worker);
    const path = peer === null ? "direct" : around.network.path(reader, peer.name, relayed);
    if (path === "relay fails") done(null, "relay");
    else if (path === "unreachable") done(null, "unreachable");
    else {
      const content = peer?.arena.serve(task) ?? null;
      if (peer === null || content === null) done(null, "gone");
      else act(content);
    }
  };
  around.world.after(random.skewed(20, 1_000), () =>
    look((content) => {
      around.world.after(random.skewed(30, 19_000), () => {
        const peer = around.workerAt(holder.worker);
        if (peer === null) around.lostMidway();
        const path = peer === null ? "direct" : around.network.path(reader, peer.name, relayed);
        if (peer === null) done(null, "gone");
        else if (path !== "direct") done(null, path === "unreachable" ? "gone" : "relay");
        else if (random.chance(around.transferTrouble())) done(null, relayed ? "relay" : "trouble");
        else done(content, "gone");
      });
    }),
  );
}
