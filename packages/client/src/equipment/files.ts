// Files that are brought to all workers, those that are there and those to come.

import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { FlockError, type GearOutcome, NO_PAYLOAD } from "@taskflock/protocol/words";
import { type Checks, checkOptions, describe } from "../option-checks.ts";
import type { EquipmentHost } from "./plugins.ts";

export interface UploadFileOptions {
  /** What tasks know it as. Default the last part of the path; bytes need one. */
  readonly name?: string;
}

/** A file that was uploaded. */
export interface FileInfo {
  readonly name: string;
  readonly bytes: number;
  /** The name of the client. */
  readonly uploadedBy: string;
  readonly uploadedAt: Date;
  /** Names of the workers that have it. */
  readonly workers: readonly string[];
}

const PART_BYTES = 1024 * 1024;
/** Of a frame, for what stands in it beside the part. */
const FRAME_SLACK_BYTES = 4096;
/** What file systems take. */
const MAX_NAME_BYTES = 255;

const uploadChecks: Checks<UploadFileOptions> = { name: fileName };

/** Numbers of drafts are never used again in a process: a session has its own at the scheduler. */
let drafts = 0;

/** See `Client.uploadFile`. */
export async function uploadFile(
  host: EquipmentHost,
  source: string | URL | Uint8Array,
  raw: UploadFileOptions | undefined,
): Promise<readonly string[]> {
  const given = checkOptions("uploadFile", raw, uploadChecks).name;
  const name = given ?? nameOf(source);
  const draft = ++drafts;
  const partBytes = Math.min(PART_BYTES, host.maxFrameBytes - FRAME_SLACK_BYTES);
  let part = 0;
  for await (const bytes of partsOf(source, partBytes)) await sendPart(host, draft, part++, bytes);
  const question = { q: "equip", kind: "file", name, override: true, draft, functions: [] } as const;
  const outcome = await host.questions.ask({ ...question, data: NO_PAYLOAD, dataBytes: 0 });
  if (outcome.failed.length > 0) throw uploadFailed(name, outcome);
  return Object.keys(outcome.workers).sort();
}

/** See `Client.removeFile`. */
export async function removeFile({ questions }: EquipmentHost, name: string): Promise<void> {
  const takes = fileName(name);
  if (takes !== null) throw invalid(`removeFile takes ${takes}, not ${describe(name)}.`);
  await questions.ask({ q: "unequip", kind: "file", name });
}

/** See `Client.files`. */
export async function listFiles({ questions }: EquipmentHost): Promise<readonly FileInfo[]> {
  const facts = await questions.ask({ q: "equipment", kind: "file" });
  return facts.map(({ name, bytes, by, agoMs, workers }) => {
    return { name, bytes, uploadedBy: by, uploadedAt: new Date(Date.now() - agoMs), workers };
  });
}

async function sendPart(host: EquipmentHost, draft: number, part: number, bytes: Uint8Array): Promise<void> {
  const data = host.payloads.put(bytes);
  try {
    await host.questions.ask({ q: "filePart", draft, part, data, dataBytes: bytes.length });
  } finally {
    host.payloads.free(data);
  }
}

/** At least one, so that an empty file is one, too. */
async function* partsOf(source: string | URL | Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) {
    for (let at = 0; at === 0 || at < source.length; at += partBytes) yield source.subarray(at, at + partBytes);
    return;
  }
  const file = await openFile(source);
  try {
    const buffer = new Uint8Array(partBytes);
    for (let count = 0; ; count++) {
      const filled = await fill(file, buffer);
      if (filled > 0 || count === 0) yield buffer.subarray(0, filled);
      if (filled < partBytes) return;
    }
  } finally {
    await file.close();
  }
}

/** Reads until the buffer is full, or the file ends. */
async function fill(file: FileHandle, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

async function openFile(source: string | URL): Promise<FileHandle> {
  try {
    return await open(source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `uploadFile cannot read ${String(source)}: ${why}`, {
      cause: error,
    });
  }
}

function nameOf(source: unknown): string {
  if (source instanceof Uint8Array)
    throw invalid('uploadFile of bytes needs a name: uploadFile(bytes, { name: "model.bin" }).');
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw invalid(`uploadFile takes a path, or bytes as a Uint8Array, not ${describe(source)}.`);
  }
  const name = basename(typeof source === "string" ? source : fileURLToPath(source));
  const takes = fileName(name);
  if (takes === null) return name;
  throw invalid(`uploadFile: ${describe(name)} cannot be the name of a file on the workers; give { name }, ${takes}.`);
}

/** A name without folders that every system takes. */
function fileName(value: unknown): string | null {
  const fits =
    typeof value === "string" &&
    /^(?!\.{1,2}$)(?!\.taskflock-)[^/\\:*?"<>|\p{Cc}]+$/u.test(value) &&
    new TextEncoder().encode(value).length <= MAX_NAME_BYTES;
  return fits ? null : 'the name of a file, without folders, of at most 255 bytes, such as "model.bin"';
}

function uploadFailed(name: string, { failed }: GearOutcome): FlockError {
  const shown = failed.slice(0, 5).map((one) => `${one.worker} (${one.message})`);
  const more = failed.length > shown.length ? ` and ${failed.length - shown.length} more` : "";
  const text = `The file "${name}" could not be written on ${shown.join(", ")}${more}. It is not kept; what had the name before stays.`;
  return new FlockError("FLOCK_FILE_FAILED", text);
}

function invalid(message: string): FlockError {
  return new FlockError("FLOCK_ARGUMENT_INVALID", message);
}
