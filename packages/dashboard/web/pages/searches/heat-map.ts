// Two parameters of a search against each other: which cell has which score.

import type { DetailValue } from "@taskflock/protocol/words";
import type { SearchRow, SearchTable } from "../../../server/details/search-table.ts";
import { candidateName, figure, valueText } from "./leader.ts";

export interface HeatCell {
  /** The best mean of its candidates; null while there is none. */
  readonly score: number | null;
  /** 0 for the worst cell, 1 for the best. */
  readonly level: number;
  readonly candidates: number;
  readonly text: string;
}

export interface HeatMap {
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** By row, then by column; null where no candidate is. */
  readonly cells: readonly (readonly (HeatCell | null)[])[];
}

export interface HeatChoice {
  /** Places among the table's parameters: across, and down. */
  readonly across: number;
  readonly down: number;
  /** Values of other parameters, by place; those that are not named: the best over all their values. */
  readonly fixed: ReadonlyMap<number, string>;
  readonly scoring: number;
}

/** More values than these stand in bins. */
const MOST_VALUES = 24;
const BINS = 12;

export function heatMap(table: SearchTable, { across, down, fixed, scoring }: HeatChoice): HeatMap {
  const rows = lastRows(table.rows).filter((row) =>
    [...fixed].every(([at, text]) => valueText(row.values[at] ?? null) === text),
  );
  const columnsOf = axis(rows.map(({ values }) => values[across] ?? null));
  const rowsOf = axis(rows.map(({ values }) => values[down] ?? null));
  const groups = new Map<string, SearchRow[]>();
  for (const row of rows) {
    const key = `${rowsOf.place(row.values[down] ?? null)}/${columnsOf.place(row.values[across] ?? null)}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const best = new Map([...groups].map(([key, group]) => [key, bestOf(table, group, scoring)]));
  const scores = [...best.values()].flatMap(({ score }) => (score === null ? [] : [score]));
  const level = levels(scores, table.mode);
  const cell = (key: string): HeatCell | null => {
    const group = groups.get(key);
    const { score, row } = best.get(key) ?? { score: null, row: null };
    if (group === undefined) return null;
    const name = row === null ? `${group.length} candidates` : candidateName(table, row);
    const text = score === null ? `${name}: no score yet` : `${name}: ${figure(score)}`;
    return { score, level: score === null ? 0 : level(score), candidates: group.length, text };
  };
  return {
    columns: columnsOf.labels,
    rows: rowsOf.labels,
    cells: rowsOf.labels.map((_, y) => columnsOf.labels.map((_, x) => cell(`${y}/${x}`))),
  };
}

/** Each candidate once, as it stood last. */
export function lastRows(rows: readonly SearchRow[]): SearchRow[] {
  const last = new Map<number, SearchRow>();
  for (const row of rows) {
    const before = last.get(row.candidate);
    if (before === undefined || before.round <= row.round) last.set(row.candidate, row);
  }
  return [...last.values()];
}

/** Between the worst and the best, 0 to 1; all alike: 1. */
export function levels(scores: readonly number[], mode: "min" | "max"): (score: number) => number {
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  if (!(high > low)) return () => 1;
  return (score) => (mode === "max" ? score - low : high - score) / (high - low);
}

function bestOf(
  { mode }: SearchTable,
  rows: readonly SearchRow[],
  scoring: number,
): { readonly score: number | null; readonly row: SearchRow | null } {
  const sign = mode === "min" ? -1 : 1;
  let best: { readonly score: number; readonly row: SearchRow } | null = null;
  for (const row of rows) {
    const score = row.means[scoring] ?? null;
    if (score !== null && (best === null || sign * score > sign * best.score)) best = { score, row };
  }
  return best ?? { score: null, row: rows[0] ?? null };
}

interface Axis {
  readonly labels: readonly string[];
  place(value: DetailValue): number;
}

/** Numbers in their order, then the other values in theirs; very many numbers in bins of equal width, or of equal factors. */
function axis(values: readonly DetailValue[]): Axis {
  const numbers = [...new Set(values.filter((value) => typeof value === "number"))].sort((a, b) => a - b);
  const others = [...new Set(values.filter((value) => typeof value !== "number").map(valueText))];
  if (numbers.length <= MOST_VALUES) {
    const labels = [...numbers.map(valueText), ...others];
    const places = new Map(labels.map((label, at) => [label, at]));
    return { labels, place: (value) => places.get(valueText(value)) ?? 0 };
  }
  const { place, value: valueAt } = scaleOf(numbers);
  const edge = (bin: number): string => valueText(Number(valueAt(bin / BINS).toPrecision(3)));
  const labels = Array.from({ length: BINS }, (_, bin) => `${edge(bin)} – ${edge(bin + 1)}`);
  return {
    labels: [...labels, ...others],
    place: (value) =>
      typeof value === "number"
        ? Math.min(BINS - 1, Math.floor(place(value) * BINS))
        : BINS + others.indexOf(valueText(value)),
  };
}

/** Where a number lies between the least (0) and the greatest (1); by factors when they are all above 0 and far apart. */
export function scaleOf(numbers: readonly number[]): {
  readonly place: (value: number) => number;
  readonly value: (place: number) => number;
} {
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  if (!(high > low)) return { place: () => 0.5, value: () => low };
  if (low > 0 && high / low >= 50) {
    const factor = Math.log(high / low);
    return {
      place: (value) => Math.log(value / low) / factor,
      value: (place) => low * Math.exp(place * factor),
    };
  }
  return { place: (value) => (value - low) / (high - low), value: (place) => low + place * (high - low) };
}
