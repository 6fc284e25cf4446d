// The memory that results live in: SharedArrayBuffer segments that are reused and never dropped. Only the main thread
// allocates and frees; slots read and write in place.
import { FreeList } from "./free-list.ts";

/** Places begin at multiples of this many bytes: a cache line, and more than the codec's alignment. */
export const ARENA_ALIGNMENT = 64;
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Segments that are made for one large result are a multiple of this. */
const LARGE_SEGMENT_STEP = 1024 * 1024;

/** A stretch of arena memory, or, in segment `IN_FILE`, a file. `generation` is never used twice, so it names these very bytes until they are freed. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  /** Bytes asked for; the arena keeps a multiple of `ARENA_ALIGNMENT`. */
  readonly length: number;
  readonly generation: number;
}

export interface ArenaOptions {
  /** Bound on all segments together, bytes. */
  readonly limitBytes: number;
  /** Size of an ordinary segment, bytes. Default 64 MiB. */
  readonly segmentBytes?: number;
}

export class Arena {
  readonly limitBytes: number;
  readonly #segmentBytes: number;
  readonly #segments: SharedArrayBuffer[] = [];
  readonly #free: FreeList = new FreeList();
  readonly #live: Set<number> = new Set();
  #bytes = 0;
  #usedBytes = 0;
  #generation = 0;

  constructor(options: ArenaOptions) {
    this.#segmentBytes = roundUp(options.segmentBytes ?? SEGMENT_BYTES, ARENA_ALIGNMENT);
    this.limitBytes = options.limitBytes;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that are allocated, with what rounding up adds. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** While it is false, there are no more segments than there are. */
  mayGrow = true;

  /** A number that no bytes have had. */
  newSerial(): number {
    return ++this.#generation;
  }

  /** Null when neither a free stretch nor room for another segment is there. */
  allocate(length: number): Place | null {
    const size = roundUp(Math.max(length, 1), ARENA_ALIGNMENT);
    let found = this.#free.take(size);
    if (found === null) {
      if (!this.#grow(size)) return null;
      found = this.#free.take(size);
      if (found === null) return null;
    }
    this.#usedBytes += size;
    const generation = ++this.#generation;
    this.#live.add(generation);
    return { segment: found.segment, offset: found.offset, length, generation };
  }

  /** Gives a place back. It must not be read or written any more. */
  free(place: Place): void {
    if (!this.#live.delete(place.generation)) {
      throw new RangeError(`Place ${place.segment}:${place.offset} was freed twice.`);
    }
    const size = roundUp(Math.max(place.length, 1), ARENA_ALIGNMENT);
    this.#usedBytes -= size;
    this.#free.give(place.segment, place.offset, size);
  }

  view(place: Place): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.segment(place.segment), place.offset, place.length);
  }

  segment(index: number): SharedArrayBuffer {
    const segment = this.#segments[index];
    if (segment === undefined) throw new RangeError(`The arena has no segment ${index}.`);
    return segment;
  }

  #grow(size: number): boolean {
    if (!this.mayGrow) return false;
    const room = this.limitBytes - this.#bytes;
    const wanted = size > this.#segmentBytes ? roundUp(size, LARGE_SEGMENT_STEP) : this.#segmentBytes;
    const bytes = Math.min(wanted, room - (room % ARENA_ALIGNMENT));
    if (bytes < size) return false;
    const memory = reserve(bytes);
    if (memory === null) return false;
    this.#segments.push(memory);
    this.#bytes += bytes;
    this.#free.give(this.#segments.length - 1, 0, bytes);
    return true;
  }
}

/** Null where the operating system or the engine refuses. */
function reserve(bytes: number): SharedArrayBuffer | null {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
