// Files that clients uploaded, as tasks find them. They lie in folders that are numbered: the worker makes a new one, of links to the
// same files, when one is replaced or removed, so that a path goes on to mean what it meant, and a module that changed is another one.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { FlockError } from "@taskflock/protocol/code";

let root = "";

/** Files lie below this folder from now on. */
export function useFilesFolder(path: string): void {
  root = path;
}

/** The absolute path of the file that was uploaded under the name. Throws FLOCK_FILE_UNKNOWN. */
export function uploadedFile(name: string): string {
  const current = currentFolder();
  const there = current === null ? [] : readdirSync(current).filter(isWhole);
  if (there.includes(name)) return join(current!, name);
  const known = there.length === 0 ? "there are none" : `there are ${there.sort().slice(0, 20).join(", ")}`;
  throw new FlockError(
    "FLOCK_FILE_UNKNOWN",
    `No file "${String(name).slice(0, 255)}" is on this worker; ${known}. client.uploadFile brings a file to all workers.`,
  );
}

/** The folder with the highest number. */
function currentFolder(): string | null {
  if (root === "" || !existsSync(root)) return null;
  const numbers = readdirSync(root).map(Number).filter(Number.isInteger);
  return numbers.length === 0 ? null : join(root, String(Math.max(...numbers)));
}

/** While it arrives, a file has another name. */
function isWhole(name: string): boolean {
  return !name.startsWith(PARTIAL);
}

/** No file can be uploaded under a name that begins so. */
export const PARTIAL = ".taskflock-";
