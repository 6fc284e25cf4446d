// Files that a function reads beside its own.
import { readFileSync, type Stats, statSync } from "node:fs";
import { basename } from "node:path";
import { type AssetDescription, assetDescription, FlockError } from "@taskflock/protocol";

const MAX_BYTES = 2 * 1024 * 1024;

/** What a file was when it was looked at: it was not edited if it is still that. */
export interface FileStamp {
  readonly file: string;
  readonly stamp: string;
}

export function fileStamp(file: string): FileStamp {
  return { file, stamp: stampOf(file) };
}

export function isUnchanged({ file, stamp }: FileStamp): boolean {
  return stampOf(file) === stamp;
}

export function stampOf(file: string): string {
  try {
    const { mtimeNs, ctimeNs, size } = statSync(file, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size}`;
  } catch {
    return "not there";
  }
}

/**
 * The file's contents, to travel with the function that reads it.
 * Throws `FLOCK_FUNCTION_NOT_SERIALIZABLE` for what is missing, no file, or too large.
 */
export function readAsset(file: string): AssetDescription {
  let found: Stats;
  try {
    found = statSync(file);
  } catch (cause) {
    throw refuseAsset(file, "which is not there", "put it where the function looks for it", cause);
  }
  if (!found.isFile()) throw refuseAsset(file, "which is no file", "name each file that it reads");
  if (found.size > MAX_BYTES) {
    const size = `which has ${(found.size / 1024 / 1024).toFixed(1)} MiB, more than the 2 MiB that may travel with code`;
    throw refuseAsset(file, size, "read it before and pass the contents as an argument");
  }
  try {
    return assetDescription(basename(file), readFileSync(file));
  } catch (cause) {
    throw refuseAsset(file, "which cannot be read", "let this process read it", cause);
  }
}

function refuseAsset(file: string, why: string, advice: string, cause?: unknown): FlockError {
  const message = `The function needs the file ${file}, ${why}: ${advice}.`;
  return new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", message, cause === undefined ? {} : { cause });
}
