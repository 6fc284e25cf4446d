// Metrics that tell a table: which classes were taken for which, and the counts and scores of every label.

import { type ClassesState, type CountsState, classPairs, counts } from "./accumulate.ts";
import { accumulating, type Metric } from "./create-metric.ts";
import type { AnyDefinition } from "./definitions.ts";
import { type CountedLabels, countTargets, type Targets } from "./label-counts.ts";
import { type ClassificationReport, reportOf } from "./report.ts";

/** Of one label, against all others. */
export interface LabelConfusion {
  readonly label: number | string;
  readonly trueNegatives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly truePositives: number;
}

/** What each table metric tells. */
export interface TableMetrics {
  /** Row: true class, column: predicted class. */
  readonly confusionMatrix: number[][];
  readonly multilabelConfusionMatrix: LabelConfusion[];
  readonly classificationReport: ClassificationReport;
}

/** The confusion of each label with all others, of labels one per row or, as rows of 0 and 1, several. Throws FLOCK_ML_INPUT. */
export function multilabelConfusionMatrix(
  yTrue: Targets,
  yPred: Targets,
  weights?: ArrayLike<number>,
): LabelConfusion[] {
  return confusionByLabel(countTargets(yTrue, yPred, weights));
}

function confusionByLabel({ labels, counts }: Omit<CountedLabels, "multilabel">): LabelConfusion[] {
  return labels.map((label, at) => ({
    label,
    trueNegatives: counts.trueNegatives[at] as number,
    falsePositives: counts.falsePositives[at] as number,
    falseNegatives: counts.falseNegatives[at] as number,
    truePositives: counts.truePositives[at] as number,
  }));
}

function classTable({ classes, counts: pairs }: ClassesState): number[][] {
  return Array.from({ length: classes }, (_, row) => [...pairs.subarray(row * classes, (row + 1) * classes)]);
}

const columnsOf = (state: CountsState): number[] => [...state.truePositives.keys()];

const tables: { readonly [N in keyof TableMetrics]: AnyDefinition<TableMetrics[N]> } = {
  confusionMatrix: { keep: classPairs, tell: classTable, mode: "max" },
  multilabelConfusionMatrix: {
    keep: counts,
    tell: (state: CountsState) => confusionByLabel({ labels: columnsOf(state), counts: state }),
    mode: "max",
  },
  classificationReport: {
    keep: counts,
    tell: (state: CountsState) => reportOf({ labels: columnsOf(state), counts: state, multilabel: true }),
    mode: "max",
  },
};

/** A table over all batches: a metric whose result is no number. Scores above `threshold` (default 0.5) are positive. */
export function createTableMetric<N extends keyof TableMetrics>(
  name: N,
  options: { readonly threshold?: number } = {},
): Metric<TableMetrics[N]> {
  return accumulating<TableMetrics[N]>(name, tables[name], null, options.threshold ?? 0.5);
}
