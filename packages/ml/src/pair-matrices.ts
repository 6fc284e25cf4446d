// Matrices over all pairs of samples, which kernels and neighbors are made of.

import type { Matrix } from "./matrix.ts";

/** Inner products of all pairs of rows: n × n, symmetric. */
export function dotProducts(X: Matrix): Float64Array {
  const { rows: n, cols, data } = X;
  const dots = new Float64Array(n * n);
  // Hot: four products at a time, so that each value of row i is read once for four rows.
  for (let i = 0; i < n; i++) {
    const a = i * cols;
    let j = 0;
    for (; j + 3 <= i; j += 4) {
      const b = j * cols;
      const c = b + cols;
      const d = c + cols;
      const e = d + cols;
      let p = 0;
      let q = 0;
      let r = 0;
      let s = 0;
      for (let k = 0; k < cols; k++) {
        const x = data[a + k] as number;
        p += x * (data[b + k] as number);
        q += x * (data[c + k] as number);
        r += x * (data[d + k] as number);
        s += x * (data[e + k] as number);
      }
      dots[i * n + j] = p;
      dots[i * n + j + 1] = q;
      dots[i * n + j + 2] = r;
      dots[i * n + j + 3] = s;
    }
    for (; j <= i; j++) dots[i * n + j] = dot(data, a, data, j * cols, cols);
  }
  mirror(dots, n);
  return dots;
}

/** Squared Euclidean distances of all pairs of rows: n × n, symmetric, never negative. */
export function squaredDistances(X: Matrix): Float64Array {
  const n = X.rows;
  const distances = dotProducts(X);
  const norms = Float64Array.from({ length: n }, (_, i) => distances[i * n + i] as number);
  for (let i = 0; i < n; i++) {
    const norm = norms[i] as number;
    for (let j = 0, at = i * n; j < n; j++, at++) {
      const distance = norm + (norms[j] as number) - 2 * (distances[at] as number);
      distances[at] = distance > 0 ? distance : 0;
    }
  }
  return distances;
}

/** The inner product of `length` values of `a` from `i` and of `b` from `j`. */
export function dot(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (a[i + k] as number) * (b[j + k] as number);
  return sum;
}

/** The squared distance of `length` values of `a` from `i` and of `b` from `j`. */
export function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) {
    const difference = (a[i + k] as number) - (b[j + k] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Copies the lower triangle to the upper one. */
export function mirror(square: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) square[j * n + i] = square[i * n + j] as number;
}
