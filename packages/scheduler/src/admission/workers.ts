// Workers and their nannies: who is let in, and how they are lost.

import {
  type Admission,
  FlockError,
  type Identity,
  type NannyToScheduler,
  type Resume,
  type SchedulerToWorker,
  type ServerLink,
  type WorkerHello,
  type WorkerId,
} from "@taskflock/protocol/links";
import { Party, uniqueName, WorkerParty } from "../parties.ts";
import type { Relays } from "../relays.ts";
import { type Ground, revocation, welcomeFor } from "./ground.ts";

type WorkerLink = ServerLink<"worker", "toWorker">;
type WorkerAdmission = Admission<"worker", "toWorker">;
type NannyAdmission = Admission<"nanny", "toWorker">;

export class Workers {
  readonly #ground: Ground;
  readonly #relays: Relays;
  readonly #workers: Map<number, WorkerParty> = new Map();
  readonly #nannies: Map<ServerLink<"nanny", "toWorker">, Identity> = new Map();
  #last = 0;
  /** Called when a worker has left or was lost. */
  onGone: () => void = () => undefined;

  constructor(ground: Ground, relays: Relays) {
    this.#ground = ground;
    this.#relays = relays;
  }

  get count(): number {
    return this.#workers.size;
  }

  send(id: WorkerId, message: SchedulerToWorker): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    if (message.t === "leave") worker.leaving = true;
    worker.link?.send(message);
  }

  close(id: WorkerId): void {
    this.#workers.get(id)?.link?.close();
  }

  admit(hello: WorkerHello, resume: Resume | null, who: Identity): WorkerAdmission {
    const known = resume === null ? undefined : this.#workers.get(resume.id);
    const resumed = resume !== null && known?.mayResume(resume, who) === true;
    const worker = resumed && known ? known : this.#newWorker(hello, who);
    return {
      welcome: welcomeFor(this.#ground, worker, resumed),
      up: "worker",
      down: "toWorker",
      silentMs: this.#ground.options.silentMs,
      attach: (link) => this.#attach(worker, link, resumed ? null : hello),
    };
  }

  admitNanny(name: string, who: Identity): NannyAdmission {
    const party = new Party<never, never>(0, name, who);
    return {
      welcome: welcomeFor(this.#ground, party, false),
      up: "nanny",
      down: "toWorker",
      silentMs: this.#ground.options.silentMs,
      attach: (link) => {
        this.#nannies.set(link, who);
        return {
          onMessages: (messages) => {
            for (const message of messages) this.#childExited(message);
          },
          onBlocked: () => undefined,
          onReady: () => undefined,
          onClosed: () => this.#nannies.delete(link),
        };
      },
    };
  }

  /** Who was let in as one of the users is so no more. What such workers run is begun again elsewhere, and counts as no failure of theirs. */
  revoke(users: ReadonlySet<string>): void {
    for (const [link, who] of [...this.#nannies]) {
      if (!users.has(who.user)) continue;
      this.#nannies.delete(link);
      link.refuse(new FlockError("FLOCK_UNAUTHORIZED", revocation(who)));
    }
    for (const worker of [...this.#workers.values()]) {
      if (!users.has(worker.who.user)) continue;
      worker.leaving = true;
      worker.link?.refuse(new FlockError("FLOCK_UNAUTHORIZED", revocation(worker.who)));
      worker.link = null; // it is to hear why, and not to be cut
      this.#lost(worker, revocation(worker.who));
    }
  }

  forgetAll(): void {
    for (const worker of this.#workers.values()) worker.forget();
  }

  /** `hello`: of one that is new. */
  #attach(worker: WorkerParty, link: WorkerLink, hello: WorkerHello | null): ReturnType<WorkerAdmission["attach"]> {
    const { driver, options, audit } = this.#ground;
    const id = worker.id as WorkerId;
    this.#workers.set(id, worker);
    worker.connect(link);
    if (hello === null) driver.happen({ e: "workerResumed", worker: id });
    else {
      const relayKey = this.#relays.keyFor(id);
      driver.happen({ e: "workerJoined", worker: id, hello: { ...hello, name: worker.name }, relayKey });
    }
    this.#relays.workerUp(id);
    const facts = { worker: worker.name, peer: worker.peerAddress, slots: worker.slots, resumed: hello === null };
    options.logger.info(facts, "worker joined");
    const { who, name, slots } = worker;
    audit?.write({ who, address: link.peer, session: id, action: "connected", what: { worker: name, slots } });
    return {
      onMessages: (messages) => driver.hearWorker(id, messages),
      // What a worker gets is bounded by what its slots can use.
      onBlocked: () => undefined,
      onReady: () => undefined,
      onClosed: (how) => {
        if (worker.link !== link || !this.#workers.has(id)) return;
        if (worker.leaving) return this.#lost(worker, how);
        driver.happen({ e: "workerCut", worker: id });
        worker.disconnect(options.workerReconnectMs, () => this.#lost(worker, how));
      },
    };
  }

  #newWorker(hello: WorkerHello, who: Identity): WorkerParty {
    const taken = new Set([...this.#workers.values()].map(({ name }) => name));
    return new WorkerParty(++this.#last as WorkerId, uniqueName(hello.name, taken), who, hello);
  }

  #lost(worker: WorkerParty, how: string): void {
    if (!this.#workers.delete(worker.id)) return;
    const { driver, options, audit } = this.#ground;
    worker.forget();
    this.#relays.workerGone(worker.id as WorkerId);
    worker.link?.cut();
    driver.happen({ e: "workerLost", worker: worker.id as WorkerId, how, planned: worker.leaving });
    const facts = { worker: worker.name, how };
    if (worker.leaving) options.logger.info(facts, "worker left");
    else options.logger.warn(facts, "worker lost");
    audit?.write({ who: worker.who, address: worker.peer, session: worker.id, action: "left", what: facts });
    this.onGone();
  }

  #childExited({ incarnation, how }: NannyToScheduler): void {
    for (const worker of this.#workers.values()) {
      if (worker.incarnation === incarnation) this.#lost(worker, how);
    }
  }
}
