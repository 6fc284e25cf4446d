// Relays: the scheduler passes bytes between a worker whose peer port cannot be reached and whoever wants its data. Each relay is two
// connections, piped into one another: when one end does not take bytes, none are read from the other, so little of a value lies here
// at any time, and it passes in pieces between which everything else goes on. What is said in it is the ends' own business.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { afterReading, FlockError, relayBusy, relayRefused, relayWait, type WorkerId } from "@taskflock/protocol/links";

/** Readers that wait for one of the relays; further ones are to come again later. */
const MAX_WAITING = 1_000;
/** How long a worker may take to connect, and how long a relay may rest, milliseconds in which this process reads. */
const HOLDER_MS = 20_000;
const STALL_MS = 60_000;
/** How long the last bytes may take to leave, milliseconds. */
const LEAVING_MS = 5_000;
/** Who waits hears so often that it does. */
const WAIT_MS = 2_000;

export interface RelaysOptions {
  /** At the same time; 0: nothing is relayed. */
  readonly max: number;
  /** Tells the worker that somebody waits; not when its link is cut: it is told when it is back. */
  tell(worker: WorkerId, key: string): void;
}

/** What a scrape reads. */
export interface RelayCounts {
  readonly active: number;
  readonly waiting: number;
  /** Passed on since the start. */
  readonly bytes: number;
  readonly total: number;
}

interface Relay {
  readonly worker: WorkerId;
  /** What the worker names it by; empty while it waits for its turn. */
  key: string;
  readonly reader: Duplex;
  holder: Duplex | null;
  /** Grows with what it passes on. */
  moved: number;
  /** Takes back what watches it. */
  unwatch: () => void;
}

export class Relays {
  readonly #options: RelaysOptions;
  /** Workers by the keys that readers name. */
  readonly #workers: Map<string, WorkerId> = new Map();
  /** In the order in which they came. */
  readonly #waiting: Set<Relay> = new Set();
  /** By their own keys. */
  readonly #active: Map<string, Relay> = new Map();
  readonly #wait: NodeJS.Timeout;
  #bytes = 0;
  #total = 0;

  constructor(options: RelaysOptions) {
    this.#options = options;
    this.#wait = setInterval(() => this.#sayWait(), WAIT_MS);
    this.#wait.unref();
  }

  get counts(): RelayCounts {
    return { active: this.#active.size, waiting: this.#waiting.size, bytes: this.#bytes, total: this.#total };
  }

  /** A key for the worker: who is told it may reach it. Empty when nothing is relayed. */
  keyFor(worker: WorkerId): string {
    if (this.#options.max === 0) return "";
    const key = newKey();
    this.#workers.set(key, worker);
    return key;
  }

  /** Its link is up: what it was told before may not have arrived. */
  workerUp(worker: WorkerId): void {
    for (const { worker: of, holder, key } of this.#active.values()) {
      if (of === worker && holder === null) this.#options.tell(worker, key);
    }
  }

  workerGone(worker: WorkerId): void {
    for (const [key, of] of this.#workers) if (of === worker) this.#workers.delete(key);
    for (const relay of [...this.#waiting, ...this.#active.values()]) {
      if (relay.worker === worker) this.#refuse(relay, "the worker is gone");
    }
  }

  /** Somebody wants to reach the worker of this key. */
  read(key: string, reader: Duplex): void {
    const worker = this.#workers.get(key);
    reader.on("error", ignore); // `close` follows
    if (worker === undefined) {
      reader.end(refusal("no worker has this key"));
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) {
      reader.end(relayBusy());
      return;
    }
    const relay: Relay = { worker, key: "", reader, holder: null, moved: 0, unwatch: ignore };
    for (const event of ["end", "close"]) reader.on(event, () => this.#over(relay));
    this.#waiting.add(relay);
    this.#startNext();
  }

  /** The worker has come to serve the relay of this key. */
  hold(key: string, holder: Duplex): void {
    holder.on("error", ignore);
    const relay = this.#active.get(key);
    if (relay === undefined || relay.holder !== null) {
      holder.destroy();
      return;
    }
    relay.holder = holder;
    relay.unwatch();
    for (const event of ["end", "close"]) holder.on(event, () => this.#over(relay));
    this.#pipe(relay, relay.reader, holder);
    this.#pipe(relay, holder, relay.reader);
    this.#watch(relay);
  }

  close(): void {
    clearInterval(this.#wait);
    for (const relay of [...this.#waiting, ...this.#active.values()]) this.#over(relay);
  }

  #startNext(): void {
    for (const relay of this.#waiting) {
      if (this.#active.size >= this.#options.max) return;
      this.#waiting.delete(relay);
      relay.key = newKey();
      this.#active.set(relay.key, relay);
      this.#total++;
      relay.unwatch = afterReading(HOLDER_MS, () => this.#refuse(relay, "the worker did not come"));
      this.#options.tell(relay.worker, relay.key);
    }
  }

  #pipe(relay: Relay, from: Duplex, to: Duplex): void {
    from.on("data", (bytes: Buffer) => {
      relay.moved++;
      this.#bytes += bytes.length;
    });
    from.pipe(to);
  }

  /** Ends it once nothing has moved for long: an end may be gone without a word. */
  #watch(relay: Relay): void {
    const before = relay.moved;
    relay.unwatch = afterReading(STALL_MS, () => {
      if (relay.moved === before) this.#over(relay);
      else this.#watch(relay);
    });
  }

  #sayWait(): void {
    const word = relayWait();
    for (const { reader } of this.#waiting) reader.write(word);
    for (const { reader, holder } of this.#active.values()) if (holder === null) reader.write(word);
  }

  #refuse(relay: Relay, why: string): void {
    if (relay.holder === null) relay.reader.end(refusal(why));
    this.#over(relay);
  }

  /** What was passed on already still arrives. */
  #over(relay: Relay): void {
    relay.unwatch();
    relay.unwatch = ignore;
    this.#waiting.delete(relay);
    this.#active.delete(relay.key);
    for (const end of [relay.reader, relay.holder]) if (end !== null) letGo(end);
    this.#startNext();
  }
}

/** Nobody guesses it. */
function newKey(): string {
  return randomBytes(24).toString("base64url");
}

function refusal(why: string): Buffer {
  return relayRefused(new FlockError("FLOCK_CONNECTION_REFUSED", `The scheduler cannot relay: ${why}.`));
}

/** What it was given still leaves, if it can. */
function letGo(end: Duplex): void {
  if (end.destroyed || end.writableEnded) return;
  end.end();
  setTimeout(() => end.destroy(), LEAVING_MS).unref();
}

function ignore(): void {}
