// Files that came along with functions, written where the code can read them.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";
import type { AssetDescription } from "@taskflock/protocol/code";

/** What `$assets` holds of each. */
export interface StoredAsset {
  readonly url: string;
  readonly path: string;
}

/** File systems take 255 bytes, and a character takes up to three. */
const MAX_NAME = 80;

let folder: string | undefined;

/**
 * Assets are written in this folder from now on, which is somebody else's to remove: a thread or process that is ended from
 * outside cannot remove a folder of its own.
 */
export function useAssetFolder(path: string): void {
  folder = path;
}

/** Writes the asset, unless it lies there; by its content's hash, under its own name. */
export function storeAsset({ name, hash, data }: AssetDescription): StoredAsset {
  const directory = join(assetFolder(), hash);
  const path = join(directory, safeName(name));
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Under another name first: the worker's other threads and processes may write the same.
    const partial = join(directory, `.${process.pid}-${threadId}`);
    rmSync(partial, { force: true });
    writeFileSync(partial, Buffer.from(data, "base64"), { mode: 0o400, flag: "wx" });
    renameSync(partial, path);
  }
  return { url: pathToFileURL(path).href, path };
}

function assetFolder(): string {
  folder ??= newAssetFolder().path;
  return folder;
}

/** Made when the first asset is written; only this user can read it. */
export interface AssetFolder {
  readonly path: string;
  remove(): void;
}

/** A folder that goes with this process, if it is not removed before. Nobody else can guess the id, and be there before. */
export function newAssetFolder(id: string = randomUUID()): AssetFolder {
  const path = assetFolderOf(id);
  const removeNow = (): void => removeAssetFolder(id);
  process.once("exit", removeNow);
  const remove = (): void => {
    process.off("exit", removeNow);
    removeNow();
  };
  return { path, remove };
}

/** Also for the nanny of a worker that could not do it itself. */
export function removeAssetFolder(id: string): void {
  try {
    rmSync(assetFolderOf(id), { recursive: true, force: true });
  } catch {
    // Where open files cannot be removed, a copy stays behind: no reason for anything to fail.
  }
}

/** Of the process, or worker, of this id. */
export function assetFolderOf(id: string): string {
  return join(tmpdir(), `taskflock-assets-${id}`);
}

/** A file name and nothing else: no folders, no control characters, not too long; its end is what says what it is. */
function safeName(name: string): string {
  const safe = name.replace(/[/\\:*?"<>|\p{Cc}]/gu, "_").slice(-MAX_NAME);
  return /^\.*$/.test(safe) ? "asset" : safe;
}
