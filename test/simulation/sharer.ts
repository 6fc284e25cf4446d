// What a modelled client does with locks and queues, and what it remembers of that; and the ledger that says whether it may be true.

import type { Answer, PayloadRef, SharedQuestion, TaskNumber } from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Content } from "./payloads.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** The client's process, as far as this part of it goes. */
export interface SharingClient {
  readonly name: string;
  readonly isAlive: boolean;
  /** What the scheduler calls its session. */
  readonly sessionId: number;
  /** Says it under a new number, which it returns; or, with `id`, under that. */
  askShared(question: SharedQuestion, id?: number): number;
  put(content: Content): PayloadRef;
  take(ref: PayloadRef): Content | null;
  /** A future whose task ends some day, or 0. */
  someFuture(): number;
}

interface Put {
  readonly value: number;
  readonly queue: string;
  readonly by: Sharer;
  state: "open" | "acknowledged" | "refused";
  taken: boolean;
}

/** What all clients of a run together have put, taken and locked. */
export class SharedLedger {
  readonly puts = new Map<number, Put>();
  readonly sharers: Sharer[] = [];
  /** By lock: who believes to have it. */
  readonly #holders = new Map<string, Sharer[]>();
  /** Values that a variable was to be given, and whether an event was ever to be set. */
  readonly given = new Set<number>();
  wasSet = false;
  /** What happened, for the test that wants enough of it. */
  readonly seen = { locked: 0, taken: 0, woken: 0, read: 0 };
  /** By queue, who put and who took: the question that took it, and the value. */
  readonly #taken = new Map<string, { readonly id: number; readonly value: number }[]>();
  readonly #isKnown: (session: number) => boolean;
  #values = 1_000_000;

  constructor(isKnown: (session: number) => boolean) {
    this.#isKnown = isKnown;
  }

  newPut(by: Sharer, queue: string): Put {
    const put: Put = { value: ++this.#values, queue, by, state: "open", taken: false };
    this.puts.set(put.value, put);
    return put;
  }

  /** Whoever had it before is one that the scheduler has given up, or there are leases for all of them. */
  locked(name: string, leases: number, by: Sharer): void {
    const holders = this.#holders.get(name) ?? [];
    this.#holders.set(name, holders);
    const others = holders.filter(({ client }) => this.#isKnown(client.sessionId) && client.isAlive);
    if (others.length >= leases) {
      const names = others.map(({ client }) => client.name).join();
      throw new Error(`${by.client.name} and ${names} hold ${name} at the same time`);
    }
    holders.push(by);
    this.seen.locked++;
  }

  unlocked(name: string, by: Sharer): void {
    const holders = this.#holders.get(name) ?? [];
    const place = holders.indexOf(by);
    if (place >= 0) holders.splice(place, 1);
  }

  took(id: number, value: number, queue: string, by: Sharer): void {
    const put = this.puts.get(value);
    if (put === undefined || put.queue !== queue) throw new Error(`${by.client.name} took ${value}, which nobody put`);
    if (put.taken) throw new Error(`${by.client.name} took ${value}, which was taken before`);
    if (put.state === "refused") throw new Error(`${by.client.name} took ${value}, whose put was refused`);
    put.taken = true;
    this.seen.taken++;
    const way = `${put.by.client.name} ${queue} ${by.client.name}`;
    const taken = this.#taken.get(way) ?? [];
    this.#taken.set(way, taken);
    taken.push({ id, value });
  }

  /** At the end, when all queues were emptied: what a client that died was told last may be lost with it, nothing else. */
  judge(): void {
    const lost = [...this.puts.values()].filter(({ state, taken }) => state === "acknowledged" && !taken);
    const may = this.sharers.reduce((sum, sharer) => sum + (sharer.client.isAlive ? 0 : sharer.openTakes), 0);
    // What comes back from a client that is gone comes late.
    if (this.sharers.every(({ client }) => client.isAlive)) this.#judgeOrder();
    if (lost.length > may)
      throw new Error(`${lost.map(({ value }) => value).join()}: put, and never taken (${may} may be)`);
  }

  /** What was asked for first gets what was put first; answers may arrive in another order after a cut. */
  #judgeOrder(): void {
    for (const [way, taken] of this.#taken) {
      let last = 0;
      for (const { id, value } of taken.sort((a, b) => a.id - b.id)) {
        if (value < last) throw new Error(`${way}: question ${id} took ${value}, and one before it ${last}`);
        last = value;
      }
    }
  }
}

type Asked =
  | { readonly what: "put"; readonly put: Put }
  | { readonly what: "lock"; readonly name: string; readonly kind: "lock" | "semaphore" }
  | { readonly what: "take" | "read" | "await" | "else"; readonly name: string };

const QUEUES = ["free", "narrow"] as const;
const LOCKS = ["a", "b"] as const;
const LEASES = { lock: 1, semaphore: 2 } as const;

export class Sharer {
  readonly client: SharingClient;
  readonly #world: World;
  readonly #ledger: SharedLedger;
  readonly #open = new Map<number, Asked>();
  readonly #answered = new Set<number>();
  #unheard: number[] = [];
  #lastAs = 500_000;
  /** Empties the queues: takes until there is nothing left. */
  #sweeps = false;

  constructor(client: SharingClient, ledger: SharedLedger, world: World) {
    this.client = client;
    this.#ledger = ledger;
    this.#world = world;
    ledger.sharers.push(this);
  }

  get openTakes(): number {
    return [...this.#open.values()].filter(({ what }) => what === "take").length;
  }

  act(random: Random): void {
    if (!this.client.isAlive) return;
    const timeoutMs = random.chance(0.4) ? random.skewed(1, 50) : null;
    const choice = random.between(0, 13);
    if (choice < 3) this.#put(random.pick(QUEUES), timeoutMs);
    else if (choice < 6) this.#get(random.pick(QUEUES), timeoutMs);
    else if (choice < 8) this.#lock("lock", random.pick(LOCKS), timeoutMs);
    else if (choice < 10) this.#lock("semaphore", "permits", timeoutMs);
    else if (choice === 10) this.#giveUpOne();
    else if (choice === 11) this.#setVariable(random.chance(0.5));
    else if (choice === 12) this.#readVariable(timeoutMs);
    else this.#event(random.between(0, 2), timeoutMs);
  }

  sweep(): void {
    this.#sweeps = true;
    for (const queue of QUEUES) this.#get(queue, 0);
    for (const name of ["v", "number"])
      this.#ask({ q: "sharedDelete", kind: "variable", name }, { what: "else", name });
    this.#ask({ q: "sharedDelete", kind: "event", name: "bell" }, { what: "else", name: "bell" });
  }

  /** Answers that were on the way are lost. */
  resumed(): void {
    for (const id of this.#open.keys()) this.client.askShared({ q: "answerAgain" }, id);
  }

  /** False when it is another's answer. */
  hears({ id, error, data }: Answer): boolean {
    const asked = this.#open.get(id);
    if (asked === undefined && !this.#answered.has(id)) return false;
    const content = this.client.take(data);
    if (asked === undefined) return true; // said once more after a cut
    this.#open.delete(id);
    this.#answered.add(id);
    this.#unheard.push(id);
    if (error === null) this.#done(id, asked, content);
    else if (asked.what === "put") asked.put.state = "refused";
    if (error !== null && !ALLOWED.has(error.code))
      throw new Error(`${this.client.name}: ${error.code} ${error.message}`);
    if (id % 2 === 0) this.client.askShared({ q: "heard", ids: this.#unheard.splice(0) });
    return true;
  }

  #done(id: number, asked: Asked, content: Content | null): void {
    if (asked.what === "put") asked.put.state = "acknowledged";
    else if (asked.what === "take") {
      if (content?.is !== "value") throw new Error(`${this.client.name} took ${content?.is ?? "nothing"}`);
      this.#ledger.took(id, content.value, asked.name, this);
      if (this.#sweeps) this.#get(asked.name, 0);
    } else if (asked.what === "lock") {
      const { kind, name } = asked;
      this.#ledger.locked(`${kind} ${name}`, LEASES[kind], this);
      this.#world.after(10 + ((id * 7_919) % 20_000), () => this.#unlock(kind, name, id));
    } else if (asked.what === "await") {
      if (!this.#ledger.wasSet) throw new Error(`${this.client.name} heard ${asked.name}, and nobody set it`);
      this.#ledger.seen.woken++;
    } else if (asked.what === "read") {
      if (content?.is !== "value" || !this.#ledger.given.has(content.value))
        throw new Error(`${this.client.name} read ${JSON.stringify(content)}, which nobody set`);
      this.#ledger.seen.read++;
    }
  }

  #unlock(kind: "lock" | "semaphore", name: string, lease: number): void {
    if (!this.client.isAlive) return;
    this.#ledger.unlocked(`${kind} ${name}`, this);
    this.#ask({ q: "releaseLease", kind, name, lease }, { what: "else", name });
  }

  #put(queue: string, timeoutMs: number | null): void {
    const put = this.#ledger.newPut(this, queue);
    const data = this.client.put({ is: "value", value: put.value, bytes: 10 });
    const maxSize = queue === "narrow" ? 2 : null;
    this.#ask({ q: "queuePut", name: queue, maxSize, n: 0, data, dataBytes: 10, timeoutMs }, { what: "put", put });
  }

  #get(queue: string, timeoutMs: number | null): void {
    const as = ++this.#lastAs as TaskNumber;
    this.#ask({ q: "queueGet", name: queue, maxSize: null, as, timeoutMs }, { what: "take", name: queue });
  }

  #lock(kind: "lock" | "semaphore", name: string, timeoutMs: number | null): void {
    this.#ask({ q: "acquire", kind, name, leases: LEASES[kind], timeoutMs }, { what: "lock", kind, name });
  }

  #event(choice: number, timeoutMs: number | null): void {
    const name = "bell";
    if (choice === 2) {
      this.#ask({ q: "eventWait", name, timeoutMs }, { what: "await", name });
      return;
    }
    if (choice === 1) this.#ledger.wasSet = true;
    this.#ask({ q: "eventSet", name, isSet: choice === 1 }, { what: "else", name });
  }

  #giveUpOne(): void {
    const [id] = this.#open.keys();
    if (id !== undefined) this.client.askShared({ q: "giveUp", of: id });
  }

  /** The last future that was set is kept for nobody in particular. */
  #setVariable(isFuture: boolean): void {
    if (isFuture) {
      const n = this.client.someFuture();
      if (n === 0) return;
      this.#ask({ q: "variableSet", name: "v", n, data: NO_PAYLOAD, dataBytes: 0 }, { what: "else", name: "v" });
      return;
    }
    const value = 900_000 + this.#ledger.given.size;
    this.#ledger.given.add(value);
    const data = this.client.put({ is: "value", value, bytes: 10 });
    this.#ask({ q: "variableSet", name: "number", n: 0, data, dataBytes: 10 }, { what: "else", name: "number" });
  }

  #readVariable(timeoutMs: number | null): void {
    const as = ++this.#lastAs as TaskNumber;
    const name = "number";
    this.#ask({ q: "variableGet", name, as, timeoutMs }, { what: "read", name });
  }

  #ask(question: SharedQuestion, asked: Asked): void {
    const id = this.client.askShared(question);
    if (id !== 0) this.#open.set(id, asked);
    else if (asked.what === "put") asked.put.state = "refused";
  }
}

const ALLOWED: ReadonlySet<string> = new Set([
  "FLOCK_WAIT_TIMEOUT",
  "FLOCK_CANCELLED",
  "FLOCK_TASK_UNKNOWN",
  "FLOCK_SHARED_DELETED",
]);
