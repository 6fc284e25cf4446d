// A channel: two members of a group send each other messages over a connection of the peer port, for as long as both are there.
//
// A message goes in parts, each a chunk with a checksum. There are two lanes, so that what members send each other on their own is never
// taken for a part of what all do together. In each, who sends may be a window ahead of who reads: the reader's credits say what it has
// taken. Nothing is sent again: when a channel breaks, the group does.

import { malformed } from "../validation/fields.ts";
import { type Broken, FlockError, type GroupLane, groupLanes, MAX_GROUP_MESSAGE_BYTES } from "../words/index.ts";
import { bulkFrame, CHANNEL_OP, type ChunkWriter, chunkHeader, numbersBody, readNumbers } from "./bulk-frames.ts";
import { chooseChecksum } from "./checksums.ts";
import { CHUNK_BYTES } from "./outgoing.ts";
import { Silence } from "./silence.ts";

/** Bytes that may be on their way to a member, or wait there to be received, in one lane. */
export const CHANNEL_WINDOW_BYTES: number = 4 * CHUNK_BYTES;
/** The largest part: small enough that sending, passing on and reading go on at the same time. */
export const CHANNEL_PART_BYTES: number = CHUNK_BYTES / 4;
/** The least that a part takes of the window: an empty message takes room, too. */
export const LEAST_PART_BYTES = 64;
/** From that size on the quickest checksum is worth its choice. */
const LARGE_PART_BYTES = 64 * 1024;
/** Who has nothing to say says so. */
const PING_MS = 2_000;
/** Whoever is silent for so long is gone; only time counts in which this process reads. */
const SILENCE_MS = 15_000;
/** How long the other end may take to close after this one has left. */
const LINGER_MS = 5_000;
const MAX_WHY = 1_000;

/** What happens on a channel. After `left` or `lost` nothing more does. */
export interface ChannelEvents {
  /**
   * A part of a message. `length`: of the whole message, in bytes, when this is its first part, else -1. The bytes are the receiver's, and
   * have their memory for themselves.
   */
  part(lane: GroupLane, length: number, bytes: Uint8Array<ArrayBuffer>): void;
  /** The other end has taken so much out of the window. */
  credit(lane: GroupLane, bytes: number): void;
  /** The other end is through with the group, or says that the group is broken. */
  left(broken: Broken | null): void;
  /** It ended without a word. */
  lost(why: string): void;
}

/** What carries it. */
export interface ChannelCarrier extends ChunkWriter {
  /** After what was written. */
  end(): void;
  destroy(): void;
}

export class Channel {
  readonly #out: ChannelCarrier;
  readonly #events: ChannelEvents;
  /** Kinds of checksums that the other end knows. */
  readonly #kinds: number;
  readonly #silence: Silence;
  readonly #pings: NodeJS.Timeout;
  #moved = 0;
  /** What the next chunk is. */
  #next: { readonly lane: GroupLane; readonly length: number } | null = null;
  #due: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** What came and was not taken, by lane. */
  readonly #unread: [number, number] = [0, 0];
  /** What is to come of the message that has begun, by lane. */
  readonly #rest: [number, number] = [0, 0];
  /** This end has left: what comes is dropped. */
  #hasLeft = false;
  #over = false;

  constructor(out: ChannelCarrier, kinds: number, accept: (channel: Channel) => ChannelEvents) {
    this.#out = out;
    this.#kinds = kinds;
    this.#silence = new Silence(
      () => this.#moved,
      () => this.#giveUp(),
    );
    this.#silence.watch(SILENCE_MS);
    this.#pings = setInterval(() => this.#out.write(bulkFrame(CHANNEL_OP.ping, NOTHING)), PING_MS);
    this.#pings.unref();
    this.#events = accept(this);
  }

  /** The bytes must stay as they are until they are sent; at most `CHANNEL_PART_BYTES`. */
  send(lane: GroupLane, length: number, part: Uint8Array): void {
    if (this.#hasLeft || this.#over) return;
    this.#out.cork();
    this.#out.write(bulkFrame(CHANNEL_OP.part, numbersBody(lane, length + 1)));
    if (part.length > 0) {
      const kind = chooseChecksum(part.length < LARGE_PART_BYTES ? 0 : CHUNK_BYTES, this.#kinds);
      this.#out.write(chunkHeader(kind, part));
      this.#out.write(part);
    }
    this.#out.uncork();
  }

  /** So much of what came was taken. */
  credit(lane: GroupLane, bytes: number): void {
    if (this.#hasLeft || this.#over) return;
    this.#unread[lane] -= bytes;
    this.#out.write(bulkFrame(CHANNEL_OP.credit, numbersBody(lane, bytes)));
  }

  /** The last word; what was sent before still arrives. */
  leave(broken: Broken | null): void {
    if (this.#hasLeft || this.#over) return;
    this.#hasLeft = true;
    this.#stop();
    const said =
      broken === null ? NOTHING : Buffer.from(JSON.stringify({ ...broken, why: broken.why.slice(0, MAX_WHY) }));
    this.#out.write(bulkFrame(CHANNEL_OP.left, said));
    this.#out.end();
    // What the other end still sends is read meanwhile: a socket that is closed over unread bytes drops what it sent, too.
    setTimeout(() => this.#out.destroy(), LINGER_MS).unref();
  }

  /** From the parser: any frame but a chunk. Throws FLOCK_PROTOCOL. */
  onFrame(op: number, body: Buffer): void {
    this.#moved++;
    if (op === CHANNEL_OP.ping) return;
    if (op === CHANNEL_OP.part) this.#onPart(body);
    else if (op === CHANNEL_OP.credit) {
      const [lane, bytes] = readNumbers(body, 2, "channel.credit");
      if (!this.#hasLeft) this.#events.credit(laneOf(lane!), bytes!);
    } else if (op === CHANNEL_OP.left) this.#onLeft(readBroken(body));
    else throw malformed("channel", `the operation ${op} is unknown`);
  }

  chunkTarget(length: number): Uint8Array {
    if (length === 0 || this.#next === null) throw malformed("channel.chunk", "no part is due");
    this.#due = new Uint8Array(length);
    return this.#due;
  }

  onChunk(): void {
    this.#moved++;
    const { lane, length } = this.#next!;
    this.#next = null;
    this.#deliver(lane, length, this.#due);
  }

  /** The connection has ended. */
  ended(why: string): void {
    this.#stop();
    if (this.#over) return;
    this.#over = true;
    if (!this.#hasLeft) this.#events.lost(why);
  }

  #onPart(body: Buffer): void {
    if (this.#next !== null) throw malformed("channel.part", "the one before it has no bytes yet");
    const [number, next] = readNumbers(body, 2, "channel.part");
    const [lane, length] = [laneOf(number!), next! - 1];
    if (length === 0) this.#deliver(lane, 0, new Uint8Array(0));
    else this.#next = { lane, length };
  }

  #deliver(lane: GroupLane, length: number, part: Uint8Array<ArrayBuffer>): void {
    if (this.#hasLeft || this.#over) return;
    this.#fit(lane, length, part.length);
    this.#unread[lane] += Math.max(LEAST_PART_BYTES, part.length);
    if (this.#unread[lane] > CHANNEL_WINDOW_BYTES) throw malformed("channel", "more came than the window holds");
    this.#events.part(lane, length, part);
  }

  /** The reader makes room for what a first part says, and puts further ones there. */
  #fit(lane: GroupLane, length: number, bytes: number): void {
    const isFirst = length >= 0;
    if (isFirst !== (this.#rest[lane] === 0)) {
      throw malformed("channel.part", isFirst ? "the message before it is not whole" : "no message has begun");
    }
    const due = isFirst ? length : this.#rest[lane];
    if (due > MAX_GROUP_MESSAGE_BYTES) throw malformed("channel.part", `nobody has room for ${due} bytes`);
    if (bytes > due) throw malformed("channel.part", `${bytes} bytes came, ${due} were due`);
    this.#rest[lane] = due - bytes;
  }

  #onLeft(broken: Broken | null): void {
    this.#stop();
    if (this.#over) return;
    this.#over = true;
    if (!this.#hasLeft) this.#events.left(broken);
    this.#out.end();
  }

  #giveUp(): void {
    this.ended(`nothing was heard of it for ${SILENCE_MS / 1000} s`);
    this.#out.destroy();
  }

  #stop(): void {
    this.#silence.stop();
    clearInterval(this.#pings);
  }
}

const NOTHING = new Uint8Array(0);

function laneOf(number: number): GroupLane {
  const lane = groupLanes.find((one) => one === number);
  if (lane === undefined) throw malformed("channel", `there is no lane ${number}`);
  return lane;
}

function readBroken(body: Buffer): Broken | null {
  if (body.length === 0) return null;
  const said = parse(body, "channel.left") as Partial<Broken>;
  if (!Number.isSafeInteger(said.rank) || typeof said.why !== "string")
    throw malformed("channel.left", "it names nobody");
  return { rank: said.rank!, why: said.why };
}

/** Which channel an end asks for: from one member, of a rank, to another, named by an id that nobody can guess. */
export interface ChannelRequest {
  readonly from: number;
  readonly member: string;
  /** Of the group, as the asking end sees it. */
  readonly size: number;
}

export function encodeChannelRequest(request: ChannelRequest, kinds: number): Buffer {
  return Buffer.from(JSON.stringify({ ...request, kinds }));
}

/** Throws FLOCK_PROTOCOL. */
export function readChannelRequest(body: Buffer): { readonly request: ChannelRequest; readonly kinds: number } {
  const said = parse(body, "bulk.channel") as Partial<ChannelRequest> & { readonly kinds?: number };
  const { from, member, size, kinds } = said;
  for (const count of [from, size, kinds]) {
    if (!Number.isSafeInteger(count) || count! < 0) throw malformed("bulk.channel", "it lacks a count");
  }
  if (typeof member !== "string") throw malformed("bulk.channel", "it names no member");
  return { request: { from: from!, member, size: size! }, kinds: kinds! };
}

function parse(body: Buffer, at: string): object {
  let said: unknown;
  try {
    said = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new FlockError("FLOCK_PROTOCOL", malformed(at, "it cannot be read").message, { cause });
  }
  if (typeof said !== "object" || said === null) throw malformed(at, "it is no object");
  return said;
}
