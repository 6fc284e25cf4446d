// Rows of the kernel matrix of one fit's training samples, made when the solver first asks for them.

import type { Matrix } from "../matrix.ts";
import { type Kernel, kernelOfRows } from "./kernels.ts";
import type { SharedKernel } from "./shared-kernel.ts";

/** Row `i` has the kernel of sample `i` with every sample, in 32-bit floats; the diagonal is kept in full precision. */
export interface KernelRows {
  readonly diagonal: Float64Array;
  row(i: number): Float32Array;
}

/** What the rows kept at a time may take; a row that was dropped is made again. */
const CACHE_BYTES = 256 * 2 ** 20;

/** Rows looked up in what the whole data set shares, of the samples in the given order. */
export function rowsOfShared({ square, n, rows, toKernel }: SharedKernel, order: Int32Array): KernelRows {
  const picked = order.map((sample) => rows[sample] as number);
  const diagonal = Float64Array.from(picked, (row) => square[row * n + row] as number);
  return cached(toKernel === null ? diagonal : diagonal.map(toKernel), (i, row) => {
    const offset = (picked[i] as number) * n;
    for (let j = 0; j < row.length; j++) {
      const entry = square[offset + (picked[j] as number)] as number;
      row[j] = toKernel === null ? entry : toKernel(entry);
    }
  });
}

/** Rows computed from the samples themselves, when nothing is shared. */
export function rowsOfSamples(X: Matrix, order: Int32Array, kernel: Kernel): KernelRows {
  const kernelOf = kernelOfRows(kernel);
  const diagonal = Float64Array.from(order, (sample) => kernelOf(X, sample, X, sample));
  return cached(diagonal, (i, row) => {
    const sample = order[i] as number;
    for (let j = 0; j < row.length; j++) row[j] = kernelOf(X, sample, X, order[j] as number);
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
