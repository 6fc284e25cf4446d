// Kernels, and the whole-data-set computations that fits share: products or squared distances once, one Gram matrix per
// set of kernel parameters. Gram matrices are 64-bit: the solver rounds its rows to 32 bits as libsvm's cache does, but
// predictions need the full range (at a large gamma a vote may hang on a kernel of 1e-60).

import type { Matrix } from "../matrix.ts";

/** A kernel with all of its parameters resolved: rbf exp(-gamma |a-b|²), poly (gamma a·b + coef0)^degree, linear a·b. */
export type Kernel =
  | { readonly kind: "rbf"; readonly gamma: number }
  | { readonly kind: "poly"; readonly gamma: number; readonly coef0: number; readonly degree: number }
  | { readonly kind: "linear" };

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

/** The linear or polynomial Gram matrix of the whole data set, from its inner products. */
export function productGram(X: Matrix, kernel: Kernel, needs: { readonly dotProducts: Float64Array }): Float64Array {
  const gram = new Float64Array(X.rows * X.rows);
  for (let at = 0; at < gram.length; at++) gram[at] = ofProduct(kernel, needs.dotProducts[at] as number);
  return gram;
}

/** The kernel of row `i` of A and row `j` of B. */
export function kernelValue(kernel: Kernel, A: Matrix, i: number, B: Matrix, j: number): number {
  const { cols } = A;
  if (kernel.kind !== "rbf") return ofProduct(kernel, dot(A.data, i * cols, B.data, j * cols, cols));
  let sum = 0;
  for (let k = 0, a = i * cols, b = j * cols; k < cols; k++, a++, b++) {
    const difference = (A.data[a] as number) - (B.data[b] as number);
    sum += difference * difference;
  }
  return Math.exp(-kernel.gamma * sum);
}

function ofProduct(kernel: Kernel, product: number): number {
  return kernel.kind === "poly" ? integerPower(kernel.gamma * product + kernel.coef0, kernel.degree) : product;
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

function dot(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (a[i + k] as number) * (b[j + k] as number);
  return sum;
}

/** Copies the lower triangle to the upper one. */
function mirror(square: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) square[j * n + i] = square[i * n + j] as number;
}
