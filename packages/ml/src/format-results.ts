// A table of results for people to read in a terminal.

import { FlockError } from "@taskflock/protocol/words";
import { show } from "./estimators/parameter-checks.ts";
import { kindOf } from "./kinds.ts";
import type { CvResults } from "./search/cv-results.ts";
import { layOut, type Row } from "./text-table.ts";

export interface FormatOptions {
  /** The scorer to show; default: the first. */
  readonly scorer?: string;
  /** Rows to show, best first; default: all. */
  readonly top?: number;
}

/**
 * The candidates by rank: mean and deviation of the test score, mean fit time, parameters. One string of lines. Takes what a
 * search gives, or its `cvResults`. Throws FLOCK_ARGUMENT_INVALID for anything else, FLOCK_ML_SCORER for a scorer that is not there.
 */
export function formatResults<P extends object, S extends string>(
  results: CvResults<P, S> | { readonly cvResults: CvResults<P, S> },
  options: FormatOptions = {},
): string {
  const cvResults = tableOf(results);
  const table = cvResults as unknown as Readonly<Record<string, readonly unknown[]>>;
  const name = columnName(Object.keys(table), options.scorer);
  const column = (key: string): readonly number[] => (table[key] ?? []) as readonly number[];
  const ranks = column(`rankTest${name}`);
  const order = [...ranks.keys()].sort((a, b) => (ranks[a] as number) - (ranks[b] as number) || a - b);
  const params = cvResults.params as readonly Readonly<Record<string, unknown>>[];
  const parameters = [...new Set(params.flatMap((candidate) => Object.keys(candidate)))];
  const heading: Row = ["rank", "mean", "std", "fit s", ...parameters];
  const rows = order.slice(0, options.top ?? order.length).map((at): Row => {
    const numbers = [column(`meanTest${name}`)[at], column(`stdTest${name}`)[at]].map((score) => fixed(score, 4));
    const values = parameters.map((parameter) => shown(params[at]?.[parameter]));
    return [String(ranks[at]), ...numbers, fixed(column("meanFitTime")[at], 3), ...values];
  });
  return layOut([heading, ...rows], 4);
}

function tableOf<T extends object>(results: T | { readonly cvResults: T }): T {
  const table: unknown = isObject(results) && "cvResults" in results ? results.cvResults : results;
  if (isObject(table) && "params" in table) return table as T;
  const advice = "pass `await search.result()`, or the cvResults in it";
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `formatResults takes a search's results, not ${kindOf(results)}: ${advice}.`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The scorer as columns spell it. Throws FLOCK_ML_SCORER for one that the table does not have. */
function columnName(columns: readonly string[], scorer: string | undefined): string {
  const names = columns.flatMap((column) => (column.startsWith("rankTest") ? [column.slice("rankTest".length)] : []));
  const wanted = scorer === undefined ? names[0] : scorer.charAt(0).toUpperCase() + scorer.slice(1);
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  throw new FlockError("FLOCK_ML_SCORER", `The results have no scorer "${scorer}". They have: ${names.join(", ")}.`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "function") return value.name || "(anonymous)";
  return value === undefined ? "" : show(value);
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}
