import { malformed } from "./byte-reader.ts";
import { Decoder, type Surroundings } from "./decoder.ts";
import { LAYOUT_PLAIN, LAYOUT_REGIONS, PLAIN_HEADER, REGIONS_HEADER } from "./format.ts";
import type { DecodeHost } from "./leaf.ts";
import { ViewReader } from "./view-reader.ts";

export interface DecodeOptions extends DecodeHost {
  /** Gives typed arrays private memory, instead of views over `bytes`. Default false. */
  readonly copy?: boolean;
}

/** Around a value that stands in nothing else. */
const OUTERMOST: Surroundings = { units: [], depth: 0, decodeInner };

/**
 * Decodes what `encodeValue` wrote. From `start` to `end`, `bytes` is exactly one value; it may be shared memory.
 *
 * Typed arrays are views over `bytes` without a copy when `bytes.byteOffset + start` is a multiple of `VALUE_ALIGNMENT`: they are
 * valid as long as that memory is, and their `buffer` is all of it. Otherwise, and with `copy`, they get memory of their
 * own. An ArrayBuffer that is itself part of the value always does, with the views over it.
 *
 * Throws `FLOCK_VALUE_MALFORMED` for bytes that are no value, and for a class that is not registered in this process.
 * What the hooks throw is passed on.
 */
export function decodeValue(
  bytes: Uint8Array,
  options?: DecodeOptions,
  start = 0,
  end: number = bytes.length,
): unknown {
  if (start === end || bytes[start] !== LAYOUT_PLAIN) {
    return decodeIn(OUTERMOST, bytes.subarray(start, end), options, options?.copy ?? false);
  }
  const decoder = takeDecoder();
  try {
    return decoder.decode(bytes, start + PLAIN_HEADER, end, undefined, options, OUTERMOST);
  } finally {
    giveBack(decoder);
  }
}

/** Captured values that were encoded on their own: nothing aligned them, so their typed arrays are copied. */
function decodeInner(
  bytes: Uint8Array,
  host: DecodeHost | undefined,
  units: readonly unknown[],
  depth: number,
): unknown {
  return decodeIn({ units: [units], depth, decodeInner }, bytes, host, true);
}

// One decoder is kept for the next value; a value that is decoded inside another one gets another.
let idle: Decoder | undefined;

function decodeIn(around: Surroundings, bytes: Uint8Array, host: DecodeHost | undefined, copy: boolean): unknown {
  const decoder = takeDecoder();
  try {
    if (bytes[0] === LAYOUT_PLAIN) {
      return decoder.decode(bytes, PLAIN_HEADER, bytes.length, undefined, host, around);
    }
    const table = tableOf(bytes);
    const views = new ViewReader(bytes, table, copy);
    const value = decoder.decode(bytes, REGIONS_HEADER, table, views, host, around);
    views.finish();
    return value;
  } finally {
    giveBack(decoder);
  }
}

function takeDecoder(): Decoder {
  const decoder = idle ?? new Decoder();
  idle = undefined;
  return decoder;
}

function giveBack(decoder: Decoder): void {
  decoder.end();
  idle = decoder;
}

/** Where the table of regions begins. */
function tableOf(bytes: Uint8Array): number {
  if (bytes[0] !== LAYOUT_REGIONS || bytes.length < REGIONS_HEADER) throw malformed("they begin with no known layout");
  const table = bytes[1]! + bytes[2]! * 2 ** 8 + bytes[3]! * 2 ** 16 + bytes[4]! * 2 ** 24;
  if (table < REGIONS_HEADER || table > bytes.length) throw malformed("the body ends behind them");
  return table;
}
