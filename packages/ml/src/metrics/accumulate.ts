// What metrics keep of the batches they have seen, as plain data: it is checkpointed, and states of several workers add up.

import { checkYesNo, largestFrom, type Pair, wrongInput } from "./pairs.ts";

/** A way to keep what a metric needs. States are plain data of numbers and typed arrays. */
export interface Accumulator<S> {
  start(): S;
  /** Takes a batch into the state. */
  add(state: S, batch: Pair, threshold: number): void;
  /** Takes what another state has seen into the state. */
  merge(state: S, other: S): void;
  /** Makes all that the state tells NaN, from the batch on that was added last. */
  spoil(state: S): void;
}

/** A weighted mean. */
export interface MeanState {
  sum: number;
  weight: number;
}

/** The weighted mean of what `rowValue` tells of each row. */
export function meanOf(
  rowValue: (batch: Pair, row: number, threshold: number) => number,
  refuse: (batch: Pair) => string | null = () => null,
): Accumulator<MeanState> {
  return {
    start: () => ({ sum: 0, weight: 0 }),
    add(state, batch, threshold) {
      const problem = refuse(batch);
      if (problem !== null) throw wrongInput(problem);
      for (let row = 0; row < batch.rows; row++) {
        const weight = batch.weights === null ? 1 : (batch.weights[row] as number);
        state.sum += weight * rowValue(batch, row, threshold);
        state.weight += weight;
      }
    },
    merge(state, other) {
      state.sum += other.sum;
      state.weight += other.weight;
    },
    spoil(state) {
      state.sum = Number.NaN;
    },
  };
}

/** True and false, positive and negative, by label; and the sums of each row's own precision, recall and F1. */
export interface CountsState {
  truePositives: Float64Array;
  falsePositives: Float64Array;
  falseNegatives: Float64Array;
  trueNegatives: Float64Array;
  /** Sums over rows: precision, recall, F1, weight. */
  readonly ofRows: Float64Array;
}

export const counts: Accumulator<CountsState> = {
  start: () => emptyCounts(0),
  add(state, batch, threshold) {
    checkYesNo(batch);
    fitCounts(state, batch.cols);
    const { rows, cols, yTrue, yPred, sparse, weights } = batch;
    const { trueNegatives } = state;
    for (let row = 0; row < rows; row++) {
      const weight = weights === null ? 1 : (weights[row] as number);
      const start = row * cols;
      const best = sparse ? largestFrom(yPred, start, cols) : -1;
      const found: RowCounts = { both: 0, predicted: 0, actual: 0 };
      for (let c = 0; c < cols; c++) {
        const actual = sparse ? yTrue[row] === c : (yTrue[start + c] as number) > 0.5;
        const predicted = sparse ? best === c : (yPred[start + c] as number) > threshold;
        // What most values are, and what is quick to count.
        if (!actual && !predicted) trueNegatives[c] = (trueNegatives[c] as number) + weight;
        else countPositive(state, c, actual, predicted, weight, found);
      }
      countRow(state.ofRows, found, weight);
    }
  },
  merge(state, other) {
    if (other.truePositives.length === 0) return;
    fitCounts(state, other.truePositives.length);
    addTo(state.truePositives, other.truePositives);
    addTo(state.falsePositives, other.falsePositives);
    addTo(state.falseNegatives, other.falseNegatives);
    addTo(state.trueNegatives, other.trueNegatives);
    addTo(state.ofRows, other.ofRows);
  },
  spoil(state) {
    for (const values of Object.values(state) as Float64Array[]) values.fill(Number.NaN);
  },
};

export function emptyCounts(labels: number): CountsState {
  const zeros = (): Float64Array => new Float64Array(labels);
  return {
    truePositives: zeros(),
    falsePositives: zeros(),
    falseNegatives: zeros(),
    trueNegatives: zeros(),
    ofRows: new Float64Array(4),
  };
}

function fitCounts(state: CountsState, labels: number): void {
  const known = state.truePositives.length;
  if (known === 0) Object.assign(state, { ...emptyCounts(labels), ofRows: state.ofRows });
  else sameWidth(known, labels);
}

function sameWidth(known: number, given: number): void {
  if (known === given) return;
  throw wrongInput(`This batch has ${given} values per row, but those before had ${known}.`);
}

interface RowCounts {
  both: number;
  predicted: number;
  actual: number;
}

function countPositive(
  state: CountsState,
  label: number,
  actual: boolean,
  predicted: boolean,
  weight: number,
  row: RowCounts,
): void {
  const missed = actual ? state.falseNegatives : state.falsePositives;
  const into = actual && predicted ? state.truePositives : missed;
  into[label] = (into[label] as number) + weight;
  if (actual) row.actual++;
  if (predicted) row.predicted++;
  if (actual && predicted) row.both++;
}

function countRow(sums: Float64Array, { both, predicted, actual }: RowCounts, weight: number): void {
  const precision = ratio(both, predicted);
  const recall = ratio(both, actual);
  const values = [precision, recall, harmonicMean(precision, recall), 1];
  for (const [at, value] of values.entries()) sums[at] = (sums[at] as number) + weight * value;
}

/** How often each class was taken for each: row is the true class, column the predicted one. */
export interface ClassesState {
  classes: number;
  counts: Float64Array;
}

export const classPairs: Accumulator<ClassesState> = {
  start: () => ({ classes: 0, counts: new Float64Array(0) }),
  add(state, batch, threshold) {
    if (batch.cols === 1) checkYesNo(batch);
    const classes = batch.cols === 1 ? 2 : batch.cols;
    fitClasses(state, classes);
    for (let row = 0; row < batch.rows; row++) {
      const at = trueClass(batch, row) * classes + predictedClass(batch, row, threshold);
      state.counts[at] = (state.counts[at] as number) + (batch.weights === null ? 1 : (batch.weights[row] as number));
    }
  },
  merge(state, other) {
    if (other.classes === 0) return;
    fitClasses(state, other.classes);
    addTo(state.counts, other.counts);
  },
  spoil({ counts }) {
    counts.fill(Number.NaN);
  },
};

function fitClasses(state: ClassesState, classes: number): void {
  if (state.classes !== 0) sameWidth(state.classes, classes);
  else Object.assign(state, { classes, counts: new Float64Array(classes * classes) });
}

/** The class of a row's target: its number, the largest of its values, or 1 where its only value is above one half. */
export function trueClass({ yTrue, cols, sparse }: Pair, row: number): number {
  if (sparse) return yTrue[row] as number;
  return cols === 1 ? Number((yTrue[row] as number) > 0.5) : largestFrom(yTrue, row * cols, cols);
}

export function predictedClass({ yPred, cols }: Pair, row: number, threshold: number): number {
  return cols === 1 ? Number((yPred[row] as number) > threshold) : largestFrom(yPred, row * cols, cols);
}

/** All that was seen: what ranks scores needs all of them. */
export interface ScoresState {
  cols: number;
  /** By row; 1 where the label holds. */
  readonly yTrue: Uint8Array[];
  readonly yPred: (Float32Array | Float64Array)[];
  readonly weights: Float64Array[];
}

export const scores: Accumulator<ScoresState> = {
  start: () => ({ cols: 0, yTrue: [], yPred: [], weights: [] }),
  add(state, batch) {
    const { rows, cols, yTrue, sparse } = batch;
    checkYesNo(batch);
    if (state.cols === 0) state.cols = cols;
    else sameWidth(state.cols, cols);
    const actual = new Uint8Array(rows * cols);
    if (sparse) for (let row = 0; row < rows; row++) actual[row * cols + (yTrue[row] as number)] = 1;
    else for (let at = 0; at < actual.length; at++) actual[at] = Number((yTrue[at] as number) > 0.5);
    state.yTrue.push(actual);
    const { yPred } = batch;
    // A copy: the batch's memory may be used again.
    state.yPred.push(yPred instanceof Float32Array ? yPred.slice() : Float64Array.from(yPred));
    state.weights.push(batch.weights === null ? new Float64Array(rows).fill(1) : Float64Array.from(batch.weights));
  },
  merge(state, other) {
    if (other.cols === 0) return;
    if (state.cols === 0) state.cols = other.cols;
    else sameWidth(state.cols, other.cols);
    state.yTrue.push(...other.yTrue);
    state.yPred.push(...other.yPred);
    state.weights.push(...other.weights);
  },
  spoil({ yPred }) {
    yPred.at(-1)?.fill(Number.NaN);
  },
};

/** 0 where there is nothing to divide by. */
export function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

/** 2PR / (P + R), and 0 of two zeros. */
export function harmonicMean(precision: number, recall: number): number {
  return ratio(2 * precision * recall, precision + recall);
}

function addTo(into: Float64Array, values: Float64Array): void {
  for (let at = 0; at < into.length; at++) into[at] = (into[at] as number) + (values[at] as number);
}
