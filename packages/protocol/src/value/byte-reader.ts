// Reads what a `ByteWriter` wrote, from bytes that nobody vouches for: every length is checked before it is used.
import { FlockError } from "../words/errors.ts";

export function malformed(what: string): FlockError {
  return new FlockError("FLOCK_VALUE_MALFORMED", `Bytes are not an encoded value: ${what}.`);
}

/** What `make` makes; what it throws says that the bytes are none of ours. */
export function orMalformed<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch {
    throw malformed(what);
  }
}

/** Strings up to this length are read by a loop: a native call costs more. */
const LOOP_CHARACTERS = 24;

export class ByteReader {
  readonly #bytes: Uint8Array;
  #view: DataView | undefined;
  /** For text: the same memory as a Buffer, which can read shared memory where TextDecoder cannot. */
  #text: Buffer | undefined;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.position = start;
    this.end = end;
  }

  need(count: number): void {
    if (count > this.end - this.position) throw malformed("they end too early");
  }

  /** A count of things that take at least `each` bytes. */
  count(each: number): number {
    const count = this.varint();
    this.need(count * each);
    return count;
  }

  byte(): number {
    if (this.position >= this.end) throw malformed("they end too early");
    return this.#bytes[this.position++]!;
  }

  /** The next byte, which stays to be read; -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.#bytes[this.position]! : -1;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 49) throw malformed("a number is too large");
    }
    if (value > Number.MAX_SAFE_INTEGER) throw malformed("a number is too large");
    return value;
  }

  int32(): number {
    const value = this.varint();
    if (value > 0xffffffff) throw malformed("a number is too large");
    return (value >>> 1) ^ -(value & 1);
  }

  float64(): number {
    this.need(8);
    this.position += 8;
    return this.#numbers().getFloat64(this.position - 8, true);
  }

  bigint64(): bigint {
    this.need(8);
    this.position += 8;
    return this.#numbers().getBigInt64(this.position - 8, true);
  }

  latin1(length: number): string {
    this.need(length);
    const start = this.position;
    this.position += length;
    if (length > LOOP_CHARACTERS) return this.#buffer().toString("latin1", start, this.position);
    let text = "";
    for (let i = start; i < this.position; i++) text += String.fromCharCode(this.#bytes[i]!);
    return text;
  }

  utf16(length: number): string {
    this.need(length * 2);
    const start = this.position;
    this.position += length * 2;
    return this.#buffer().toString("utf16le", start, this.position);
  }

  /** The next bytes, in the memory that is read. */
  raw(length: number): Uint8Array {
    this.need(length);
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }

  #numbers(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  #buffer(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#text ??= Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return this.#text;
  }
}
