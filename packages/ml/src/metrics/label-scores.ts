// How good predicted labels are. Same definitions as scikit-learn's metrics; where a ratio has no denominator it is 0.

import { FlockError } from "@taskflock/protocol/words";
import { show } from "../estimators/parameter-checks.ts";
import { type Labels, sortedLabels } from "../labels.ts";
import { mean } from "../numeric.ts";
import {
  averagedOver,
  averages,
  type LabelAverage,
  type LabelScoreName,
  labelCounts,
  labelScores,
  scoreOfCounts,
} from "./averages.ts";
import { type ClusterScores, clusterScores } from "./clusters.ts";
import { scoreOnce } from "./create-metric.ts";
import { type CountedLabels, checkLengths, countTargets, isMultilabel, type Targets } from "./label-counts.ts";
import type { MetricInput } from "./pairs.ts";

/** "binary": of the positive label only; "samples": of each row's own labels, where it may have several. */
export type Average = "binary" | LabelAverage;

export interface AverageOptions {
  /** "binary" (default): of the `positive` label only. Multi-label targets need another. */
  readonly average?: Average;
  /** Default 1. */
  readonly positive?: number | string;
  /** By row. */
  readonly weights?: ArrayLike<number>;
}

/** The share of predictions that are right; of rows with several labels, of those with all labels right. */
export function accuracyScore(yTrue: Targets, yPred: Targets): number {
  if (isMultilabel(yTrue) || isMultilabel(yPred))
    return scoreOnce("subsetAccuracy", yTrue as MetricInput, yPred as MetricInput);
  checkLengths(yTrue, yPred);
  let right = 0;
  for (let i = 0; i < yTrue.length; i++) if (yTrue[i] === yPred[i]) right++;
  return right / yTrue.length;
}

/** The share of labels that are wrong: of rows with one label each, 1 minus the accuracy. */
export function hammingLoss(yTrue: Targets, yPred: Targets): number {
  if (isMultilabel(yTrue) || isMultilabel(yPred))
    return scoreOnce("hammingLoss", yTrue as MetricInput, yPred as MetricInput);
  return yTrue.length === 0 ? 0 : 1 - accuracyScore(yTrue, yPred);
}

/** The mean, over the classes that occur, of the share of a class's samples that are predicted right. */
export function balancedAccuracyScore(yTrue: Labels, yPred: Labels): number {
  const { right, actual } = labelCounts(countTargets(yTrue, yPred).counts);
  const occurring = [...Array(actual.length).keys()].filter((at) => (actual[at] as number) > 0);
  return mean(occurring.map((at) => (right[at] as number) / (actual[at] as number)));
}

/** Of the samples predicted to be of a class, the share that are. */
export function precisionScore(yTrue: Targets, yPred: Targets, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, "precision");
}

/** Of the samples of a class, the share that are predicted so. */
export function recallScore(yTrue: Targets, yPred: Targets, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, "recall");
}

/** The harmonic mean of precision and recall, 2PR / (P + R). */
export function f1Score(yTrue: Targets, yPred: Targets, options: AverageOptions = {}): number {
  return averaged(yTrue, yPred, options, "f1");
}

/** Row: true label, column: predicted label, in ascending order of all labels that occur. */
export function confusionMatrix(yTrue: Labels, yPred: Labels): { labels: (number | string)[]; counts: number[][] } {
  checkLengths(yTrue, yPred);
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

/** How far the predicted labels are a regrouping of the true ones: homogeneity, completeness and their harmonic mean. */
export function vMeasureScores(yTrue: Labels, yPred: Labels): ClusterScores {
  const { counts } = confusionMatrix(yTrue, yPred);
  return clusterScores({ classes: counts.length, counts: Float64Array.from(counts.flat()) });
}

function averaged(yTrue: Targets, yPred: Targets, options: AverageOptions, name: LabelScoreName): number {
  const counted = countTargets(yTrue, yPred, options.weights);
  const average = options.average ?? "binary";
  if (average !== "binary" && !averages.includes(average))
    throw new FlockError("FLOCK_OPTION_INVALID", `average is ${show(average)}. Known: binary, ${averages.join(", ")}.`);
  if (average === "binary") return binaryScore(counted, options.positive ?? 1, name);
  if (average !== "samples") return averagedOver(labelCounts(counted.counts), average, labelScores[name]);
  if (counted.multilabel) return scoreOfCounts(counted.counts, name, average);
  throw notThisAverage("An average over samples needs rows of several labels, as 0 and 1.");
}

function binaryScore(
  { labels, counts, multilabel }: CountedLabels,
  positive: number | string,
  name: LabelScoreName,
): number {
  if (multilabel) throw notThisAverage("A binary score needs one label per row, but there are several.");
  const at = labels.indexOf(positive);
  if (labels.length > 2 || (at < 0 && labels.length === 2)) {
    const shown = labels.slice(0, 5).map((label) => JSON.stringify(label));
    throw notThisAverage(
      `A binary score needs two labels, one of them ${JSON.stringify(positive)}, but there are ${labels.length}: ${shown.join(", ")}` +
        `${labels.length > 5 ? " …" : ""}.`,
    );
  }
  if (at < 0) return 0;
  const { right, predicted, actual } = labelCounts(counts);
  return labelScores[name](right[at] as number, predicted[at] as number, actual[at] as number);
}

function notThisAverage(problem: string): FlockError {
  return new FlockError("FLOCK_ML_SCORER", `${problem} Use the macro, micro or weighted average.`);
}
