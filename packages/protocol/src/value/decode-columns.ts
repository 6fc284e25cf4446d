// What `encode-columns.ts` wrote.
import { type ByteReader, malformed } from "./byte-reader.ts";
import type { Decoder } from "./decoder.ts";
import { COLUMN, WIDE_BARE, WIDE_SAME_KEYS } from "./format.ts";

export function readColumnArray(decoder: Decoder): unknown[] {
  const count = decoder.in.count(1);
  return decoder.add(readColumn(decoder.in, count));
}

export function readColumnSet(decoder: Decoder): Set<unknown> {
  const count = decoder.in.count(1);
  return decoder.add(new Set(readColumn(decoder.in, count)));
}

export function readColumnMap(decoder: Decoder): Map<unknown, unknown> {
  const map = decoder.add(new Map<unknown, unknown>());
  const count = decoder.in.count(2);
  const keys = readColumn(decoder.in, count);
  const values = readValues(decoder, count);
  for (let i = 0; i < count; i++) map.set(keys[i], values[i]);
  return map;
}

/** An object without prototype takes many properties best, and any name; it gets its prototype in the end. */
export function readWide(decoder: Decoder): object {
  const object: Record<string, unknown> = decoder.add(Object.create(null));
  const flags = decoder.in.byte();
  const count = decoder.in.count(1);
  if ((flags & WIDE_SAME_KEYS) === 0) decoder.wideKeys = decoder.in.strings(count);
  const keys = decoder.wideKeys;
  if (keys.length !== count) throw malformed("an object has the keys of one that has more or fewer");
  const values = readValues(decoder, count);
  for (let i = 0; i < count; i++) object[keys[i]!] = values[i];
  if ((flags & WIDE_BARE) === 0) Object.setPrototypeOf(object, Object.prototype);
  return object;
}

/** Of numbers or strings. */
function readColumn(reader: ByteReader, count: number, kind: number = reader.byte()): unknown[] {
  return kind === COLUMN.strings ? reader.strings(count) : reader.numbers(kind, count);
}

/** What keys stand for: a column of any kind. */
function readValues(decoder: Decoder, count: number): unknown[] {
  const kind = decoder.in.byte();
  if (kind !== COLUMN.values) return readColumn(decoder.in, count, kind);
  decoder.in.need(count);
  const values: unknown[] = [];
  decoder.enter();
  for (let i = 0; i < count; i++) values.push(decoder.read());
  decoder.leave();
  return values;
}
