// `--record FILE`: every event of the machine, so that an incident can be stepped through again. Payloads are not recorded: the machine never
// saw them. The file is a magic line, then records of msgpack, each behind its length (32-bit little endian): first the machine's
// configuration, then the events, last (after an orderly end) the digest of the state they led to.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { FlockError } from "@taskflock/protocol/links";
import type { Packr } from "msgpackr";
import type { SchedulerConfig, SchedulerEvent } from "./machine/index.ts";

const require = createRequire(import.meta.url);
const MAGIC = Buffer.from("taskflock recording 2\n");
const FLUSH_BYTES = 256 * 1024;
const MAX_RECORD_BYTES = 256 * 1024 * 1024;

type RecordingEntry =
  | { readonly r: "config"; readonly config: SchedulerConfig }
  | { readonly r: "event"; readonly event: SchedulerEvent }
  | { readonly r: "end"; readonly steps: number; readonly digest: string };

/** Loaded with the first recording; most schedulers make none. */
function msgpackr(): typeof import("msgpackr") {
  return require("msgpackr") as typeof import("msgpackr");
}

/** Writes a recording. What happened before the current turn of the event loop is in the file even if the process dies. */
export class RecordingWriter {
  readonly #fd: number;
  readonly #packr: Packr = new (msgpackr().Packr)({ useRecords: false });
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #failed: (error: unknown) => void;
  #scheduled = false;
  #closed = false;
  #steps = 0;

  /** `failed`: the file can be written no more, and ends here; said once. The scheduler can do without it. */
  constructor(file: string, config: SchedulerConfig, failed: (error: unknown) => void) {
    this.#fd = openForWriting(file);
    this.#failed = failed;
    this.#append(MAGIC);
    this.#write({ r: "config", config });
    this.flush();
  }

  event(event: SchedulerEvent): void {
    this.#steps++;
    this.#write({ r: "event", event });
  }

  /** The state that the events led to; then the file is closed. */
  end(digest: string): void {
    this.#write({ r: "end", steps: this.#steps, digest });
    this.#close();
  }

  /** The events led to no state that can be trusted: the file ends with the last of them. */
  abandon(): void {
    this.#close();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      this.#close();
      this.#failed(error);
    }
  }

  #close(): void {
    this.flush();
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  #write(entry: RecordingEntry): void {
    if (this.#closed) return;
    const body = this.#packr.pack(entry);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    this.#append(length);
    this.#append(body);
    if (this.#pendingBytes >= FLUSH_BYTES) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  #append(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }
}

function openForWriting(file: string): number {
  try {
    return openSync(file, "w", 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FlockError("FLOCK_OPTION_INVALID", `The recording cannot be written: ${why}. Give another --record.`, {
      cause,
    });
  }
}

/** What a recording holds. */
export interface Recording {
  readonly config: SchedulerConfig;
  readonly events: Iterable<SchedulerEvent>;
  /** The digest at the end; null when the scheduler did not end in order. */
  readonly digest: string | null;
}

/** Reads a recording; one that was cut off in the middle of a record ends before it. Throws FLOCK_RECORDING_INVALID. */
export function readRecording(file: string): Recording {
  const bytes = readBytes(file);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw invalid(file, "it does not begin as a recording of this version does");
  const entries = [...entriesOf(file, bytes)];
  const first = entries[0];
  const last = entries.at(-1);
  if (first?.r !== "config") throw invalid(file, "its configuration is missing");
  return {
    config: first.config,
    events: entries.flatMap((entry) => (entry.r === "event" ? [entry.event] : [])),
    digest: last?.r === "end" ? last.digest : null,
  };
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw invalid(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function* entriesOf(file: string, bytes: Buffer): Generator<RecordingEntry> {
  const unpackr = new (msgpackr().Unpackr)({ useRecords: false });
  let offset = MAGIC.length;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length > MAX_RECORD_BYTES) throw invalid(file, `the record at byte ${offset} says it has ${length} bytes`);
    const end = offset + 4 + length;
    if (end > bytes.length) return;
    yield entryAt(file, offset, () => unpackr.unpack(bytes.subarray(offset + 4, end)));
    offset = end;
  }
}

function entryAt(file: string, offset: number, unpack: () => unknown): RecordingEntry {
  let entry: unknown;
  try {
    entry = unpack();
  } catch (cause) {
    throw invalid(file, `the record at byte ${offset} cannot be read`, cause);
  }
  const kind = typeof entry === "object" && entry !== null && "r" in entry ? entry.r : null;
  if (kind === "config" || kind === "event" || kind === "end") return entry as RecordingEntry;
  throw invalid(file, `the record at byte ${offset} is none`);
}

export function invalid(file: string, why: string, cause?: unknown): FlockError {
  return new FlockError("FLOCK_RECORDING_INVALID", `${file} cannot be replayed: ${why}.`, { cause });
}
