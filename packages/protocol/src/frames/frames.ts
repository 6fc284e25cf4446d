// Frames: what one WebSocket message carries. A header, then one block per kind in the frame, then the order in which the kinds
// follow each other. Hot kinds are columns (hot.ts), all others are objects (cold.ts); `docs/decisions/frames.md` has the figures.
//
//   u8 format · f64 seq · f64 ack · u32 messages · u8 blocks
//   per block: u8 kind · u32 messages · content
//   with more than one block: u32 stretches · their blocks (integer column) · their lengths (integer column)

import type { PayloadSink, PayloadSource } from "../payload-store.ts";
import { malformed } from "../validation/fields.ts";
import { messageFields } from "../validation/tables.ts";
import { MAX_ELEMENTS } from "../validation/terms.ts";
import { type Directions, FlockError } from "../words/index.ts";
import { checkWire, fromWire, type MessageTable, type Sizer, sizersOf, toWire } from "./cold.ts";
import { IntColumn, reuseColumns } from "./columns.ts";
import { envelopeBytes, writeEnvelope } from "./envelope.ts";
import {
  type Build,
  type Collector,
  doneKind,
  dropKind,
  finishedKind,
  type HotKind,
  releaseKind,
  startedKind,
  submitKind,
} from "./hot.ts";
import { assignKind } from "./hot-assign.ts";
import { type Blocks, blockOf, interleave, readStretches } from "./order.ts";
import { packPlain, readPlain } from "./plain-data.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export type Direction = keyof Directions;
export interface FrameHeader {
  /** Number of the frame on its connection (downstream) or in its session (upstream). */
  readonly seq: number;
  /** The last frame of the other direction that was processed. */
  readonly ack: number;
}
export interface Frame<D extends Direction> extends FrameHeader {
  readonly messages: Directions[D][];
}

const FORMAT = 0x46;
const SEQ_AT = 1;
const ACK_AT = 9;
export const HEADER_BYTES = 22;
/** Messages in one frame. */
export const MAX_MESSAGES = 65_536;
const COLD = 0;

// The wire's numbers of the hot kinds start at 1, in this order.
// biome-ignore lint/suspicious/noExplicitAny: a table over all kinds; each entry is typed where it is made
type Hot = readonly (readonly [string, HotKind<any>])[];
const hotKinds: { readonly [D in Direction]: Hot } = {
  client: [
    ["submit", submitKind],
    ["release", releaseKind],
  ],
  toClient: [["done", doneKind]],
  toWorker: [
    ["assign", assignKind],
    ["drop", dropKind],
  ],
  worker: [
    ["started", startedKind],
    ["finished", finishedKind],
  ],
  nanny: [],
};

const sizers: Readonly<Record<Direction, ReadonlyMap<string, Sizer>>> = {
  client: sizersOf(messageFields.client),
  toClient: sizersOf(messageFields.toClient),
  toWorker: sizersOf(messageFields.toWorker),
  worker: sizersOf(messageFields.worker),
  nanny: sizersOf(messageFields.nanny),
};

type Message = { readonly t: string } & Record<string, unknown>;

/** Collects messages into a frame. What it takes from `payloads` is copied by `add`. */
export class FrameBuilder<D extends Direction> {
  readonly #table: MessageTable;
  readonly #sizers: ReadonlyMap<string, Sizer>;
  readonly #hot: Hot;
  readonly #masked: boolean;
  readonly #collectors: (Collector<unknown> | null)[];
  readonly #counts: number[];
  readonly #cold: WireWriter = new WireWriter();
  readonly #out: WireWriter = new WireWriter();
  readonly #stretchBlocks: IntColumn = new IntColumn();
  readonly #stretchLengths: IntColumn = new IntColumn();
  #stretches = 0;
  #last = -1;
  #lastLength = 0;
  #count = 0;
  #bytes = 0;
  /** The seldom message that was weighed last, as it travels. */
  #weighed: { readonly message: Message; readonly packed: Uint8Array } | null = null;

  constructor(direction: D) {
    this.#table = messageFields[direction];
    this.#sizers = sizers[direction];
    this.#hot = hotKinds[direction];
    this.#masked = direction !== "toClient" && direction !== "toWorker";
    this.#collectors = [null, ...this.#hot.map(() => null)];
    this.#counts = [0, ...this.#hot.map(() => 0)];
  }

  get count(): number {
    return this.#count;
  }

  /** About as many bytes as the frame will have, rather more. */
  get bytes(): number {
    return this.#count === 0 ? 0 : HEADER_BYTES + 128 + this.#bytes;
  }

  /** Bytes that the payloads of a message will add to the frame. */
  payloadBytesOf(message: Directions[D], payloads: PayloadSource): number {
    const one = message as unknown as Message;
    const kind = this.#kindOf(one.t);
    if (kind !== COLD) return this.#hot[kind - 1]![1].payloadBytes(one, payloads);
    const sizer = this.#sizers.get(one.t);
    return sizer === undefined ? 0 : sizer(one, payloads);
  }

  /**
   * The same, and of a seldom message all that it will add: one with long lists must not take others along into a frame that nobody
   * takes. With payloads above `limit` it is not looked at further.
   */
  weigh(message: Directions[D], payloads: PayloadSource, limit: number): number {
    const one = message as unknown as Message;
    const kind = this.#kindOf(one.t);
    if (kind !== COLD) return this.#hot[kind - 1]![1].payloadBytes(one, payloads);
    const bytes = this.#sizers.get(one.t)?.(one, payloads) ?? 0;
    if (bytes > limit) return bytes;
    const packed = packPlain(toWire(one, this.#table, payloads));
    this.#weighed = { message: one, packed };
    return packed.length;
  }

  add(message: Directions[D], payloads: PayloadSource): void {
    const one = message as unknown as Message;
    const kind = this.#kindOf(one.t);
    if (kind === COLD) {
      const known = this.#weighed?.message === one ? this.#weighed.packed : null;
      const packed = known ?? packPlain(toWire(one, this.#table, payloads));
      this.#weighed = null;
      this.#cold.bytes(packed, packed.length);
      this.#bytes += packed.length;
    } else {
      this.#collectors[kind] ??= this.#hot[kind - 1]![1].collector();
      this.#bytes += this.#collectors[kind]!.add(one, payloads);
    }
    this.#counts[kind]!++;
    this.#count++;
    if (kind === this.#last) {
      this.#lastLength++;
      return;
    }
    this.#endStretch();
    this.#last = kind;
    this.#lastLength = 1;
  }

  /** The frame with all that was added; the builder is empty again. */
  finish(header: FrameHeader): Buffer {
    return this.#written(header).finish();
  }

  /** The same, as the WebSocket message that carries it. */
  pack(header: FrameHeader): Buffer {
    const out = this.#written(header);
    const room = envelopeBytes(out.length, this.#masked);
    const packet = out.finish(room);
    writeEnvelope(packet, out.length, this.#masked);
    return packet;
  }

  #written(header: FrameHeader): WireWriter {
    this.#endStretch();
    const out = this.#out;
    out.clear();
    out.u8(FORMAT);
    out.f64(header.seq);
    out.f64(header.ack);
    out.u32(this.#count);
    const blockCountAt = out.length;
    out.u8(0);
    let blocks = 0;
    for (let kind = 0; kind < this.#counts.length; kind++) {
      const count = this.#counts[kind]!;
      if (count === 0) continue;
      blocks++;
      out.u8(kind);
      out.u32(count);
      if (kind === COLD) out.append(this.#cold);
      else this.#collectors[kind]!.write(out);
    }
    out.target[blockCountAt] = blocks;
    if (blocks > 1) this.#writeStretches(out);
    this.#reset();
    return out;
  }

  #kindOf(t: string): number {
    const hot = this.#hot;
    for (let i = 0; i < hot.length; i++) if (hot[i]![0] === t) return i + 1;
    return COLD;
  }

  #endStretch(): void {
    if (this.#last === -1) return;
    this.#stretchBlocks.push(this.#last);
    this.#stretchLengths.push(this.#lastLength);
    this.#stretches++;
    this.#last = -1;
  }

  #writeStretches(out: WireWriter): void {
    out.u32(this.#stretches);
    this.#stretchBlocks.write(out);
    this.#stretchLengths.write(out);
  }

  #reset(): void {
    this.#cold.clear();
    this.#stretchBlocks.clear();
    this.#stretchLengths.clear();
    this.#counts.fill(0);
    this.#stretches = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}

/** Encodes messages, in order. Bytes are taken from `payloads`. */
export function encodeFrame<D extends Direction>(
  direction: D,
  header: FrameHeader,
  messages: readonly Directions[D][],
  payloads: PayloadSource,
): Buffer {
  if (messages.length > MAX_MESSAGES) {
    throw new FlockError("FLOCK_FRAME_TOO_LARGE", `A frame of ${messages.length} messages; ${MAX_MESSAGES} can be.`);
  }
  const builder = new FrameBuilder(direction);
  for (const message of messages) builder.add(message, payloads);
  return builder.finish(header);
}

/** The number of a frame, without looking further. Throws FLOCK_PROTOCOL. */
export function readSeq(frame: Buffer): number {
  const seq = frame.length < HEADER_BYTES || frame[0] !== FORMAT ? -1 : frame.readDoubleLE(SEQ_AT);
  if (!Number.isSafeInteger(seq) || seq < 0) throw malformed("frame", "it does not begin as a frame does");
  return seq;
}

function takeFormat(reader: WireReader): void {
  if (reader.u8() !== FORMAT) throw malformed("frame", "it does not begin as a frame does");
}

/** Changes the header of a frame that is sent again, and begins at `at`. */
export function patchHeader(bytes: Buffer, header: FrameHeader, at = 0): void {
  bytes.writeDoubleLE(header.seq, at + SEQ_AT);
  bytes.writeDoubleLE(header.ack, at + ACK_AT);
}

function readCounter(reader: WireReader, at: string): number {
  const value = reader.f64();
  if (!Number.isSafeInteger(value) || value < 0) throw malformed(at, `${value} is not a count`);
  return value;
}

/**
 * Decodes and checks a frame completely; payload bytes are copied into `payloads` only when all of it is right.
 * Throws FLOCK_PROTOCOL naming message and field.
 */
export function decodeFrame<D extends Direction>(direction: D, frame: Uint8Array, payloads: PayloadSink): Frame<D> {
  reuseColumns();
  const reader = new WireReader(frame, MAX_MESSAGES + MAX_ELEMENTS);
  takeFormat(reader);
  const seq = readCounter(reader, "frame.seq");
  const ack = readCounter(reader, "frame.ack");
  const count = reader.u32();
  if (count > MAX_MESSAGES) throw malformed("frame", `${count} messages of ${MAX_MESSAGES}`);
  readBlocks(direction, reader, count);
  const order = blocks.many > 1 ? readStretches(reader, blocks) : null;
  reader.at = "frame";
  reader.end();
  const messages = order === null ? build(0, payloads) : interleave(order, parts(payloads), count);
  return { seq, ack, messages: messages as unknown as Directions[D][] };
}

/** Of the frame that is read, whose kinds have one block each. One for all frames: small ones would cost more than what they bring. */
const blocks: Blocks & { builds: (Build<Message> | null)[] } = { many: 0, kinds: [], counts: [], builds: [] };

/** Together the blocks have the messages that the frame announces. */
function readBlocks(direction: Direction, reader: WireReader, count: number): void {
  const hot = hotKinds[direction];
  const many = reader.u8();
  if (many > hot.length + 1) throw malformed("frame", `${many} blocks, of ${hot.length + 1} kinds`);
  blocks.many = 0;
  let announced = 0;
  for (let i = 0; i < many; i++) {
    reader.at = "frame.blocks";
    const kind = reader.u8();
    const messages = reader.u32();
    if (kind > hot.length || blockOf(blocks, kind) !== -1) throw malformed("frame", `the block ${kind} is unknown`);
    announced += messages;
    if (messages === 0 || announced > count) throw malformed("frame", "the counts of its blocks do not add up");
    reader.spend(messages);
    blocks.kinds[i] = kind;
    blocks.counts[i] = messages;
    blocks.builds[i] = kind === COLD ? readCold(direction, reader, messages) : hot[kind - 1]![1].read(reader, messages);
    blocks.many = i + 1;
  }
  if (announced !== count) throw malformed("frame", "the counts of its blocks do not add up");
}

/** The messages of a block. What reads them, and with it the frame, is let go of. */
function build(block: number, payloads: PayloadSink): Message[] {
  if (block >= blocks.many) return [];
  const read = blocks.builds[block]!;
  blocks.builds[block] = null;
  return read(payloads);
}

function parts(payloads: PayloadSink): Message[][] {
  const all: Message[][] = new Array(blocks.many);
  for (let i = 0; i < all.length; i++) all[i] = build(i, payloads);
  return all;
}

function readCold(direction: Direction, reader: WireReader, count: number): Build<Message> {
  const table = messageFields[direction];
  const rows: Record<string, unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const wire = checkWire(readPlain(reader, "message"), table);
    if (hotKinds[direction].some(([t]) => t === wire["t"])) throw malformed(String(wire["t"]), "it travels by columns");
    rows.push(wire);
  }
  return (sink) => rows.map((wire) => fromWire(wire, table, sink) as Message);
}
