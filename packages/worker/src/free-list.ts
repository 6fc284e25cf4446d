// Free stretches of several segments, by size: the smallest that fits is taken, neighbours grow together again.

interface Stretch {
  readonly segment: number;
  readonly offset: number;
  readonly size: number;
}

/** Both ends of every free stretch of one segment, so that a neighbour is found at once. */
interface Ends {
  readonly byStart: Map<number, Stretch>;
  readonly byEnd: Map<number, Stretch>;
}

export class FreeList {
  /** Ordered by size, then segment, then offset. */
  readonly #bySize: Stretch[] = [];
  readonly #ends: Ends[] = [];

  /** The start of `size` bytes, taken from the smallest stretch that has them; null when none has. */
  take(size: number): { readonly segment: number; readonly offset: number } | null {
    const found = this.#bySize[this.#position({ size, segment: 0, offset: 0 })];
    if (found === undefined) return null;
    this.#remove(found);
    if (found.size > size) {
      this.#insert({ segment: found.segment, offset: found.offset + size, size: found.size - size });
    }
    return { segment: found.segment, offset: found.offset };
  }

  /** Adds a stretch, which must touch no free byte. */
  give(segment: number, offset: number, size: number): void {
    const { byStart, byEnd } = this.#endsOf(segment);
    const before = byEnd.get(offset);
    const after = byStart.get(offset + size);
    if (before !== undefined) this.#remove(before);
    if (after !== undefined) this.#remove(after);
    this.#insert({
      segment,
      offset: before?.offset ?? offset,
      size: (before?.size ?? 0) + size + (after?.size ?? 0),
    });
  }

  #insert(stretch: Stretch): void {
    this.#bySize.splice(this.#position(stretch), 0, stretch);
    const { byStart, byEnd } = this.#endsOf(stretch.segment);
    byStart.set(stretch.offset, stretch);
    byEnd.set(stretch.offset + stretch.size, stretch);
  }

  #remove(stretch: Stretch): void {
    this.#bySize.splice(this.#position(stretch), 1);
    const { byStart, byEnd } = this.#endsOf(stretch.segment);
    byStart.delete(stretch.offset);
    byEnd.delete(stretch.offset + stretch.size);
  }

  #endsOf(segment: number): Ends {
    let ends = this.#ends[segment];
    if (ends === undefined) {
      ends = { byStart: new Map(), byEnd: new Map() };
      this.#ends[segment] = ends;
    }
    return ends;
  }

  /** Where a stretch is, or would be, in the order of sizes. */
  #position(stretch: Stretch): number {
    let low = 0;
    let high = this.#bySize.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#bySize[middle]!, stretch) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(a: Stretch, b: Stretch): number {
  return a.size - b.size || a.segment - b.segment || a.offset - b.offset;
}
