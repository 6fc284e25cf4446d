// A result as a file: its bytes, then the CRC-32 of each chunk of them, then a footer (f64 bytes, u32 CRC-32 of the sums, u32 mark).
// Slots read and write such files themselves, so nothing here is of the main thread only.
import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { BulkSink } from "@taskflock/protocol";
import { FlockError } from "@taskflock/protocol/code";

export const CHUNK_BYTES: number = 1024 * 1024;
const FOOTER_BYTES = 16;
const MARK = 0x5f70696c;

/** What was written is not what is there. */
export class SpoiledFile extends Error {
  constructor(path: string, what: string) {
    super(`The file ${path} cannot be used: ${what}.`);
    this.name = "SpoiledFile";
  }
}

/** Throws FLOCK_DISK_FULL, and leaves nothing behind. */
export function writeSpillFile(path: string, bytes: Uint8Array): void {
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      const sums: number[] = [];
      for (const chunk of chunksOf(bytes)) {
        sums.push(crc32(chunk));
        writeAll(file, chunk);
      }
      writeAll(file, footer(bytes.length, sums));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    removeFile(path);
    throw diskFull(path, bytes.length, error);
  }
}

/** The same, with other work between the chunks. Nobody may change the bytes meanwhile. */
export async function spillToFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      const sums: number[] = [];
      for (const chunk of chunksOf(bytes)) {
        sums.push(crc32(chunk));
        await writeWhole(file, chunk);
      }
      await writeWhole(file, footer(bytes.length, sums));
    } finally {
      await file.close();
    }
  } catch (error) {
    removeFile(path);
    throw diskFull(path, bytes.length, error);
  }
}

/** Writes what comes in pieces. It writes at once: a piece of 1 MiB goes to the system's memory, which takes less than its checksum. */
export class SpillWriter implements BulkSink {
  readonly length: number;
  readonly #path: string;
  readonly #sums: number[] = [];
  #memory: Uint8Array = new Uint8Array(0);
  #file: number | null = null;
  #written = 0;
  #sum = 0;
  #error: unknown = null;

  constructor(path: string, length: number) {
    this.#path = path;
    this.length = length;
    this.#try(() => {
      this.#file = openSync(path, "wx", 0o600);
    });
  }

  room(length: number): Uint8Array {
    if (this.#memory.length < length) this.#memory = new Uint8Array(length);
    return this.#memory.subarray(0, length);
  }

  /** What the disk does not take is told by `finish`. */
  took(bytes: Uint8Array): void {
    this.#try((file) => writeAll(file, bytes));
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - (this.#written % CHUNK_BYTES));
      this.#sum = crc32(part, this.#sum);
      this.#written += part.length;
      at += part.length;
      if (this.#written % CHUNK_BYTES === 0 || this.#written === this.length) {
        this.#sums.push(this.#sum);
        this.#sum = 0;
      }
    }
  }

  /** All came. Throws FLOCK_DISK_FULL, and leaves nothing behind then. */
  finish(): void {
    this.#try((file) => writeAll(file, footer(this.length, this.#sums)));
    const error = this.#error;
    this.#close();
    if (error === null) return;
    removeFile(this.#path);
    throw diskFull(this.#path, this.length, error);
  }

  abandon(): void {
    this.#close();
    removeFile(this.#path);
  }

  #try(write: (file: number) => void): void {
    if (this.#error !== null) return;
    try {
      write(this.#file ?? -1);
    } catch (error) {
      this.#error = error;
    }
  }

  #close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

/** All of it, in memory of its own. Throws SpoiledFile. */
export function readSpillFile(path: string, length: number): Uint8Array {
  const file = openToRead(path);
  try {
    const sums = readSums(path, file, length);
    const bytes = new Uint8Array(length);
    let index = 0;
    for (const chunk of chunksOf(bytes)) {
      readAll(path, file, chunk, index * CHUNK_BYTES);
      if (crc32(chunk) !== sums[index++]) throw damaged(path);
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** A part of it, in memory of its own; all chunks that it touches are checked. Throws SpoiledFile. */
export async function readSpilledPart(path: string, length: number, from: number, bytes: number): Promise<Uint8Array> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw new SpoiledFile(path, textOf(error));
  });
  try {
    const sums = readSums(path, file.fd, length);
    const first = Math.floor(from / CHUNK_BYTES);
    const last = Math.min(length, Math.ceil((from + bytes) / CHUNK_BYTES) * CHUNK_BYTES);
    const whole = new Uint8Array(last - first * CHUNK_BYTES);
    let index = first;
    for (const chunk of chunksOf(whole)) {
      await readWhole(path, file, chunk, index * CHUNK_BYTES);
      if (crc32(chunk) !== sums[index++]) throw damaged(path);
    }
    return whole.subarray(from - first * CHUNK_BYTES, from - first * CHUNK_BYTES + bytes);
  } finally {
    await file.close();
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

function footer(length: number, sums: readonly number[]): Buffer {
  const tail = Buffer.alloc(sums.length * 4 + FOOTER_BYTES);
  for (const [index, sum] of sums.entries()) tail.writeUInt32LE(sum, index * 4);
  tail.writeDoubleLE(length, sums.length * 4);
  tail.writeUInt32LE(crc32(tail.subarray(0, sums.length * 4)), sums.length * 4 + 8);
  tail.writeUInt32LE(MARK, sums.length * 4 + 12);
  return tail;
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw new SpoiledFile(path, textOf(error));
  }
}

function readSums(path: string, file: number, length: number): number[] {
  const count = Math.ceil(length / CHUNK_BYTES);
  const tail = Buffer.alloc(count * 4 + FOOTER_BYTES);
  if (fstatSync(file).size !== length + tail.length) throw new SpoiledFile(path, "it has another size");
  readAll(path, file, tail, length);
  const isWhole =
    tail.readDoubleLE(count * 4) === length &&
    tail.readUInt32LE(count * 4 + 8) === crc32(tail.subarray(0, count * 4)) &&
    tail.readUInt32LE(count * 4 + 12) === MARK;
  if (!isWhole) throw damaged(path);
  return Array.from({ length: count }, (_, index) => tail.readUInt32LE(index * 4));
}

/** The system may write or read less than it was asked for. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

function readAll(path: string, file: number, into: Uint8Array, position: number): void {
  for (let at = 0; at < into.length; ) {
    const count = tryRead(path, () => readSync(file, into, at, into.length - at, position + at));
    if (count === 0) throw new SpoiledFile(path, "it ends too early");
    at += count;
  }
}

function tryRead(path: string, read: () => number): number {
  try {
    return read();
  } catch (error) {
    throw new SpoiledFile(path, textOf(error));
  }
}

async function readWhole(path: string, file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at).catch((error: unknown) => {
      throw new SpoiledFile(path, textOf(error));
    });
    if (bytesRead === 0) throw new SpoiledFile(path, "it ends too early");
    at += bytesRead;
  }
}

function damaged(path: string): SpoiledFile {
  return new SpoiledFile(path, "a checksum is wrong");
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What kept it from being written may keep it from being removed; the folder goes with the worker.
  }
}

function diskFull(path: string, bytes: number, cause: unknown): FlockError {
  return new FlockError(
    "FLOCK_DISK_FULL",
    `${bytes} bytes could not be written to ${path}: ${textOf(cause)}. Free disk space, pass --spill-directory, raise --memory-limit, or release futures.`,
    { cause },
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
