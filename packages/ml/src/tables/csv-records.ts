// The rows of a CSV file as texts, with the lines on which they are. Streams, and asks for no more than it is asked for.
import { extname } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import { CsvError, type InfoRecord, type Options, parse } from "csv-parse";
import type { FileKind, TableFile } from "./sources.ts";
import type { CsvOptions } from "./types.ts";

export const csvKind: FileKind = { name: "CSV", extension: /\.(csv|tsv|txt)(\.gz)?$/i };

export interface CsvRecord {
  readonly cells: readonly string[];
  /** On which it ends; 1 for the first. */
  readonly lastLine: number;
}

/** On which line a row begins: line ends in its cells are its own. */
export function firstLine({ cells, lastLine }: CsvRecord): number {
  return cells.reduce((line, cell) => line - (cell.split("\n").length - 1), lastLine);
}

const defaultMaxRowBytes = 16 << 20;

export async function* csvRecords(file: TableFile, options: CsvOptions): AsyncGenerator<CsvRecord> {
  const pieces = Readable.from(await unpacked(file), { objectMode: false });
  // Records wait between parser and reader: where the parser is, only its own callback knows.
  let parsedLines = 0;
  const onRecord = (cells: string[], { lines }: InfoRecord): CsvRecord => {
    parsedLines = lines;
    return { cells, lastLine: lines };
  };
  const parser = parse({ ...parserOptions(file.label, options), on_record: onRecord as never });
  // What fails in one stage ends the next; what ends the last ends the first.
  pieces.on("error", (error) => parser.destroy(error));
  pieces.pipe(parser);
  try {
    yield* parser as AsyncIterable<CsvRecord>;
  } catch (error) {
    throw inWords(error, file.label, parsedLines + 1);
  } finally {
    pieces.destroy();
    parser.destroy();
  }
}

function parserOptions(label: string, options: CsvOptions): Options {
  const { quote = '"', delimiter = /\.tsv(\.gz)?$/i.test(label) ? "\t" : "," } = options;
  return {
    bom: true,
    delimiter,
    quote,
    relax_quotes: options.relaxQuotes ?? false,
    encoding: options.encoding ?? "utf8",
    max_record_size: options.maxRowBytes ?? defaultMaxRowBytes,
    skip_empty_lines: true,
    // The reader of chunks judges rows itself, because it may leave bad ones out.
    relax_column_count: true,
    ...(options.comment === undefined ? {} : { comment: options.comment, comment_no_infix: true }),
  };
}

/** `.gz` by name; bytes without a name by their first two. */
async function unpacked(file: TableFile): Promise<AsyncIterable<Uint8Array>> {
  const bytes = extname(file.label) === "";
  const first = bytes ? await file.read({ start: 0, end: 2 }) : undefined;
  const packed = first === undefined ? /\.gz$/i.test(file.label) : first[0] === 0x1f && first[1] === 0x8b;
  if (!packed) return file.stream();
  const source = Readable.from(file.stream(), { objectMode: false });
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => source.destroy());
  return source.pipe(gunzip);
}

function inWords(error: unknown, label: string, line: number): unknown {
  if (isFlockError(error)) return error;
  const { message, code = "" } = error as NodeJS.ErrnoException;
  const because = { cause: error };
  if (error instanceof CsvError && code === "CSV_MAX_RECORD_SIZE") {
    const text = `${label}: the row that begins on line ${line} is longer than maxRowBytes. A quote may not be closed; or raise maxRowBytes.`;
    return new FlockError("FLOCK_TABLE_FORMAT", text, because);
  }
  if (error instanceof CsvError) {
    const text = `${label}: the row that begins on line ${line} is no CSV: ${message}. Check delimiter and quotes, or pass relaxQuotes or quote: false.`;
    return new FlockError("FLOCK_TABLE_FORMAT", text, because);
  }
  if (code.startsWith("Z_")) {
    const text = `${label} cannot be unpacked: ${message}. It is damaged, not whole, or not gzip in spite of its name.`;
    return new FlockError("FLOCK_TABLE_FORMAT", text, because);
  }
  return error;
}
