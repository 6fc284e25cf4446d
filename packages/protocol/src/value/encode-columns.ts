// Elements other than one by one: numbers side by side in a fixed width, short strings as one stretch of characters, holes.
import type { ByteWriter } from "./byte-writer.ts";
import type { Encoder } from "./encoder.ts";
import {
  CHUNK_LATIN1,
  CHUNK_STRINGS,
  CHUNK_UTF16,
  COLUMN,
  MAX_COLUMN_STRING,
  MIN_COLUMN,
  TAG,
  WIDE_BARE,
  WIDE_SAME_KEYS,
} from "./format.ts";
import type { Step } from "./refusal.ts";

/** The kind of column that the values make, `COLUMN.values` when they are better written one by one. */
export function columnOf(values: readonly unknown[]): number {
  if (values.length < MIN_COLUMN) return COLUMN.values;
  const first = values[0];
  if (typeof first === "number") return columnOfNumbers(values);
  return typeof first === "string" && areShortStrings(values) ? COLUMN.strings : COLUMN.values;
}

/** Tiny integers take a byte each on their own, so a few numbers that are none do not make all wide. */
function columnOfNumbers(values: readonly unknown[]): number {
  let fractions = 0;
  let large = 0;
  let min = 0;
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number") return COLUMN.values;
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
      fractions++;
    } else if (value < -0x80 || value > 0x7f) {
      large++;
      if (value < min) min = value;
      else if (value > max) max = value;
    }
  }
  if (fractions + large === 0) return COLUMN.int8;
  if ((fractions + large) * 2 < values.length) return COLUMN.values;
  if (fractions > 0) return COLUMN.float64;
  return min >= -0x8000 && max <= 0x7fff ? COLUMN.int16 : COLUMN.int32;
}

function areShortStrings(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "string" || value.length > MAX_COLUMN_STRING) return false;
  }
  return true;
}

/** Writes an array's elements or a Set's, or a Map's keys: the kind is one of numbers or strings. */
export function writeColumn({ out }: Encoder, kind: number, values: readonly unknown[]): void {
  out.byte(kind);
  if (kind === COLUMN.strings) writeStrings(out, values as readonly string[]);
  else out.numbers(kind, values as readonly number[]);
}

export function writeColumnMap(encoder: Encoder, kind: number, keys: readonly unknown[], values: unknown[]): void {
  encoder.out.byte(TAG.columnMap);
  encoder.out.varint(keys.length);
  writeColumn(encoder, kind, keys);
  writeValues(encoder, values, (index) => ({ in: "map", key: keys[index] }));
}

/** Enumerable properties with short names. */
export function writeWide(
  encoder: Encoder,
  object: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  bare: boolean,
): void {
  const { out } = encoder;
  const known = isSame(keys, encoder.wideKeys);
  out.byte(TAG.wide);
  out.byte((bare ? WIDE_BARE : 0) | (known ? WIDE_SAME_KEYS : 0));
  out.varint(keys.length);
  if (!known) writeStrings(out, keys);
  encoder.wideKeys = keys;
  const values: unknown[] = [];
  for (const key of keys) values.push(encoder.read(object, key));
  writeValues(encoder, values, (index) => keys[index]!);
}

function isSame(keys: readonly string[], others: readonly string[]): boolean {
  if (keys.length !== others.length) return false;
  for (let i = 0; i < keys.length; i++) if (keys[i] !== others[i]) return false;
  return true;
}

/** What keys stand for. */
function writeValues(encoder: Encoder, values: readonly unknown[], step: (index: number) => Step): void {
  const kind = columnOf(values);
  if (kind !== COLUMN.values) {
    writeColumn(encoder, kind, values);
    return;
  }
  const { out } = encoder;
  out.byte(kind);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === "number") out.number(value);
    else if (typeof value === "string") out.string(value);
    else encoder.child(step(i), value);
  }
}

function writeStrings(out: ByteWriter, strings: readonly string[]): void {
  for (let from = 0; from < strings.length; from += CHUNK_STRINGS) {
    writeChunk(out, strings, from, Math.min(from + CHUNK_STRINGS, strings.length));
  }
}

function writeChunk(out: ByteWriter, strings: readonly string[], from: number, to: number): void {
  const start = out.position;
  if (writeTexts(out, CHUNK_LATIN1, strings, from, to)) return;
  out.position = start;
  writeTexts(out, CHUNK_UTF16, strings, from, to);
}

/** False when a character does not fit. Each string is read once: behind an element, a getter may stand. */
function writeTexts(out: ByteWriter, form: number, strings: readonly string[], from: number, to: number): boolean {
  out.byte(form);
  let lengthAt = out.position;
  out.skip(to - from);
  for (let i = from; i < to; i++) {
    const text = strings[i]!;
    if (text.length > MAX_COLUMN_STRING) throw new RangeError("a string changed while it was read");
    out.bytes[lengthAt++] = text.length;
    if (form === CHUNK_UTF16) out.utf16(text);
    else if (!out.narrow(text)) return false;
  }
  return true;
}

/** The rest of an array from its first hole on, so that `a[1e9] = 1` costs one entry. */
export function writeHoles(encoder: Encoder, array: readonly unknown[], from: number): void {
  const indices: number[] = [];
  for (const key of Object.keys(array)) {
    const index = Number(key);
    if (Number.isInteger(index) && index >= from && index < array.length) indices.push(index);
  }
  encoder.out.byte(TAG.holes);
  encoder.out.varint(indices.length);
  for (const index of indices) {
    encoder.out.varint(index);
    encoder.element(index, array[index]);
  }
}
