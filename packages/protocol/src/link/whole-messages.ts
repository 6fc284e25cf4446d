// The quick way of a link's messages: one that is whole in what was read is handed out at once, and one that is sent is written in one
// piece. ws does the rest on the same socket: handshake, pings, closing, messages in pieces, and whatever is wrong with what comes.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { envelopeAt, isPlain, lengthAt, MAX_ENVELOPE_BYTES, WHOLE_BINARY } from "../frames/envelope.ts";
import { ReusingSocket } from "./reusing-socket.ts";

/** A WebSocket that is open, and the stream beneath it. */
export interface Line {
  readonly socket: WebSocket;
  readonly wire: Duplex;
}

/** Sends what `FrameBuilder.pack` made; nothing when the socket is not open any more. */
export function sendPacket({ socket, wire }: Line, packet: Buffer, written?: () => void): void {
  if (socket.readyState === socket.OPEN) wire.write(packet, written);
}

export interface Reading {
  /** The other end masks what it sends. */
  readonly masked: boolean;
  /** ws refuses longer messages. */
  readonly maxBytes: number;
}

/**
 * Messages come out of `socket` as before, of a `ReusingSocket` in memory that is theirs only during the event. To be called when the
 * socket opens, before anything was read. What it returns is to be called when the socket has an error: then ws does not want to hear any
 * more.
 */
export function readWhole({ socket, wire }: Line, reading: Reading): () => void {
  const theirs = wire.listeners("data") as ((chunk: Buffer) => void)[];
  wire.removeAllListeners("data");
  const reused = wire instanceof ReusingSocket;
  if (reused) wire.keepsNothing = true;
  const reader = new Reader(socket, reading, (bytes) => {
    const own = reused ? Buffer.from(bytes) : bytes;
    for (const listener of theirs) listener.call(wire, own);
  });
  wire.on("data", (chunk: Buffer) => reader.take(chunk));
  return () => reader.end();
}

const NOTHING = Buffer.alloc(0);
const FIN = 0x80;
const OPCODE = 0x0f;
const CLOSE = 0x8;

class Reader {
  readonly #socket: WebSocket;
  readonly #masked: boolean;
  readonly #maxBytes: number;
  readonly #toWs: (bytes: Buffer) => void;
  /** Of what is ws's, bytes that have yet to come. */
  #left = 0;
  /** The beginning of an envelope, which ws has already. */
  #begun: Buffer = NOTHING;
  /** A message in pieces is under way. */
  #inPieces = false;
  /** What ws gets is the last that it wants. */
  #closes = false;
  #ended = false;

  constructor(socket: WebSocket, { masked, maxBytes }: Reading, toWs: (bytes: Buffer) => void) {
    this.#socket = socket;
    this.#masked = masked;
    this.#maxBytes = maxBytes;
    this.#toWs = toWs;
  }

  end(): void {
    this.#ended = true;
  }

  take(chunk: Buffer): void {
    const at = this.#left === 0 && this.#begun.length === 0 && !this.#inPieces ? this.#handOut(chunk) : 0;
    if (at === chunk.length || this.#ended) return;
    // All of the rest: whether something is wrong ws says later.
    this.#follow(chunk, at);
    this.#toWs(at === 0 ? chunk : chunk.subarray(at));
  }

  /** Hands out what is whole at the beginning; says where that ends. */
  #handOut(chunk: Buffer): number {
    let at = 0;
    while (at + 2 <= chunk.length && !this.#ended) {
      const start = at + envelopeAt(chunk, at);
      if (chunk[at] !== WHOLE_BINARY || start >= chunk.length) break;
      const length = lengthAt(chunk, at);
      const end = start + length;
      if (length === 0 || length > this.#maxBytes || end > chunk.length) break;
      if (!isPlain(chunk, at, start, this.#masked)) break;
      at = end;
      this.#socket.emit("message", chunk.subarray(start, end), true);
    }
    return at;
  }

  /** Finds out where the message ends that ends last. */
  #follow(chunk: Buffer, from: number): void {
    let at = from;
    if (this.#begun.length > 0) this.#goOn(chunk);
    while (true) {
      const passed = Math.min(this.#left, chunk.length - at);
      this.#left -= passed;
      at += passed;
      if (this.#left > 0) return;
      if (this.#closes) this.end(); // nothing may follow
      if (at === chunk.length) return;
      const known = chunk.length - at;
      const size = known < 2 ? MAX_ENVELOPE_BYTES : envelopeAt(chunk, at);
      if (size > known) {
        this.#begun = Buffer.from(chunk.subarray(at));
        return;
      }
      this.#begin(chunk[at]!, size + lengthAt(chunk, at));
    }
  }

  #begin(first: number, bytes: number): void {
    const opcode = first & OPCODE;
    if (opcode < CLOSE) this.#inPieces = (first & FIN) === 0;
    this.#closes = opcode === CLOSE;
    this.#left = bytes;
  }

  /** More came of an envelope that had begun; what came of it before was passed. */
  #goOn(chunk: Buffer): void {
    const known = this.#begun.length;
    const begun = Buffer.concat([this.#begun, chunk.subarray(0, MAX_ENVELOPE_BYTES)]);
    const size = begun.length < 2 ? MAX_ENVELOPE_BYTES : envelopeAt(begun, 0);
    if (size > begun.length) {
      this.#begun = begun;
      this.#left = chunk.length; // all of it
      return;
    }
    this.#begun = NOTHING;
    this.#begin(begun[0]!, size + lengthAt(begun, 0) - known);
  }
}
