// Kernel values out of what the whole data set shares, if it shares anything this kernel can be made of.

import type { FitContext } from "../estimator.ts";
import { type Kernel, kernelOfPair } from "./kernels.ts";

/** Entry `a * n + b` of `square` is about rows `a` and `b` of the whole data set; `toKernel` turns it into their kernel. */
export interface SharedKernel {
  readonly square: Float64Array;
  readonly n: number;
  /** Row of the whole data set for each sample at hand. */
  readonly rows: Int32Array;
  /** Null where entries are kernels already. */
  readonly toKernel: ((entry: number) => number) | null;
}

export function sharedKernel(kernel: Kernel, context: FitContext | undefined): SharedKernel | null {
  if (context === undefined) return null;
  const { shared, rows } = context;
  const gram = shared["gram"] as Float64Array | undefined;
  const square =
    gram ?? (shared[kernel.kind === "rbf" ? "squaredDistances" : "dotProducts"] as Float64Array | undefined);
  if (square === undefined) return null;
  const toKernel = gram === undefined ? kernelOfPair(kernel) : null;
  return { square, n: Math.round(Math.sqrt(square.length)), rows, toKernel };
}
