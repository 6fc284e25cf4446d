// Chunks of Parquet files: one per row group, of the columns asked for.
import { type DecodedArray, parquetRead } from "hyparquet";
import { checkColumns, checkParquetOptions } from "./options.ts";
import { compressors, openParquet, type ParquetFile, parquetKind, told, topElements } from "./parquet-file.ts";
import { plainValues } from "./parquet-values.ts";
import { filesOf } from "./sources.ts";
import type { Columns, ParquetOptions, TableSource } from "./types.ts";

interface Part {
  readonly start: number;
  readonly rows: number;
  /** The whole row group; else only pages that hold the rows have to be read. */
  readonly whole: boolean;
}

export async function* parquetChunks(source: TableSource, options: ParquetOptions): AsyncGenerator<Columns> {
  checkParquetOptions(options);
  let names = options.columns;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let any = false;
  for (const found of await filesOf(source, parquetKind, options.storage)) {
    if (left === 0 && any) break;
    const file = await openParquet(found);
    const present = topElements(file).map(({ name }) => name);
    names ??= present;
    checkColumns(names, present, file.label);
    for (const part of partsOf(file, left)) {
      left -= part.rows;
      any = true;
      yield await readPart(file, names, part, options);
    }
  }
  if (!any) yield Object.fromEntries((names ?? []).map((name) => [name, []]));
}

function* partsOf({ metadata }: ParquetFile, limit: number): Generator<Part> {
  let start = 0;
  let left = limit;
  for (const group of metadata.row_groups) {
    const size = Number(group.num_rows);
    const rows = Math.min(size, left);
    if (rows > 0) yield { start, rows, whole: rows === size };
    left -= rows;
    start += size;
  }
}

async function readPart(
  { label, buffer, metadata }: ParquetFile,
  names: readonly string[],
  { start, rows, whole }: Part,
  options: ParquetOptions,
): Promise<Columns> {
  const pieces = new Map<string, Piece[]>(names.map((name) => [name, []]));
  const read = parquetRead.bind(null, {
    file: buffer,
    metadata,
    columns: [...names],
    rowStart: start,
    rowEnd: start + rows,
    useOffsetIndex: !whole,
    compressors,
    utf8: options.binaryAsText ?? true,
    onChunk: ({ columnName, columnData, rowStart }) =>
      pieces.get(columnName)?.push({ data: columnData, start: rowStart }),
  });
  await told(label, read);
  const bigint = options.int64 === "bigint";
  return Object.fromEntries(
    names.map((name) => {
      const values = joined(pieces.get(name) ?? [], start, rows);
      return [name, plainValues(values, bigint, `${label}: column "${name}"`)];
    }),
  );
}

interface Piece {
  readonly data: DecodedArray;
  readonly start: number;
}

/** Pages may reach beyond the rows that were asked for. */
function joined(pieces: readonly Piece[], start: number, rows: number): unknown[] {
  const values: unknown[] = [];
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start + values.length - piece.start, 0);
    const to = Math.min(start + rows - piece.start, piece.data.length);
    for (let index = from; index < to; index++) values.push(piece.data[index]);
  }
  return values;
}
