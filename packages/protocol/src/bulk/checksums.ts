// Checksums of chunks. They cost more than copying the bytes does, and which is the quickest depends on the processor and on the
// build of Node: its CRC-32 uses tables, while ciphers use instructions made for them. So there are three, and for much data the
// sender takes the quickest that the receiver knows. The authentication codes serve as checksums: their key is no secret.

import { createCipheriv } from "node:crypto";
import { crc32 } from "node:zlib";

export const CRC32 = 0;
/** All by number: what a chunk's header says. */
const SUMS: readonly ((bytes: Uint8Array) => number)[] = [
  (bytes) => crc32(bytes),
  (bytes) => codeOf(bytes, "chacha20-poly1305", 32),
  (bytes) => codeOf(bytes, "aes-128-gcm", 16),
];
const KEY = Buffer.from("checksums of chunks, no secret!!", "latin1");
const NONCE = Buffer.alloc(12);

/** Less data is summed before a choice would be made. */
const WORTH_CHOOSING_BYTES = 1024 * 1024;
const SAMPLE_BYTES = 256 * 1024;
const SAMPLES = 3;

let known: number | undefined;
let bySpeed: readonly number[] | undefined;

/** The CRC-32 of bytes that follow those of sum `before`. */
export function chained(bytes: Uint8Array, before: number): number {
  return crc32(bytes, before);
}

export function checksum(kind: number, bytes: Uint8Array): number {
  return SUMS[kind]!(bytes);
}

/** The kinds that this process can compute, as bits of a number: a build of OpenSSL may lack some. */
export function knownChecksums(): number {
  known ??= SUMS.reduce((kinds, _, kind) => (works(kind) ? kinds | (1 << kind) : kinds), 0);
  return known;
}

/** True when `kind`, which a peer named, can be computed here. */
export function knowsChecksum(kind: number): boolean {
  return kind < SUMS.length && (knownChecksums() & (1 << kind)) !== 0;
}

/** What to send so many bytes with to a peer that knows `kinds`. */
export function chooseChecksum(bytes: number, kinds: number): number {
  if (bytes < WORTH_CHOOSING_BYTES) return CRC32;
  bySpeed ??= sortBySpeed();
  return bySpeed.find((kind) => (kinds & (1 << kind)) !== 0) ?? CRC32;
}

function works(kind: number): boolean {
  try {
    checksum(kind, NONCE);
    return true;
  } catch {
    return false;
  }
}

function sortBySpeed(): number[] {
  const sample = new Uint8Array(SAMPLE_BYTES);
  const times = SUMS.map((_, kind) => (knowsChecksum(kind) ? timeOf(kind, sample) : Number.POSITIVE_INFINITY));
  const kinds = [...SUMS.keys()].filter((kind) => knowsChecksum(kind));
  return kinds.sort((a, b) => times[a]! - times[b]!);
}

function timeOf(kind: number, sample: Uint8Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now();
    checksum(kind, sample);
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

/** The start of the code for bytes that are authenticated, with nothing encrypted. */
function codeOf(bytes: Uint8Array, cipher: "chacha20-poly1305" | "aes-128-gcm", keyBytes: number): number {
  const options = { authTagLength: 16 };
  // The two ciphers have overloads of their own; the calls are the same.
  const code = createCipheriv(cipher as "chacha20-poly1305", KEY.subarray(0, keyBytes), NONCE, options);
  code.setAAD(bytes, { plaintextLength: 0 });
  code.final();
  return code.getAuthTag().readUInt32LE(0);
}
