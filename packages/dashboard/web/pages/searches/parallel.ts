// Parallel coordinates: one line for each candidate, through its values and its score.

import type { DetailValue } from "@taskflock/protocol/words";
import type { SearchRow, SearchTable } from "../../../server/details/search-table.ts";
import { lastRows, levels, scaleOf } from "./heat-map.ts";
import { candidateName, figure, valueText } from "./leader.ts";

export interface ParallelAxis {
  readonly name: string;
  /** From 0 at the bottom to 1 at the top. */
  readonly ticks: readonly { readonly place: number; readonly label: string }[];
}

export interface ParallelLine {
  readonly candidate: number;
  /** On each axis. */
  readonly places: readonly number[];
  /** 0 for the worst score, 1 for the best. */
  readonly level: number;
  readonly text: string;
}

export interface Parallel {
  readonly axes: readonly ParallelAxis[];
  /** The worst first, so that the best are drawn above them. */
  readonly lines: readonly ParallelLine[];
}

/** Lines that are drawn at most: the best. */
const MOST_LINES = 500;

/** Parameters that are the same for all candidates have no axis. The last axis is the score. */
export function parallel(table: SearchTable, scoring: number): Parallel {
  const scored = lastRows(table.rows).flatMap((row) => {
    const score = row.means[scoring] ?? null;
    return score === null ? [] : [{ row, score }];
  });
  const scores = scored.map(({ score }) => score);
  const level = levels(scores, table.mode);
  const columns = table.parameters.flatMap((name, at) => {
    const values = scored.map(({ row }) => row.values[at] ?? null);
    return new Set(values.map(valueText)).size < 2 ? [] : [{ at, axis: valueAxis(name, values) }];
  });
  const scoreAxis = numberAxis(table.scorings[scoring] ?? "score", scores, figure);
  const lines = scored.map(({ row, score }) => ({
    candidate: row.candidate,
    places: [...columns.map(({ at, axis }) => axis.place(row.values[at] ?? null)), scoreAxis.place(score)],
    level: level(score),
    text: lineText(table, row, score),
  }));
  lines.sort((a, b) => a.level - b.level || b.candidate - a.candidate);
  return { axes: [...columns.map(({ axis }) => axis), scoreAxis], lines: lines.slice(-MOST_LINES) };
}

function lineText(table: SearchTable, row: SearchRow, score: number): string {
  return `${candidateName(table, row)}: ${figure(score)}`;
}

interface PlacedAxis extends ParallelAxis {
  place(value: DetailValue): number;
}

function valueAxis(name: string, values: readonly DetailValue[]): PlacedAxis {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === values.length) return numberAxis(name, numbers, valueText);
  const labels = [...new Set(values.map(valueText))];
  const place = (value: DetailValue): number => labels.indexOf(valueText(value)) / Math.max(1, labels.length - 1);
  return { name, place, ticks: labels.map((label, at) => ({ label, place: at / Math.max(1, labels.length - 1) })) };
}

function numberAxis(name: string, numbers: readonly number[], show: (value: number) => string): PlacedAxis {
  const distinct = [...new Set(numbers)].sort((a, b) => a - b);
  const scale = scaleOf(distinct);
  const shown = distinct.length <= 6 ? distinct : [0, 0.25, 0.5, 0.75, 1].map((place) => rounded(scale.value(place)));
  return {
    name,
    place: (value) => (typeof value === "number" ? scale.place(value) : 0),
    ticks: shown.map((value) => ({ place: scale.place(value), label: show(value) })),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
