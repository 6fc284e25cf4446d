// Seeded pseudo-random numbers, so that a split or a guess can be repeated anywhere.

/** Numbers in [0, 1), the same for the same seed: a counter passed through a 32-bit mixer. */
export function randomNumbers(seed: number): () => number {
  let counter = Math.imul(seed | 0, 0x2545f491) ^ 0x5bd1e995;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Puts `values` into a random order, in place (Fisher and Yates). */
export function shuffle<T extends Int32Array>(values: T, random: () => number): T {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = values[i] as number;
    values[i] = values[j] as number;
    values[j] = kept;
  }
  return values;
}
