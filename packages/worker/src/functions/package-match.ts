// Whether a package is installed here as the client has it.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { findPackage, type InstalledPackage, type PackageIdentity, packageHash } from "@taskflock/protocol/code";

export interface PackageMatch {
  /** The first folder from which the very same package is found. */
  readonly folder: string | undefined;
  /** Otherwise, the first that is found in another version or build. */
  readonly other: InstalledPackage | undefined;
}

export function matchPackage(wanted: PackageIdentity, folders: readonly string[]): PackageMatch {
  let other: InstalledPackage | undefined;
  for (const folder of folders) {
    if (!existsSync(folder)) continue; // a folder of the client's: what lies above it here is no hint
    const found = findPackage(wanted.name, folder);
    if (found === undefined) continue;
    if (found.version === wanted.version && packageHash(found) === wanted.hash) return { folder, other: undefined };
    other ??= found;
  }
  return { folder: undefined, other };
}

const OWN_FOLDER = dirname(fileURLToPath(import.meta.url));

/** Taskflock's own packages are those that run here, wherever the user's lie. */
export function withOwnFolder(packageName: string, folders: readonly string[]): readonly string[] {
  return packageName === "taskflock" || packageName.startsWith("@taskflock/") ? [OWN_FOLDER, ...folders] : folders;
}

/** The folders in which packages are looked for when nothing else is said. */
export function usualFolders(): readonly string[] {
  return [process.cwd(), OWN_FOLDER];
}

/** `1.2.3 (build 0a1b2c3d)`. */
export function labelOf({ version, hash }: Pick<PackageIdentity, "version" | "hash">): string {
  return `${version} (build ${hash.slice(0, 8)})`;
}

export function labelOfInstalled(found: InstalledPackage): string {
  return labelOf({ version: found.version, hash: packageHash(found) });
}
