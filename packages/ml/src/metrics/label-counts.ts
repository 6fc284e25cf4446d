// Counts of right and wrong by label, of labels as users have them: one per row, or several as 0 and 1.

import { show } from "../estimators/parameter-checks.ts";
import { kindOf } from "../kinds.ts";
import { type Labels, sortedLabels } from "../labels.ts";
import { type CountsState, counts, emptyCounts } from "./accumulate.ts";
import { checkWeights, type MetricInput, paired, type TensorLike, wrongInput } from "./pairs.ts";

/** Labels of rows: one each, or, as rows of 0 and 1, any number of them. */
export type Targets = Labels | readonly (readonly number[])[] | TensorLike;

export interface CountedLabels {
  /** The labels, or the columns' numbers. */
  readonly labels: readonly (number | string)[];
  readonly counts: CountsState;
  /** Each row has several labels, or none. */
  readonly multilabel: boolean;
}

export function isMultilabel(y: Targets): y is readonly (readonly number[])[] | TensorLike {
  return Array.isArray(y) ? Array.isArray(y[0]) : !ArrayBuffer.isView(y);
}

/** Counts both kinds. Throws FLOCK_ML_INPUT where the two do not fit each other. */
export function countTargets(yTrue: Targets, yPred: Targets, weights?: ArrayLike<number>): CountedLabels {
  if (isMultilabel(yTrue) || isMultilabel(yPred)) {
    const batch = paired(yTrue as MetricInput, yPred as MetricInput, weights);
    const state = counts.start();
    counts.add(state, batch, 0.5);
    return { labels: Array.from({ length: batch.cols }, (_, at) => at), counts: state, multilabel: true };
  }
  return { ...countLabels(yTrue, yPred, weights), multilabel: false };
}

function countLabels(yTrue: Labels, yPred: Labels, weights?: ArrayLike<number>): Omit<CountedLabels, "multilabel"> {
  checkLengths(yTrue, yPred, weights);
  const labels = sortedLabels(new Set<number | string>([...yTrue, ...yPred]));
  const indexOf = new Map(labels.map((label, at) => [label, at]));
  const state = emptyCounts(labels.length);
  let total = 0;
  for (let row = 0; row < yTrue.length; row++) {
    const weight = weights === undefined ? 1 : (weights[row] as number);
    const actual = indexOf.get(yTrue[row] as number) as number;
    const predicted = indexOf.get(yPred[row] as number) as number;
    if (actual === predicted) addAt(state.truePositives, actual, weight);
    else {
      addAt(state.falseNegatives, actual, weight);
      addAt(state.falsePositives, predicted, weight);
    }
    total += weight;
  }
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = state;
  for (const at of labels.keys()) {
    const positive = (truePositives[at] as number) + (falsePositives[at] as number) + (falseNegatives[at] as number);
    trueNegatives[at] = total - positive;
  }
  return { labels, counts: state };
}

function addAt(values: Float64Array, at: number, weight: number): void {
  values[at] = (values[at] as number) + weight;
}

/** Errors: FLOCK_ML_INPUT where they are no labels, or not as many of one as of the other. */
export function checkLengths(yTrue: Labels, yPred: Labels, weights?: ArrayLike<number>): void {
  checkLabels(yTrue, "yTrue");
  checkLabels(yPred, "yPred");
  if (yTrue.length !== yPred.length) {
    throw wrongInput(`yTrue has ${yTrue.length} labels and yPred ${yPred.length}. Give one of each per row.`);
  }
  if (weights !== undefined && weights.length !== yTrue.length) {
    throw wrongInput(`There are ${weights.length} weights for ${yTrue.length} rows. Give one weight per row.`);
  }
  checkWeights(weights);
}

function checkLabels(labels: Labels, name: string): void {
  if (!Array.isArray(labels) && !ArrayBuffer.isView(labels))
    throw wrongInput(`${name} is ${kindOf(labels)}. Give an array of labels.`);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (typeof label !== "string" && typeof label !== "number")
      throw wrongInput(`${name} has ${show(label)} in row ${row}. Labels are numbers or strings.`);
  }
}
