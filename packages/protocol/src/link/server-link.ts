// The scheduler's end of one connection, after its welcome.

import type { RawData } from "ws";
import { decodeFrame, FrameBuilder, readSeq } from "../frames/frames.ts";
import type { PayloadStore } from "../payload-store.ts";
import { malformed } from "../validation/fields.ts";
import { type Directions, type FlockError, isFlockError } from "../words/index.ts";
import { encodeHandshake, refused } from "./handshake.ts";
import type { ReadingClock } from "./reading-clock.ts";
import { type DownDirection, FLUSH_BYTES, FLUSH_MESSAGES, type UpDirection } from "./scheduler-link.ts";
import { type Line, sendPacket } from "./whole-messages.ts";

/** Bytes that lie unsent before a peer counts as one that does not read, and below which it reads again. */
const BLOCKED_BYTES = 1024 * 1024;
const READY_BYTES = 256 * 1024;
/**
 * What was received is acknowledged by whatever is sent next; by a frame of its own when so much came, or nothing was sent for so
 * long: until then the peer keeps it.
 */
const ACKNOWLEDGE_BYTES = 64 * 1024;
const ACKNOWLEDGE_MS = 25;

export interface ServerLinkHandlers<U extends UpDirection> {
  /** One new frame, each exactly once and in order; payload references in it were put into the store. */
  onMessages(messages: Directions[U][]): void;
  /** The peer does not read; until it does, it is not read either, so that nothing grows by what it asks for. */
  onBlocked(): void;
  onReady(): void;
  /** The connection is over: `how` is for people. Not called after `close` or `refuse`. */
  onClosed(how: string): void;
}

/** What has passed through all links of a server. */
export interface Traffic {
  receivedMessages: number;
  receivedBytes: number;
  sentMessages: number;
  sentBytes: number;
}

export interface ServerLinkStart<U extends UpDirection, D extends DownDirection> extends Line {
  readonly up: U;
  readonly down: D;
  readonly payloads: PayloadStore;
  readonly clock: ReadingClock;
  /** The last frame that was processed, on connections before this one. */
  readonly received: number;
  readonly silentMs: number;
  readonly peer: string;
  /** Counted into. */
  readonly traffic: Traffic;
}

export class ServerLink<U extends UpDirection = UpDirection, D extends DownDirection = DownDirection> {
  readonly #start: ServerLinkStart<U, D>;
  readonly #builder: FrameBuilder<D>;
  #handlers: ServerLinkHandlers<U> | null = null;
  #received: number;
  #acknowledged: number;
  /** Received and not acknowledged. */
  #owedBytes = 0;
  #owing: NodeJS.Timeout | null = null;
  #sent = 0;
  #scheduled = false;
  #blocked = false;
  #open = true;
  #heardAt: number;

  constructor(start: ServerLinkStart<U, D>) {
    this.#start = start;
    this.#builder = new FrameBuilder(start.down);
    this.#received = start.received;
    this.#acknowledged = start.received;
    this.#heardAt = start.clock.now;
  }

  /** Number of the last frame that was processed; to be kept across connections. */
  get received(): number {
    return this.#received;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Address of the other end. */
  get peer(): string {
    return this.#start.peer;
  }

  /** Begins to read. To be called once, in the turn in which the link was made. */
  listen(handlers: ServerLinkHandlers<U>): void {
    this.#handlers = handlers;
    const { socket } = this.#start;
    const heard = (): void => {
      this.#heardAt = this.#start.clock.now;
    };
    socket.on("pong", heard);
    socket.on("message", (data: RawData) => {
      heard();
      this.#receive(data as Buffer);
    });
    let failure = "";
    socket.on("error", (error) => {
      failure = `: ${error.message}`;
    });
    socket.on("close", (code) => this.#closed(`the connection ended (${code}${failure})`));
  }

  /** Collects a message for the end of the turn; its payload bytes are copied now. Nothing happens when the link is over. */
  send(message: Directions[D]): void {
    if (!this.#open) return;
    const builder = this.#builder;
    if (builder.count > 0) {
      const size = builder.payloadBytesOf(message, this.#start.payloads);
      if (builder.bytes + size > FLUSH_BYTES) this.flush();
    }
    builder.add(message, this.#start.payloads);
    if (builder.bytes >= FLUSH_BYTES || builder.count >= FLUSH_MESSAGES) this.flush();
    else this.#schedule();
  }

  /** Sends what was collected, and what is to be acknowledged. */
  flush(): void {
    if (!this.#open || (this.#builder.count === 0 && this.#received === this.#acknowledged)) return;
    const { socket, traffic } = this.#start;
    traffic.sentMessages += this.#builder.count;
    const packet = this.#builder.pack({ seq: ++this.#sent, ack: this.#received });
    this.#acknowledged = this.#received;
    this.#owedBytes = 0;
    traffic.sentBytes += packet.length;
    // To be told that bytes have left costs more than to send few: only what a blocked peer must take before it is ready again.
    const mayBlock = socket.bufferedAmount + packet.length > READY_BYTES;
    sendPacket(this.#start, packet, mayBlock ? this.#drained : undefined);
    if (!this.#blocked && socket.bufferedAmount > BLOCKED_BYTES) {
      this.#blocked = true;
      socket.pause();
      this.#handlers?.onBlocked();
    }
  }

  /** Sends what was collected, and closes. `onClosed` is not called. */
  close(): void {
    if (!this.#open) return;
    this.flush();
    this.#open = false;
    this.#start.socket.resume(); // its answer is to be read
    this.#start.socket.close(1000);
  }

  /** Says why, and closes; the other end does not try again. */
  refuse(error: FlockError): void {
    if (!this.#open) return;
    this.flush();
    this.#open = false;
    this.#start.socket.send(encodeHandshake(refused(error)));
    this.#start.socket.close(error.code === "FLOCK_PROTOCOL" ? 1002 : 1008);
  }

  /** Ends the connection without a word, as if it were cut; `onClosed` is not called. */
  cut(): void {
    this.#open = false;
    this.#start.socket.terminate();
  }

  /** Asks for a sign of life, or ends the connection when there was none for too long. */
  judge(): void {
    if (!this.#open) return;
    const silentMs = this.#start.clock.now - this.#heardAt;
    if (silentMs <= this.#start.silentMs) return;
    this.#closed(`it was silent for ${Math.round(silentMs)} ms`);
    this.#start.socket.terminate();
  }

  ping(): void {
    if (this.#open && this.#start.socket.readyState === this.#start.socket.OPEN) this.#start.socket.ping();
  }

  #receive(frame: Buffer): void {
    if (!this.#open || this.#handlers === null) return;
    const before = this.#received;
    try {
      const seq = readSeq(frame);
      if (seq <= before) return; // sent again after a cut, and processed before it
      if (seq !== before + 1) throw malformed("frame.seq", `frame ${seq} follows frame ${before}`);
      const { messages } = decodeFrame(this.#start.up, frame, this.#start.payloads);
      this.#received = seq;
      this.#owe(frame.length);
      this.#start.traffic.receivedMessages += messages.length;
      this.#start.traffic.receivedBytes += frame.length;
      if (messages.length > 0) this.#handlers.onMessages(messages);
    } catch (error) {
      // Only what is wrong with the frame is the peer's fault; a defect behind it is not.
      if (!isFlockError(error, "FLOCK_PROTOCOL") || this.#received !== before) throw error;
      const { onClosed } = this.#handlers;
      this.refuse(error);
      onClosed(error.message);
    }
  }

  #owe(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes >= ACKNOWLEDGE_BYTES) {
      this.#schedule();
      return;
    }
    this.#owing ??= setTimeout(() => {
      this.#owing = null;
      this.flush();
    }, ACKNOWLEDGE_MS).unref();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turnEnds);
  }

  /** One function for all turns. */
  readonly #turnEnds = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** A frame has left; one function for all of them. */
  readonly #drained = (): void => {
    if (!this.#blocked || !this.#open) return;
    // Whoever takes what lies here lives, though nothing it says is read.
    this.#heardAt = this.#start.clock.now;
    if (this.#start.socket.bufferedAmount > READY_BYTES) return;
    this.#blocked = false;
    this.#start.socket.resume();
    this.#handlers?.onReady();
  };

  #closed(how: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#handlers?.onClosed(how);
  }
}
