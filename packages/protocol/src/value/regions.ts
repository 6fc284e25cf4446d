// Where the memory of typed arrays goes. Views that overlap in one buffer keep overlapping; views of one buffer that do
// not overlap travel on their own, so that a slice of a large buffer (or of Node's buffer pool) brings nothing with it.
import type { ByteWriter } from "./byte-writer.ts";
import { align, REGION_IS_BUFFER, REGION_PHASE_SHIFT, VALUE_ALIGNMENT } from "./format.ts";

interface View {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  readonly bytes: number;
  /** The view is the ArrayBuffer itself. */
  readonly whole: boolean;
}

/** A stretch of memory to be copied into the value. */
export interface Region {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  bytes: number;
  readonly whole: boolean;
  readonly phase: number;
  /** From the value's first byte; known once the body's length is. */
  offset: number;
}

/** The views of one value, in the order in which the body mentions them. */
export class ViewTable {
  readonly #views: View[] = [];

  get size(): number {
    return this.#views.length;
  }

  add(buffer: ArrayBufferLike, start: number, bytes: number, whole: boolean): void {
    this.#views.push({ buffer, start, bytes, whole });
  }

  /** Drops the views from `size` on. */
  truncate(size: number): void {
    this.#views.length = size;
  }

  /** Writes the table behind the body and places the regions; returns them with the value's size in bytes. */
  finish(out: ByteWriter): { regions: Region[]; bytes: number } {
    const regions: Region[] = [];
    const regionOfView = new Array<number>(this.#views.length);
    for (const group of this.#groups()) cover(this.#views, group, regions, regionOfView);
    out.varint(regions.length);
    for (const region of regions) {
      out.varint(region.bytes);
      out.byte((region.whole ? REGION_IS_BUFFER : 0) | (region.phase << REGION_PHASE_SHIFT));
    }
    out.varint(this.#views.length);
    for (const [index, view] of this.#views.entries()) {
      const region = regionOfView[index]!;
      out.varint(region);
      out.varint(view.start - regions[region]!.start);
    }
    let end = out.position;
    for (const region of regions) {
      region.offset = align(end) + region.phase;
      end = region.offset + region.bytes;
    }
    return { regions, bytes: end };
  }

  /** Indices of the views, by the buffer they look at. */
  #groups(): Iterable<number[]> {
    if (this.#views.length === 1) return [[0]];
    const groups = new Map<ArrayBufferLike, number[]>();
    for (const [index, { buffer }] of this.#views.entries()) {
      const group = groups.get(buffer);
      if (group === undefined) groups.set(buffer, [index]);
      else group.push(index);
    }
    return groups.values();
  }
}

/** Covers the views of one buffer with as few bytes as keep what they share. */
function cover(views: readonly View[], group: number[], regions: Region[], regionOfView: number[]): void {
  const { buffer } = views[group[0]!]!;
  if (group.some((index) => views[index]!.whole)) {
    for (const index of group) regionOfView[index] = regions.length;
    regions.push({ buffer, start: 0, bytes: buffer.byteLength, whole: true, phase: 0, offset: 0 });
    return;
  }
  group.sort((a, b) => views[a]!.start - views[b]!.start);
  // The phase keeps every view of a shared region as aligned as it was in its own buffer.
  const shared = group.length > 1;
  let last: Region | undefined;
  for (const index of group) {
    const view = views[index]!;
    if (last === undefined || view.start >= last.start + last.bytes) {
      const phase = shared ? view.start % VALUE_ALIGNMENT : 0;
      last = { buffer, start: view.start, bytes: view.bytes, whole: false, phase, offset: 0 };
      regions.push(last);
    } else {
      last.bytes = Math.max(last.bytes, view.start + view.bytes - last.start);
    }
    regionOfView[index] = regions.length - 1;
  }
}
