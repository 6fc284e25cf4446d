// Reads what a `ByteWriter` wrote, from bytes that nobody vouches for: every length is checked before it is used.
import { FlockError } from "../words/errors.ts";
import { CHUNK_LATIN1, CHUNK_STRINGS, CHUNK_UTF16, COLUMN, COLUMN_WIDTH } from "./format.ts";

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
/** A longer part of a text keeps the whole text in memory. */
const COPIED_CHARACTERS = 12;
const MAX_FILLED = 2 ** 24;
/** Names of properties that were met last, by a hash of their characters. */
const NAMES = 0x3ff;
const names: string[] = new Array<string>(NAMES + 1).fill("");
const NO_BYTES = new Uint8Array(0);
/** For single numbers: a DataView over each value's bytes would cost more than the value. */
const single: DataView = new DataView(new ArrayBuffer(8));

export class ByteReader {
  #bytes: Uint8Array = NO_BYTES;
  /** For text: the same memory as a Buffer, which can read shared memory where TextDecoder cannot. */
  #text: Buffer | undefined;
  position = 0;
  end = 0;

  /** Reads these bytes from now on, from `start` to `end`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#text = undefined;
    this.position = start;
    this.end = end;
  }

  /** Drops the bytes. */
  close(): void {
    this.begin(NO_BYTES, 0, 0);
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
    const first = this.byte();
    return first < 0x80 ? first : this.#longVarint(first & 0x7f);
  }

  #longVarint(first: number): number {
    let value = first;
    let scale = 128;
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
    this.#loadSingle();
    return single.getFloat64(0, true);
  }

  bigint64(): bigint {
    this.#loadSingle();
    return single.getBigInt64(0, true);
  }

  /** Of a bigint, as hexadecimal digits. */
  magnitude(): bigint {
    const digits = this.latin1(this.varint());
    if (!/^[0-9a-f]+$/.test(digits)) throw malformed("a bigint has no digits");
    return BigInt(`0x${digits}`);
  }

  #loadSingle(): void {
    this.need(8);
    for (let i = 0; i < 8; i++) single.setUint8(i, this.#bytes[this.position++]!);
  }

  /** A column of `count` numbers, without its kind. */
  numbers(kind: number, count: number): number[] {
    const bytesEach = COLUMN_WIDTH[kind];
    if (!bytesEach) throw malformed("a column is of no known kind");
    this.need(count * bytesEach);
    const { buffer, byteOffset } = this.#bytes;
    const view = new DataView(buffer, byteOffset + this.position, count * bytesEach);
    this.position += view.byteLength;
    // Filling what is there takes a third of the time of pushing; beyond the bound it would make a sparse array.
    const numbers: number[] = count <= MAX_FILLED ? new Array<number>(count) : [];
    for (let i = 0, at = 0; i < count; i++, at += bytesEach) {
      if (kind === COLUMN.float64) numbers[i] = view.getFloat64(at, true);
      else if (kind === COLUMN.int8) numbers[i] = view.getInt8(at);
      else if (kind === COLUMN.int16) numbers[i] = view.getInt16(at, true);
      else numbers[i] = view.getInt32(at, true);
    }
    return numbers;
  }

  /** The same of strings. */
  strings(count: number): string[] {
    const strings: string[] = [];
    for (let left = count; left > 0; left -= CHUNK_STRINGS) this.#chunk(Math.min(left, CHUNK_STRINGS), strings);
    return strings;
  }

  #chunk(count: number, strings: string[]): void {
    const form = this.byte();
    if (form > CHUNK_UTF16) throw malformed("a column's strings have an unknown form");
    const lengths = this.raw(count);
    let characters = 0;
    for (let i = 0; i < count; i++) characters += lengths[i]!;
    let start = this.position;
    const text = form === CHUNK_LATIN1 ? this.latin1(characters) : this.utf16(characters);
    const behind = this.position;
    for (let i = 0, at = 0; i < count; i++) {
      const length = lengths[i]!;
      if (length <= COPIED_CHARACTERS) {
        strings.push(text.slice(at, at + length));
      } else {
        this.position = start;
        strings.push(form === CHUNK_LATIN1 ? this.latin1(length) : this.utf16(length));
      }
      at += length;
      start += form === CHUNK_LATIN1 ? length : length * 2;
    }
    this.position = behind;
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

  /** The same of a property's name: most were met before, and the engine knows them. */
  name(length: number): string {
    if (length > LOOP_CHARACTERS) return this.latin1(length);
    this.need(length);
    const start = this.position;
    let hash = length;
    for (let i = start; i < start + length; i++) hash = (hash * 31 + this.#bytes[i]!) & NAMES;
    const known = names[hash]!;
    if (known.length === length && this.#isAhead(known)) {
      this.position += length;
      return known;
    }
    const name = this.latin1(length);
    names[hash] = name;
    return name;
  }

  #isAhead(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#bytes[this.position + i] !== text.charCodeAt(i)) return false;
    return true;
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
    return this.since(this.position - length);
  }

  /** The bytes that were read since `start`, in the memory that is read. */
  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.position);
  }

  /** Skips the next bytes if they are these. */
  skip(bytes: Uint8Array): boolean {
    const end = this.position + bytes.length;
    if (end > this.end || Buffer.compare(this.#bytes.subarray(this.position, end), bytes) !== 0) return false;
    this.position = end;
    return true;
  }

  #buffer(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#text ??= Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return this.#text;
  }
}
