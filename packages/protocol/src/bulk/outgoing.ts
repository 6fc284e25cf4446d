// Bytes on their way to peers.

import { checksum } from "./checksums.ts";

/** Size of the chunks that are sent: the largest that are taken, because each costs the processes a few turns. */
export const CHUNK_BYTES: number = 1024 * 1024;

/** A result that someone fetches, as long as it is not released: in place in memory, or read in parts from where it lies. */
export type BulkSource = { release(): void } & (
  | { readonly bytes: Uint8Array }
  | {
      readonly size: number;
      /** Exactly these bytes, in memory that stays as it is until they are sent. */
      read(offset: number, length: number): Promise<Uint8Array>;
    }
);

/** What is sent in chunks. Chunks end at multiples of `CHUNK_BYTES`. */
export interface Sendable {
  readonly size: number;
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** Of a chunk that was read. */
  checksum(kind: number, offset: number, chunk: Uint8Array): number;
}

export function sendable(source: BulkSource): Sendable {
  if ("bytes" in source) return new Outgoing(source.bytes);
  const { size } = source;
  return {
    size,
    read: (offset, length) => source.read(offset, length),
    checksum: (kind, _, chunk) => checksum(kind, chunk),
  };
}

/** Bytes that nobody changes, in chunks. However many peers they go to, the checksum of a chunk is computed once. */
export class Outgoing implements Sendable {
  readonly bytes: Uint8Array;
  /** By kind, then by chunk. */
  readonly #checksums: number[][] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }

  checksum(kind: number, offset: number, chunk: Uint8Array): number {
    if (offset % CHUNK_BYTES !== 0) return checksum(kind, chunk);
    this.#checksums[kind] ??= [];
    const known = this.#checksums[kind];
    const index = offset / CHUNK_BYTES;
    known[index] ??= checksum(kind, chunk);
    return known[index];
  }
}
