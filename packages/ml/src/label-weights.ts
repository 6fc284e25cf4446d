// Weights that make rare labels count as much as frequent ones.

import { asTable, type MetricInput, wrongInput } from "./metrics/pairs.ts";
import { pairwiseSum } from "./numeric.ts";

/**
 * `max(count) / count` of every label: 1 for the most frequent one, more for rarer ones. Labels are the columns of `y` where it has
 * several, else the class numbers 0, 1, 2 … in it. A label that never occurs has weight 1: there is no loss of its own to weigh up.
 */
export function labelWeights(y: MetricInput): number[] {
  const counts = countsOf(y);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return Array.from(counts, (count) => (count === 0 ? 1 : most / count));
}

/**
 * `all / (labels × count)` of every label, scikit-learn's "balanced": the weights of all that occurs have a mean of 1. A label that
 * never occurs has weight 1.
 */
export function balancedWeights(y: MetricInput): number[] {
  const counts = countsOf(y);
  const all = pairwiseSum(counts);
  return Array.from(counts, (count) => (count === 0 ? 1 : all / (counts.length * count)));
}

function countsOf(y: MetricInput): Float64Array {
  const { data, rows, cols } = asTable(y, "y");
  if (rows === 0) throw wrongInput("y is empty: there is nothing to count.");
  return cols === 1 ? classCounts(data) : columnSums(data, rows, cols);
}

/** More classes than this are a mistake, such as an identity in place of a class. */
const largest = 2 ** 24;

function classCounts(classes: ArrayLike<number>): Float64Array {
  let most = 0;
  for (let row = 0; row < classes.length; row++) {
    const code = classes[row] as number;
    if (!Number.isInteger(code) || code < 0)
      throw wrongInput(`y has ${code} in row ${row}. Class numbers are 0, 1, 2 and so on.`);
    if (code > largest)
      throw wrongInput(`y has ${code} in row ${row}. Give class numbers from 0 on without such gaps.`);
    most = Math.max(most, code);
  }
  const counts = new Float64Array(most + 1);
  for (let row = 0; row < classes.length; row++) {
    const code = classes[row] as number;
    counts[code] = (counts[code] as number) + 1;
  }
  return counts;
}

function columnSums(data: ArrayLike<number>, rows: number, cols: number): Float64Array {
  for (let at = 0; at < rows * cols; at++) {
    if (!((data[at] as number) >= 0))
      throw wrongInput(`y has ${data[at]} in row ${Math.floor(at / cols)}. Give 1 for a label, 0 for none.`);
  }
  const sums = new Float64Array(cols);
  for (let at = 0; at < rows * cols; at++) sums[at % cols] = (sums[at % cols] as number) + (data[at] as number);
  return sums;
}
