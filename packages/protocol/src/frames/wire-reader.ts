// Reads a frame that anybody may have sent: nothing is read or allocated before it is known to be there.

import { malformed } from "../validation/fields.ts";

export class WireReader {
  readonly frame: Buffer;
  /** Of what is read, for errors: `message.field`. */
  at = "frame";
  /** Elements (messages and members of lists) that this frame may still have: constant columns take no bytes, so they are counted. */
  #elements: number;
  #position = 0;

  constructor(frame: Uint8Array, elements: number) {
    this.frame = Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#elements = elements;
  }

  get remaining(): number {
    return this.frame.length - this.#position;
  }

  /** Position of `count` bytes that are there; they are passed. */
  take(count: number): number {
    const at = this.#position;
    if (count > this.frame.length - at) {
      throw malformed(this.at, `the frame ends ${count - this.remaining} bytes too early`);
    }
    this.#position = at + count;
    return at;
  }

  /** Says that `count` elements follow. */
  spend(count: number): void {
    this.#elements -= count;
    if (this.#elements < 0) throw malformed(this.at, "the frame has too many elements");
  }

  u8(): number {
    return this.frame[this.take(1)]!;
  }

  u32(): number {
    return this.frame.readUInt32LE(this.take(4));
  }

  f64(): number {
    return this.frame.readDoubleLE(this.take(8));
  }

  end(): void {
    if (this.remaining !== 0) throw malformed(this.at, `${this.remaining} bytes follow the frame's end`);
  }
}
