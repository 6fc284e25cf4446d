// Files that came along with functions, written where the code can read them.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { getEnvironmentData, setEnvironmentData, threadId } from "node:worker_threads";
import type { AssetDescription } from "@taskflock/protocol/code";

/** What `$assets` holds of each. */
export interface StoredAsset {
  readonly url: string;
  readonly path: string;
}

/** Threads started later find the folder under this name. */
const SHARED = "taskflock:assets";
/** File systems take 255 bytes, and a character takes up to three. */
const MAX_NAME = 80;

let folder: string | undefined;

/**
 * For a process that starts threads: they keep assets in one folder, which goes with the process. A thread that is ended
 * from outside cannot remove a folder of its own.
 */
export function shareAssetFolder(): void {
  setEnvironmentData(SHARED, assetFolder());
}

/** Writes the asset, unless it lies there; by its content's hash, under its own name. */
export function storeAsset({ name, hash, data }: AssetDescription): StoredAsset {
  const directory = join(assetFolder(), hash);
  const path = join(directory, safeName(name));
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Under another name first: threads of one process may write the same.
    const partial = join(directory, `.${threadId}`);
    rmSync(partial, { force: true });
    writeFileSync(partial, Buffer.from(data, "base64"), { mode: 0o400, flag: "wx" });
    renameSync(partial, path);
  }
  return { url: pathToFileURL(path).href, path };
}

/** Readable by this user only. */
function assetFolder(): string {
  if (folder !== undefined) return folder;
  const shared = getEnvironmentData(SHARED);
  if (typeof shared === "string") {
    folder = shared;
    return shared;
  }
  const own = mkdtempSync(join(tmpdir(), "taskflock-assets-"));
  process.once("exit", () => rmSync(own, { recursive: true, force: true }));
  folder = own;
  return own;
}

/** A file name and nothing else: no folders, no control characters, not too long; its end is what says what it is. */
function safeName(name: string): string {
  const safe = name.replace(/[/\\:*?"<>|\p{Cc}]/gu, "_").slice(-MAX_NAME);
  return /^\.*$/.test(safe) ? "asset" : safe;
}
