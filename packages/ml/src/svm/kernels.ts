// Kernels, and the whole-data-set computations that fits share: products or squared distances once, one Gram matrix per
// set of kernel parameters. Gram matrices are 64-bit: the solver rounds its rows to 32 bits as libsvm's cache does, but
// predictions need the full range (at a large gamma a vote may hang on a kernel of 1e-60).

import type { Matrix } from "../matrix.ts";
import { dot, mirror, squaredDistance } from "../pair-matrices.ts";

/** A kernel with all of its parameters resolved: rbf exp(-gamma |a-b|²), poly (gamma a·b + coef0)^degree, linear a·b. */
export type Kernel =
  | { readonly kind: "rbf"; readonly gamma: number }
  | { readonly kind: "poly"; readonly gamma: number; readonly coef0: number; readonly degree: number }
  | { readonly kind: "linear" };

/** The rbf Gram matrix of the whole data set, from its squared distances. */
export function rbfGram(
  X: Matrix,
  { gamma }: { readonly gamma: number },
  needs: { readonly squaredDistances: Float64Array },
): Float64Array {
  const n = X.rows;
  const distances = needs.squaredDistances;
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0, at = i * n; j <= i; j++, at++) gram[at] = Math.exp(-gamma * (distances[at] as number));
  }
  mirror(gram, n);
  return gram;
}

/** The polynomial Gram matrix of the whole data set, from its inner products. */
export function polyGram(X: Matrix, kernel: Kernel, needs: { readonly dotProducts: Float64Array }): Float64Array {
  const gram = new Float64Array(X.rows * X.rows);
  const toKernel = kernelOfPair(kernel);
  for (let at = 0; at < gram.length; at++) gram[at] = toKernel(needs.dotProducts[at] as number);
  return gram;
}

/** The kernel of two samples from their squared distance ("rbf") or their inner product. */
export function kernelOfPair(kernel: Kernel): (pair: number) => number {
  if (kernel.kind === "linear") return (product) => product;
  const { gamma } = kernel;
  if (kernel.kind === "rbf") return (distance) => Math.exp(-gamma * distance);
  const { coef0, degree } = kernel;
  return (product) => integerPower(gamma * product + coef0, degree);
}

/** The kernel of row `i` of A and row `j` of B. */
export function kernelOfRows(kernel: Kernel): (A: Matrix, i: number, B: Matrix, j: number) => number {
  const toKernel = kernelOfPair(kernel);
  const pairOf = kernel.kind === "rbf" ? squaredDistance : dot;
  return (A, i, B, j) => toKernel(pairOf(A.data, i * A.cols, B.data, j * B.cols, A.cols));
}

/** By repeated squaring, so that the rounding is libsvm's. */
function integerPower(base: number, exponent: number): number {
  let factor = base;
  let power = 1;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power *= factor;
    factor *= factor;
  }
  return power;
}
