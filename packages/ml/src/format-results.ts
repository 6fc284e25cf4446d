// A table of results for people to read in a terminal.

import { show } from "./estimators/parameter-checks.ts";
import type { SearchResult } from "./search/search.ts";

export interface FormatOptions {
  /** The scorer to show; default: the first. */
  readonly scorer?: string;
  /** Rows to show, best first; default: all. */
  readonly top?: number;
}

type Row = readonly string[];

/** The candidates by rank: mean and deviation of the test score, each split's, mean fit time, parameters. One string of lines. */
export function formatResults<P extends object, M, I, S extends string>(
  result: SearchResult<P, M, I, S>,
  options: FormatOptions = {},
): string {
  const scorer = options.scorer ?? (result.scorerNames[0] as string);
  const name = scorer.charAt(0).toUpperCase() + scorer.slice(1);
  const table = result.cvResults as unknown as Readonly<Record<string, readonly never[]>>;
  const column = (key: string): readonly number[] => (table[key] ?? []) as readonly number[];
  const ranks = column(`rankTest${name}`);
  const order = [...ranks.keys()].sort((a, b) => (ranks[a] as number) - (ranks[b] as number) || a - b);
  const params = result.cvResults.params as readonly Readonly<Record<string, unknown>>[];
  const parameters = [...new Set(params.flatMap((candidate) => Object.keys(candidate)))];
  const heading: Row = ["rank", "mean", "std", "fit s", ...parameters];
  const rows = order.slice(0, options.top ?? order.length).map((at): Row => {
    const numbers = [column(`meanTest${name}`)[at], column(`stdTest${name}`)[at]].map((score) => fixed(score, 4));
    const values = parameters.map((parameter) => shown(params[at]?.[parameter]));
    return [String(ranks[at]), ...numbers, fixed(column("meanFitTime")[at], 3), ...values];
  });
  return layOut([heading, ...rows], 4);
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : show(value);
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

/** Columns two spaces apart under a rule; the first `numeric` ones are aligned to the right. */
function layOut(rows: readonly Row[], numeric: number): string {
  const heading = rows[0] as Row;
  const widths = heading.map((_, at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  const line = (row: Row): string =>
    row
      .map((cell, at) => (at < numeric ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(heading), rule, ...rows.slice(1).map(line)].join("\n");
}
