// How good predicted scores and probabilities are, before any threshold makes labels of them.

import type { LabelAverage } from "./averages.ts";
import { scoreOnce } from "./create-metric.ts";
import type { MetricInput } from "./pairs.ts";

export interface ScoreOptions {
  /** Over labels, where there are several; default "macro", as in scikit-learn. */
  readonly average?: LabelAverage;
  /** By row. */
  readonly weights?: ArrayLike<number>;
}

/**
 * The area under the ROC curve: the chance that a positive has a higher score than a negative; equal scores count by half. Exact:
 * every score is a threshold. Labels that have no positives, or nothing else, are left out; 0 where that leaves none.
 */
export function rocAucScore(yTrue: MetricInput, scores: MetricInput, options: ScoreOptions = {}): number {
  return ofRanks("auc", yTrue, scores, options);
}

/** The mean of the precisions at each threshold, weighted by what the threshold adds to recall; 0 without positives. */
export function averagePrecisionScore(yTrue: MetricInput, scores: MetricInput, options: ScoreOptions = {}): number {
  return ofRanks("averagePrecision", yTrue, scores, options);
}

/**
 * Minus the mean logarithm of the probability given to what is true: one probability per row for 0 and 1, or one per class for
 * class numbers and one-hot rows. Labels that do not exclude each other: `createMetric("binaryLogLoss")`.
 */
export function logLoss(yTrue: MetricInput, probabilities: MetricInput, weights?: ArrayLike<number>): number {
  return scoreOnce("logLoss", yTrue, probabilities, weights);
}

function ofRanks(
  name: "auc" | "averagePrecision",
  yTrue: MetricInput,
  scores: MetricInput,
  { average = "macro", weights }: ScoreOptions,
): number {
  return scoreOnce({ name, average }, yTrue, scores, weights);
}
