import { FlockError } from "../words/errors.ts";
import { Encoder } from "./encoder.ts";
import type { LeafOf } from "./leaf.ts";
import type { Root } from "./refusal.ts";
import type { Region } from "./regions.ts";

export interface EncodeOptions {
  /** Says what stands for functions and for instances of unknown classes. */
  readonly leaf?: LeafOf;
  /**
   * What a refusal calls the value: `args` makes `args[0].socket`. A function names each element of an array. Default
   * `value`.
   */
  readonly path?: Root;
}

/**
 * A value that is measured and can be written where it is wanted. Typed arrays are read when it is written: write it
 * before they change.
 */
export interface EncodedValue {
  /** The whole size. */
  readonly bytes: number;
  /**
   * Writes all `bytes` at `offset`. The value decodes without copying when `target.byteOffset + offset` is a multiple
   * of `VALUE_ALIGNMENT`; anywhere else it decodes with a copy of its typed arrays.
   */
  writeTo(target: Uint8Array, offset: number): void;
  /** The bytes as memory of their own; the caller must not change them. */
  toBytes(): Uint8Array<ArrayBuffer>;
}

// One encoder is kept for the next value; a value that is encoded inside an `encode` hook gets another.
let idle: Encoder | undefined;

/**
 * Encodes a value. Throws `FLOCK_NOT_SERIALIZABLE`, naming the path, when something in it cannot travel.
 *
 * Travel as what they are: all of JSON, undefined, NaN, -0, bigint, Date, Map, Set, RegExp, URL, errors, typed arrays,
 * DataView, ArrayBuffer, Buffer, holes in arrays, objects without prototype, instances of registered classes; cycles and
 * shared references survive. Not carried: symbol keys, properties that are not enumerable, named properties of arrays,
 * and whether an object is frozen. Getters are read. Memory of a SharedArrayBuffer is copied; the SharedArrayBuffer
 * itself is refused.
 */
export function encodeValue(value: unknown, options?: EncodeOptions): EncodedValue {
  const encoder = takeEncoder();
  try {
    const bytes = encode(encoder, value, options);
    const head = new Uint8Array(encoder.out.position);
    copySmall(encoder.out.bytes, head.length, head, 0);
    return new Encoded(head, encoder.regions, bytes);
  } finally {
    giveBack(encoder);
  }
}

/**
 * Encodes a value straight into `target` at `offset`. Returns the number of bytes written, or -1 when they would go beyond
 * `end` (then nothing is written). For small values, where making an `EncodedValue` would cost more than encoding.
 */
export function encodeInto(
  value: unknown,
  target: Uint8Array,
  offset: number,
  options?: EncodeOptions,
  end: number = target.length,
): number {
  const encoder = takeEncoder();
  try {
    const bytes = encode(encoder, value, options);
    if (bytes > Math.min(end, target.length) - offset) return -1;
    copySmall(encoder.out.bytes, encoder.out.position, target, offset);
    if (encoder.regions.length > 0) writeRegions(encoder.regions, encoder.out.position, bytes, target, offset);
    return bytes;
  } finally {
    giveBack(encoder);
  }
}

function takeEncoder(): Encoder {
  const encoder = idle ?? new Encoder();
  idle = undefined;
  return encoder;
}

function giveBack(encoder: Encoder): void {
  encoder.end();
  idle = encoder;
}

/** Leaves the value in the encoder; returns its size. */
function encode(encoder: Encoder, value: unknown, options: EncodeOptions | undefined): number {
  try {
    encoder.begin(options?.leaf, options?.path ?? "value");
    encoder.write(value);
    return encoder.finish();
  } catch (error) {
    if (error instanceof FlockError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FlockError("FLOCK_NOT_SERIALIZABLE", `Reading ${encoder.path()} failed: ${reason}`, { cause: error });
  }
}

class Encoded implements EncodedValue {
  readonly bytes: number;
  readonly #head: Uint8Array<ArrayBuffer>;
  readonly #regions: readonly Region[];

  constructor(head: Uint8Array<ArrayBuffer>, regions: readonly Region[], bytes: number) {
    this.bytes = bytes;
    this.#head = head;
    this.#regions = regions;
  }

  writeTo(target: Uint8Array, offset: number): void {
    if (offset < 0 || this.bytes > target.length - offset) {
      throw new FlockError(
        "FLOCK_INTERNAL",
        `A value of ${this.bytes} bytes was to be written at ${offset} of ${target.length}.`,
      );
    }
    copySmall(this.#head, this.#head.length, target, offset);
    if (this.#regions.length > 0) writeRegions(this.#regions, this.#head.length, this.bytes, target, offset);
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    if (this.#regions.length === 0) return this.#head;
    const bytes = new Uint8Array(this.bytes);
    this.writeTo(bytes, 0);
    return bytes;
  }
}

/** Copies the first `count` bytes; a loop where that is cheaper than the call. */
function copySmall(from: Uint8Array, count: number, to: Uint8Array, offset: number): void {
  if (count > 48) {
    to.set(count === from.length ? from : from.subarray(0, count), offset);
    return;
  }
  for (let i = 0; i < count; i++) to[offset + i] = from[i]!;
}

/** Regions and the zeros between them: memory that is written to may have held something else. */
function writeRegions(
  regions: readonly Region[],
  head: number,
  bytes: number,
  target: Uint8Array,
  offset: number,
): void {
  let end = head;
  for (const region of regions) {
    target.fill(0, offset + end, offset + region.offset);
    target.set(new Uint8Array(region.buffer, region.start, region.bytes), offset + region.offset);
    end = region.offset + region.bytes;
  }
  target.fill(0, offset + end, offset + bytes);
}
