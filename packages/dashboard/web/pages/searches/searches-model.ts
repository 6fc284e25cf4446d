// What the page of a search shows beside its sentence: the leaderboard's order, rounds, progress.

import type { DetailItem, SearchRow, SearchTable } from "../../../server/details/search-table.ts";
import { candidateName, valueText } from "./leader.ts";

/** As a leaderboard: those that are through first, with the most resources where that decides, then by rank. */
export function byStanding(table: SearchTable, scoring: number): SearchRow[] {
  return [...table.rows].sort(
    (a, b) => compareStanding(table, a, b, scoring) || a.candidate - b.candidate || a.round - b.round,
  );
}

function compareStanding({ isComparable }: SearchTable, a: SearchRow, b: SearchRow, scoring: number): number {
  const whole = Number(a.endedAt === null) - Number(b.endedAt === null);
  const more = isComparable ? 0 : (b.resources ?? 0) - (a.resources ?? 0);
  return whole || more || rankOf(a, scoring) - rankOf(b, scoring);
}

function rankOf(row: SearchRow, scoring: number): number {
  return row.ranks[scoring] ?? Number.MAX_SAFE_INTEGER;
}

/** Places of the parameters that are not the same for all candidates, those with the most values first. */
export function varied({ parameters, rows }: SearchTable): number[] {
  const counts = parameters.map((_, at) => new Set(rows.map(({ values }) => valueText(values[at] ?? null))).size);
  const places = [...parameters.keys()].filter((at) => (counts[at] ?? 0) > 1);
  return places.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
}

export interface Round {
  readonly round: number;
  readonly resources: number | null;
  readonly candidates: number;
  readonly done: number;
  /** The best mean of the round; null before the first. */
  readonly best: number | null;
}

/** Rounds of halving; none in searches without. */
export function rounds({ rows, mode }: SearchTable, scoring: number): Round[] {
  if (rows.every(({ round, resources }) => round === 0 && resources === null)) return [];
  const groups = new Map<string, SearchRow[]>();
  for (const row of rows) {
    const key = `${row.round}/${row.resources ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const all = [...groups.values()].map((group) => {
    const means = group.flatMap(({ means, endedAt }) => (endedAt === null ? [] : [means[scoring] ?? null]));
    const known = means.filter((mean) => mean !== null);
    const best = known.length === 0 ? null : mode === "min" ? Math.min(...known) : Math.max(...known);
    const { round = 0, resources = null } = group[0] ?? {};
    return { round, resources, candidates: group.length, done: means.length, best };
  });
  return all.sort((a, b) => a.round - b.round || (a.resources ?? 0) - (b.resources ?? 0));
}

/** "12 of 40 candidates through, 3 with errors" */
export function progressSentence({ rows, total }: SearchTable): string {
  const candidates = new Set(rows.map(({ candidate }) => candidate)).size;
  const through = rows.filter(({ endedAt }) => endedAt !== null);
  const of = rows.some(({ round }) => round > 0)
    ? `${through.length} trials of ${candidates} candidates through`
    : `${through.length} of ${Math.max(total ?? 0, candidates)} candidates through`;
  const failed = rows.filter((row) => row.folds.some(({ error }) => error !== "")).length;
  return failed === 0 ? of : `${of}, ${failed} with errors`;
}

/** Seconds since the search's first entry, and the best mean from then on, as steps for a chart. */
export function bestOverTime(table: SearchTable, items: readonly DetailItem[]): { at: number[]; score: number[] } {
  const start = items[0]?.at ?? 0;
  const seconds = (at: number): number => (at - start) / 1e6;
  const at: number[] = [];
  const score: number[] = [];
  for (const best of table.bestSoFar) {
    const before = score.at(-1);
    if (before !== undefined) {
      at.push(seconds(best.at));
      score.push(before);
    }
    at.push(seconds(best.at));
    score.push(best.score);
  }
  const [last, final] = [items.at(-1), score.at(-1)];
  return last === undefined || final === undefined
    ? { at, score }
    : { at: [...at, seconds(last.at)], score: [...score, final] };
}

export interface FoldError {
  readonly text: string;
  /** Where it was seen: "C=10, fold 2", the first of them. */
  readonly first: string;
  readonly count: number;
}

/** What folds failed with; the same words stand once. */
export function foldErrors(table: SearchTable): FoldError[] {
  const errors = new Map<string, FoldError>();
  for (const row of table.rows) {
    for (const { fold, error } of row.folds) {
      if (error === "") continue;
      const { first, count } = errors.get(error) ?? { first: `${candidateName(table, row)}, fold ${fold}`, count: 0 };
      errors.set(error, { text: error, first, count: count + 1 });
    }
  }
  return [...errors.values()].sort((a, b) => b.count - a.count);
}
