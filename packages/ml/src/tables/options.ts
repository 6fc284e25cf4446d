// The options of table readers, checked when a reading begins.
import { FlockError } from "@taskflock/protocol/words";
import type { CsvOptions, CsvType, ParquetOptions } from "./types.ts";

interface Check {
  readonly ok: (value: unknown) => boolean;
  readonly takes: string;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const csvTypes: readonly CsvType[] = ["string", "number", "bigint", "boolean", "date"];
const isCsvType = (value: unknown): boolean => (csvTypes as readonly unknown[]).includes(value);
const oneOf = (...values: readonly unknown[]): Check => ({
  ok: (value) => values.includes(value),
  takes: values.map((value) => JSON.stringify(value)).join(" or "),
});
const integerFrom = (least: number): Check => ({
  ok: (value) => Number.isSafeInteger(value) && (value as number) >= least,
  takes: `a whole number from ${least} on`,
});
const text: Check = { ok: (value) => isText(value) && value !== "", takes: "a text that is not empty" };
const texts: Check = { ok: isTexts, takes: "an array of texts" };
const someTexts: Check = {
  ok: (value) =>
    isTexts(value) && new Set(value as string[]).size === (value as string[]).length && (value as string[]).length > 0,
  takes: "an array of names, each once",
};

const read = {
  columns: someTexts,
  limit: integerFrom(0),
  storage: { ok: isObject, takes: "an object of options of openStorage" },
};

const parquet: Readonly<Record<keyof ParquetOptions, Check>> = {
  ...read,
  int64: oneOf("number", "bigint"),
  binaryAsText: oneOf(true, false),
};

const csv: Readonly<Record<keyof CsvOptions, Check>> = {
  ...read,
  header: oneOf(true, false),
  names: someTexts,
  delimiter: text,
  quote: { ok: (value) => value === false || (isText(value) && value.length === 1), takes: "one character, or false" },
  relaxQuotes: oneOf(true, false),
  comment: text,
  encoding: oneOf("utf8", "utf16le", "latin1"),
  types: {
    ok: (value) => isCsvType(value) || (isObject(value) && Object.values(value).every(isCsvType)),
    takes: `one of ${csvTypes.join(", ")}, or an object with one of them for each column`,
  },
  nullValues: texts,
  badRows: oneOf("error", "skip"),
  chunkRows: integerFrom(1),
  maxRowBytes: integerFrom(1),
};

export const checkCsvOptions = (options: CsvOptions): void => check("readCsv", options, csv);
export const checkParquetOptions = (options: ParquetOptions): void => check("readParquet", options, parquet);

function check(reader: string, options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (rule === undefined) {
      const names = Object.keys(checks).join(", ");
      throw new FlockError("FLOCK_OPTION_INVALID", `${reader} has no option "${name}"; it takes ${names}.`);
    }
    if (value !== undefined && !rule.ok(value)) {
      throw new FlockError("FLOCK_OPTION_INVALID", `The option ${name} of ${reader} takes ${rule.takes}.`);
    }
  }
}

/** Asked-for columns that a file lacks are an error that names those it has. */
export function checkColumns(wanted: readonly string[], present: readonly string[], label: string): void {
  const absent = wanted.filter((name) => !present.includes(name));
  if (absent.length === 0) return;
  throw new FlockError(
    "FLOCK_TABLE_COLUMN",
    `${label} has no column ${absent.map((name) => `"${name}"`).join(", ")}; it has ${present.map((name) => `"${name}"`).join(", ")}.`,
  );
}
