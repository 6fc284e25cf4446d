// Who leads a search and by how much, in a sentence.

import type { DetailValue } from "@taskflock/protocol/words";
import type { SearchRow, SearchTable } from "../../../server/details/search-table.ts";

/** A row that has all its scores and a mean. */
export interface Standing {
  readonly row: SearchRow;
  readonly mean: number;
  readonly spread: number;
}

/** The rows that can be the best, the best first: where rounds cannot be compared, those with the most resources. */
export function standings(table: SearchTable, scoring: number): Standing[] {
  const whole = table.rows.flatMap((row) => {
    const mean = row.means[scoring] ?? null;
    return row.endedAt === null || mean === null ? [] : [{ row, mean, spread: row.spreads[scoring] ?? 0 }];
  });
  const most = Math.max(...whole.map(({ row }) => row.resources ?? 0));
  const eligible = table.isComparable ? lastRounds(whole) : whole.filter(({ row }) => (row.resources ?? 0) === most);
  const sign = table.mode === "min" ? -1 : 1;
  return eligible.sort((a, b) => sign * (b.mean - a.mean) || a.row.candidate - b.row.candidate);
}

/** Each candidate once, as it stood last: it is no rival of its own earlier rounds. */
function lastRounds(all: readonly Standing[]): Standing[] {
  const last = new Map<number, Standing>();
  for (const standing of all) {
    const before = last.get(standing.row.candidate);
    if (before === undefined || before.row.round < standing.row.round) last.set(standing.row.candidate, standing);
  }
  return [...last.values()];
}

/** "C=10, gamma=0.001 leads with 0.9911 ± 0.0032, 0.0011 ahead of the second: within the folds' spread." */
export function leaderSentence(table: SearchTable, scoring = 0): string {
  const standing = standings(table, scoring);
  const [first, second] = standing;
  if (first === undefined) return nobody(table);
  const who = candidateName(table, first.row);
  const tied = standing.filter(({ mean }) => mean === first.mean);
  const isOver = table.chosen !== null;
  if (tied.length > 1) {
    const others = tied.length === 2 && second !== undefined ? candidateName(table, second.row) : "";
    const together = others === "" ? `${tied.length} candidates, ${who} among them,` : `${who} and ${others}`;
    return `${together} ${isOver ? "are" : "lead"} together${isOver ? " the best" : ""} with ${withSpread(table, first)}.`;
  }
  const leads = `${who} ${isOver ? "is the best" : "leads"} with ${withSpread(table, first)}`;
  if (second === undefined)
    return `${leads}; ${table.rows.length > 1 ? "no other candidate is through yet" : "it is the only one"}.`;
  return `${leads}, ${gap(table, first, second)}.`;
}

function gap(table: SearchTable, first: Standing, second: Standing): string {
  const ahead = Math.abs(first.mean - second.mean);
  const distance = `${figure(ahead)} ${table.mode === "min" ? "below" : "ahead of"} the second`;
  if (table.folds < 2) return distance;
  const isWithin = ahead <= Math.max(first.spread, second.spread);
  return `${distance}: ${isWithin ? "within" : "more than"} the folds' spread`;
}

function nobody(table: SearchTable): string {
  const whole = table.rows.filter(({ endedAt }) => endedAt !== null).length;
  if (whole > 0) return `None of the ${whole} candidates that are through has a score: see their errors.`;
  if (table.foldsDone > 0)
    return `No candidate has all its ${table.folds} fold scores yet; ${table.foldsDone} have come.`;
  return "No scores yet.";
}

function withSpread(table: SearchTable, { mean, spread }: Standing): string {
  return table.folds < 2 ? figure(mean) : `${figure(mean)} ± ${figure(spread)}`;
}

/** "C=10, gamma=0.001"; "candidate 3" where its values are not known. */
export function candidateName({ parameters }: Pick<SearchTable, "parameters">, row: SearchRow): string {
  if (row.values.length === 0) return `candidate ${row.candidate}`;
  const named = row.values.flatMap((value, at) =>
    value === null ? [] : [`${parameters[at] ?? `parameter ${at + 1}`}=${valueText(value)}`],
  );
  return named.length === 0 ? `candidate ${row.candidate}` : named.join(", ");
}

export function valueText(value: DetailValue): string {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  // Drawn values have more digits than anyone reads.
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

/** Four decimals; more where they would all be 0, powers of ten for the very large. */
export function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return value.toExponential(3);
  // What is left of equal scores by rounding is nothing.
  if (size > 1e-14 && size < 0.00005) return value.toExponential(1);
  return value.toFixed(size >= 1000 ? 1 : 4);
}
