// Frames on their way to the scheduler: numbered, kept until acknowledged, sent again after a cut, held back above the credit.

import { envelopeAt } from "../frames/envelope.ts";
import { patchHeader } from "../frames/frames.ts";
import { malformed } from "../validation/fields.ts";

export class Upstream {
  /** In order of their numbers, from `#firstSeq` on; those before `#unsent` are on their way. */
  #frames: Buffer[] = [];
  #head = 0;
  #unsent = 0;
  #nextSeq = 1;
  #bytes = 0;
  #sentBytes = 0;

  /** Bytes of all frames that are not acknowledged. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether frames wait for credit or for a connection. */
  get waiting(): boolean {
    return this.#unsent < this.#frames.length;
  }

  /** The number that the next frame gets. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Takes a frame that carries `nextSeq`, in its envelope. */
  push(frame: Buffer): void {
    this.#nextSeq++;
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** Sends what the credit allows; one frame always, however large it is. `ack` goes into each. */
  pump(creditBytes: number, ack: number, send: (frame: Buffer) => void): void {
    while (this.#unsent < this.#frames.length) {
      const frame = this.#frames[this.#unsent]!;
      if (this.#sentBytes > 0 && this.#sentBytes + frame.length > creditBytes) return;
      patchHeader(frame, { seq: this.#seqOf(this.#unsent), ack }, envelopeAt(frame, 0));
      this.#unsent++;
      this.#sentBytes += frame.length;
      send(frame);
    }
  }

  /** The scheduler has processed all up to `seq`. Throws FLOCK_PROTOCOL when that was never sent. */
  acknowledge(seq: number): void {
    if (seq >= this.#seqOf(this.#unsent)) throw malformed("frame.ack", `frame ${seq} was never sent`);
    while (this.#head < this.#unsent && this.#seqOf(this.#head) <= seq) {
      const size = this.#frames[this.#head]!.length;
      this.#bytes -= size;
      this.#sentBytes -= size;
      this.#head++;
    }
    this.#compact();
  }

  /** A new connection of the same session: all that the scheduler has not received is to be sent again. */
  resume(received: number): void {
    this.acknowledge(received);
    this.#unsent = this.#head;
    this.#sentBytes = 0;
  }

  /** A new session: numbers begin again. `keep`: what was not acknowledged is said to the new one. */
  restart(keep: boolean): void {
    this.#frames = keep ? this.#frames.slice(this.#head) : [];
    if (!keep) this.#bytes = 0;
    this.#head = 0;
    this.#unsent = 0;
    this.#sentBytes = 0;
    this.#nextSeq = this.#frames.length + 1;
  }

  #seqOf(index: number): number {
    return this.#nextSeq - this.#frames.length + index;
  }

  #compact(): void {
    if (this.#head < 64 && this.#head < this.#frames.length) return;
    this.#frames.splice(0, this.#head);
    this.#unsent -= this.#head;
    this.#head = 0;
  }
}
