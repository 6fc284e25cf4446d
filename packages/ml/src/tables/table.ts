// A table that is read part by part. Each reading begins anew.
import type { AnyRow, Columns } from "./types.ts";

/** What a reading counts as it goes. */
export interface Counts {
  skippedRows: number;
}

/**
 * Iterate it for chunks (`for await (const chunk of table) chunk.title`): columns of some thousand rows of CSV, or of a row group of
 * Parquet. Only the chunk at hand is in memory. A table without rows gives one chunk of empty columns.
 */
export class Table<R extends object = AnyRow> implements AsyncIterable<Columns<R>> {
  readonly #read: (counts: Counts) => AsyncGenerator<Columns<R>>;
  #counts: Counts = { skippedRows: 0 };

  constructor(read: (counts: Counts) => AsyncGenerator<Columns<R>>) {
    this.#read = read;
  }

  /** Bad rows that the latest reading has left out so far (CSV with `badRows: "skip"`). */
  get skippedRows(): number {
    return this.#counts.skippedRows;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Columns<R>> {
    this.#counts = { skippedRows: 0 };
    return this.#read(this.#counts);
  }

  /** Row by row, as objects. */
  async *rows(): AsyncGenerator<R> {
    for await (const chunk of this) yield* rowsOf(chunk);
  }

  /** All columns whole. The table has to fit in memory. */
  async readAll(): Promise<Columns<R>> {
    const parts: Columns<R>[] = [];
    for await (const chunk of this) parts.push(chunk);
    const names = Object.keys(parts[0] ?? {}) as (keyof R)[];
    return Object.fromEntries(names.map((name) => [name, parts.flatMap((part) => part[name])])) as Columns<R>;
  }

  /** All rows as objects. The table has to fit in memory. */
  async readAllRows(): Promise<R[]> {
    const rows: R[] = [];
    for await (const row of this.rows()) rows.push(row);
    return rows;
  }
}

function* rowsOf<R extends object>(chunk: Columns<R>): Generator<R> {
  const columns = Object.entries(chunk) as [keyof R, R[keyof R][]][];
  const length = columns[0]?.[1].length ?? 0;
  for (let index = 0; index < length; index++) {
    const row: Partial<R> = {};
    for (const [name, values] of columns) row[name] = values[index] as R[keyof R];
    yield row as R;
  }
}
