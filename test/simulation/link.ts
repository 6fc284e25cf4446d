// A link, modelled as the real one behaves: order within a connection; upstream frames numbered, acknowledged, and sent
// again after a cut; downstream messages lost with their connection; a handshake that resumes or begins anew. A peer may
// open its next connection while the scheduler still counts the last one as up, and what is under way on that one arrives late.

import type { Packed } from "./payloads.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** The client's or the worker's end. */
export interface PeerEnd {
  readonly name: string;
  /** `received`: the last frame that the scheduler had processed. */
  welcomed(id: number, resumed: boolean, received: number): void;
  cut(): void;
  receive(messages: readonly Packed[]): void;
}

export interface Welcome {
  readonly id: number;
  readonly resumed: boolean;
  readonly received: number;
}

export interface SchedulerEnd {
  /** `resume`: what it was called before, or 0. Says under which id it goes on, or begins, and serves the connection from now on. */
  hello(connection: Connection, resume: number): Welcome;
  /** A connection that is served is over. */
  ended(connection: Connection): void;
  /** Each frame once, in order. */
  receive(connection: Connection, messages: readonly Packed[]): void;
}

interface Frame {
  readonly seq: number;
  readonly messages: readonly Packed[];
}

/** `lastUp` and `lastDown` keep its order. */
export class Connection {
  readonly link: ModelLink;
  readonly delay: number;
  /** Nothing travels any more. */
  broken = false;
  /** The scheduler reads it: from its hello until it learns of its end, or another takes its place. */
  served = false;
  welcomed = false;
  /** The last frame that the scheduler processed, on this connection and those before it. */
  received = 0;
  lastUp = 0;
  lastDown = 0;
  outbox: Packed[] = [];

  constructor(link: ModelLink, delay: number) {
    this.link = link;
    this.delay = delay;
  }
}

export class ModelLink {
  readonly peer: PeerEnd;
  readonly kind: "client" | "worker";
  /** What the scheduler calls it; 0 before the first welcome. */
  id = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #scheduler: SchedulerEnd;
  /** The one that the peer uses. */
  #connection: Connection | null = null;
  #alive = true;
  /** Nothing arrives at either end before. */
  #blockedUntil = 0;
  #up: Packed[] = [];
  #unacknowledged: Frame[] = [];
  #seq = 0;

  constructor(kind: "client" | "worker", peer: PeerEnd, scheduler: SchedulerEnd, world: World, random: Random) {
    this.kind = kind;
    this.peer = peer;
    this.#scheduler = scheduler;
    this.#world = world;
    this.#random = random;
  }

  /** Connects, or connects again. */
  open(): void {
    if (!this.#alive || this.#connection !== null) return;
    const isSlow = this.#random.chance(0.05);
    const connection = new Connection(this, this.#random.skewed(20, isSlow ? 20_000 : 1_500));
    const resume = this.id;
    this.#connection = connection;
    this.#travelUp(connection, () => this.#arrive(connection, resume));
  }

  /** Returns the frame in which the message will travel. */
  sendUp(message: Packed): number {
    if (this.#up.push(message) === 1) this.#world.after(0, () => this.#flushUp());
    return this.#seq + 1;
  }

  sendDown(connection: Connection, message: Packed): void {
    if (connection.outbox.push(message) === 1) this.#world.after(0, () => this.#flushDown(connection));
  }

  /** Breaks the connection; both ends learn it at their own time, and the peer connects again. */
  cut(): void {
    const connection = this.#connection;
    if (connection === null || connection.broken) return;
    connection.broken = true;
    this.#world.after(this.#random.skewed(10, 20_000), () => this.#peerLearns(connection));
    this.#world.after(this.#random.skewed(10, 20_000), () => this.#schedulerLearns(connection));
  }

  /** The peer takes its connection for dead, and opens another; the scheduler counts the first as up, and gets what is under way on it. */
  abandon(): void {
    const connection = this.#connection;
    if (connection === null || connection.broken) return;
    this.#peerLearns(connection);
  }

  /** Nothing passes for so long. Whoever runs out of patience before gives the connection up. */
  block(durationUs: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#world.now + durationUs);
    const connection = this.#connection;
    if (connection === null) return;
    const peerSilence = this.#random.skewed(2_000, 200_000);
    const schedulerSilence = this.#random.skewed(2_000, 200_000);
    if (peerSilence < durationUs) this.#world.after(peerSilence, () => this.#peerLearns(connection));
    if (schedulerSilence < durationUs) this.#world.after(schedulerSilence, () => this.drop(connection));
  }

  /** The peer's process is gone. What it had sent may arrive, or not. */
  kill(): void {
    this.#alive = false;
    const connection = this.#connection;
    if (connection === null) return;
    connection.broken ||= this.#random.chance(0.5);
    const learn = (): void => this.#schedulerLearns(connection);
    this.#world.after(this.#random.skewed(10, 5_000), () => {
      if (connection.broken) learn();
      else this.#travelUp(connection, learn);
    });
  }

  /** The peer says its last words and goes. */
  close(): void {
    this.#flushUp();
    const connection = this.#connection;
    if (connection === null || connection.broken || !connection.welcomed) {
      this.kill();
      return;
    }
    this.#alive = false;
    this.#travelUp(connection, () => this.#schedulerLearns(connection));
  }

  /** The scheduler gives it up, and says so by closing it. */
  drop(connection: Connection): void {
    this.#schedulerLearns(connection);
    this.#travelDown(connection, () => this.#peerLearns(connection));
  }

  #arrive(connection: Connection, resume: number): void {
    connection.served = true;
    const { id, resumed, received } = this.#scheduler.hello(connection, resume);
    connection.received = received;
    this.#travelDown(connection, () => {
      if (this.#connection === connection) this.#welcome(connection, id, resumed, received);
    });
  }

  #welcome(connection: Connection, id: number, resumed: boolean, received: number): void {
    connection.welcomed = true;
    this.id = id;
    if (resumed) {
      this.#unacknowledged = this.#unacknowledged.filter((frame) => frame.seq > received);
      for (const frame of this.#unacknowledged) this.#transmit(connection, frame);
    } else {
      this.#unacknowledged = [];
      this.#up = [];
      this.#seq = 0;
    }
    this.peer.welcomed(id, resumed, received);
  }

  #flushUp(): void {
    if (this.#up.length === 0) return;
    const frame = { seq: ++this.#seq, messages: this.#up };
    this.#up = [];
    this.#unacknowledged.push(frame);
    if (this.#connection?.welcomed === true) this.#transmit(this.#connection, frame);
  }

  #transmit(connection: Connection, frame: Frame): void {
    this.#travelUp(connection, () => {
      if (!connection.served) return;
      if (frame.seq > connection.received) {
        if (frame.seq !== connection.received + 1)
          throw new Error(`the model's link lost frame ${connection.received + 1}`);
        connection.received = frame.seq;
        this.#scheduler.receive(connection, frame.messages);
      }
      this.#travelDown(connection, () => {
        if (this.#connection === connection)
          this.#unacknowledged = this.#unacknowledged.filter((f) => f.seq > frame.seq);
      });
    });
  }

  #flushDown(connection: Connection): void {
    const messages = connection.outbox;
    connection.outbox = [];
    if (messages.length === 0 || !connection.served) return;
    this.#travelDown(connection, () => {
      if (this.#connection === connection && this.#alive) this.peer.receive(messages);
    });
  }

  #peerLearns(connection: Connection): void {
    if (this.#connection !== connection || !this.#alive) return;
    this.#connection = null;
    if (connection.welcomed) this.peer.cut();
    // Its end follows what is under way, in no hurry.
    if (!connection.broken)
      this.#world.after(this.#random.skewed(100, 200_000), () =>
        this.#travelUp(connection, () => this.#schedulerLearns(connection)),
      );
    this.#world.after(this.#random.skewed(100, 60_000), () => this.open());
  }

  #schedulerLearns(connection: Connection): void {
    if (!connection.served) return;
    connection.served = false;
    connection.outbox = [];
    this.#scheduler.ended(connection);
  }

  #travelUp(connection: Connection, act: () => void): void {
    connection.lastUp = this.#arrival(connection, connection.lastUp);
    this.#world.after(connection.lastUp - this.#world.now, () => {
      if (!connection.broken) act();
    });
  }

  #travelDown(connection: Connection, act: () => void): void {
    connection.lastDown = this.#arrival(connection, connection.lastDown);
    this.#world.after(connection.lastDown - this.#world.now, () => {
      if (!connection.broken) act();
    });
  }

  /** Now and then something is held up. */
  #arrival(connection: Connection, last: number): number {
    const held = this.#random.chance(0.01) ? this.#random.between(0, 30_000) : 0;
    const soonest = this.#world.now + connection.delay + this.#random.between(0, connection.delay) + held;
    return Math.max(last, soonest, this.#blockedUntil);
  }
}
