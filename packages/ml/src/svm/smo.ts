// Sequential minimal optimization with second-order working sets (Fan, Chen, Lin 2005) for one pair of classes.
// Stopping rule, ties and roundings are libsvm's, so that equal data give equal support vectors.

import type { KernelRows } from "./kernel-rows.ts";

/** The two classes' samples, as ranges of the rows of `kernel`; `Positive` is the class that a decision above 0 means. */
export interface BinaryProblem {
  readonly kernel: KernelRows;
  readonly positiveStart: number;
  readonly positiveCount: number;
  readonly negativeStart: number;
  readonly negativeCount: number;
  readonly positiveC: number;
  readonly negativeC: number;
  readonly tol: number;
  /** -1: no limit. */
  readonly maxIter: number;
}

export interface BinarySolution {
  /** Label times multiplier of each sample, positive class first. 0: not a support vector. */
  readonly coefficients: Float64Array;
  /** The decision is the weighted sum of kernels minus `rho`. */
  readonly rho: number;
  readonly iterations: number;
  readonly converged: boolean;
}

/** Curvature of a direction that has none. */
const FLAT = 1e-12;

export function solveBinary(problem: BinaryProblem): BinarySolution {
  const solver = new Solver(problem);
  const limit = problem.maxIter < 0 ? Number.POSITIVE_INFINITY : problem.maxIter;
  let iterations = 0;
  let converged = solver.selectSecond();
  while (!converged && iterations < limit) {
    solver.step();
    iterations++;
    converged = solver.selectSecond();
  }
  return { coefficients: solver.coefficients(), rho: solver.rho(), iterations, converged };
}

class Solver {
  readonly #kernel: KernelRows;
  readonly #tol: number;
  readonly #n: number;
  readonly #positives: number;
  readonly #positiveStart: number;
  /** Row index of the negative sample `t` is `#negativeShift + t`. */
  readonly #negativeShift: number;
  readonly #positiveC: number;
  readonly #negativeC: number;
  readonly #alpha: Float64Array;
  /** Minus label times gradient. */
  readonly #score: Float64Array;
  /** Whether label times multiplier may grow (`#up`) and shrink (`#low`). */
  readonly #up: Uint8Array;
  readonly #low: Uint8Array;
  readonly #diagonal: Float64Array;
  #first = -1;
  #firstScore = Number.NEGATIVE_INFINITY;
  #second = -1;
  #firstRow: Float32Array;

  constructor(problem: BinaryProblem) {
    this.#kernel = problem.kernel;
    this.#tol = problem.tol;
    this.#positives = problem.positiveCount;
    this.#n = problem.positiveCount + problem.negativeCount;
    this.#positiveStart = problem.positiveStart;
    this.#negativeShift = problem.negativeStart - problem.positiveCount;
    this.#positiveC = problem.positiveC;
    this.#negativeC = problem.negativeC;
    this.#alpha = new Float64Array(this.#n);
    this.#score = new Float64Array(this.#n).fill(1, 0, this.#positives).fill(-1, this.#positives);
    this.#up = new Uint8Array(this.#n).fill(1, 0, this.#positives);
    this.#low = new Uint8Array(this.#n).fill(1, this.#positives);
    this.#diagonal = new Float64Array(this.#n);
    for (let t = 0; t < this.#n; t++) this.#diagonal[t] = problem.kernel.diagonal[this.#rowOf(t)] as number;
    // All scores of the positive class are 1 and the last of equal ones is taken.
    this.#first = this.#positives - 1;
    this.#firstScore = 1;
    this.#firstRow = problem.kernel.row(this.#rowOf(this.#first));
  }

  #rowOf(t: number): number {
    return t < this.#positives ? this.#positiveStart + t : this.#negativeShift + t;
  }

  /** Chooses the partner of `#first` that promises the largest decrease; true when the optimum is reached. */
  selectSecond(): boolean {
    // Hot: plain loops over local names.
    const score = this.#score;
    const low = this.#low;
    const diagonal = this.#diagonal;
    const row = this.#firstRow;
    const best = this.#firstScore;
    const ownDiagonal = diagonal[this.#first] as number;
    let lowest = Number.POSITIVE_INFINITY;
    let smallest = Number.POSITIVE_INFINITY;
    let second = -1;
    let from = 0;
    let to = this.#positives;
    let shift = this.#positiveStart;
    for (let side = 0; side < 2; side++) {
      for (let t = from; t < to; t++) {
        if (low[t] === 0) continue;
        const value = score[t] as number;
        if (value < lowest) lowest = value;
        const difference = best - value;
        if (difference > 0) {
          const curvature = ownDiagonal + (diagonal[t] as number) - 2 * (row[shift + t] as number);
          const change = -(difference * difference) / (curvature > 0 ? curvature : FLAT);
          if (change <= smallest) {
            second = t;
            smallest = change;
          }
        }
      }
      from = to;
      to = this.#n;
      shift = this.#negativeShift;
    }
    this.#second = second;
    return best - lowest < this.#tol || second === -1;
  }

  /** Moves the chosen pair to its optimum, brings the scores up to date, and chooses the next `#first`. */
  step(): void {
    const i = this.#first;
    const j = this.#second;
    const secondRow = this.#kernel.row(this.#rowOf(j));
    // Making the second row may have dropped the first one from the cache.
    this.#firstRow = this.#kernel.row(this.#rowOf(i));
    const oldI = this.#alpha[i] as number;
    const oldJ = this.#alpha[j] as number;
    this.#movePair(i, j, this.#firstRow[this.#rowOf(j)] as number);
    const signI = i < this.#positives ? 1 : -1;
    const signJ = j < this.#positives ? 1 : -1;
    this.#mark(i);
    this.#mark(j);
    this.#updateScores(
      this.#firstRow,
      secondRow,
      signI * ((this.#alpha[i] as number) - oldI),
      signJ * ((this.#alpha[j] as number) - oldJ),
    );
    this.#firstRow = this.#kernel.row(this.#rowOf(this.#first < 0 ? 0 : this.#first));
  }

  #updateScores(rowI: Float32Array, rowJ: Float32Array, changeI: number, changeJ: number): void {
    // Hot: update and choice of the next first sample in one pass.
    const score = this.#score;
    const up = this.#up;
    let first = -1;
    let highest = Number.NEGATIVE_INFINITY;
    let from = 0;
    let to = this.#positives;
    let shift = this.#positiveStart;
    for (let side = 0; side < 2; side++) {
      for (let t = from; t < to; t++) {
        const at = shift + t;
        const value = (score[t] as number) - ((rowI[at] as number) * changeI + (rowJ[at] as number) * changeJ);
        score[t] = value;
        if (value >= highest && up[t] !== 0) {
          highest = value;
          first = t;
        }
      }
      from = to;
      to = this.#n;
      shift = this.#negativeShift;
    }
    this.#first = first;
    this.#firstScore = highest;
  }

  #limit(t: number): number {
    return t < this.#positives ? this.#positiveC : this.#negativeC;
  }

  /** The two-variable problem in closed form, cut to the box in libsvm's order. */
  #movePair(i: number, j: number, kernelOfPair: number): void {
    const alpha = this.#alpha;
    const limitI = this.#limit(i);
    const limitJ = this.#limit(j);
    const raw = (this.#diagonal[i] as number) + (this.#diagonal[j] as number) - 2 * kernelOfPair;
    const curvature = raw > 0 ? raw : FLAT;
    const signI = i < this.#positives ? 1 : -1;
    const signJ = j < this.#positives ? 1 : -1;
    const gradientI = -signI * (this.#score[i] as number);
    const gradientJ = -signJ * (this.#score[j] as number);
    let a = alpha[i] as number;
    let b = alpha[j] as number;
    if (signI !== signJ) {
      const difference = a - b;
      const delta = (-gradientI - gradientJ) / curvature;
      a += delta;
      b += delta;
      if (difference > 0) {
        if (b < 0) [a, b] = [difference, 0];
      } else if (a < 0) [a, b] = [0, -difference];
      if (difference > limitI - limitJ) {
        if (a > limitI) [a, b] = [limitI, limitI - difference];
      } else if (b > limitJ) [a, b] = [limitJ + difference, limitJ];
    } else {
      const sum = a + b;
      const delta = (gradientI - gradientJ) / curvature;
      a -= delta;
      b += delta;
      if (sum > limitI) {
        if (a > limitI) [a, b] = [limitI, sum - limitI];
      } else if (b < 0) [a, b] = [sum, 0];
      if (sum > limitJ) {
        if (b > limitJ) [a, b] = [sum - limitJ, limitJ];
      } else if (a < 0) [a, b] = [0, sum];
    }
    alpha[i] = a;
    alpha[j] = b;
  }

  #mark(t: number): void {
    const alpha = this.#alpha[t] as number;
    const below = alpha < this.#limit(t) ? 1 : 0;
    const above = alpha > 0 ? 1 : 0;
    this.#up[t] = t < this.#positives ? below : above;
    this.#low[t] = t < this.#positives ? above : below;
  }

  coefficients(): Float64Array {
    return this.#alpha.map((alpha, t) => (t < this.#positives ? alpha : -alpha));
  }

  /** The mean over samples inside the box, or the middle of what the bounded ones allow. */
  rho(): number {
    let highest = Number.POSITIVE_INFINITY;
    let lowest = Number.NEGATIVE_INFINITY;
    let free = 0;
    let sum = 0;
    for (let t = 0; t < this.#n; t++) {
      const value = -(this.#score[t] as number);
      const up = this.#up[t] === 1;
      if (up && this.#low[t] === 1) {
        free++;
        sum += value;
      } else if (up) highest = Math.min(highest, value);
      else lowest = Math.max(lowest, value);
    }
    return free > 0 ? sum / free : (highest + lowest) / 2;
  }
}
