// Functions that workers have already: exports of installed packages.
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ExportFunction,
  exportFunction,
  findPackage,
  type InstalledPackage,
  importFrom,
  packageHash,
  packageOfFile,
} from "@taskflock/protocol";
import { fileOfFunction, loadedFiles } from "./inspect.ts";

/** A function of an installed package: where to look for its export. */
export interface Origin {
  readonly home: InstalledPackage;
  /** The folder from which the package is found by its name. */
  readonly from: string;
  /** What to import; at least one. */
  readonly specifiers: readonly string[];
}

/** The installed package that the function was defined in; undefined for the user's own code. */
export function originOf(fn: object): Origin | undefined {
  const file = fileOfFunction(fn);
  const home = file === undefined ? undefined : packageOfFile(file);
  if (file === undefined || home === undefined) return undefined;
  const main = process.argv[1];
  const places = [...(main === undefined ? [] : [dirname(main)]), process.cwd()];
  const isOwn = places.some((place) => packageOfFile(join(place, "x"))?.directory === home.directory);
  const from = [...places, dirname(fileURLToPath(import.meta.url))].find(
    (place) => findPackage(home.name, place)?.directory === home.directory,
  );
  if (isOwn || from === undefined) return undefined;
  const specifiers = entryPoints(file, home);
  return specifiers.length === 0 ? undefined : { home, from, specifiers };
}

/** The export that is the function itself; undefined when the package does not export it. */
async function findIn(fn: object & { name: string }, origin: Origin): Promise<ExportFunction | undefined> {
  const { home, from, specifiers } = origin;
  for (const specifier of specifiers) {
    const exportName = exportNameOf(await importFrom(from, specifier), fn);
    if (exportName === undefined) continue;
    return exportFunction(fn.name, {
      specifier,
      exportName,
      packageName: home.name,
      version: home.version,
      packageHash: packageHash(home),
    });
  }
  return undefined;
}

function exportNameOf(namespace: Readonly<Record<string, unknown>>, fn: unknown): string | undefined {
  const direct = Object.entries(namespace).find(([, value]) => value === fn);
  if (direct !== undefined) return direct[0];
  const commonJs = namespace["default"];
  if (typeof commonJs !== "object" || commonJs === null) return undefined;
  const member = Object.entries(commonJs).find(([, value]) => value === fn);
  return member === undefined ? undefined : `default.${member[0]}`;
}

/**
 * Specifiers whose module this process has loaded already: importing any other could run code the user did not ask for.
 */
function entryPoints(file: string, { name, directory, manifest }: InstalledPackage): string[] {
  const { exports, main } = manifest as Record<"exports" | "main", unknown>;
  const loaded = loadedFiles();
  if (exports === undefined || exports === null) {
    const path = relative(directory, file).split(sep).join("/");
    const entry = join(directory, typeof main === "string" ? main : "index.js");
    const isLoaded = [entry, `${entry}.js`, join(entry, "index.js")].some((candidate) => loaded.has(candidate));
    return [...(isLoaded ? [name] : []), `${name}/${path}`];
  }
  return subpaths(exports)
    .filter(([, targets]) => targets.some((target) => loaded.has(join(directory, target))))
    .map(([subpath]) => name + subpath.slice(1));
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

/** An export of an installed package that is the function itself. */
export interface FoundExport {
  readonly specifier: string;
  readonly kind: "import" | "require";
  /** `name`, `default.name`, or "" when the whole module is the function. */
  readonly member: string;
  /** A file from whose folder the specifier is found; undefined: from the current folder. */
  readonly fromFile: string | undefined;
}

/** Undefined for the user's own code, and for functions that their package does not export. */
export function findExport(fn: object & { name: string }): Promise<FoundExport | undefined>;
/** As `prepare.ts` asks, until it is replaced. */
export function findExport(fn: object & { name: string }, origin: Origin): Promise<ExportFunction | undefined>;
export async function findExport(
  fn: object & { name: string },
  origin?: Origin,
): Promise<FoundExport | ExportFunction | undefined> {
  if (origin !== undefined) return findIn(fn, origin);
  const own = originOf(fn);
  const found = own === undefined ? undefined : await findIn(fn, own);
  if (found === undefined) return undefined;
  return { specifier: found.specifier, kind: "import", member: found.exportName, fromFile: undefined };
}

/** The file of a function that was defined in an installed package; undefined for the user's own code. */
export function packageFileOf(fn: object): string | undefined {
  return originOf(fn) === undefined ? undefined : fileOfFunction(fn);
}
