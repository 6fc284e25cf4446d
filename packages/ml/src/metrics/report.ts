// Precision, recall and F1 of every label, as data and as scikit-learn's table.

import { pairwiseSum } from "../numeric.ts";
import { type CountsState, ratio } from "./accumulate.ts";
import { averagedOver, type LabelCounts, labelCounts, labelScores, scoreOfCounts, scoresByLabel } from "./averages.ts";
import { type CountedLabels, countTargets, type Targets } from "./label-counts.ts";
import { wrongInput } from "./pairs.ts";

export interface ReportRow {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** How many rows have the label: the sum of their weights where there are some. */
  readonly support: number;
}

export interface ClassificationReport {
  readonly labels: readonly (ReportRow & { readonly label: string })[];
  /** The share of rows that are right; null of multi-label targets. */
  readonly accuracy: number | null;
  /** All labels' counts together; null where that is the accuracy. */
  readonly micro: ReportRow | null;
  readonly macro: ReportRow;
  readonly weighted: ReportRow;
  /** Each row's own scores, averaged over the rows; null where a row has one label. */
  readonly samples: ReportRow | null;
}

export interface ReportOptions {
  /** Names of the labels, in the order of the columns, or of the sorted labels. */
  readonly names?: readonly string[];
  /** By row. */
  readonly weights?: ArrayLike<number>;
}

/** The report of labels, one per row or, as rows of 0 and 1, several. Throws FLOCK_ML_INPUT. */
export function classificationReport(
  yTrue: Targets,
  yPred: Targets,
  options: ReportOptions = {},
): ClassificationReport {
  return reportOf(countTargets(yTrue, yPred, options.weights), options.names);
}

/** The report of what was counted. */
export function reportOf(
  { labels, counts, multilabel }: CountedLabels,
  names?: readonly string[],
): ClassificationReport {
  if (names !== undefined && names.length !== labels.length) {
    throw wrongInput(`There are ${names.length} names for ${labels.length} labels. Give one name per label.`);
  }
  const ofLabels = labelCounts(counts);
  const columns = rowNames.map((name) => scoresByLabel(ofLabels, labelScores[name]));
  const support = pairwiseSum(ofLabels.actual);
  return {
    labels: labels.map((label, at) => {
      const [precision, recall, f1] = columns.map((column) => column[at] as number) as [number, number, number];
      return { label: names?.[at] ?? String(label), precision, recall, f1, support: ofLabels.actual[at] as number };
    }),
    accuracy: multilabel ? null : ratio(pairwiseSum(ofLabels.right), support),
    micro: multilabel ? averageRow(ofLabels, "micro", support) : null,
    macro: averageRow(ofLabels, "macro", support),
    weighted: averageRow(ofLabels, "weighted", support),
    samples: multilabel && labels.length > 1 ? samplesRow(counts, support) : null,
  };
}

const rowNames = ["precision", "recall", "f1"] as const;

function averageRow(counts: LabelCounts, average: "micro" | "macro" | "weighted", support: number): ReportRow {
  const [precision, recall, f1] = rowNames.map((name) => averagedOver(counts, average, labelScores[name]));
  return { precision, recall, f1, support } as ReportRow;
}

function samplesRow(counts: CountsState, support: number): ReportRow {
  const [precision, recall, f1] = rowNames.map((name) => scoreOfCounts(counts, name, "samples"));
  return { precision, recall, f1, support } as ReportRow;
}

/** The report as scikit-learn prints it, with `digits` (default 2) after the point. */
export function formatClassificationReport(
  report: ClassificationReport,
  options: { readonly digits?: number } = {},
): string {
  const digits = options.digits ?? 2;
  const width = Math.max(digits, "weighted avg".length, ...report.labels.map(({ label }) => label.length));
  const line = (name: string, cells: readonly string[]): string =>
    `${name.padStart(width)}  ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
  const scores = (name: string, row: ReportRow | null): string[] => {
    if (row === null) return [];
    const numbers = [row.precision, row.recall, row.f1].map((value) => roundedHalfEven(value, digits));
    return [line(name, [...numbers, shownSupport(row.support)])];
  };
  const { accuracy } = report;
  const accuracyLine =
    accuracy === null
      ? []
      : [line("accuracy", ["", "", roundedHalfEven(accuracy, digits), shownSupport(report.macro.support)])];
  return [
    line("", ["precision", "recall", "f1-score", "support"]),
    "",
    ...report.labels.flatMap((row) => scores(row.label, row)),
    "",
    ...accuracyLine,
    ...scores("micro avg", report.micro),
    ...scores("macro avg", report.macro),
    ...scores("weighted avg", report.weighted),
    ...scores("samples avg", report.samples),
  ].join("\n");
}

/** As Python rounds: what lies exactly between two goes to the even one. `toFixed` would go up. */
function roundedHalfEven(value: number, digits: number): string {
  const halves = value * 2 ** (digits + 1);
  const between = Number.isInteger(halves) && halves % 2 !== 0;
  if (!between) return value.toFixed(digits);
  const below = Math.floor(value * 10 ** digits);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
}

function shownSupport(support: number): string {
  return Number.isInteger(support) ? String(support) : support.toFixed(2);
}
