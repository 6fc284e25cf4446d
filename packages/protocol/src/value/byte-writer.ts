// A growing buffer of bytes. This is the hottest code of the codec, and plainer and longer than the rest for it.
import { FlockError } from "../words/errors.ts";
import { COLUMN, COLUMN_WIDTH, MAX_TINY_INTEGER, MAX_TINY_STRING, TAG, TINY_STRING } from "./format.ts";

const INITIAL_BYTES = 16 * 1024;
/** A buffer that grew beyond this is not kept for the next value. */
const KEPT_BYTES = 1024 * 1024;
const MAX_BYTES = 2 ** 31;
const BEYOND_LATIN1 = /[\u0100-\uffff]/;
/** Strings up to this length are copied by a loop: a native call costs more. */
const LOOP_CHARACTERS = 40;

export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  position = 0;
  #view: DataView = new DataView(this.bytes.buffer);

  /** Forgets what was written, and the memory too when it is large. */
  reset(): void {
    this.position = 0;
    if (this.bytes.length > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  }

  reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_BYTES) {
      throw new FlockError(
        "FLOCK_TOO_LARGE",
        "The value takes more than 2 GiB outside its typed arrays; split it, or use typed arrays.",
      );
    }
    const grown = Buffer.allocUnsafeSlow(Math.min(MAX_BYTES, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.position));
    this.#use(grown);
  }

  /** Leaves room for bytes that are written later. */
  skip(count: number): void {
    this.reserve(count);
    this.position += count;
  }

  byte(value: number): void {
    if (this.position === this.bytes.length) this.reserve(1);
    this.bytes[this.position++] = value;
  }

  uint32At(position: number, value: number): void {
    this.#view.setUint32(position, value, true);
  }

  /** An integer from 0 to 2 ** 53 - 1, seven bits per byte, the lowest first. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.position++] = rest;
  }

  number(value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value <= MAX_TINY_INTEGER) {
        this.byte(value);
      } else {
        this.byte(TAG.int);
        this.varint(((value << 1) ^ (value >> 31)) >>> 0);
      }
      return;
    }
    this.reserve(9);
    this.bytes[this.position] = TAG.float64;
    this.#view.setFloat64(this.position + 1, value, true);
    this.position += 9;
  }

  /** A column, without its kind. */
  numbers(kind: number, values: readonly number[]): void {
    const bytesEach = COLUMN_WIDTH[kind]!;
    this.reserve(values.length * bytesEach);
    const view = this.#view;
    let position = this.position;
    for (let i = 0; i < values.length; i++) {
      if (kind === COLUMN.float64) view.setFloat64(position, values[i]!, true);
      else if (kind === COLUMN.int8) view.setInt8(position, values[i]!);
      else if (kind === COLUMN.int16) view.setInt16(position, values[i]!, true);
      else view.setInt32(position, values[i]!, true);
      position += bytesEach;
    }
    this.position = position;
  }

  float64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** A tagged bigint. */
  bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.byte(TAG.bigint64);
      this.reserve(8);
      this.#view.setBigInt64(this.position, value, true);
      this.position += 8;
      return;
    }
    const hexadecimal = (value < 0n ? -value : value).toString(16);
    this.byte(value < 0n ? TAG.bigintNegative : TAG.bigintPositive);
    this.varint(hexadecimal.length);
    this.latin1(hexadecimal);
  }

  /** A tagged string. */
  string(value: string): void {
    const length = value.length;
    if (length <= MAX_TINY_STRING) {
      this.reserve(1 + length);
      const start = this.position;
      this.bytes[start] = TINY_STRING + length;
      this.position = start + 1;
      if (this.#narrow(value)) return;
      this.position = start;
    } else if (!BEYOND_LATIN1.test(value)) {
      this.byte(TAG.latin1);
      this.varint(length);
      this.latin1(value);
      return;
    }
    this.byte(TAG.utf16);
    this.varint(length);
    this.utf16(value);
  }

  /** Characters that are all below U+0100, without tag or length. */
  latin1(value: string): void {
    this.reserve(value.length);
    if (value.length <= LOOP_CHARACTERS) {
      this.#narrow(value);
      return;
    }
    this.bytes.write(value, this.position, "latin1");
    this.position += value.length;
  }

  /** The same of any characters; false, with the position anywhere, when one does not fit into a byte. */
  narrow(value: string): boolean {
    if (value.length > LOOP_CHARACTERS) {
      if (BEYOND_LATIN1.test(value)) return false;
      this.latin1(value);
      return true;
    }
    this.reserve(value.length);
    return this.#narrow(value);
  }

  utf16(value: string): void {
    this.reserve(value.length * 2);
    this.position += this.bytes.write(value, this.position, "utf16le");
  }

  /** Bytes as they are, without tag or length. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Writes characters as bytes; false, with the position anywhere, when one does not fit into a byte. */
  #narrow(value: string): boolean {
    const bytes = this.bytes;
    let position = this.position;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0xff) return false;
      bytes[position++] = code;
    }
    this.position = position;
    return true;
  }

  #use(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** True when every character is below U+0100. */
export function isLatin1(value: string): boolean {
  return !BEYOND_LATIN1.test(value);
}
