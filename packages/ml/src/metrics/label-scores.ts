// How good predictions are. Same definitions as scikit-learn's metrics; where a ratio has no denominator it is 0.

import { FlockError } from "@taskflock/protocol/words";
import { type Labels, sortedLabels } from "../labels.ts";
import { mean, pairwiseSum } from "../numeric.ts";

export type Average = "binary" | "macro" | "micro" | "weighted";

export interface AverageOptions {
  /** "binary" (default): of the `positive` label only. */
  readonly average?: Average;
  /** Default 1. */
  readonly positive?: number | string;
}

/** The share of predictions that are right. */
export function accuracyScore(yTrue: Labels, yPred: Labels): number {
  let right = 0;
  for (let i = 0; i < yTrue.length; i++) if (yTrue[i] === yPred[i]) right++;
  return right / yTrue.length;
}

/** The mean, over the classes that occur, of the share of a class's samples that are predicted right. */
export function balancedAccuracyScore(yTrue: Labels, yPred: Labels): number {
  const { right, actual } = countLabels(yTrue, yPred);
  const occurring = [...actual.keys()].filter((label) => (actual[label] as number) > 0);
  return mean(occurring.map((label) => (right[label] as number) / (actual[label] as number)));
}

/** Of the samples predicted to be of a class, the share that are. */
export function precisionScore(yTrue: Labels, yPred: Labels, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, (right, predicted) => ratio(right, predicted));
}

/** Of the samples of a class, the share that are predicted so. */
export function recallScore(yTrue: Labels, yPred: Labels, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, (right, _, actual) => ratio(right, actual));
}

/** The harmonic mean of precision and recall. */
export function f1Score(yTrue: Labels, yPred: Labels, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, (right, predicted, actual) => {
    const precision = ratio(right, predicted);
    const recall = ratio(right, actual);
    return ratio(2 * precision * recall, precision + recall);
  });
}

/** Row: true label, column: predicted label, in ascending order of all labels that occur. */
export function confusionMatrix(yTrue: Labels, yPred: Labels): { labels: (number | string)[]; counts: number[][] } {
  const labels = sortedLabels(new Set<number | string>([...yTrue, ...yPred]));
  const index = new Map(labels.map((label, at) => [label, at]));
  const counts = labels.map(() => new Array<number>(labels.length).fill(0));
  for (let i = 0; i < yTrue.length; i++) {
    const row = counts[index.get(yTrue[i] as number | string) as number] as number[];
    const column = index.get(yPred[i] as number | string) as number;
    row[column] = (row[column] as number) + 1;
  }
  return { labels, counts };
}

/** The mean of squared differences. For numbers. */
export function meanSquaredError(yTrue: Labels, yPred: Labels): number {
  return mean(squaredErrors(yTrue, yPred));
}

/** 1 minus the ratio of squared errors to the variance of `yTrue`; 1 is perfect, 0 as good as the mean. For numbers. */
export function r2Score(yTrue: Labels, yPred: Labels): number {
  const errors = pairwiseSum(squaredErrors(yTrue, yPred));
  const center = mean(yTrue as readonly number[]);
  const spread = pairwiseSum(squaredErrors(yTrue, new Float64Array(yTrue.length).fill(center)));
  if (spread === 0) return errors === 0 ? 1 : 0;
  return 1 - errors / spread;
}

function squaredErrors(yTrue: Labels, yPred: Labels): Float64Array {
  const squares = new Float64Array(yTrue.length);
  for (let i = 0; i < squares.length; i++) {
    const error = (yTrue[i] as number) - (yPred[i] as number);
    squares[i] = error * error;
  }
  return squares;
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

interface LabelCounts {
  readonly labels: readonly (number | string)[];
  readonly right: readonly number[];
  readonly predicted: readonly number[];
  readonly actual: readonly number[];
}

function countLabels(yTrue: Labels, yPred: Labels): LabelCounts {
  const { labels, counts } = confusionMatrix(yTrue, yPred);
  return {
    labels,
    right: counts.map((row, label) => row[label] as number),
    predicted: counts.map((_, label) => counts.reduce((sum, row) => sum + (row[label] as number), 0)),
    actual: counts.map((row) => row.reduce((sum, count) => sum + count, 0)),
  };
}

type LabelScore = (right: number, predicted: number, actual: number) => number;

function averaged(yTrue: Labels, yPred: Labels, options: AverageOptions, score: LabelScore): number {
  const { labels, right, predicted, actual } = countLabels(yTrue, yPred);
  const average = options.average ?? "binary";
  if (average === "micro") {
    const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
    return score(sum(right), sum(predicted), sum(actual));
  }
  const scores = labels.map((_, i) => score(right[i] as number, predicted[i] as number, actual[i] as number));
  if (average === "macro") return mean(scores);
  if (average === "weighted") {
    const weighted = scores.map((value, label) => value * (actual[label] as number));
    return pairwiseSum(weighted) / pairwiseSum(actual);
  }
  return binaryScore(labels, scores, options.positive ?? 1);
}

function binaryScore(
  labels: readonly (number | string)[],
  scores: readonly number[],
  positive: number | string,
): number {
  const at = labels.indexOf(positive);
  if (labels.length > 2 || (at < 0 && labels.length === 2)) {
    const shown = labels.slice(0, 5).map((label) => JSON.stringify(label));
    throw new FlockError(
      "FLOCK_ML_SCORER",
      `A binary score needs two labels, one of them ${JSON.stringify(positive)}, but there are ${labels.length}: ${shown.join(", ")}` +
        `${labels.length > 5 ? " …" : ""}. Use the macro, micro or weighted average.`,
    );
  }
  return at < 0 ? 0 : (scores[at] as number);
}
