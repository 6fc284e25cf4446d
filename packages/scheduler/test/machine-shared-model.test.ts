// Queues and locks against a model that is as simple as can be: clients put, take, acquire and release, while links are cut,
// clients do not read, give up, or die. Every question is answered as the model says, once, and nothing is left over.

import fc from "fast-check";
import { expect, test } from "vitest";
import { SharedStage } from "./shared-stage.ts";

const CLIENTS = 4;
const QUEUE_SIZE = 2;

interface Waiting {
  readonly client: number;
  readonly id: number;
  readonly value: string | null;
  readonly until: number;
}
/** What a client has taken, and whether it may know. */
interface Taken {
  readonly client: number;
  readonly value: string;
  said: boolean;
}

class Model {
  readonly answers: Map<string, string> = new Map();
  queue: string[] = [];
  putters: Waiting[] = [];
  takers: Waiting[] = [];
  readonly taken: Taken[] = [];
  holder: Waiting | null = null;
  lockers: Waiting[] = [];
  /** Clients that are told nothing at the moment. */
  readonly deaf: Set<number> = new Set();

  put(waiting: Waiting): void {
    if (this.queue.length >= QUEUE_SIZE) this.putters.push(waiting);
    else {
      this.queue.push(waiting.value!);
      this.#answer(waiting, "yes");
    }
    this.#serve();
  }

  take(waiting: Waiting): void {
    this.takers.push(waiting);
    this.#serve();
  }

  lock(waiting: Waiting): void {
    this.lockers.push(waiting);
    this.#serve();
  }

  unlock(client: number, lease: number): void {
    if (this.holder?.client === client && this.holder.id === lease) this.holder = null;
    this.#serve();
  }

  end(which: (waiting: Waiting) => boolean, word: string | null): void {
    for (const list of ["putters", "takers", "lockers"] as const) {
      for (const waiting of this[list].filter(which)) if (word !== null) this.#answer(waiting, word);
      this[list] = this[list].filter((waiting) => !which(waiting));
    }
    this.#serve();
  }

  hears(client: number): void {
    this.deaf.delete(client);
    for (const one of this.taken) if (one.client === client) one.said = true;
  }

  die(client: number): void {
    this.end((waiting) => waiting.client === client, null);
    if (this.holder?.client === client) this.holder = null;
    const untold = this.taken.filter((one) => one.client === client && !one.said);
    for (const one of this.taken.filter((one) => one.client === client)) one.said = true;
    for (const { value } of untold.reverse()) {
      this.queue.unshift(value);
      this.#serve();
    }
    this.#serve();
  }

  #serve(): void {
    for (;;) {
      if (this.takers.length > 0 && this.queue.length > 0) {
        const { client, id } = this.takers[0]!;
        const value = this.queue.shift()!;
        this.#answer(this.takers.shift()!, value);
        this.taken.push({ client, value, said: !this.deaf.has(client) });
        void id;
      } else if (this.putters.length > 0 && this.queue.length < QUEUE_SIZE) {
        this.queue.push(this.putters[0]!.value!);
        this.#answer(this.putters.shift()!, "yes");
      } else if (this.holder === null && this.lockers.length > 0) {
        this.holder = this.lockers.shift()!;
        this.#answer(this.holder, "yes");
      } else return;
    }
  }

  #answer({ client, id }: Waiting, word: string): void {
    this.answers.set(`${client} ${id}`, word);
  }
}

class World {
  readonly stage: SharedStage = new SharedStage();
  readonly model: Model = new Model();
  readonly asked: Waiting[] = [];
  /** The client that has each place: a new one after a death. */
  readonly clients: number[] = [];
  readonly links: ("up" | "cut" | "blocked")[] = [];
  #values = 0;
  #lastClient = 0;

  constructor() {
    for (let place = 0; place < CLIENTS; place++) this.join(place);
  }

  join(place: number): void {
    this.clients[place] = ++this.#lastClient;
    this.links[place] = "up";
    this.stage.client(this.#lastClient);
  }

  put(client: number, timeoutMs: number | null): void {
    const value = `v${++this.#values}`;
    this.model.put(this.#asks(client, this.stage.put(client, "q", value, QUEUE_SIZE, timeoutMs), value, timeoutMs));
  }

  take(client: number, timeoutMs: number | null): void {
    this.model.take(this.#asks(client, this.stage.get(client, "q", timeoutMs), null, timeoutMs));
  }

  lock(client: number, timeoutMs: number | null): void {
    this.model.lock(this.#asks(client, this.stage.lock(client, "l", timeoutMs), null, timeoutMs));
  }

  unlock(client: number): void {
    const { holder } = this.model;
    if (holder?.client !== client) return;
    this.stage.unlock(client, "l", holder.id);
    this.model.unlock(client, holder.id);
  }

  giveUp(client: number): void {
    const last = this.asked.findLast((waiting) => waiting.client === client);
    if (last === undefined) return;
    this.stage.ask(client, { q: "giveUp", of: last.id });
    this.model.end((waiting) => waiting.id === last.id, "FLOCK_CANCELLED");
  }

  hear(client: number): void {
    const ids = this.asked.filter((one) => one.client === client && this.stage.answer(client, one.id) !== "waits");
    this.stage.hear(client, ...ids.map(({ id }) => id));
  }

  /** A millisecond; waits end in the order in which they began. */
  pass(): void {
    this.stage.pass(1000);
    const { now } = this.stage;
    this.model.end(({ until }) => until <= now, "FLOCK_WAIT_TIMEOUT");
  }

  link(place: number, to: "up" | "cut" | "blocked"): void {
    const client = this.clients[place]!;
    const before = this.links[place]!;
    if (to === before || (to === "blocked" && before === "cut")) return;
    this.links[place] = to;
    if (to === "cut") this.stage.cutClient(client);
    else if (to === "blocked") this.stage.block(client);
    else if (before === "blocked") this.stage.unblock(client);
    else this.stage.resume(client, this.open(client));
    if (to === "up") this.model.hears(client);
    else this.model.deaf.add(client);
  }

  die(place: number): void {
    const client = this.clients[place]!;
    this.stage.die(client);
    this.model.die(client);
    this.join(place);
  }

  open(client: number): number[] {
    const own = this.asked.filter((one) => one.client === client);
    return own.map(({ id }) => id).filter((id) => this.stage.answer(client, id) === "waits");
  }

  /** All read again: what each was told is what the model says. */
  compare(): void {
    for (let place = 0; place < CLIENTS; place++) this.link(place, "up");
    for (const { client, id } of this.asked) {
      if (!this.clients.includes(client)) continue;
      const word = this.model.answers.get(`${client} ${id}`) ?? "waits";
      expect(`${client} ${id} ${this.stage.answer(client, id)}`).toBe(`${client} ${id} ${word}`);
    }
  }

  /** Everything is taken out by those who are left. */
  clear(): void {
    for (const kind of ["queue", "lock"] as const) {
      this.stage.ask(this.clients[0]!, { q: "sharedDelete", kind, name: kind === "queue" ? "q" : "l" });
    }
    expect(this.stage.leftOver()).toEqual([]);
  }

  #asks(client: number, id: number, value: string | null, timeoutMs: number | null): Waiting {
    const until = timeoutMs === null ? Number.POSITIVE_INFINITY : this.stage.now + timeoutMs * 1000;
    const waiting = { client, id, value, until };
    this.asked.push(waiting);
    return waiting;
  }
}

const place = fc.integer({ min: 0, max: CLIENTS - 1 });
const timeoutMs = fc.option(fc.integer({ min: 1, max: 3 }), { nil: null });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom("put", "take", "lock" as const), place, timeoutMs) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("unlock", "giveUp", "hear" as const), place) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("up", "cut", "blocked" as const), place) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("die", "pass" as const), place) },
);

test("queues and locks do what a simple model does, whatever happens to their clients", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const world = new World();
      for (const [what, at, timeout] of actions) {
        const client = world.clients[at]!;
        const isCut = world.links[at] === "cut";
        if (what === "up" || what === "cut" || what === "blocked") world.link(at, what);
        else if (what === "die") world.die(at);
        else if (what === "pass") world.pass();
        else if (isCut)
          continue; // says nothing
        else if (what === "put" || what === "take" || what === "lock") world[what](client, timeout ?? null);
        else world[what as "unlock" | "giveUp" | "hear"](client);
      }
      world.compare();
      world.clear();
    }),
    { numRuns: 300 },
  );
});

test("two machines that saw the same are the same", () => {
  const digests = [0, 1].map(() => {
    const world = new World();
    world.put(1, null);
    world.take(2, 5);
    world.lock(3, 4);
    world.lock(4, null);
    world.pass();
    return world.stage.machine.digest();
  });
  expect(digests[0]).toBe(digests[1]);
  const other = new World();
  other.put(1, null);
  expect(other.stage.machine.digest()).not.toBe(digests[0]);
});
