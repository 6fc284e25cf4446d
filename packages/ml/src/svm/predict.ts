// Predicting with a support vector classifier: every pair of classes votes.

import type { FitContext } from "../estimator.ts";
import { decodeLabels, type Labels } from "../labels.ts";
import type { Matrix } from "../matrix.ts";
import { kernelOfRows } from "./kernels.ts";
import type { SvcModel } from "./model.ts";
import { sharedKernel } from "./shared-kernel.ts";

/** Predicts labels: the class with most votes, the first of equal ones. Runs on workers. */
export function predictSvc(model: SvcModel, X: Matrix, context?: FitContext): Labels {
  const classes = model.classes.length;
  const decisions = svcDecisions(model, X, context);
  const pairs = (classes * (classes - 1)) / 2;
  const codes = new Int32Array(X.rows);
  const votes = new Int32Array(classes);
  for (let i = 0; i < X.rows; i++) {
    votes.fill(0);
    let pair = i * pairs;
    for (let a = 0; a < classes; a++) {
      for (let b = a + 1; b < classes; b++, pair++) {
        const winner = (decisions[pair] as number) > 0 ? a : b;
        votes[winner] = (votes[winner] as number) + 1;
      }
    }
    codes[i] = mostVotes(votes);
  }
  return decodeLabels(model.classes, codes);
}

function mostVotes(votes: Int32Array): number {
  let best = 0;
  for (let code = 1; code < votes.length; code++) if ((votes[code] as number) > (votes[best] as number)) best = code;
  return best;
}

/** One decision per sample and pair of classes, (0,1), (0,2) … (1,2) …: above 0 means the first class of the pair. */
export function svcDecisions(model: SvcModel, X: Matrix, context?: FitContext): Float64Array {
  const classes = model.classes.length;
  const pairs = (classes * (classes - 1)) / 2;
  const fill = kernelFiller(model, X, context);
  const decisions = new Float64Array(X.rows * pairs);
  const kernels = new Float64Array(LANES * model.support.length);
  for (let first = 0; first < X.rows; first += LANES) {
    const lanes = Math.min(LANES, X.rows - first);
    for (let lane = 0; lane < lanes; lane++) fill(first + lane, kernels, lane);
    decideLanes(model, kernels, decisions, first * pairs, lanes);
  }
  return decisions;
}

/** Samples that are decided at a time: their sums do not wait for one another. */
const LANES = 4;

/** Adds up one sum per sample and pair, each in libsvm's order; `kernels` holds `LANES` samples' values side by side. */
function decideLanes(model: SvcModel, kernels: Float64Array, into: Float64Array, offset: number, lanes: number): void {
  const { dualCoef, nSupport, rho } = model;
  const classes = nSupport.length;
  const supports = model.support.length;
  const pairs = (classes * (classes - 1)) / 2;
  const sums = new Float64Array(LANES);
  let pair = 0;
  for (let a = 0, startA = 0; a < classes; startA += nSupport[a] as number, a++) {
    for (let b = a + 1, startB = startA + (nSupport[a] as number); b < classes; startB += nSupport[b] as number, b++) {
      sums.fill(0);
      addLanes(dualCoef, (b - 1) * supports, kernels, startA, nSupport[a] as number, sums);
      addLanes(dualCoef, a * supports, kernels, startB, nSupport[b] as number, sums);
      for (let lane = 0; lane < lanes; lane++) {
        into[offset + lane * pairs + pair] = (sums[lane] as number) - (rho[pair] as number);
      }
      pair++;
    }
  }
}

/** Hot: four running sums in local variables. */
function addLanes(
  coefficients: Float64Array,
  offset: number,
  kernels: Float64Array,
  start: number,
  count: number,
  sums: Float64Array,
): void {
  let p = sums[0] as number;
  let q = sums[1] as number;
  let r = sums[2] as number;
  let t = sums[3] as number;
  for (let s = start; s < start + count; s++) {
    const coefficient = coefficients[offset + s] as number;
    const at = s * LANES;
    p += coefficient * (kernels[at] as number);
    q += coefficient * (kernels[at + 1] as number);
    r += coefficient * (kernels[at + 2] as number);
    t += coefficient * (kernels[at + 3] as number);
  }
  sums[0] = p;
  sums[1] = q;
  sums[2] = r;
  sums[3] = t;
}

type FillKernels = (sample: number, into: Float64Array, lane: number) => void;

/** Writes a sample's kernel with every support vector: looked up where the whole data set's is shared. */
function kernelFiller(model: SvcModel, X: Matrix, context: FitContext | undefined): FillKernels {
  const { kernel, sourceRows, supportVectors } = model;
  const supports = model.support.length;
  const shared = sharedKernel(kernel, context);
  if (shared === null || sourceRows === null) {
    const kernelOf = kernelOfRows(kernel);
    return (sample, into, lane) => {
      for (let s = 0; s < supports; s++) into[s * LANES + lane] = kernelOf(X, sample, supportVectors, s);
    };
  }
  const { square, n, rows, toKernel } = shared;
  return (sample, into, lane) => {
    const offset = (rows[sample] as number) * n;
    for (let s = 0; s < supports; s++) {
      const entry = square[offset + (sourceRows[s] as number)] as number;
      into[s * LANES + lane] = toKernel === null ? entry : toKernel(entry);
    }
  };
}
