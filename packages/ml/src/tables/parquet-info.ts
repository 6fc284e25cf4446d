// What Parquet files say of themselves.
import type { SchemaElement } from "hyparquet";
import { openParquet, type ParquetFile, parquetKind, topElements } from "./parquet-file.ts";
import { filesOf } from "./sources.ts";
import type { ParquetColumn, ParquetFileInfo, ParquetInfo, ReadOptions, TableSource } from "./types.ts";

export async function describeParquet(
  source: TableSource,
  options: Pick<ReadOptions, "storage">,
): Promise<ParquetInfo> {
  const files: ParquetFileInfo[] = [];
  let columns: readonly ParquetColumn[] | undefined;
  for (const found of await filesOf(source, parquetKind, options.storage)) {
    const file = await openParquet(found);
    columns ??= columnsOf(file);
    const { num_rows, row_groups } = file.metadata;
    const { byteLength } = file.buffer;
    files.push({ name: file.label, rows: Number(num_rows), rowGroups: row_groups.length, bytes: byteLength });
  }
  const sum = (value: (file: ParquetFileInfo) => number): number =>
    files.reduce((total, file) => total + value(file), 0);
  return {
    rows: sum(({ rows }) => rows),
    rowGroups: sum(({ rowGroups }) => rowGroups),
    bytes: sum(({ bytes }) => bytes),
    columns: columns ?? [],
    files,
  };
}

function columnsOf(file: ParquetFile): ParquetColumn[] {
  return topElements(file).map((element) => ({
    name: element.name,
    type: typeOf(element),
    nullable: element.repetition_type !== "REQUIRED",
  }));
}

const plainTypes: Readonly<Record<string, string>> = {
  UTF8: "string",
  STRING: "string",
  BYTE_ARRAY: "binary",
  FIXED_LEN_BYTE_ARRAY: "binary",
  TIMESTAMP_MILLIS: "timestamp",
  TIMESTAMP_MICROS: "timestamp",
  INT96: "timestamp",
};

function typeOf({ type, converted_type, logical_type, num_children, repetition_type }: SchemaElement): string {
  if (repetition_type === "REPEATED") return "list";
  const told = logical_type?.type === "INTEGER" ? undefined : logical_type?.type;
  const name = told ?? converted_type ?? type ?? (num_children === undefined ? "unknown" : "record");
  return plainTypes[name] ?? name.toLowerCase().replaceAll("_", "");
}
