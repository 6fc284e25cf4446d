// Plain data by msgpackr. What comes in is walked first: msgpackr would make an array as long as the bytes claim, and has
// extensions that build functions, dates and patterns; none of them is part of the protocol.

import { createRequire } from "node:module";
import type { Packr } from "msgpackr";
import { malformed } from "../validation/fields.ts";
import type { WireReader } from "./wire-reader.ts";

const require = createRequire(import.meta.url);
const MAX_DEPTH = 48;

let made: Packr | undefined;

/**
 * Loaded with the first frame: importing this package stays quick. Without the native reader of long texts, which takes longer to load
 * than all else here, and which the hot path has no use for.
 */
function packr(): Packr {
  if (made !== undefined) return made;
  const msgpackr = require("msgpackr/index-no-eval") as typeof import("msgpackr");
  made = new msgpackr.Packr({
    useRecords: false,
    mapsAsObjects: true,
    moreTypes: false,
    structuredClone: false,
    encodeUndefinedAsNil: true,
    int64AsType: "number",
    copyBuffers: false,
  });
  return made;
}

/** Plain data: null, booleans, numbers, texts, bytes, arrays and records of them. */
export function packPlain(value: unknown): Buffer {
  return packr().pack(value);
}

/** Reads one value; bytes in it are views of the frame. Throws FLOCK_PROTOCOL. */
export function readPlain(reader: WireReader, at: string): unknown {
  reader.at = at;
  const before = reader.remaining;
  const start = reader.take(0);
  walk(reader, 0);
  const size = before - reader.remaining;
  try {
    return packr().unpack(reader.frame.subarray(start, start + size));
  } catch (cause) {
    throw malformed(at, `it is not plain data (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** By first byte: bytes of the length that follows (1, 2, 4), for texts and bytes, arrays, records. */
const texts: Readonly<Record<number, number>> = { 196: 1, 217: 1, 197: 2, 218: 2, 198: 4, 219: 4 };
const arrays: Readonly<Record<number, number>> = { 220: 2, 221: 4 };
const records: Readonly<Record<number, number>> = { 222: 2, 223: 4 };
/** By first byte: bytes that follow. nil, false, true; integers; floats. */
const fixed: Readonly<Record<number, number>> = {
  ...{ 192: 0, 194: 0, 195: 0, 204: 1, 208: 1, 205: 2, 209: 2 },
  ...{ 202: 4, 206: 4, 210: 4, 203: 8, 207: 8, 211: 8 },
};

/** Passes one value. Every element takes at least one byte, so the work is bounded by the frame. */
function walk(reader: WireReader, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(reader.at, `it nests deeper than ${MAX_DEPTH}`);
  const head = reader.u8();
  if (head < 0x80 || head >= 0xe0) return; // small integers
  if (head < 0x90) walkMany(reader, head & 0x0f, true, depth);
  else if (head < 0xa0) walkMany(reader, head & 0x0f, false, depth);
  else if (head < 0xc0) reader.take(head & 0x1f);
  else if (fixed[head] !== undefined) reader.take(fixed[head]);
  else if (texts[head] !== undefined) reader.take(readLength(reader, texts[head]));
  else if (arrays[head] !== undefined) walkMany(reader, readLength(reader, arrays[head]), false, depth);
  else if (records[head] !== undefined) walkMany(reader, readLength(reader, records[head]), true, depth);
  else throw malformed(reader.at, `the byte 0x${head.toString(16)} begins nothing that is plain data`);
}

function walkMany(reader: WireReader, count: number, pairs: boolean, depth: number): void {
  if (count * (pairs ? 2 : 1) > reader.remaining) throw malformed(reader.at, `${count} elements cannot follow`);
  for (let i = 0; i < count; i++) {
    if (pairs) passKey(reader);
    walk(reader, depth + 1);
  }
}

/** Keys of records are texts. */
function passKey(reader: WireReader): void {
  const head = reader.u8();
  if (head >= 0xa0 && head < 0xc0) reader.take(head & 0x1f);
  else if (head === 0xd9 || head === 0xda) reader.take(readLength(reader, head - 0xd8));
  else throw malformed(reader.at, "a record has a key that is not a text");
}

function readLength(reader: WireReader, bytes: number): number {
  return reader.frame.readUIntBE(reader.take(bytes), bytes);
}
