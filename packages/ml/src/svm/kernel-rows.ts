// Rows of the kernel matrix of one fit's training samples, made when the solver first asks for them.

import type { Matrix } from "../matrix.ts";
import { type Kernel, kernelValue } from "./kernels.ts";

/** Row `i` has the kernel of sample `i` with every sample, in 32-bit floats; the diagonal is kept in full precision. */
export interface KernelRows {
  readonly diagonal: Float64Array;
  row(i: number): Float32Array;
}

/** What the rows kept at a time may take; a row that was dropped is made again. */
const CACHE_BYTES = 256 * 2 ** 20;

/** Rows picked out of the Gram matrix of the whole data set; `picked` are the samples' rows in it. */
export function rowsOfGram(gram: Float64Array, picked: Int32Array): KernelRows {
  const n = Math.round(Math.sqrt(gram.length));
  const diagonal = Float64Array.from(picked, (row) => gram[row * n + row] as number);
  return cached(diagonal, (i, row) => {
    const offset = (picked[i] as number) * n;
    for (let j = 0; j < row.length; j++) row[j] = gram[offset + (picked[j] as number)] as number;
  });
}

/** Rows made of the squared distances of the whole data set, for a gamma that belongs to this fit alone. */
export function rowsOfDistances(distances: Float64Array, picked: Int32Array, gamma: number): KernelRows {
  const n = Math.round(Math.sqrt(distances.length));
  return cached(new Float64Array(picked.length).fill(1), (i, row) => {
    const offset = (picked[i] as number) * n;
    for (let j = 0; j < row.length; j++)
      row[j] = Math.exp(-gamma * (distances[offset + (picked[j] as number)] as number));
  });
}

/** Rows computed from the samples themselves, when nothing is shared. */
export function rowsOfSamples(X: Matrix, order: Int32Array, kernel: Kernel): KernelRows {
  const diagonal = Float64Array.from(order, (sample) => kernelValue(kernel, X, sample, X, sample));
  return cached(diagonal, (i, row) => {
    const sample = order[i] as number;
    for (let j = 0; j < row.length; j++) row[j] = kernelValue(kernel, X, sample, X, order[j] as number);
  });
}

function cached(diagonal: Float64Array, fill: (i: number, row: Float32Array) => void): KernelRows {
  const n = diagonal.length;
  const kept = new Array<Float32Array | undefined>(n).fill(undefined);
  const oldest: number[] = [];
  // The solver works with two rows at a time.
  const most = Math.max(2, Math.floor(CACHE_BYTES / (4 * n)));
  return {
    diagonal,
    row(i) {
      const found = kept[i];
      if (found !== undefined) return found;
      let row: Float32Array | undefined;
      if (oldest.length >= most) {
        const dropped = oldest.shift() as number;
        row = kept[dropped];
        kept[dropped] = undefined;
      }
      row ??= new Float32Array(n);
      fill(i, row);
      kept[i] = row;
      oldest.push(i);
      return row;
    },
  };
}
