// What has come of a result. It outlives the connection it came over: the next transfer goes on where the last one broke.

import { chained } from "./checksums.ts";

/** So many bytes are summed in one turn of the event loop. */
const STEP_BYTES = 4 * 1024 * 1024;

export class Received {
  /** Room for all of it; null before its size is known. */
  target: Uint8Array | null = null;
  /** Bytes from the start that came whole: the checksum of each of their chunks was right. */
  bytes = 0;
}

/**
 * One sum over `bytes`, in steps. Two holders may hold results of the same size that differ (the function ran twice): who is to go on
 * with a result proves by this that what it has is the start of the same.
 */
export async function sumOf(parts: Iterable<Uint8Array | Promise<Uint8Array>>): Promise<number> {
  let sum = 0;
  for (const part of parts) {
    sum = chained(await part, sum);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sum;
}

export function* partsOf<T>(bytes: number, read: (offset: number, length: number) => T): Generator<T> {
  for (let at = 0; at < bytes; at += STEP_BYTES) yield read(at, Math.min(STEP_BYTES, bytes - at));
}
