// Bytes on their way to peers.

import { checksum } from "./checksums.ts";

/** Size of the chunks that are sent: the largest that are taken, because each costs the processes a few turns. */
const CHUNK_BYTES: number = 1024 * 1024;

/** Bytes that nobody changes, in chunks. However many peers they go to, the checksum of a chunk is computed once. */
export class Outgoing {
  readonly bytes: Uint8Array;
  readonly chunks: number;
  /** By kind, then by chunk. */
  readonly #checksums: number[][] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.chunks = Math.ceil(bytes.length / CHUNK_BYTES);
  }

  chunk(index: number): Uint8Array {
    return this.bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
  }

  checksum(kind: number, index: number): number {
    this.#checksums[kind] ??= [];
    const known = this.#checksums[kind];
    known[index] ??= checksum(kind, this.chunk(index));
    return known[index];
  }
}
