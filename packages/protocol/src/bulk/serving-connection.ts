// A connection to the peer port, from the serving side: one transfer at a time.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { decodeHello, encodeHandshake, MAX_HELLO_BYTES, refused } from "../link/handshake.ts";
import { afterReading } from "../link/reading-clock.ts";
import { tokensEqual } from "../token.ts";
import { malformed } from "../validation/fields.ts";
import { FlockError, isFlockError, type TaskId } from "../words/index.ts";
import {
  BulkParser,
  bulkFrame,
  type ChunkWriter,
  HEADER_BYTES,
  numbersBody,
  OP,
  Receiving,
  readNumbers,
  sendChunks,
} from "./bulk-frames.ts";
import type { BulkEarly, BulkServerOptions, BulkTarget } from "./bulk-server.ts";
import { writeParts } from "./carrier.ts";
import { Channel, type ChannelRequest, readChannelRequest } from "./channel.ts";
import { knownChecksums } from "./checksums.ts";
import { type Sendable, sendable } from "./outgoing.ts";
import { readInPlace, readStream } from "./read-in-place.ts";
import { partsOf, sumOf } from "./received.ts";

const AUTHENTICATE_MS = 5_000;
/** A transfer in which nothing moves for so long is given up. */
const STALL_MS = 30_000;
/** How long an upload waits to be announced: the client and the worker hear of it over links of their own, in any order. */
const ANNOUNCE_MS = 5_000;
/** Whoever is told why it is refused, and does not read that, is cut off. */
const LINGER_MS = 1_000;
/** Whoever is silent gets so much time in which this process reads. */
const UNREAD_MS = 500;
const NOTHING = new Uint8Array(0);

export type Send = (over: () => void) => void;
/** Runs `send` when its turn has come; returns what takes it back, or null when it is not to wait. */
export type Queue = (connection: Connection, peer: string, send: Send) => (() => void) | null;

/** What a peer has already: bytes from the start, of so many in all, and their sum. */
interface Start {
  readonly offset: number;
  readonly bytes: number;
  readonly sum: number;
}

export class Connection {
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #options: BulkServerOptions;
  readonly #queue: Queue;
  /** What the peer calls itself. */
  #peer = "";
  #known = false;
  #busy = false;
  /** Of what is asked for, the last bytes may be at the peer already: its next request comes before this end has noticed. */
  #sending = false;
  #next: (() => void) | null = null;
  #upload: { readonly target: BulkTarget; readonly receiving: Receiving } | null = null;
  /** An upload that came before it was announced. */
  #early: { readonly task: TaskId; readonly bytes: number; readonly giveUp: () => void } | null = null;
  /** What the connection has become, if it was asked to be one. */
  #channel: Channel | null = null;
  /** What must be given back when the connection ends. */
  #abandon: () => void = () => {};

  constructor(accepted: Duplex, options: BulkServerOptions, queue: Queue) {
    this.#options = options;
    this.#queue = queue;
    const parser = new BulkParser({
      onFrame: (op, body) => this.#onFrame(op, body),
      chunkTarget: (length) => (this.#channel ?? this.#due().receiving).chunkTarget(length),
      onChunk: (length) => (this.#channel === null ? this.#onChunk(length) : this.#channel.onChunk()),
    });
    const read = (take: () => void): void => this.#read(take);
    const socket =
      accepted instanceof Socket ? readInPlace(accepted, parser, read) : readStream(accepted, parser, read);
    this.#socket = socket;
    // A relay has none: the scheduler ends those in which nothing moves.
    if (socket instanceof Socket) socket.setTimeout(AUTHENTICATE_MS);
    socket.on("timeout", () => {
      const early = this.#early;
      if (early !== null) {
        this.#stopWaiting();
        this.#refuse(early.task, early.bytes);
      } else if (!this.#known || this.#busy) this.#suspect();
    });
    socket.on("error", () => {}); // `close` follows
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#closed();
        resolve();
      });
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  sayWait(): void {
    this.#socket.write(bulkFrame(OP.wait, NOTHING));
  }

  #read(take: () => void): void {
    try {
      if (!this.#known && this.#socket instanceof Socket && this.#socket.bytesRead > MAX_HELLO_BYTES + HEADER_BYTES) {
        throw malformed("bulk", "no hello came");
      }
      take();
    } catch (error) {
      if (!isFlockError(error)) throw error;
      this.#fail(error);
    }
  }

  #onFrame(op: number, body: Buffer): void {
    if (!this.#known) {
      if (op !== OP.hello) throw malformed("bulk", "the first frame is no hello");
      this.#greet(body);
      return;
    }
    if (this.#channel !== null) {
      this.#channel.onFrame(op, body);
      return;
    }
    const request = this.#requestOf(op, body);
    if (!this.#busy) request();
    else if (this.#sending && this.#next === null) this.#next = request;
    else throw malformed("bulk", "a request came before the last was answered");
  }

  #requestOf(op: number, body: Buffer): () => void {
    if (op === OP.get) {
      const [task, kinds, offset, bytes, sum] = readNumbers(body, 5, "bulk.get");
      return () => this.#get(task as TaskId, kinds!, { offset: offset!, bytes: bytes!, sum: sum! });
    }
    if (op === OP.put) {
      const [task, bytes] = readNumbers(body, 2, "bulk.put");
      return () => this.#put(task as TaskId, bytes!);
    }
    if (op === OP.channel) {
      const { request, kinds } = readChannelRequest(body);
      return () => this.#open(request, kinds);
    }
    throw malformed("bulk", `the operation ${op} is unknown`);
  }

  #greet(body: Buffer): void {
    const hello = decodeHello(body);
    const key = this.#options.key();
    if (key === "") {
      this.#socket.end(bulkFrame(OP.busy, Buffer.from("This peer has no link to its scheduler yet.")));
      return;
    }
    if (hello.role !== "peer" || !tokensEqual(hello.token, key)) {
      throw new FlockError("FLOCK_UNAUTHORIZED", "The peers' key is wrong, or the role is not `peer`.");
    }
    this.#known = true;
    this.#peer = hello.name;
    this.#limitSilence(this.#stallMs);
    this.#socket.write(bulkFrame(OP.welcome, numbersBody(this.#options.identity?.() ?? 0)));
  }

  #get(task: TaskId, kinds: number, start: Start): void {
    this.#busy = true;
    const takeBack = this.#queue(this, this.#peer, (over) => {
      this.#abandon = () => {};
      const source = this.#socket.destroyed ? null : this.#options.open(task);
      if (source === null) {
        over();
        this.#answer(OP.absent, Buffer.from(`The result of task ${task} is not here.`));
        return;
      }
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        source.release();
        over();
      };
      this.#abandon = release;
      void this.#send(sendable(source), kinds, start, release);
    });
    if (takeBack === null) this.#answer(OP.busy, Buffer.from("Too many wait for what is here."));
    else if (this.#busy && !this.#sending) this.#abandon = takeBack;
  }

  /** From where the peer is on, when what it has is the start of this. */
  async #send(data: Sendable, kinds: number, start: Start, release: () => void): Promise<void> {
    this.#sending = true;
    const { offset, bytes, sum } = start;
    let from = 0;
    try {
      const mayGoOn = offset > 0 && bytes === data.size && offset <= bytes;
      if (mayGoOn && (await sumOf(partsOf(offset, (at, length) => data.read(at, length)))) === sum) from = offset;
    } catch (error) {
      release();
      this.#fail(unreadable(error));
      return;
    }
    if (this.#socket.destroyed) return release();
    this.#socket.write(bulkFrame(OP.found, numbersBody(data.size, from)));
    const done = (error: unknown): void => {
      release();
      if (error !== null) this.#fail(unreadable(error));
      else this.#sent();
    };
    sendChunks(this.#out, data, kinds, done, from);
  }

  /** Nothing moved, as far as is known: what came during a long turn is read first. */
  #suspect(): void {
    const socket = this.#socket as Socket;
    const before = socket.bytesRead;
    afterReading(UNREAD_MS, () => {
      if (socket.bytesRead > before || socket.destroyed || (this.#known && !this.#busy)) return;
      this.#fail(new FlockError("FLOCK_CONNECTION_LOST", "Nothing moved for too long."));
    });
  }

  get #stallMs(): number {
    return this.#options.stallMs ?? STALL_MS;
  }

  get #out(): ChunkWriter {
    const socket = this.#socket;
    const direct = socket instanceof Socket;
    return {
      write: (bytes, done) => (direct ? socket.write(bytes, done) : writeParts(socket, bytes, done)),
      cork: () => socket.cork(),
      uncork: () => socket.uncork(),
    };
  }

  #limitSilence(ms: number): void {
    if (this.#socket instanceof Socket) this.#socket.setTimeout(ms);
  }

  #sent(): void {
    this.#busy = false;
    this.#sending = false;
    const next = this.#next;
    this.#next = null;
    if (!this.#socket.destroyed) next?.();
  }

  #put(task: TaskId, bytes: number): void {
    this.#busy = true;
    const target = this.#options.accept(task, bytes);
    if (target === null) this.#refuse(task, bytes);
    else if ("wait" in target) this.#await(task, bytes, target);
    else this.#receive(target);
  }

  #await(task: TaskId, bytes: number, early: BulkEarly): void {
    this.#limitSilence(ANNOUNCE_MS);
    const giveUp = early.wait(() => {
      this.#early = null;
      this.#put(task, bytes);
    });
    this.#early = { task, bytes, giveUp };
  }

  #stopWaiting(): void {
    this.#early?.giveUp();
    this.#early = null;
  }

  #receive(target: BulkTarget): void {
    const receiving = new Receiving(target.target);
    this.#upload = { target, receiving };
    this.#limitSilence(this.#stallMs);
    this.#socket.write(bulkFrame(OP.ready, numbersBody(knownChecksums())));
    if (receiving.complete) this.#stored();
  }

  #refuse(task: TaskId, bytes: number): void {
    this.#limitSilence(this.#stallMs);
    this.#answer(OP.absent, Buffer.from(`No upload of ${bytes} bytes for task ${task} is expected.`));
  }

  #due(): { readonly target: BulkTarget; readonly receiving: Receiving } {
    if (this.#upload === null) throw malformed("bulk.chunk", "no upload is under way");
    return this.#upload;
  }

  #onChunk(length: number): void {
    const { receiving } = this.#due();
    receiving.advance(length);
    if (receiving.complete) this.#stored();
  }

  #stored(): void {
    const { target } = this.#due();
    this.#upload = null;
    target.done();
    this.#answer(OP.stored, NOTHING);
  }

  #open(request: ChannelRequest, kinds: number): void {
    const accept = this.#options.channel?.(request) ?? "This peer has no channels.";
    if (typeof accept === "string") {
      this.#answer(OP.absent, Buffer.from(accept));
      return;
    }
    const socket = this.#socket;
    this.#limitSilence(0); // a channel watches that itself
    socket.write(bulkFrame(OP.opened, numbersBody(knownChecksums())));
    const carrier = { ...this.#out, end: () => void socket.end(), destroy: () => void socket.destroy() };
    this.#channel = new Channel(carrier, kinds, accept);
  }

  #answer(op: number, body: Uint8Array): void {
    this.#busy = false;
    if (!this.#socket.destroyed) this.#socket.write(bulkFrame(op, body));
  }

  #fail(error: FlockError): void {
    if (this.#socket.destroyed) return;
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.end(bulkFrame(OP.refused, encodeHandshake(refused(error))), () => socket.destroy());
  }

  #closed(): void {
    this.#abandon();
    this.#stopWaiting();
    this.#channel?.ended("the connection to it ended");
    const upload = this.#upload;
    this.#upload = null;
    upload?.target.failed(new FlockError("FLOCK_TRANSFER_FAILED", "The upload ended before all bytes were there."));
  }
}

function unreadable(error: unknown): FlockError {
  const why = error instanceof Error ? error.message : String(error);
  return new FlockError("FLOCK_TRANSFER_FAILED", `The result cannot be read any more: ${why}`, { cause: error });
}
