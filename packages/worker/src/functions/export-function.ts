// Functions that are exports of an installed package.
import { type ExportFunction, FlockError, importFrom } from "@taskflock/protocol/code";
import { messageOf } from "./evaluate.ts";
import { labelOf, labelOfInstalled, matchPackage } from "./package-match.ts";

export async function findExport(wanted: ExportFunction, folders: readonly string[]): Promise<unknown> {
  const { specifier, exportName, packageName } = wanted;
  const folder = findMatch(wanted, folders);
  let value: unknown;
  try {
    value = await importFrom(folder, specifier);
  } catch (error) {
    throw new FlockError(
      "FLOCK_FUNCTION_NOT_FOUND",
      `Importing "${specifier}" failed on this worker: ${messageOf(error)}`,
      { cause: error },
    );
  }
  // `default.name`: a member of a CommonJS module's exports. Names of exports are identifiers, so a dot splits.
  for (const step of exportName.split(".")) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
  }
  if (typeof value === "function") return value;
  throw new FlockError(
    "FLOCK_FUNCTION_NOT_FOUND",
    `"${specifier}" has no function "${exportName}" on this worker, although ${packageName} is the same version and build.`,
  );
}

function findMatch(wanted: ExportFunction, folders: readonly string[]): string {
  const { packageName: name, version, packageHash: hash, exportName } = wanted;
  const { folder, other } = matchPackage({ name, version, hash }, folders);
  if (folder !== undefined) return folder;
  if (other === undefined) {
    throw new FlockError(
      "FLOCK_FUNCTION_NOT_FOUND",
      `The package ${name}, whose export "${exportName}" the task calls, is not installed on this worker ` +
        `(looked from ${folders.join(" and ")}); install ${name}@${version} there.`,
    );
  }
  throw new FlockError(
    "FLOCK_PACKAGE_MISMATCH",
    `The task calls "${exportName}" of ${name} ${labelOf({ version, hash })}, but this worker has ` +
      `${labelOfInstalled(other)} in ${other.directory}; install the same on both.`,
  );
}
