// A link, modelled as the real one behaves: order within a connection; upstream frames numbered, acknowledged, and sent
// again after a cut; downstream messages lost with their connection; a handshake that resumes or begins anew.

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

export interface SchedulerEnd {
  /** Says under which id it goes on, or begins. */
  hello(link: ModelLink): { id: number; resumed: boolean };
  cut(link: ModelLink): void;
  /** The peer closed politely: nothing more comes. */
  closed(link: ModelLink): void;
  receive(link: ModelLink, messages: readonly Packed[]): void;
}

interface Frame {
  readonly seq: number;
  readonly messages: readonly Packed[];
}

/** One connection; `lastUp` and `lastDown` keep its order. */
interface Connection {
  open: boolean;
  welcomed: boolean;
  lastUp: number;
  lastDown: number;
  readonly delay: number;
}

export class ModelLink {
  readonly peer: PeerEnd;
  readonly kind: "client" | "worker";
  /** What the scheduler calls it; 0 before the first welcome. */
  id = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #scheduler: SchedulerEnd;
  /** As the peer sees it, and as the scheduler sees it. */
  #connection: Connection | null = null;
  #served: Connection | null = null;
  #alive = true;
  #up: Packed[] = [];
  #down: Packed[] = [];
  #unacknowledged: Frame[] = [];
  #seq = 0;
  #received = 0;

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
    const delay = this.#random.skewed(20, 1500);
    const connection = { open: true, welcomed: false, lastUp: 0, lastDown: 0, delay };
    this.#connection = connection;
    this.#travelUp(connection, () => this.#arrive(connection));
  }

  /** Returns the frame in which the message will travel. */
  sendUp(message: Packed): number {
    if (this.#up.push(message) === 1) this.#world.after(0, () => this.#flushUp());
    return this.#seq + 1;
  }

  sendDown(message: Packed): void {
    if (this.#down.push(message) === 1) this.#world.after(0, () => this.#flushDown());
  }

  /** Breaks the connection; both ends learn it at their own time, and the peer connects again. */
  cut(): void {
    const connection = this.#connection;
    if (connection === null || !connection.open) return;
    connection.open = false;
    this.#world.after(this.#random.skewed(10, 20_000), () => this.#peerLearns(connection));
    this.#world.after(this.#random.skewed(10, 20_000), () => this.#schedulerLearns(connection));
  }

  /** The peer's process is gone. */
  kill(): void {
    this.#alive = false;
    for (const connection of [this.#connection, this.#served]) {
      if (connection === null) continue;
      connection.open = false;
      this.#world.after(this.#random.skewed(10, 5_000), () => this.#schedulerLearns(connection));
    }
  }

  /** The peer says its last words and goes. */
  close(): void {
    this.#flushUp();
    const connection = this.#connection;
    this.#alive = false;
    if (connection === null || !connection.open || !connection.welcomed) {
      this.kill();
      return;
    }
    this.#travelUp(connection, () => {
      connection.open = false;
      if (this.#served === connection) this.#served = null;
      this.#scheduler.closed(this);
    });
  }

  /** The scheduler wants nothing more from it. */
  refuse(): void {
    this.#served = null;
  }

  #arrive(connection: Connection): void {
    if (this.#served !== null) this.#schedulerLearns(this.#served);
    this.#served = connection;
    const { id, resumed } = this.#scheduler.hello(this);
    if (!resumed) this.#received = 0;
    const received = this.#received;
    this.#travelDown(connection, () => this.#welcome(connection, id, resumed, received));
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
      if (this.#served !== connection) return;
      if (frame.seq > this.#received) {
        if (frame.seq !== this.#received + 1) throw new Error(`the model's link lost frame ${this.#received + 1}`);
        this.#received = frame.seq;
        this.#scheduler.receive(this, frame.messages);
      }
      this.#travelDown(connection, () => {
        this.#unacknowledged = this.#unacknowledged.filter((f) => f.seq > frame.seq);
      });
    });
  }

  #flushDown(): void {
    const messages = this.#down;
    this.#down = [];
    const connection = this.#served;
    if (messages.length === 0 || connection === null) return;
    this.#travelDown(connection, () => this.peer.receive(messages));
  }

  #peerLearns(connection: Connection): void {
    if (this.#connection !== connection || !this.#alive) return;
    this.#connection = null;
    if (connection.welcomed) this.peer.cut();
    this.#world.after(this.#random.skewed(100, 60_000), () => this.open());
  }

  #schedulerLearns(connection: Connection): void {
    if (this.#served !== connection) return;
    this.#served = null;
    this.#down = [];
    this.#scheduler.cut(this);
  }

  #travelUp(connection: Connection, act: () => void): void {
    connection.lastUp = this.#arrival(connection, connection.lastUp);
    this.#world.after(connection.lastUp - this.#world.now, () => {
      if (connection.open) act();
    });
  }

  #travelDown(connection: Connection, act: () => void): void {
    connection.lastDown = this.#arrival(connection, connection.lastDown);
    this.#world.after(connection.lastDown - this.#world.now, () => {
      if (connection.open && this.#alive) act();
    });
  }

  /** Now and then something is held up. */
  #arrival(connection: Connection, last: number): number {
    const held = this.#random.chance(0.01) ? this.#random.between(0, 30_000) : 0;
    return Math.max(last, this.#world.now + connection.delay + this.#random.between(0, connection.delay) + held);
  }
}
