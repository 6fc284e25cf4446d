import { ByteReader, malformed } from "./byte-reader.ts";
import { Decoder } from "./decoder.ts";
import { LAYOUT_PLAIN, LAYOUT_REGIONS, PLAIN_HEADER, REGIONS_HEADER } from "./format.ts";
import { ViewReader } from "./view-reader.ts";

export interface DecodeOptions {
  /** Gives what stands at `index` of the host's table of futures or functions. */
  readonly leaf?: (kind: "future" | "function", index: number) => unknown;
  /** Gives typed arrays private memory, instead of views over `bytes`. Default false. */
  readonly copy?: boolean;
}

/**
 * Decodes what `encodeValue` wrote; `bytes` is exactly one value, and may be shared memory.
 *
 * Typed arrays are views over `bytes` without a copy when `bytes.byteOffset` is a multiple of `VALUE_ALIGNMENT`: they are
 * valid as long as that memory is, and their `buffer` is all of it. Otherwise, and with `copy`, they get memory of their
 * own. An ArrayBuffer that is itself part of the value always does, with the views over it.
 *
 * Throws `FLOCK_VALUE_MALFORMED` for bytes that are no value, and for a class that is not registered in this process.
 */
export function decodeValue(bytes: Uint8Array, options?: DecodeOptions): unknown {
  const layout = bytes[0];
  if (layout === LAYOUT_PLAIN) {
    const reader = new ByteReader(bytes, PLAIN_HEADER, bytes.length);
    return decodeBody(new Decoder(reader, undefined, options?.leaf), reader);
  }
  if (layout !== LAYOUT_REGIONS || bytes.length < REGIONS_HEADER) throw malformed("they begin with no known layout");
  const table = bytes[1]! + bytes[2]! * 2 ** 8 + bytes[3]! * 2 ** 16 + bytes[4]! * 2 ** 24;
  if (table < REGIONS_HEADER || table > bytes.length) throw malformed("the body ends behind them");
  const views = new ViewReader(bytes, table, options?.copy ?? false);
  const reader = new ByteReader(bytes, REGIONS_HEADER, table);
  const value = decodeBody(new Decoder(reader, views, options?.leaf), reader);
  views.finish();
  return value;
}

function decodeBody(decoder: Decoder, reader: ByteReader): unknown {
  const value = decoder.read();
  if (reader.position !== reader.end) throw malformed("something follows the value");
  return value;
}
