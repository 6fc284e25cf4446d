// Chunks of CSV files: rows as columns of typed values.
import { FlockError } from "@taskflock/protocol/words";
import { type CsvRecord, csvKind, csvRecords, firstLine } from "./csv-records.ts";
import { type Guess, guess, misfit, valueFrom } from "./csv-types.ts";
import { checkColumns, checkCsvOptions } from "./options.ts";
import { filesOf, type TableFile } from "./sources.ts";
import type { Counts } from "./table.ts";
import type { Columns, CsvOptions, CsvType, TableSource } from "./types.ts";

const defaultChunkRows = 4096;

export async function* csvChunks(source: TableSource, options: CsvOptions, counts: Counts): AsyncGenerator<Columns> {
  checkCsvOptions(options);
  const reading = new CsvReading(options, counts);
  let any = false;
  for (const file of await filesOf(source, csvKind, options.storage)) {
    if (reading.full && any) break;
    for await (const chunk of reading.chunksOf(file)) {
      any = true;
      yield chunk;
    }
  }
  if (!any) yield reading.empty();
}

/** The files of one reading share names, types and the limit. */
class CsvReading {
  readonly #options: CsvOptions;
  readonly #counts: Counts;
  readonly #chunkRows: number;
  readonly #nullValues: ReadonlySet<string>;
  /** The columns that come out, of the first file; the others must have them, too. */
  #names: readonly string[] | undefined;
  #types: readonly CsvType[] | undefined;
  #left: number;

  constructor(options: CsvOptions, counts: Counts) {
    this.#options = options;
    this.#counts = counts;
    this.#chunkRows = options.chunkRows ?? defaultChunkRows;
    this.#nullValues = new Set(options.nullValues);
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  get full(): boolean {
    return this.#left === 0;
  }

  empty(): Columns {
    return Object.fromEntries((this.#names ?? this.#options.columns ?? []).map((name) => [name, []]));
  }

  async *chunksOf(file: TableFile): AsyncGenerator<Columns> {
    let width = 0;
    let places: readonly number[] | undefined;
    let waiting: CsvRecord[] = [];
    const header = this.#options.header ?? this.#options.names === undefined;
    for await (const record of csvRecords(file, this.#options)) {
      if (places === undefined) {
        const names = this.#namesIn(record, header, file.label);
        width = names.length;
        places = this.#places(names, file.label);
        if (header) continue;
      }
      if (this.full) break;
      if (record.cells.length !== width) this.#refuse(file.label, record, width);
      else waiting.push(record);
      if (waiting.length < Math.min(this.#chunkRows, this.#left)) continue;
      const chunk = this.#chunk(waiting, places, file.label);
      waiting = [];
      if (chunk !== undefined) yield chunk;
    }
    const last = places === undefined ? undefined : this.#chunk(waiting, places, file.label);
    if (last !== undefined) yield last;
  }

  #namesIn({ cells }: CsvRecord, header: boolean, label: string): readonly string[] {
    const names = this.#options.names ?? (header ? cells : cells.map((_, index) => `column${index + 1}`));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return names;
    const text = `${label} has two columns named "${twice}". Name them by the option names, with header: true to pass over its own.`;
    throw new FlockError("FLOCK_TABLE_FORMAT", text);
  }

  #places(names: readonly string[], label: string): readonly number[] {
    const { types } = this.#options;
    this.#names ??= this.#options.columns ?? names;
    checkColumns(this.#names, names, label);
    if (typeof types === "object") checkColumns(Object.keys(types), names, label);
    return this.#names.map((name) => names.indexOf(name));
  }

  /** Of records with the right number of cells; undefined when none of them remains. */
  #chunk(records: readonly CsvRecord[], places: readonly number[], label: string): Columns | undefined {
    const names = this.#names ?? [];
    this.#types ??= places.map((place, index) => this.#typeOf(names[index] ?? "", records, place));
    const columns: unknown[][] = names.map(() => []);
    let rows = 0;
    for (const record of records) {
      if (this.#addRow(record, places, columns, label)) rows++;
    }
    this.#left -= rows;
    if (rows === 0) return undefined;
    return Object.fromEntries(names.map((name, index) => [name, columns[index] ?? []]));
  }

  #declared(name: string): CsvType | undefined {
    const { types } = this.#options;
    if (typeof types !== "object") return types;
    return Object.hasOwn(types, name) ? types[name] : undefined;
  }

  #typeOf(name: string, records: readonly CsvRecord[], place: number): CsvType {
    const declared = this.#declared(name);
    if (declared !== undefined) return declared;
    let kind: Guess = "unknown";
    for (const { cells } of records) {
      const text = cells[place] ?? "";
      if (!this.#nullValues.has(text)) kind = guess(kind, text);
    }
    return kind === "unknown" ? "string" : kind;
  }

  #addRow(record: CsvRecord, places: readonly number[], columns: unknown[][], label: string): boolean {
    const row: unknown[] = [];
    for (const [index, place] of places.entries()) {
      const text = record.cells[place] ?? "";
      const type = this.#types?.[index] ?? "string";
      const value = this.#nullValues.has(text) ? null : valueFrom(text, type);
      if (value === misfit) {
        this.#refuseValue(record, index, text, label);
        return false;
      }
      row.push(value);
    }
    for (const [index, value] of row.entries()) columns[index]?.push(value);
    return true;
  }

  #refuse(label: string, record: CsvRecord, width: number): void {
    if (this.#skips()) return;
    throw new FlockError(
      "FLOCK_TABLE_FORMAT",
      `${label}, line ${firstLine(record)}: the row has ${record.cells.length} cells and not ${width}. Mend it, check the delimiter, or leave such rows out with { badRows: "skip" }.`,
    );
  }

  #refuseValue(record: CsvRecord, index: number, text: string, label: string): void {
    const name = this.#names?.[index] ?? "";
    const type = this.#types?.[index];
    const declared = this.#declared(name) !== undefined;
    // A guessed type that turns out wrong is no fault of the row.
    if (declared && this.#skips()) return;
    const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
    const advice = declared
      ? 'Declare another type, name the text in nullValues, or leave such rows out with { badRows: "skip" }.'
      : `The first rows of the column are of this type; declare what it is: { types: { ${JSON.stringify(name)}: "string" } }.`;
    throw new FlockError(
      "FLOCK_TABLE_TYPE",
      `${label}, line ${firstLine(record)}: ${shown} in column "${name}" is no ${type}. ${advice}`,
    );
  }

  #skips(): boolean {
    if (this.#options.badRows !== "skip") return false;
    this.#counts.skippedRows++;
    return true;
  }
}
