// Precision, recall and F1 of counts, of one label or averaged over labels. Same definitions as scikit-learn's.

import { FlockError } from "@taskflock/protocol/words";
import { mean, pairwiseSum } from "../numeric.ts";
import { type CountsState, harmonicMean, ratio } from "./accumulate.ts";

/** How labels, or ("samples") the labels of each row, come to one number. */
export type LabelAverage = "macro" | "micro" | "weighted" | "samples";

export const averages: readonly LabelAverage[] = ["macro", "micro", "weighted", "samples"];

/** By label: right, predicted and actual positives. */
export interface LabelCounts {
  readonly right: ArrayLike<number>;
  readonly predicted: ArrayLike<number>;
  readonly actual: ArrayLike<number>;
}

export type LabelScore = (right: number, predicted: number, actual: number) => number;

export const labelScores: Readonly<Record<"precision" | "recall" | "f1", LabelScore>> = {
  precision: (right, predicted) => ratio(right, predicted),
  recall: (right, _, actual) => ratio(right, actual),
  f1: (right, predicted, actual) => harmonicMean(ratio(right, predicted), ratio(right, actual)),
};

export type LabelScoreName = keyof typeof labelScores;

const columnOfRows: Readonly<Record<LabelScoreName, number>> = { precision: 0, recall: 1, f1: 2 };

/** The score of every label. */
export function scoresByLabel({ right, predicted, actual }: LabelCounts, score: LabelScore): Float64Array {
  const one = (_: unknown, i: number): number => score(right[i] as number, predicted[i] as number, actual[i] as number);
  return Float64Array.from({ length: right.length }, one);
}

/** The labels' scores as one number; 0 of no labels. */
export function averagedOver(counts: LabelCounts, average: "macro" | "micro" | "weighted", score: LabelScore): number {
  const { right, predicted, actual } = counts;
  if (average === "micro") return score(pairwiseSum(right), pairwiseSum(predicted), pairwiseSum(actual));
  const scores = scoresByLabel(counts, score);
  if (average === "macro") return scores.length === 0 ? 0 : mean(scores);
  return weightedMean(scores, actual);
}

/** 0 where all weights are. */
export function weightedMean(values: Float64Array, weights: ArrayLike<number>): number {
  return ratio(pairwiseSum(values.map((value, at) => value * (weights[at] as number))), pairwiseSum(weights));
}

/** What precision and the others need of the counts of a whole epoch. */
export function labelCounts(state: CountsState): LabelCounts {
  const { truePositives: right, falsePositives, falseNegatives } = state;
  return {
    right,
    predicted: right.map((count, label) => count + (falsePositives[label] as number)),
    actual: right.map((count, label) => count + (falseNegatives[label] as number)),
  };
}

/** The same of a binary target's two classes, 0 first: its only column counts class 1. */
function bothClasses(state: CountsState): LabelCounts {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = state;
  const pair = (of0: Float64Array, of1: Float64Array): Float64Array =>
    Float64Array.of(of0[0] as number, of1[0] as number);
  return labelCounts({
    ...state,
    truePositives: pair(trueNegatives, truePositives),
    falsePositives: pair(falseNegatives, falsePositives),
    falseNegatives: pair(falsePositives, falseNegatives),
  });
}

/**
 * The score of what was counted. By default that of class 1 of a binary target, and of all labels together (micro) where there are
 * several. Throws FLOCK_ML_SCORER where the average does not fit the targets.
 */
export function scoreOfCounts(state: CountsState, name: LabelScoreName, average: LabelAverage | null): number {
  const labels = state.truePositives.length;
  const score = labelScores[name];
  if (labels === 0) return 0;
  if (average === "samples") {
    if (labels === 1) throw noSamples(name);
    return ratio(state.ofRows[columnOfRows[name]] as number, state.ofRows[3] as number);
  }
  const counts = labels === 1 && average !== null ? bothClasses(state) : labelCounts(state);
  return averagedOver(counts, average ?? "micro", score);
}

export function noSamples(name: string): FlockError {
  return new FlockError(
    "FLOCK_ML_SCORER",
    `"${name}" cannot be averaged over samples: there is one label per row. Use the macro, micro or weighted average.`,
  );
}
