// Installed packages as both ends see them: where they lie, and whether they are the same.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { compileFunction, constants } from "node:vm";

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute, links resolved. */
  readonly directory: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** The package that a file belongs to: the nearest `package.json` with a name above it. */
export function packageOfFile(file: string): InstalledPackage | undefined {
  for (let at = dirname(file); ; at = dirname(at)) {
    const found = readPackage(at);
    if (found !== undefined) return found;
    if (dirname(at) === at) return undefined;
  }
}

/** The package that `import name` finds from a module in folder `from`. */
export function findPackage(name: string, from: string): InstalledPackage | undefined {
  for (let at = from; ; at = dirname(at)) {
    const found = readPackage(join(at, "node_modules", name));
    if (found !== undefined) return found;
    if (dirname(at) === at) return undefined;
  }
}

function readPackage(directory: string): InstalledPackage | undefined {
  const path = join(directory, "package.json");
  if (!existsSync(path)) return undefined;
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  if (typeof manifest !== "object" || manifest === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...manifest };
  const { name, version } = fields;
  if (typeof name !== "string" || name === "") return undefined;
  return {
    name,
    version: typeof version === "string" ? version : "0.0.0",
    directory: realpathSync(directory),
    manifest: fields,
  };
}

const CODE = /\.(?:[cm]?js|wasm|node)$/;
/** Beyond these, files count by name and size only: hashing a gigabyte of native code would cost seconds. */
const MAX_HASHED_FILES = 4000;
const MAX_HASHED_BYTES = 64 * 1024 * 1024;

const hashes = new Map<string, string>();

/**
 * A hash of the package's code: the files that run, by path and content, and its entry points. Read once per process.
 * It is the same for a linked and an installed copy when `files` in the manifest names the built folders.
 */
export function packageHash(found: InstalledPackage): string {
  const known = hashes.get(found.directory);
  if (known !== undefined) return known;
  const files = published(found).flatMap((at) => codeFiles(join(found.directory, at)));
  const sized = files.map((file) => ({ file, bytes: statSync(file).size }));
  const total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  const whole = files.length <= MAX_HASHED_FILES && total <= MAX_HASHED_BYTES;
  const hash = createHash("sha256");
  const { exports, main, type } = found.manifest as Record<"exports" | "main" | "type", unknown>;
  hash.update(JSON.stringify({ exports, main, type }));
  for (const { file, bytes } of sized.sort((a, b) => (a.file < b.file ? -1 : 1))) {
    hash.update(`\n${relative(found.directory, file).split(sep).join("/")} ${bytes}\n`);
    if (whole) hash.update(readFileSync(file));
  }
  const digest = hash.digest("hex").slice(0, 32);
  hashes.set(found.directory, digest);
  return digest;
}

/** The folders and files of the manifest's `files` that are no patterns; the whole package when there are none. */
function published({ directory, manifest }: InstalledPackage): string[] {
  const { files } = manifest as Record<"files", unknown>;
  const names = Array.isArray(files) ? files.filter((entry): entry is string => typeof entry === "string") : [];
  const plain = names.filter((name) => !/[!*?{[]/.test(name) && existsSync(join(directory, name)));
  return plain.length > 0 ? plain : ["."];
}

function codeFiles(path: string): string[] {
  if (statSync(path).isFile()) return CODE.test(path) ? [path] : [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name.startsWith(".")) return [];
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return codeFiles(inner);
    return entry.isFile() && CODE.test(entry.name) ? [inner] : [];
  });
}

const importers = new Map<string, (specifier: string) => Promise<Record<string, unknown>>>();

/** `import(specifier)`, as a module in folder `from` would do it. */
export function importFrom(from: string, specifier: string): Promise<Readonly<Record<string, unknown>>> {
  let importer = importers.get(from);
  if (importer === undefined) {
    importer = compileFunction("return import(specifier)", ["specifier"], {
      filename: join(from, "taskflock-import.js"),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }) as (specifier: string) => Promise<Record<string, unknown>>;
    importers.set(from, importer);
  }
  return withoutExperimentalWarning(importer, specifier);
}

/** Node 20 warns, once per process and at the call, that this way to import is experimental; later ones do not. */
function withoutExperimentalWarning<A, R>(call: (argument: A) => R, argument: A): R {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return call(argument);
  } finally {
    process.emitWarning = emitWarning;
  }
}
