// Texts as counts of their words, whatever the order: Keras's four ways to weigh them.

import type { CsrMatrix } from "../matrix.ts";

/** What stands for a word in a row: 1, how often it occurs there, that divided by the row's length, or tf-idf. */
export type MatrixMode = "binary" | "count" | "freq" | "tfidf";

export const matrixModes: readonly MatrixMode[] = ["binary", "count", "freq", "tfidf"];

/** Keras's weights; tf-idf is (1 + ln count) · ln(1 + texts / (1 + texts with the word)). */
export function weightOf(mode: MatrixMode, count: number, length: number, documents: number, withWord: number): number {
  if (mode === "binary") return 1;
  if (mode === "count") return count;
  if (mode === "freq") return count / length;
  return (1 + Math.log(count)) * Math.log(1 + documents / (1 + withWord));
}

/** A row per sequence, its indices below `cols` in ascending order. */
export function countedWords(
  sequences: readonly (readonly number[])[],
  cols: number,
  weight: (index: number, count: number, length: number) => number,
): CsrMatrix {
  const indptr = new Int32Array(sequences.length + 1);
  const indices: number[] = [];
  const data: number[] = [];
  for (const [row, sequence] of sequences.entries()) {
    const counts = new Map<number, number>();
    for (const index of sequence) if (index < cols) counts.set(index, (counts.get(index) ?? 0) + 1);
    for (const index of [...counts.keys()].sort((a, b) => a - b)) {
      indices.push(index);
      data.push(weight(index, counts.get(index) as number, sequence.length));
    }
    indptr[row + 1] = indices.length;
  }
  return { rows: sequences.length, cols, indptr, indices: Int32Array.from(indices), data: Float64Array.from(data) };
}
