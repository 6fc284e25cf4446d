// Columns: one field of many messages, side by side. Hot paths: plain loops over one type each.
//
// An integer column is a header byte, a base, and the values minus the base in the fewest bytes that hold the largest of them;
// a column of one value, or of numbers that follow each other, takes no bytes per message.

import type { PayloadSource } from "../payload-store.ts";
import { type IntField, malformed, type TextField } from "../validation/fields.ts";
import { FlockError, NO_PAYLOAD, type PayloadRef } from "../words/index.ts";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

const INITIAL_ROWS = 32;
/** Columns that grew beyond this give their memory back. */
const KEPT_ROWS = 4096;

/** In place of the width: each value is the one before it plus 1. */
const RAMP = 3;

export interface Column {
  /** Appends the column to the frame, and empties it. */
  write(out: WireWriter): void;
}

export class IntColumn implements Column {
  #values: Float64Array = new Float64Array(INITIAL_ROWS);
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  write(out: WireWriter): void {
    const values = this.#values;
    const count = this.#count;
    this.#count = 0;
    if (count === 0) return;
    let min = values[0]!;
    let max = min;
    let sum = min;
    for (let i = 1; i < count; i++) {
      const value = values[i]!;
      sum += value;
      if (value < min) min = value;
      else if (value > max) max = value;
    }
    if (Number.isNaN(sum))
      throw new FlockError("FLOCK_INTERNAL", "a message to be sent has a field that is not a number");
    const baseBytes = min >= 0 && min < 256 ? 1 : min >= 0 && min <= 0x7fffffff ? 4 : 8;
    const span = max - min;
    const ramp = span === count - 1 && count > 1 && isRamp(values, count);
    const bytes = ramp ? RAMP : widthOf(span, baseBytes);
    out.u8(bytes === 8 ? 8 : bytes | (baseBytes << 4));
    if (bytes !== 8) writeBase(out, min, baseBytes);
    if (bytes !== 0 && bytes !== RAMP) writeDeltas(out, values, count, bytes === 8 ? 0 : min, bytes);
    if (values.length > KEPT_ROWS) this.#values = new Float64Array(INITIAL_ROWS);
  }
}

function isRamp(values: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (values[i] !== values[i - 1]! + 1) return false;
  return true;
}

function widthOf(span: number, baseBytes: number): number {
  if (span === 0) return 0;
  if (span < 65_536) return span < 256 ? 1 : 2;
  return span <= 0x7fffffff && baseBytes < 8 ? 4 : 8;
}

function writeBase(out: WireWriter, base: number, bytes: number): void {
  if (bytes === 1) out.u8(base);
  else if (bytes === 4) out.u32(base);
  else out.f64(base);
}

function writeDeltas(out: WireWriter, values: Float64Array, count: number, base: number, bytes: number): void {
  let at = out.extend(count * bytes);
  const target = out.target;
  if (bytes === 1) {
    for (let i = 0; i < count; i++) target[at + i] = values[i]! - base;
  } else if (bytes === 2) {
    for (let i = 0; i < count; i++, at += 2) {
      const delta = values[i]! - base;
      target[at] = delta;
      target[at + 1] = delta >> 8;
    }
  } else if (bytes === 4) {
    for (let i = 0; i < count; i++, at += 4) {
      const delta = values[i]! - base;
      target[at] = delta;
      target[at + 1] = delta >> 8;
      target[at + 2] = delta >> 16;
      target[at + 3] = delta >> 24;
    }
  } else {
    for (let i = 0; i < count; i++, at += 8) target.writeDoubleLE(values[i]!, at);
  }
}

const noNumbers: number[] = [];
/** Columns of one number, as nearly all are when calls come one after the other: used again for each frame. */
const singles: readonly number[][] = Array.from({ length: 64 }, () => [0]);
let singlesInUse = 0;

/** A frame begins to be read: nobody reads the columns of the one before any more. */
export function reuseColumns(): void {
  singlesInUse = 0;
}

function newColumn(count: number): number[] {
  return count === 1 && singlesInUse < singles.length ? singles[singlesInUse++]! : new Array<number>(count);
}

/** Reads `count` integers within the field's range. They are the reader's until the frame has become messages (`reuseColumns`). */
export function readInts(reader: WireReader, count: number, field: IntField, at: string): number[] {
  if (count === 0) return noNumbers;
  reader.at = at;
  const header = reader.u8();
  const bytes = header & 0x0f;
  const baseBytes = header >> 4;
  if (bytes === 8 && baseBytes === 0) return readDoubles(reader, count, field, at);
  const base = readBase(reader, baseBytes);
  checkRange(base, field, at);
  // Small integers stay small integers: a value that passed through a double takes 12 bytes more wherever it is kept.
  const out = newColumn(count);
  if (bytes === 0) {
    for (let i = 0; i < count; i++) out[i] = base; // `fill` costs a short column more than reading it
    return out;
  }
  if (bytes === RAMP) {
    checkRange(base + (count - 1), field, at);
    for (let i = 0; i < count; i++) out[i] = base + i;
    return out;
  }
  if (bytes !== 1 && bytes !== 2 && bytes !== 4) throw malformed(at, "the column has an unknown width");
  let p = reader.take(count * bytes);
  const frame = reader.frame;
  let max = 0;
  for (let i = 0; i < count; i++, p += bytes) {
    let delta = frame[p]!;
    if (bytes !== 1) delta |= frame[p + 1]! << 8;
    if (bytes === 4) delta |= (frame[p + 2]! << 16) | ((frame[p + 3]! & 0x7f) << 24);
    if (delta > max) max = delta;
    out[i] = base + delta;
  }
  checkRange(base + max, field, at);
  return out;
}

function readBase(reader: WireReader, bytes: number): number {
  if (bytes === 1) return reader.u8();
  if (bytes === 4) return reader.u32();
  if (bytes === 8) return reader.f64();
  throw malformed(reader.at, "the column has an unknown base");
}

function readDoubles(reader: WireReader, count: number, field: IntField, at: string): number[] {
  const p = reader.take(count * 8);
  const out: number[] = new Array(count);
  for (let i = 0; i < count; i++) {
    const value = reader.frame.readDoubleLE(p + i * 8);
    checkRange(value, field, at);
    out[i] = value;
  }
  return out;
}

function checkRange(value: number, field: IntField, at: string): void {
  if (Number.isSafeInteger(value) && value >= field.min && value <= field.max) return;
  throw malformed(at, `${value} is not an integer within ${field.min} … ${field.max}`);
}

/** Lengths of texts, payloads and lists are checked against what the frame has. */
const anyLength: IntField = { kind: "int", min: 0, max: 0x7fffffff };
const lengthsUpTo: Map<number, IntField> = new Map();

function lengthOf(max: number): IntField {
  let field = lengthsUpTo.get(max);
  if (field === undefined) {
    field = { kind: "int", min: 0, max };
    lengthsUpTo.set(max, field);
  }
  return field;
}

/** Texts, or null: their lengths in UTF-16 units + 1, then all of them as one UTF-8 text. */
export class TextColumn implements Column {
  readonly #lengths: IntColumn = new IntColumn();
  #text = "";

  push(value: string | null): void {
    if (value === null) {
      this.#lengths.push(0);
      return;
    }
    this.#lengths.push(value.length + 1);
    this.#text += value;
  }

  /** UTF-16 units so far. */
  get units(): number {
    return this.#text.length;
  }

  write(out: WireWriter): void {
    this.#lengths.write(out);
    out.text(this.#text);
    this.#text = "";
  }
}

const noText: (string | null)[] = [null];

export function readNullableTexts(reader: WireReader, count: number, field: TextField, at: string): (string | null)[] {
  const lengths = readInts(reader, count, lengthOf(field.max + 1), at);
  reader.at = at;
  const size = reader.u32();
  if (size === 0) return count === 1 && lengths[0] === 0 ? noText : lengths.map((length) => emptyText(length, at));
  const start = reader.take(size);
  const whole = reader.frame.toString("utf8", start, start + size);
  if (count === 1 && lengths[0] === whole.length + 1) return [whole];
  const out: (string | null)[] = new Array(count);
  const narrow = whole.length === size; // one byte per unit: ASCII
  let position = 0;
  for (let i = 0; i < count; i++) {
    const length = lengths[i]! - 1;
    if (length <= 0) {
      out[i] = length === 0 ? "" : null;
      continue;
    }
    // Each text is a copy of its own: a slice of the whole would keep all of it alive.
    out[i] = narrow
      ? reader.frame.toString("latin1", start + position, start + position + length)
      : Buffer.from(whole.slice(position, position + length), "utf16le").toString("utf16le");
    position += length;
  }
  if (position !== whole.length) throw malformed(at, `${whole.length} characters came, ${position} were announced`);
  return out;
}

function emptyText(length: number, at: string): string | null {
  if (length === 0) return null;
  if (length === 1) return "";
  throw malformed(at, `no characters came, ${length - 1} were announced`);
}

export function readTexts(reader: WireReader, count: number, field: TextField, at: string): string[] {
  const texts = readNullableTexts(reader, count, field, at);
  for (let i = 0; i < count; i++) if (texts[i] === null) throw malformed(at, "the text is null");
  return texts as string[];
}

/** Payloads: their bytes + 1 (0 is none), then all of them as one block. */
export class PayloadColumn implements Column {
  readonly #lengths: IntColumn = new IntColumn();
  readonly #block: BlockBuffer = new BlockBuffer();

  /** Copies the bytes now; says how many they are. */
  push(ref: PayloadRef, source: PayloadSource): number {
    if (ref === NO_PAYLOAD) {
      this.#lengths.push(0);
      return 0;
    }
    const size = source.sizeOf(ref);
    source.copyInto(ref, this.#block.room(size), this.#block.length - size);
    this.#lengths.push(size + 1);
    return size;
  }

  write(out: WireWriter): void {
    this.#lengths.write(out);
    this.#block.writeTo(out);
  }
}

class BlockBuffer {
  #bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  room(size: number): Uint8Array {
    this.length += size;
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#bytes.length * 2, 1024));
      grown.set(this.#bytes.subarray(0, this.length - size));
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  writeTo(out: WireWriter): void {
    out.bytes(this.#bytes, this.length);
    this.length = 0;
    if (this.#bytes.length > 1024 * 1024) this.#bytes = new Uint8Array(0);
  }
}

/** Where the payloads of a column lie in the frame: `sizes[i]` is -1 for none. */
export interface PayloadSlices {
  readonly sizes: number[];
  readonly start: number;
}

export function readPayloads(reader: WireReader, count: number, at: string): PayloadSlices {
  const sizes = readInts(reader, count, anyLength, at);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const size = sizes[i]! - 1;
    sizes[i] = size;
    if (size > 0) total += size;
  }
  reader.at = at;
  return { sizes, start: reader.take(total) };
}

/** For payloads that no message of the kind may lack. */
export function checkThere(payloads: PayloadSlices, at: string): void {
  if (payloads.sizes.includes(-1)) throw malformed(at, "the bytes are absent");
}

/** A payload that is there must have the size its message says. */
export function checkSizes(payloads: PayloadSlices, bytes: readonly number[], at: string): void {
  const { sizes } = payloads;
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i]! >= 0 && sizes[i] !== bytes[i])
      throw malformed(at, `${sizes[i]} bytes came, ${bytes[i]} were announced`);
  }
}

/** Reads the lengths of lists; their elements follow as columns of `total` rows. */
export function readCounts(
  reader: WireReader,
  count: number,
  max: number,
  at: string,
): { counts: number[]; total: number } {
  const counts = readInts(reader, count, lengthOf(max), at);
  let total = 0;
  for (let i = 0; i < count; i++) total += counts[i]!;
  reader.at = at;
  reader.spend(total);
  return { counts, total };
}
