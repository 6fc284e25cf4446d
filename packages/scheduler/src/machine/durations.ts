// How long the calls of one function took, so closely that their median can be told.

/** Buckets of each doubling: a median is right within an eighth. */
const PER_OCTAVE = 4;
const BUCKETS = 48 * PER_OCTAVE;
/** Then all counts are halved: what was long ago counts less. */
const MOST = 512;

/**
 * A histogram whose buckets grow with what they count, after Gil Tene's HdrHistogram: the position of the highest bit and
 * the two bits behind it name the bucket. Adding costs a few ns and no memory, for every finished task; the median costs a
 * pass over the buckets, for the few tasks that look slow.
 */
export class Durations {
  readonly #counts: Uint16Array = new Uint16Array(BUCKETS);
  #total = 0;

  /** How many there are, of those that still count. */
  get total(): number {
    return this.#total;
  }

  /** Takes µs, at most 2 ** 47. */
  add(us: number): void {
    const bucket = bucketOf(us);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    if (++this.#total === MOST) this.#halve();
  }

  /** µs; 0 without any. */
  median(): number {
    let left = this.#total / 2;
    for (let bucket = 0; bucket < BUCKETS && this.#total > 0; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return (lowest(bucket) + lowest(bucket + 1)) / 2;
    }
    return 0;
  }

  #halve(): void {
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket]! >> 1;
      this.#counts[bucket] = count;
      total += count;
    }
    this.#total = total;
  }
}

function bucketOf(us: number): number {
  if (us < PER_OCTAVE) return Math.max(0, us | 0);
  // Bits of whole numbers end at 32.
  if (us >= 2 ** 31) return bucketOf(us / 2 ** 16) + 16 * PER_OCTAVE;
  const octave = 31 - Math.clz32(us);
  return octave * PER_OCTAVE + ((us >>> (octave - 2)) & (PER_OCTAVE - 1));
}

/** The least duration that falls into the bucket. */
function lowest(bucket: number): number {
  if (bucket < 2 * PER_OCTAVE) return Math.min(bucket, PER_OCTAVE);
  const octave = Math.floor(bucket / PER_OCTAVE);
  return 2 ** octave * (1 + (bucket % PER_OCTAVE) / PER_OCTAVE);
}
