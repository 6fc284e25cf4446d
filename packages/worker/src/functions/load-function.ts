// From a function's description to the function.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction, constants } from "node:vm";
import {
  type CodeFunction,
  type ExportFunction,
  FlockError,
  type FunctionDescription,
  findPackage,
  type InstalledPackage,
  importFrom,
  packageHash,
} from "@taskflock/protocol/code";

export type LoadedFunction = (...args: unknown[]) => unknown;

export interface FunctionLoaderOptions {
  /** How many functions are kept; the least recently used one goes first. Default 512. */
  readonly maxFunctions?: number;
  /** Folders in which packages are looked for, in this order. Default: the current folder, then this package's own. */
  readonly from?: readonly string[];
}

/**
 * Makes functions of descriptions, and keeps them by hash.
 *
 * Rejects with `FLOCK_FUNCTION_NOT_FOUND` when a package or its export is not here, with `FLOCK_PACKAGE_MISMATCH` when it
 * is here in another version or build, with `FLOCK_FUNCTION_NOT_SERIALIZABLE` when code does not give a function.
 */
export class FunctionLoader {
  readonly #loaded: Map<string, Promise<LoadedFunction>> = new Map();
  readonly #maxFunctions: number;
  readonly #from: readonly string[];

  constructor(options: FunctionLoaderOptions = {}) {
    this.#maxFunctions = options.maxFunctions ?? 512;
    this.#from = options.from ?? [process.cwd(), dirname(fileURLToPath(import.meta.url))];
  }

  /** How many functions are kept now. */
  get size(): number {
    return this.#loaded.size;
  }

  load(description: FunctionDescription): Promise<LoadedFunction> {
    const { hash } = description;
    const known = this.#loaded.get(hash);
    const loading = known ?? this.#make(description);
    this.#loaded.delete(hash); // and behind the others: the first of the map is the one not used for longest
    this.#loaded.set(hash, loading);
    if (known !== undefined) return known;
    if (this.#loaded.size > this.#maxFunctions) this.#loaded.delete(this.#loaded.keys().next().value ?? hash);
    loading.catch(() => this.#loaded.delete(hash)); // a package may be installed later
    return loading;
  }

  async #make(description: FunctionDescription): Promise<LoadedFunction> {
    return description.kind === "code"
      ? await evaluate(description, this.#from[0] ?? process.cwd())
      : await findExport(description, this.#from);
  }
}

/** Evaluates a function's code in a scope that has globals and `require` only. */
async function evaluate({ name, hash, code }: CodeFunction, folder: string): Promise<LoadedFunction> {
  // So that the engine's note about import() is said here, and silenced, rather than in the user's first task.
  if (code.includes("import")) await importFrom(folder, "node:module");
  const label = name.replace(/[^\w$.-]/g, "_");
  let made: unknown;
  try {
    const body = compileFunction(`${code}\n//# sourceURL=taskflock:${label}-${hash.slice(0, 8)}`, ["require"], {
      // What import() resolves from; traces show the sourceURL.
      filename: join(folder, "taskflock-function.js"),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    made = Reflect.apply(body, undefined, [createRequire(join(folder, "taskflock-function.js"))]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `The code of ${name} does not run here (${why}).`, {
      cause: error,
    });
  }
  if (!isFunction(made)) {
    throw new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `The code of ${name} gives no function.`);
  }
  return made;
}

async function findExport(wanted: ExportFunction, folders: readonly string[]): Promise<LoadedFunction> {
  const { specifier, exportName, packageName } = wanted;
  const folder = findMatch(wanted, folders);
  let value: unknown;
  try {
    value = await importFrom(folder, specifier);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FlockError("FLOCK_FUNCTION_NOT_FOUND", `Importing "${specifier}" failed on this worker: ${why}`, {
      cause: error,
    });
  }
  // `default.name`: a member of a CommonJS module's exports. Names of exports are identifiers, so a dot splits.
  for (const step of exportName.split(".")) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
  }
  if (isFunction(value)) return value;
  throw new FlockError(
    "FLOCK_FUNCTION_NOT_FOUND",
    `"${specifier}" has no function "${exportName}" on this worker, although ${packageName} is the same version and build.`,
  );
}

/** The first folder from which the package is found as the client has it. */
function findMatch(wanted: ExportFunction, folders: readonly string[]): string {
  const { packageName, version, exportName } = wanted;
  let other: InstalledPackage | undefined;
  for (const folder of folders) {
    const found = findPackage(packageName, folder);
    if (found === undefined) continue;
    if (found.version === version && packageHash(found) === wanted.packageHash) return folder;
    other ??= found;
  }
  if (other === undefined) {
    throw new FlockError(
      "FLOCK_FUNCTION_NOT_FOUND",
      `The package ${packageName}, whose export "${exportName}" the task calls, is not installed on this worker ` +
        `(looked from ${folders.join(" and ")}); install ${packageName}@${version} there.`,
    );
  }
  throw new FlockError(
    "FLOCK_PACKAGE_MISMATCH",
    `The task calls "${exportName}" of ${packageName} ${label(version, wanted.packageHash)}, but this worker has ` +
      `${label(other.version, packageHash(other))} in ${other.directory}; install the same on both.`,
  );
}

function label(version: string, hash: string): string {
  return `${version} (build ${hash.slice(0, 8)})`;
}

function isFunction(value: unknown): value is LoadedFunction {
  return typeof value === "function";
}

let shared: FunctionLoader | undefined;

/** Loads with this thread's own loader. */
export function loadFunction(description: FunctionDescription): Promise<LoadedFunction> {
  shared ??= new FunctionLoader();
  return shared.load(description);
}
