// A Parquet file, opened: its end is read, the rest when it is asked for.
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  type SchemaElement,
} from "hyparquet";
import { compressors as portable } from "hyparquet-compressors";
import type { FileKind, TableFile } from "./sources.ts";

export const parquetKind: FileKind = { name: "Parquet", extension: /\.(parquet|parq|pq)$/i };

/** Node's own are several times as fast as those in JavaScript. */
export const compressors: Compressors = {
  ...portable,
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};

/** The end of a file says where everything is. Most ends fit into this; for others a second request follows. */
const firstReadBytes = 64 << 10;

export interface ParquetFile {
  readonly label: string;
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
}

export async function openParquet(file: TableFile): Promise<ParquetFile> {
  const byteLength = await file.size();
  const buffer: AsyncBuffer = {
    byteLength,
    slice: async (start, end = byteLength) => exactBuffer(await file.read({ start, end })),
  };
  if (byteLength < 12) throw malformed(file.label, new Error("it is too short"));
  const metadata = await told(file.label, () => parquetMetadataAsync(buffer, { initialFetchSize: firstReadBytes }));
  return { label: file.label, buffer, metadata };
}

/** Elements at the top of the schema; what is inside a list or a record follows it. */
export function topElements({ metadata }: ParquetFile): SchemaElement[] {
  const { schema } = metadata;
  const top: SchemaElement[] = [];
  let index = 1;
  const skip = (): void => {
    const children = schema[index++]?.num_children ?? 0;
    for (let child = 0; child < children; child++) skip();
  };
  for (let element = schema[index]; element !== undefined; element = schema[index]) {
    top.push(element);
    skip();
  }
  return top;
}

/** What the reader of the format complains about comes out with the file's name. */
export async function told<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isFlockError(error) ? error : malformed(label, error);
  }
}

function malformed(label: string, cause: unknown): FlockError {
  return new FlockError(
    "FLOCK_TABLE_FORMAT",
    `${label} cannot be read as Parquet: ${(cause as Error).message}. Check that it is a whole Parquet file.`,
    { cause },
  );
}

/** Bytes in the memory that tasks share are copied: nothing that is read keeps them from being used again. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}
