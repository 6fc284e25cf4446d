// From the texts of a CSV file to values: which type a column has, and what its texts mean.
import type { CsvType } from "./types.ts";

/** Without leading zeros, which mark codes and not numbers. */
const number = /^[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?$/;
const wholeNumber = /^[+-]?\d+$/;
const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  ["True", true],
  ["False", false],
  ["TRUE", true],
  ["FALSE", false],
]);

/** "unknown" is what columns begin with, and what they stay as long as all cells are empty. */
export type Guess = "unknown" | "number" | "boolean" | "string";

/** The type that fits all texts so far and this one. */
export function guess(before: Guess, text: string): Guess {
  if (before === "string" || text === "") return before;
  const kind = looksLikeNumber(text) ? "number" : booleans.has(text) ? "boolean" : "string";
  return before === "unknown" || before === kind ? kind : "string";
}

function looksLikeNumber(text: string): boolean {
  if (!number.test(text) || !/\d/.test(text)) return false;
  return !wholeNumber.test(text) || Number.isSafeInteger(Number(text));
}

/** What a text is not: of its column's type. */
export const misfit: unique symbol = Symbol("misfit");

/** The value of a text; empty ones of columns that are not text are null. */
export function valueFrom(text: string, type: CsvType): unknown {
  if (type === "string") return text;
  const trimmed = text.trim();
  if (trimmed === "") return null;
  switch (type) {
    case "number":
      return numberOf(trimmed);
    case "bigint":
      return wholeNumber.test(trimmed) ? BigInt(trimmed.replace(/^\+/, "")) : misfit;
    case "boolean":
      return booleanOf(trimmed);
    case "date":
      return dateOf(trimmed);
  }
}

const otherBooleans: ReadonlyMap<string, boolean> = new Map([
  ["1", true],
  ["0", false],
]);

function booleanOf(text: string): boolean | typeof misfit {
  return booleans.get(text) ?? otherBooleans.get(text) ?? misfit;
}

/** Declared numbers may have leading zeros, and be NaN or infinite. Whole ones that would be rounded are refused. */
function numberOf(text: string): number | typeof misfit {
  if (/^[+-]?\d/.test(text) || /^[+-]?\.\d/.test(text)) {
    const value = Number(text);
    const exact = !wholeNumber.test(text) || Number.isSafeInteger(value);
    return Number.isNaN(value) || !exact || /[xob]/i.test(text) ? misfit : value;
  }
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(text);
  if (special === null) return misfit;
  if (special[2]?.toLowerCase() === "nan") return Number.NaN;
  return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const isoDate = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** Where no zone is given, it is UTC on every machine. */
function dateOf(text: string): Date | typeof misfit {
  const match = isoDate.exec(text);
  if (match === null) return misfit;
  const exact = text
    .replace(" ", "T")
    .replace(/([.,]\d{1,3})\d*/, "$1")
    .replace(",", ".");
  const value = new Date(exact.length > 10 && match[1] === undefined ? `${exact}Z` : exact);
  return Number.isNaN(value.getTime()) ? misfit : value;
}
