import { ByteReader, malformed } from "./byte-reader.ts";
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
 * Decodes what `encodeValue` wrote; `bytes` is exactly one value, and may be shared memory.
 *
 * Typed arrays are views over `bytes` without a copy when `bytes.byteOffset` is a multiple of `VALUE_ALIGNMENT`: they are
 * valid as long as that memory is, and their `buffer` is all of it. Otherwise, and with `copy`, they get memory of their
 * own. An ArrayBuffer that is itself part of the value always does, with the views over it.
 *
 * Throws `FLOCK_VALUE_MALFORMED` for bytes that are no value, and for a class that is not registered in this process.
 * What the hooks throw is passed on.
 */
export function decodeValue(bytes: Uint8Array, options?: DecodeOptions): unknown {
  return decodeIn(OUTERMOST, bytes, options, options?.copy ?? false);
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

function decodeIn(around: Surroundings, bytes: Uint8Array, host: DecodeHost | undefined, copy: boolean): unknown {
  const layout = bytes[0];
  if (layout === LAYOUT_PLAIN) {
    const reader = new ByteReader(bytes, PLAIN_HEADER, bytes.length);
    return decodeBody(new Decoder(reader, undefined, host, around), reader);
  }
  if (layout !== LAYOUT_REGIONS || bytes.length < REGIONS_HEADER) throw malformed("they begin with no known layout");
  const table = bytes[1]! + bytes[2]! * 2 ** 8 + bytes[3]! * 2 ** 16 + bytes[4]! * 2 ** 24;
  if (table < REGIONS_HEADER || table > bytes.length) throw malformed("the body ends behind them");
  const views = new ViewReader(bytes, table, copy);
  const reader = new ByteReader(bytes, REGIONS_HEADER, table);
  const value = decodeBody(new Decoder(reader, views, host, around), reader);
  views.finish();
  return value;
}

function decodeBody(decoder: Decoder, reader: ByteReader): unknown {
  const value = decoder.read();
  if (reader.position !== reader.end) throw malformed("something follows the value");
  return value;
}
