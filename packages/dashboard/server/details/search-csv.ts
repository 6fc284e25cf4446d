// The table of a search as CSV, one line for each candidate and round.

import { type CsvCell, csvText } from "./csv.ts";
import type { SearchRow, SearchTable } from "./search-table.ts";

/** Columns: candidate, (round, resources,) state, parameters, then mean, spread, rank and folds of each scoring, seconds, errors. */
export function searchCsv(table: SearchTable): string {
  const { parameters, scorings } = table;
  const folds = Math.max(table.folds, ...table.rows.flatMap((row) => row.folds.map(({ fold }) => fold + 1)));
  const hasRounds = table.rows.some(({ round, resources }) => round > 0 || resources !== null);
  const scores = scorings.flatMap((name) => [
    ...[`mean_test_${name}`, `std_test_${name}`, `rank_test_${name}`],
    ...Array.from({ length: folds }, (_, fold) => `split${fold}_test_${name}`),
  ]);
  const heading = [
    ...["candidate", ...(hasRounds ? ["round", "resources"] : []), "state"],
    ...[...parameters.map((name) => `param_${name}`), ...scores],
    ...["mean_fit_seconds", "std_fit_seconds", "mean_score_seconds", "error"],
  ];
  return csvText(
    heading,
    table.rows.map((row) => [
      ...[row.candidate, ...(hasRounds ? [row.round, row.resources] : []), row.state],
      ...parameters.map((_, at) => row.values[at] ?? null),
      ...scorings.flatMap((_, scoring) => scoreCells(row, scoring, folds)),
      ...[row.fitSeconds, row.fitSpread, row.scoreSeconds, errorsOf(row)],
    ]),
  );
}

function scoreCells(row: SearchRow, scoring: number, folds: number): CsvCell[] {
  const byFold = new Map(row.folds.map(({ fold, scores }) => [fold, scores[scoring] ?? null]));
  return [
    ...[row.means[scoring] ?? null, row.spreads[scoring] ?? null, row.ranks[scoring] ?? null],
    ...Array.from({ length: folds }, (_, fold) => byFold.get(fold) ?? null),
  ];
}

function errorsOf(row: SearchRow): string {
  const failed = row.folds.filter(({ error }) => error !== "");
  return failed.map(({ fold, error }) => `fold ${fold}: ${error}`).join("; ");
}
