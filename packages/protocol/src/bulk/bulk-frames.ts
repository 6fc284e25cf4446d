// The protocol of peer ports: bytes of results, on connections of their own. Plain TCP and not WebSockets, because a WebSocket
// gathers each message before it hands it over: one copy more, and a third of the throughput (docs/decisions/bulk.md).
//
//   u8 mark · u8 op · u16 kind of checksum · u32 length · u32 checksum of the body · body

import { malformed } from "../validation/fields.ts";
import { CRC32, checksum, chooseChecksum, knowsChecksum } from "./checksums.ts";
import { CHUNK_BYTES, type Sendable } from "./outgoing.ts";

export const OP = {
  /** Client: a handshake frame (role `peer`). */
  hello: 1,
  /** Server: f64 who it is, as the scheduler numbers workers; 0 when it has no number yet. */
  welcome: 2,
  /** Server: a handshake frame that says why. */
  refused: 3,
  /**
   * Client: f64 task, f64 kinds of checksums that it knows, and what it has of the result already: f64 bytes, of f64 bytes in all, with
   * the f64 CRC-32. Answered by `found` and chunks, by `absent`, or by `busy`; before that perhaps by `wait`, several times.
   */
  get: 4,
  /** Server: f64 bytes in all, f64 the byte from which on they come. */
  found: 5,
  absent: 6,
  chunk: 7,
  /** Client: f64 task, f64 bytes. Answered by `ready` or `absent`; then chunks; then `stored` or `failed`. */
  put: 8,
  /** Server: f64 kinds of checksums that it knows. */
  ready: 9,
  stored: 10,
  failed: 11,
  /** Server: the request waits for its turn. */
  wait: 12,
  /** Server: too many wait. */
  busy: 13,
  /** Client: a channel to a member of a group (channel.ts). Answered by `opened` or `absent`; after that the connection is the channel. */
  channel: 14,
  /** Server: f64 kinds of checksums that it knows. */
  opened: 15,
} as const;

/** What both ends of a channel say, besides chunks. */
export const CHANNEL_OP = {
  /**
   * f64 lane, f64 what follows: 1 + the bytes of the whole message before its first part, 0 before a further one. A chunk follows, unless
   * the message is empty.
   */
  part: 32,
  /** f64 lane, f64 bytes that were taken out of its window. */
  credit: 33,
  /** The end; empty, or who broke the group and how. */
  left: 34,
  /** Only that it is there. */
  ping: 35,
} as const;

const MARK = 0xf7;
export const HEADER_BYTES = 12;
const MAX_BODY_BYTES = 4096;

export function bulkFrame(op: number, body: Uint8Array): Buffer {
  return Buffer.concat([bulkHeader(op, body.length, CRC32, checksum(CRC32, body)), body]);
}

/** The header of a chunk that is sent on its own. */
export function chunkHeader(kind: number, chunk: Uint8Array): Buffer {
  return bulkHeader(OP.chunk, chunk.length, kind, checksum(kind, chunk));
}

function bulkHeader(op: number, length: number, kind: number, sum: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = MARK;
  header[1] = op;
  header.writeUInt16LE(kind, 2);
  header.writeUInt32LE(length, 4);
  header.writeUInt32LE(sum, 8);
  return header;
}

/** A body of numbers. */
export function numbersBody(...values: number[]): Buffer {
  const body = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => {
    body.writeDoubleLE(value, i * 8);
  });
  return body;
}

/** The numbers of a body. Throws FLOCK_PROTOCOL. */
export function readNumbers(body: Buffer, count: number, at: string): number[] {
  if (body.length !== count * 8) throw malformed(at, `${body.length} bytes came, ${count * 8} were expected`);
  return Array.from({ length: count }, (_, i) => {
    const value = body.readDoubleLE(i * 8);
    if (!Number.isSafeInteger(value) || value < 0) throw malformed(at, `${value} is not a count`);
    return value;
  });
}

export interface BulkHandlers {
  /** Any frame but a chunk; the body is valid during the call. */
  onFrame(op: number, body: Buffer): void;
  /** Where the next bytes of a chunk go: as long as `length` at least. Throws FLOCK_PROTOCOL when no chunk is due. */
  chunkTarget(length: number): Uint8Array;
  /** A chunk has arrived whole and its checksum is right. */
  onChunk(length: number): void;
}

/**
 * Takes a stream apart. It says where the next bytes belong, so that a socket can read a chunk to where it stays, with no copy
 * in between.
 */
export class BulkParser {
  readonly #handlers: BulkHandlers;
  readonly #header: Buffer = Buffer.alloc(HEADER_BYTES);
  readonly #body: Buffer = Buffer.alloc(MAX_BODY_BYTES);
  /** What is due: a header, the body of a frame, or a chunk. */
  #due: Uint8Array;
  #filled = 0;
  #op = 0;
  #kind = 0;
  #sum = 0;

  constructor(handlers: BulkHandlers) {
    this.#handlers = handlers;
    this.#due = this.#header;
  }

  /** Where the next bytes go, and no more than these; never empty. */
  get target(): Uint8Array {
    return this.#due.subarray(this.#filled);
  }

  /** So many bytes have come into `target`. Throws FLOCK_PROTOCOL; after that the stream is of no use. */
  advance(count: number): void {
    this.#filled += count;
    if (this.#filled < this.#due.length) return;
    if (this.#due === this.#header) this.#begin();
    else this.#end();
  }

  /** Takes bytes that came to another place. Throws as `advance` does. */
  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const { target } = this;
      const part = bytes.subarray(at, at + target.length);
      target.set(part);
      at += part.length;
      this.advance(part.length);
    }
  }

  #begin(): void {
    if (this.#header[0] !== MARK) throw malformed("bulk", "it does not begin as a frame does");
    this.#op = this.#header[1]!;
    this.#kind = this.#header.readUInt16LE(2);
    const length = this.#header.readUInt32LE(4);
    this.#sum = this.#header.readUInt32LE(8);
    this.#filled = 0;
    if (!knowsChecksum(this.#kind)) throw malformed("bulk", `the kind of checksum ${this.#kind} is unknown`);
    const limit = this.#op === OP.chunk ? CHUNK_BYTES : MAX_BODY_BYTES;
    if (length > limit) throw malformed("bulk", `a frame of ${length} bytes; ${limit} can be`);
    this.#due = (this.#op === OP.chunk ? this.#handlers.chunkTarget(length) : this.#body).subarray(0, length);
    if (length === 0) this.#end();
  }

  #end(): void {
    const body = this.#due;
    this.#due = this.#header;
    this.#filled = 0;
    if (checksum(this.#kind, body) !== this.#sum) throw malformed("bulk", "the checksum of a frame is wrong");
    if (this.#op === OP.chunk) this.#handlers.onChunk(body.length);
    else this.#handlers.onFrame(this.#op, this.#body.subarray(0, body.length));
  }
}

/** Takes bytes in order, where they need not all be in memory. */
export interface BulkSink {
  /** Bytes in all. */
  readonly length: number;
  /** Memory for the next so many. */
  room(length: number): Uint8Array;
  /** They came whole. */
  took(bytes: Uint8Array): void;
}

/** A transfer that receives: chunks go into `target`, in order. */
export class Receiving {
  readonly #target: Uint8Array | BulkSink;
  #filled: number;
  #chunk: Uint8Array | null = null;

  /** `filled`: bytes that are there already. */
  constructor(target: Uint8Array | BulkSink, filled = 0) {
    this.#target = target;
    this.#filled = filled;
  }

  /** Bytes of whole chunks. */
  get filled(): number {
    return this.#filled;
  }

  get complete(): boolean {
    return this.#filled === this.#target.length;
  }

  chunkTarget(length: number): Uint8Array {
    if (length === 0 || length > this.#target.length - this.#filled) {
      throw malformed("bulk.chunk", `${length} bytes do not fit into ${this.#target.length - this.#filled}`);
    }
    if (this.#target instanceof Uint8Array) return this.#target.subarray(this.#filled, this.#filled + length);
    this.#chunk = this.#target.room(length);
    return this.#chunk;
  }

  advance(length: number): void {
    this.#filled += length;
    if (this.#target instanceof Uint8Array || this.#chunk === null) return;
    this.#target.took(this.#chunk.subarray(0, length));
    this.#chunk = null;
  }
}

export interface ChunkWriter {
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  cork(): void;
  uncork(): void;
}

/**
 * Writes `data` as chunks, from byte `from` on, to a peer that knows `kinds` of checksums: two at most on their way. `done` when the last
 * has left this process, or the connection has ended; with the error when the data could not be read.
 */
export function sendChunks(
  socket: ChunkWriter,
  data: Sendable,
  kinds: number,
  done: (error: unknown) => void,
  from = 0,
): void {
  const kind = chooseChecksum(data.size - from, kinds);
  let at = from;
  let inFlight = 0;
  let reading = false;
  let over = false;
  let failure: unknown = null;
  const send = (offset: number, chunk: Uint8Array): void => {
    const header = bulkHeader(OP.chunk, chunk.length, kind, data.checksum(kind, offset, chunk));
    inFlight++;
    socket.cork();
    socket.write(header);
    socket.write(chunk, (error) => {
      inFlight--;
      if (error) at = data.size; // the connection has ended
      next();
    });
    socket.uncork();
  };
  const next = (): void => {
    while (!reading && at < data.size && inFlight < 2) {
      const offset = at;
      at = Math.min(data.size, offset - (offset % CHUNK_BYTES) + CHUNK_BYTES);
      const chunk = data.read(offset, at - offset);
      if (chunk instanceof Uint8Array) {
        send(offset, chunk);
        continue;
      }
      reading = true;
      chunk
        .then(
          (bytes) => send(offset, bytes),
          (error) => {
            failure = error;
            at = data.size;
          },
        )
        .finally(() => {
          reading = false;
          next();
        });
    }
    if (over || at < data.size || inFlight > 0 || reading) return;
    over = true;
    done(failure);
  };
  next();
}
