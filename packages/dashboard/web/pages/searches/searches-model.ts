// What the page of a search shows beside its sentence: the leaderboard's order, rounds, progress.

import type { DetailItem, SearchRow, SearchTable } from "../../../server/details/search-table.ts";

/** What the leaderboard can be sorted by; `value/3`: by the fourth parameter. */
export type SortKey =
  | "rank"
  | "candidate"
  | "round"
  | "mean"
  | "spread"
  | "fit"
  | "score"
  | "state"
  | `value/${number}`;

export interface Sorting {
  readonly by: SortKey;
  readonly isDescending: boolean;
}

/** As a leaderboard: those with the most resources first, then by rank. */
export const byRank: Sorting = { by: "rank", isDescending: false };

export function sortedRows(table: SearchTable, { by, isDescending }: Sorting, scoring: number): SearchRow[] {
  const sign = isDescending ? -1 : 1;
  return [...table.rows].sort((a, b) => {
    const order =
      by === "rank"
        ? compareStanding(table, a, b, scoring)
        : compare(sortValue(a, by, scoring), sortValue(b, by, scoring), sign);
    return (by === "rank" ? sign * order : order) || a.candidate - b.candidate || a.round - b.round;
  });
}

function compareStanding({ isComparable }: SearchTable, a: SearchRow, b: SearchRow, scoring: number): number {
  const more = isComparable ? 0 : (b.resources ?? 0) - (a.resources ?? 0);
  const whole = Number(a.endedAt === null) - Number(b.endedAt === null);
  return whole || more || rankOf(a, scoring) - rankOf(b, scoring) || 0;
}

function rankOf(row: SearchRow, scoring: number): number {
  return row.ranks[scoring] ?? Number.MAX_SAFE_INTEGER;
}

type Sortable = string | number | boolean | null;

function sortValue(row: SearchRow, by: SortKey, scoring: number): Sortable {
  if (by === "candidate") return row.candidate;
  if (by === "round") return row.round;
  if (by === "mean") return row.means[scoring] ?? null;
  if (by === "spread") return row.spreads[scoring] ?? null;
  if (by === "fit") return row.fitSeconds;
  if (by === "score") return row.scoreSeconds;
  if (by === "state") return row.state;
  return row.values[Number(by.slice("value/".length))] ?? null;
}

/** What there is no value of comes last in both directions; numbers before texts. */
function compare(a: Sortable, b: Sortable, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  if (typeof a === "number" || typeof b === "number") return typeof a === "number" ? -1 : 1;
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
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
    ? `${through.length} rounds of ${candidates} candidates through`
    : `${through.length} of ${Math.max(total ?? 0, candidates)} candidates through`;
  const failed = rows.filter((row) => row.folds.some(({ error }) => error !== "")).length;
  return failed === 0 ? of : `${of}, ${failed} with errors`;
}

/** Seconds since the search's first entry, and the best mean from then on: steps for a chart. */
export function bestOverTime(table: SearchTable, items: readonly DetailItem[]): { at: number[]; score: number[] } {
  const start = items[0]?.at ?? 0;
  const last = items.at(-1)?.at ?? start;
  const at = table.bestSoFar.map((best) => (best.at - start) / 1e6);
  const score = table.bestSoFar.map((best) => best.score);
  const final = score.at(-1);
  return final === undefined ? { at, score } : { at: [...at, (last - start) / 1e6], score: [...score, final] };
}
