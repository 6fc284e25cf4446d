// The words of tables: where they are, how they are read, what comes out.
import type { StorageOptions } from "../storage/storage.ts";

/**
 * A file's path or address (`file:`, `https:`, `http:`, `s3://bucket/key`), a folder or a pattern (`posts/*.parquet`, `s3://bucket/posts/`),
 * the bytes of a file, or several of these, which are read one after the other.
 */
export type TableSource = string | URL | Uint8Array | readonly (string | URL | Uint8Array)[];

/** A row whose columns are known only when it is read. */
// biome-ignore lint/suspicious/noExplicitAny: what a column holds only the reader's author knows; a row type of one's own says it
export type AnyRow = Record<string, any>;

/** Columns of a part of a table: one array each, all of the same length. */
export type Columns<R extends object = AnyRow> = { [Name in keyof R]: R[Name][] };

/** How readers of both formats reach files, and how much they read. */
export interface ReadOptions {
  /** Only these columns, in this order; default: all. Of Parquet files only their bytes are fetched. */
  readonly columns?: readonly string[];
  /** Only so many rows, of all files together. */
  readonly limit?: number;
  /** For files that are not on this machine: tries, time limits, headers, S3. */
  readonly storage?: StorageOptions;
}

export interface ParquetOptions extends ReadOptions {
  /** Whole numbers of 64 bits as "number" (default; one that a number cannot hold exactly is an error) or as "bigint". */
  readonly int64?: "number" | "bigint";
  /** Columns of bytes that no type calls text: as text (default, because older programs write text so) or as `Uint8Array`. */
  readonly binaryAsText?: boolean;
}

export type CsvType = "string" | "number" | "bigint" | "boolean" | "date";

export interface CsvOptions extends ReadOptions {
  /** Whether the first row holds the names of the columns; default: true, without `names`. */
  readonly header?: boolean;
  /** Names of the columns, in place of those of a header. */
  readonly names?: readonly string[];
  /** One character or more between cells; default: a comma, and a tab for files that end in `.tsv`. */
  readonly delimiter?: string;
  /** Around cells that contain delimiters, line ends or quotes; default `"`. `false`: quotes mean nothing. */
  readonly quote?: string | false;
  /** Takes a quote inside an unquoted cell as text; default false: it is an error. */
  readonly relaxQuotes?: boolean;
  /** Lines that begin with this are passed over. */
  readonly comment?: string;
  readonly encoding?: "utf8" | "utf16le" | "latin1";
  /**
   * Types by column, or one for all. Where nothing is said, the first chunk decides: "number", "boolean" (true and false), else
   * "string". Dates are read when declared: ISO 8601, UTC where no zone is given.
   */
  readonly types?: CsvType | Readonly<Record<string, CsvType>>;
  /** Texts that mean `null`, in every column. Empty cells are `null` anyway, except in columns of text. */
  readonly nullValues?: readonly string[];
  /**
   * Rows with too few or too many cells, or with a value that is not of its declared type: "error" (default) names file and line;
   * "skip" leaves them out and counts them (`table.skippedRows`).
   */
  readonly badRows?: "error" | "skip";
  /** Rows of a chunk; default 4,096. */
  readonly chunkRows?: number;
  /** A longer row is an error, in bytes; default 16 MiB. It shows a quote that is not closed before memory is full. */
  readonly maxRowBytes?: number;
}

/** What a Parquet file says of itself, read from its end alone. Of several files, their sums, and the columns of the first. */
export interface ParquetInfo {
  readonly rows: number;
  readonly rowGroups: number;
  readonly bytes: number;
  readonly columns: readonly ParquetColumn[];
  readonly files: readonly ParquetFileInfo[];
}

export interface ParquetColumn {
  readonly name: string;
  /** As the file has it: "string", "int64", "double", "timestamp", "list", … */
  readonly type: string;
  /** Whether it may hold `null`. */
  readonly nullable: boolean;
}

export interface ParquetFileInfo {
  readonly name: string;
  readonly rows: number;
  readonly rowGroups: number;
  readonly bytes: number;
}
