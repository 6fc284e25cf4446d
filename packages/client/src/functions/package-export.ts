// Functions of installed packages: workers import them by name, or get the package's bundle.
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { findPackage, type InstalledPackage, importFrom, packageOfFile } from "@taskflock/protocol";
import { fileOfFunction, loadedFiles } from "./inspect.ts";

/** An export of an installed package that is the function itself. */
export interface FoundExport {
  readonly specifier: string;
  readonly kind: "import" | "require";
  /** `name`, `default.name`, or "" when the whole module is the function. */
  readonly member: string;
  /** A file from whose folder the specifier is found; undefined: from the current folder. */
  readonly fromFile: string | undefined;
}

/** The file of a function that was defined in an installed package; undefined for the user's own code. */
export function packageFileOf(fn: object): string | undefined {
  const file = fileOf(fn);
  return file !== undefined && installedPackageOf(file) !== undefined ? file : undefined;
}

/**
 * The export that is the function itself, of a module that this process has loaded. Undefined for the user's own code, and
 * for functions that their package does not export.
 */
export async function findExport(fn: object): Promise<FoundExport | undefined> {
  const file = fileOf(fn);
  const home = file === undefined ? undefined : installedPackageOf(file);
  if (file === undefined || home === undefined) return undefined;
  const fromFile = placeThatFinds(home, file);
  const from = fromFile === undefined ? process.cwd() : dirname(fromFile);
  const entries = entryPoints(file, home);
  for (const { specifier } of entries) {
    const member = memberOf(requiredAlready(from, specifier)?.exports, fn);
    if (member !== undefined) return { specifier, kind: "require", member, fromFile };
  }
  for (const { specifier, files } of entries) {
    if (files.length > 0 && files.every((loaded) => loaded in createRequire(loaded).cache)) continue; // as CommonJS only: that was looked at
    const member = memberOf(await importFrom(from, specifier), fn);
    if (member !== undefined) return { specifier, kind: "import", member, fromFile };
  }
  return undefined;
}

/** The engine's own functions, and bound ones, are of no file. */
function fileOf(fn: object): string | undefined {
  const isNative = /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(fn));
  return isNative ? undefined : fileOfFunction(fn);
}

const known = new Map<string, InstalledPackage | undefined>();
const MAX_KNOWN = 1000;

/** The package of a file, unless it is the program's own, or TypeScript: that is always somebody's source. */
function installedPackageOf(file: string): InstalledPackage | undefined {
  if (/\.[cm]?tsx?$/.test(file)) return undefined;
  const key = `${process.cwd()}\n${file}`;
  if (!known.has(key)) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, findInstalled(file));
  }
  return known.get(key);
}

function findInstalled(file: string): InstalledPackage | undefined {
  const home = packageOfFile(file);
  if (home === undefined) return undefined;
  const isOwn = programFolders().some((folder) => packageOfFile(join(folder, "x"))?.directory === home.directory);
  if (isOwn) return undefined;
  const isInstalled = home.directory.includes(`${sep}node_modules${sep}`);
  const isLinked = (): boolean =>
    [...programFolders(), OWN_FOLDER].some((folder) => findPackage(home.name, folder)?.directory === home.directory);
  return isInstalled || isLinked() ? home : undefined;
}

const OWN_FOLDER = dirname(fileURLToPath(import.meta.url));

function programFolders(): string[] {
  const main = process.argv[1];
  return [process.cwd(), ...(main === undefined ? [] : [dirname(main)])];
}

/** A file whose imports find this copy of the package; the function's own does in most cases. */
function placeThatFinds(home: InstalledPackage, file: string): string | undefined {
  const finds = (folder: string): boolean => findPackage(home.name, folder)?.directory === home.directory;
  if (finds(process.cwd())) return undefined;
  const places = [process.argv[1], file, fileURLToPath(import.meta.url)];
  return places.find((place) => place !== undefined && finds(dirname(place))) ?? file;
}

/** A module that was loaded as CommonJS, without loading it. */
function requiredAlready(from: string, specifier: string): NodeJS.Module | undefined {
  const require = createRequire(join(from, "x.js"));
  try {
    return require.cache[require.resolve(specifier)];
  } catch {
    return undefined; // there is no such thing for require()
  }
}

/** Where in a module's exports the function is. */
function memberOf(exports: unknown, fn: unknown): string | undefined {
  if (exports === fn) return "";
  const direct = keyOf(exports, fn);
  if (direct !== undefined) return direct;
  const inner = isObject(exports) && "default" in exports ? keyOf(exports.default, fn) : undefined;
  return inner === undefined ? undefined : `default.${inner}`;
}

function keyOf(holder: unknown, fn: unknown): string | undefined {
  return isObject(holder) ? Object.keys(holder).find((key) => isAt(holder, key, fn)) : undefined;
}

function isAt(holder: object, key: string, fn: unknown): boolean {
  if (key.includes(".")) return false;
  try {
    return Reflect.get(holder, key) === fn;
  } catch {
    return false; // an export that has no value yet
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

interface EntryPoint {
  readonly specifier: string;
  /** What it may lead to of what is loaded. */
  readonly files: readonly string[];
}

/**
 * Specifiers whose module this process has loaded already: importing any other could run code the user did not ask for. The
 * engine forgets a module's script when no function of it is left, so that the package's main module counts as loaded.
 */
function entryPoints(file: string, { name, directory, manifest }: InstalledPackage): EntryPoint[] {
  const { exports, main } = manifest as Record<"exports" | "main", unknown>;
  const loaded = loadedFiles();
  const { cache } = createRequire(file);
  const among = (files: readonly string[]): string[] => files.filter((path) => loaded.has(path) || path in cache);
  if (exports === undefined || exports === null) {
    const path = relative(directory, file).split(sep).join("/");
    const entry = join(directory, typeof main === "string" ? main : "index.js");
    const files = among([entry, `${entry}.js`, join(entry, "index.js")]);
    return [...(files.length > 0 ? [{ specifier: name, files }] : []), { specifier: `${name}/${path}`, files: [file] }];
  }
  return subpaths(exports)
    .map(([subpath, paths]) => ({
      specifier: name + subpath.slice(1),
      files: among(paths.map((path) => join(directory, path))),
    }))
    .filter(({ specifier, files }) => specifier === name || files.length > 0);
}

/** Each subpath of an `exports` map with the files it may lead to, without patterns. */
function subpaths(exports: unknown): [subpath: string, targets: string[]][] {
  const isMap =
    typeof exports === "object" && exports !== null && Object.keys(exports).some((key) => key.startsWith("."));
  if (!isMap) return [[".", targetsOf(exports)]];
  return Object.entries(exports)
    .filter(([subpath]) => !subpath.includes("*"))
    .map(([subpath, target]) => [subpath, targetsOf(target)]);
}

function targetsOf(target: unknown): string[] {
  if (typeof target === "string") return [target];
  if (typeof target !== "object" || target === null) return [];
  return Object.values(target).flatMap(targetsOf);
}
