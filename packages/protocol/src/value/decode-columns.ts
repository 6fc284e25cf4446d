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
  if ((flags & WIDE_SAME_KEYS) === 0) decoder.wideKeys = readNames(decoder.in, count);
  const keys = decoder.wideKeys;
  if (keys.length !== count) throw malformed("an object has the keys of one that has more or fewer");
  const values = readValues(decoder, count);
  for (let i = 0; i < count; i++) object[keys[i]!] = values[i];
  if ((flags & WIDE_BARE) === 0) Object.setPrototypeOf(object, Object.prototype);
  return object;
}

// Most of what a large object costs is that the engine looks up its names in the table of all names. Objects alike often
// come one after the other, in values of their own: the names of the last one are kept, with the bytes that they stood in.
const MAX_KEPT_BYTES = 1024 * 1024;
let keptNames: readonly string[] = [];
let keptBytes: Uint8Array = new Uint8Array(0);

function readNames(reader: ByteReader, count: number): readonly string[] {
  if (count === keptNames.length && reader.skip(keptBytes)) return keptNames;
  const start = reader.position;
  const names = reader.strings(count);
  if (reader.position - start <= MAX_KEPT_BYTES) {
    keptBytes = reader.since(start).slice();
    keptNames = names;
  }
  return names;
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
