// One lane between a member and another one: whole messages in both directions, in order, cut into parts. What is sent may be a window
// ahead of what was taken there; so much, and no more, lies here unreceived.

import type { FlockError, GroupTerms } from "@taskflock/protocol/words";

export interface LanePort {
  /** `length`: of the whole message with its first part, else -1. The bytes are given away. */
  part(length: number, bytes: Uint8Array): void;
  /** So much was taken out of the window. */
  credit(bytes: number): void;
}

interface Part {
  readonly length: number;
  readonly bytes: Uint8Array;
}

export class Lane {
  readonly #port: LanePort;
  readonly #terms: GroupTerms;
  readonly #parts: Part[] = [];
  /** What may still be sent. */
  #room: number;
  #sending: Promise<unknown> = Promise.resolve();
  #receiving: Promise<unknown> = Promise.resolve();
  #wakeSender: () => void = () => {};
  #wakeReceiver: () => void = () => {};
  #ended: { readonly error: FlockError; readonly atOnce: boolean } | null = null;
  /** Of whole messages. */
  sentBytes = 0;
  receivedBytes = 0;

  constructor(terms: GroupTerms, port: LanePort) {
    this.#terms = terms;
    this.#port = port;
    this.#room = terms.windowBytes;
  }

  /** Resolves when the last part is on its way. Nobody may change the bytes before. */
  send(bytes: Uint8Array): Promise<void> {
    const sent = this.#sending.then(() => this.#send(bytes));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  /** The next message, in memory of its own. */
  receive(): Promise<Uint8Array<ArrayBuffer>> {
    const received = this.#receiving.then(() => this.#receive());
    this.#receiving = received.catch(() => {});
    return received;
  }

  /** A part has come. */
  onPart(length: number, bytes: Uint8Array): void {
    this.#parts.push({ length, bytes });
    this.#wakeReceiver();
  }

  /** The other end has taken so much. */
  onCredit(bytes: number): void {
    this.#room += bytes;
    this.#wakeSender();
  }

  /** Nothing is sent any more, nor received: `atOnce`, or when what has come was received. */
  end(error: FlockError, atOnce: boolean): void {
    if (this.#ended?.atOnce) return;
    this.#ended = { error, atOnce };
    this.#wakeSender();
    this.#wakeReceiver();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    let at = 0;
    do {
      const part = bytes.slice(at, at + this.#terms.partBytes);
      const weight = this.#weightOf(part);
      while (this.#ended === null && this.#room < weight) {
        await new Promise<void>((resolve) => {
          this.#wakeSender = resolve;
        });
      }
      if (this.#ended !== null) throw this.#ended.error;
      this.#room -= weight;
      const length = at === 0 ? bytes.length : -1;
      at += part.length;
      this.#port.part(length, part);
    } while (at < bytes.length);
    this.sentBytes += bytes.length;
  }

  async #receive(): Promise<Uint8Array<ArrayBuffer>> {
    const first = await this.#next();
    const whole = first.length === first.bytes.length ? alone(first.bytes) : await this.#rest(first);
    this.receivedBytes += whole.length;
    return whole;
  }

  async #rest(first: Part): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array(first.length);
    whole.set(first.bytes);
    for (let at = first.bytes.length; at < whole.length; ) {
      const { bytes } = await this.#next();
      whole.set(bytes, at);
      at += bytes.length;
    }
    return whole;
  }

  async #next(): Promise<Part> {
    for (;;) {
      if (this.#ended?.atOnce) throw this.#ended.error;
      const part = this.#parts.shift();
      if (part !== undefined) {
        if (this.#ended === null) this.#port.credit(this.#weightOf(part.bytes));
        return part;
      }
      if (this.#ended !== null) throw this.#ended.error;
      await new Promise<void>((resolve) => {
        this.#wakeReceiver = resolve;
      });
    }
  }

  #weightOf(part: Uint8Array): number {
    return Math.max(this.#terms.leastPartBytes, part.length);
  }
}

/** Bytes with their memory for themselves: other kinds of arrays can be laid over it. */
function alone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return own && !Buffer.isBuffer(bytes) ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
