// What a model says of real rows at several thresholds, beside what is true: numbers alone do not tell how it does.

import { kindOf } from "../kinds.ts";
import { plainOptions } from "../options.ts";
import { layOut } from "../text-table.ts";
import { createMetric } from "./create-metric.ts";
import { type MetricInput, paired, wrongInput } from "./pairs.ts";

export interface ThresholdOptions {
  /** Names of the labels, in the order of the columns. */
  readonly tags: readonly string[];
  /** Scores above a threshold are predicted; default 0.5 alone. */
  readonly thresholds?: readonly number[];
  /** At most so many rows, the first ones; default 1000. Precision, recall and F1 are of all rows that are given. */
  readonly rows?: number;
}

export interface ThresholdScores {
  readonly threshold: number;
  /** Of all labels' counts together. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** The share of rows with exactly the right tags. */
  readonly subsetAccuracy: number;
}

export interface ThresholdRow {
  readonly text: string;
  /** The tags at each threshold, in alphabetical order. */
  readonly predicted: readonly (readonly string[])[];
  readonly actual: readonly string[];
}

export interface ThresholdTable {
  readonly thresholds: readonly ThresholdScores[];
  readonly rows: readonly ThresholdRow[];
}

/** Predicted and actual tags of texts, and the scores of each threshold. Throws FLOCK_ML_INPUT where lengths do not fit. */
export function thresholdTable(
  texts: readonly string[],
  yTrue: MetricInput,
  yPred: MetricInput,
  options: ThresholdOptions,
): ThresholdTable {
  const { tags, thresholds = [0.5], rows: most = 1000 } = plainOptions("thresholdTable", options);
  const { rows, cols, yTrue: actual, yPred: scores } = paired(yTrue, yPred);
  checkTable(texts, tags, thresholds, rows, cols);
  if (!(most >= 0)) throw wrongInput(`options.rows is ${String(most)}. Give how many rows to take.`);
  const tagsAbove = (values: ArrayLike<number>, row: number, threshold: number): string[] =>
    tags.filter((_, column) => (values[row * cols + column] as number) > threshold).sort();
  return {
    thresholds: thresholds.map((threshold) => scoresAt(threshold, yTrue, yPred)),
    rows: texts.slice(0, most).map((text, row) => ({
      text,
      predicted: thresholds.map((threshold) => tagsAbove(scores, row, threshold)),
      actual: tagsAbove(actual, row, 0.5),
    })),
  };
}

function scoresAt(threshold: number, yTrue: MetricInput, yPred: MetricInput): ThresholdScores {
  const of = (name: "precision" | "recall" | "f1" | "subsetAccuracy"): number => {
    const metric = createMetric({ name, threshold });
    metric.update(yTrue, yPred);
    return metric.result();
  };
  return {
    threshold,
    precision: of("precision"),
    recall: of("recall"),
    f1: of("f1"),
    subsetAccuracy: of("subsetAccuracy"),
  };
}

function checkTable(texts: unknown, tags: unknown, thresholds: readonly number[], rows: number, cols: number): void {
  if (!Array.isArray(texts)) throw wrongInput(`The texts are ${kindOf(texts)}. Give an array of texts.`);
  if (!Array.isArray(tags)) throw wrongInput(`options.tags is ${kindOf(tags)}. Give the names of the columns.`);
  if (texts.length !== rows)
    throw wrongInput(`There are ${texts.length} texts for ${rows} rows. Give one text per row.`);
  if (tags.length !== cols)
    throw wrongInput(`There are ${tags.length} tags for ${cols} columns. Give one tag per column.`);
  if (!Array.isArray(thresholds) || thresholds.length === 0)
    throw wrongInput("options.thresholds is no array of at least one, such as [0.5].");
}

export interface FormatThresholdOptions {
  /** Rows to show; default 10. */
  readonly rows?: number;
  /** Characters of a text, and of a list of tags, to show; default 40. */
  readonly width?: number;
}

/** Two tables: the scores of each threshold, then the rows: their text, the tags at each threshold, the actual tags. */
export function formatThresholdTable(table: ThresholdTable, options: FormatThresholdOptions = {}): string {
  const { rows = 10, width = 40 } = options;
  const scores = table.thresholds.map(({ threshold, ...of }) => [
    String(threshold),
    ...[of.precision, of.recall, of.f1, of.subsetAccuracy].map((score) => score.toFixed(4)),
  ]);
  const heading = ["text", ...table.thresholds.map(({ threshold }) => `above ${threshold}`), "actual tags"];
  const shown = table.rows
    .slice(0, rows)
    .map(({ text, predicted, actual }) =>
      [text, ...predicted.map((tags) => tags.join(" ")), actual.join(" ")].map((cell) => shortened(cell, width)),
    );
  const more = table.rows.length - shown.length;
  return [
    layOut([["threshold", "precision", "recall", "f1", "subset accuracy"], ...scores], 5),
    "",
    layOut([heading, ...shown], 0),
    ...(more > 0 ? [`… and ${more} rows more`] : []),
  ].join("\n");
}

function shortened(text: string, width: number): string {
  const line = [...text.replaceAll(/\s+/g, " ")];
  return line.length <= width ? line.join("") : `${line.slice(0, width - 1).join("")}…`;
}
