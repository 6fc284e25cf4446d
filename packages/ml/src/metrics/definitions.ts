// Every metric by its name: what it keeps of the batches, and what it tells of that.

import { pairwiseSum } from "../numeric.ts";
import {
  type Accumulator,
  type ClassesState,
  type CountsState,
  classPairs,
  counts,
  type MeanState,
  meanOf,
  ratio,
  type ScoresState,
  scores,
} from "./accumulate.ts";
import { type LabelAverage, type LabelScoreName, scoreOfCounts } from "./averages.ts";
import { clusterScores } from "./clusters.ts";
import { scoreOfRanks } from "./ranking.ts";
import * as rows from "./row-values.ts";

/** What a metric has seen, as plain data: it is checkpointed, travels, and adds up with that of other workers. */
export type MetricState = MeanState | CountsState | ClassesState | ScoresState;

export interface Definition<S extends MetricState = MetricState, R = number> {
  readonly keep: Accumulator<S>;
  readonly tell: (state: S, average: LabelAverage | null) => R;
  /** "min": less is better. */
  readonly mode: "min" | "max";
}

function share(keep: Accumulator<MeanState>, mode: "min" | "max" = "max"): Definition<MeanState> {
  return { keep, tell: ({ sum, weight }) => ratio(sum, weight), mode };
}

function total(of: keyof CountsState & `${"true" | "false"}${string}`, mode: "min" | "max"): Definition<CountsState> {
  return { keep: counts, tell: (state) => pairwiseSum(state[of]), mode };
}

function ofCounts(name: LabelScoreName): Definition<CountsState> {
  return { keep: counts, tell: (state, average) => scoreOfCounts(state, name, average), mode: "max" };
}

function ofRanks(name: "auc" | "averagePrecision"): Definition<ScoresState> {
  return { keep: scores, tell: (state, average) => scoreOfRanks(state, name, average), mode: "max" };
}

function ofClusters(name: "homogeneity" | "completeness" | "vMeasure"): Definition<ClassesState> {
  return { keep: classPairs, tell: (state) => clusterScores(state)[name], mode: "max" };
}

const { refuseClassNumbers } = rows;

export type PlainMetricName =
  | "accuracy"
  | "binaryAccuracy"
  | "categoricalAccuracy"
  | "sparseCategoricalAccuracy"
  | "subsetAccuracy"
  | "hammingLoss"
  | "logLoss"
  | "binaryLogLoss"
  | "meanSquaredError"
  | "meanAbsoluteError"
  | "truePositives"
  | "falsePositives"
  | "trueNegatives"
  | "falseNegatives"
  | "homogeneity"
  | "completeness"
  | "vMeasure";

export type AveragedMetricName = "precision" | "recall" | "f1" | "auc" | "averagePrecision";

/** Each metric sees only states that its own accumulator made. */
// biome-ignore lint/suspicious/noExplicitAny: the state is the definition's own affair
export type AnyDefinition<R = number> = Definition<any, R>;

/** Metrics without an average over labels. */
export const plainMetrics: Readonly<Record<PlainMetricName, AnyDefinition>> = {
  accuracy: share(meanOf(rows.rightClass, rows.refuseUnclearClasses)),
  binaryAccuracy: share(meanOf(rows.rightEntries, rows.refuseAllButYesNo)),
  categoricalAccuracy: share(meanOf(rows.largestIsRight, refuseClassNumbers)),
  sparseCategoricalAccuracy: share(meanOf(rows.rightClass, rows.refuseAllButClassNumbers)),
  subsetAccuracy: share(meanOf(rows.allRight, rows.refuseAllButYesNo)),
  hammingLoss: share(meanOf(rows.wrongEntries, rows.refuseAllButYesNo), "min"),
  logLoss: share(meanOf(rows.logLossOfRow), "min"),
  binaryLogLoss: share(meanOf(rows.binaryLogLossOfRow, refuseClassNumbers), "min"),
  meanSquaredError: share(meanOf(rows.squaredErrorOfRow, refuseClassNumbers), "min"),
  meanAbsoluteError: share(meanOf(rows.absoluteErrorOfRow, refuseClassNumbers), "min"),
  truePositives: total("truePositives", "max"),
  falsePositives: total("falsePositives", "min"),
  trueNegatives: total("trueNegatives", "max"),
  falseNegatives: total("falseNegatives", "min"),
  homogeneity: ofClusters("homogeneity"),
  completeness: ofClusters("completeness"),
  vMeasure: ofClusters("vMeasure"),
};

/** Metrics of labels: of one, or averaged. */
export const averagedMetrics: Readonly<Record<AveragedMetricName, AnyDefinition>> = {
  precision: ofCounts("precision"),
  recall: ofCounts("recall"),
  f1: ofCounts("f1"),
  auc: ofRanks("auc"),
  averagePrecision: ofRanks("averagePrecision"),
};
