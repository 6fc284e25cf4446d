// `readCsv`, `readParquet`, `parquetInfo`: small, because every client loads them; the readers come when they are called.
import { Table } from "./table.ts";
import type { AnyRow, Columns, CsvOptions, ParquetInfo, ParquetOptions, ReadOptions, TableSource } from "./types.ts";

/**
 * Reads CSV, plain or as `.gz`, from files, web servers and S3. Streams: memory holds a chunk, whatever the size of the file.
 * `const table = readCsv<{ title: string; score: number }>("posts.csv"); for await (const { title, score } of table) …`
 */
export function readCsv<R extends object = AnyRow>(source: TableSource, options: CsvOptions = {}): Table<R> {
  return new Table<R>(async function* (counts) {
    const { csvChunks } = await import("./csv.ts");
    yield* csvChunks(source, options, counts) as AsyncGenerator<Columns<R>>;
  });
}

/**
 * Reads Parquet (uncompressed, snappy, gzip, zstd, brotli, lz4) from files, web servers and S3: row group by row group, and of each
 * only the columns asked for.
 */
export function readParquet<R extends object = AnyRow>(source: TableSource, options: ParquetOptions = {}): Table<R> {
  return new Table<R>(async function* () {
    const { parquetChunks } = await import("./parquet.ts");
    yield* parquetChunks(source, options) as AsyncGenerator<Columns<R>>;
  });
}

/** Columns, rows and row groups of Parquet files; reads only their ends. */
export async function parquetInfo(
  source: TableSource,
  options: Pick<ReadOptions, "storage"> = {},
): Promise<ParquetInfo> {
  const { describeParquet } = await import("./parquet-info.ts");
  return await describeParquet(source, options);
}
