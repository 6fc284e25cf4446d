// What the code of a function imports: builtins, packages that are installed here as the client has them, and texts that
// came along.
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import {
  FlockError,
  type ImportDescription,
  type InstalledPackage,
  importFrom,
  isFlockError,
  type PackageIdentity,
} from "@taskflock/protocol/code";
import { messageOf } from "./evaluate.ts";
import { labelOf, labelOfInstalled, matchPackage, withOwnFolder } from "./package-match.ts";
import { evaluateModule } from "./sent-modules.ts";

/** Who imports, and from where. */
export interface Importer {
  /** The function's name. */
  readonly name: string;
  /** Folders in which packages are looked for, in this order; there is at least one. */
  readonly folders: readonly [string, ...string[]];
}

/** What `$imports` holds, in order. */
export function resolveImports(imports: readonly ImportDescription[], importer: Importer): Promise<unknown[]> {
  return Promise.all(
    imports.map((wanted) => (wanted.when === "call" ? atCall(wanted, importer) : load(wanted, importer))),
  );
}

/** A function that the code calls. What succeeded is not looked for again, what failed is. */
function atCall(wanted: ImportDescription, importer: Importer): () => unknown {
  let loaded: { readonly value: unknown } | undefined;
  if (wanted.kind === "require") {
    return () => {
      loaded ??= { value: requireNow(wanted, importer) };
      return loaded.value;
    };
  }
  return () => {
    if (loaded !== undefined) return loaded.value;
    const value = importNow(wanted, importer);
    loaded = { value };
    value.catch(() => {
      loaded = undefined;
    });
    return value;
  };
}

async function load(wanted: ImportDescription, importer: Importer): Promise<unknown> {
  return wanted.kind === "require" ? requireNow(wanted, importer) : await importNow(wanted, importer);
}

async function importNow(wanted: ImportDescription, importer: Importer): Promise<unknown> {
  const { folder, text } = locate(wanted, importer);
  if (text !== undefined) return evaluateModule(wanted.specifier, text, folder);
  try {
    return await importFrom(folder, wanted.specifier);
  } catch (error) {
    return sentInstead(wanted, folder, error);
  }
}

function requireNow(wanted: ImportDescription, importer: Importer): unknown {
  const { folder, text } = locate(wanted, importer);
  if (text !== undefined) return evaluateModule(wanted.specifier, text, folder);
  try {
    return createRequire(join(folder, "taskflock-function.js"))(wanted.specifier);
  } catch (error) {
    return sentInstead(wanted, folder, error);
  }
}

/**
 * The copy that came along, of a package that is the same here and does not load: what it needs itself may be missing, or of
 * another version.
 */
function sentInstead({ specifier, bundle }: ImportDescription, folder: string, error: unknown): unknown {
  let why = messageOf(error);
  if (bundle !== null) {
    try {
      return evaluateModule(specifier, bundle, folder);
    } catch (second) {
      why += `; the copy that came along failed too: ${messageOf(isFlockError(second) ? second.cause : second)}`;
    }
  }
  const message = `Importing "${specifier}" failed on this worker: ${why}`;
  throw new FlockError("FLOCK_FUNCTION_NOT_FOUND", message, { cause: error });
}

interface Source {
  /** From where the module is found; or, for a text, what it imports itself. */
  readonly folder: string;
  /** CommonJS that came along. */
  readonly text?: string;
}

function locate({ specifier, package: wanted, from, bundle, reason }: ImportDescription, importer: Importer): Source {
  const { name, folders } = importer;
  const [folder] = folders;
  if (wanted === null) {
    if (bundle !== null) return { folder, text: bundle };
    if (isBuiltin(specifier)) return { folder };
    throw new FlockError(
      "FLOCK_FUNCTION_NOT_FOUND",
      `${name} imports "${specifier}", which is no module of Node ${process.version} on this worker; ` +
        "run the worker with the client's version of Node.",
    );
  }
  const found = matchPackage(wanted, withOwnFolder(wanted.name, [...folders, from]));
  if (found.folder !== undefined) return { folder: found.folder };
  if (bundle !== null) return { folder, text: bundle };
  const why = reason === null ? "was not sent along" : `could not be sent along (it ${reason})`;
  const what = `${name} imports "${specifier}" of ${wanted.name} ${labelOf(wanted)}, which ${why}`;
  throw noPackage(what, wanted, found.other, folders);
}

function noPackage(
  what: string,
  { name, version }: PackageIdentity,
  other: InstalledPackage | undefined,
  folders: readonly string[],
): FlockError {
  const install = `install ${name}@${version} on the worker`;
  if (other === undefined) {
    const where = `is not installed on this worker (looked from ${folders.join(" and ")})`;
    return new FlockError("FLOCK_FUNCTION_NOT_FOUND", `${what} and ${where}; ${install}.`);
  }
  const has = `this worker has ${labelOfInstalled(other)} in ${other.directory}`;
  const build = other.version === version ? ", in the same build as the client's" : "";
  return new FlockError("FLOCK_PACKAGE_MISMATCH", `${what}, and ${has}; ${install}${build}.`);
}
