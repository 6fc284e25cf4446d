// What a function imports: builtins, installed packages, and the user's own files.
import { existsSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import {
  FlockError,
  findPackage,
  type ImportDescription,
  type InstalledPackage,
  packageHash,
  packageOfFile,
} from "@taskflock/protocol";
import { type Inputs, isOnWorkers } from "./bundler.ts";
import { bundleFile, bundlePackage, type FileBundle } from "./bundles.ts";

export interface ImportRequest {
  readonly specifier: string;
  readonly kind: "import" | "require";
  readonly when: "load" | "call";
  /** The file of the module that imports; undefined for code of no file, which imports from the current folder. */
  readonly fromFile: string | undefined;
  /** Files whose modules must not run on a worker: the submitted function's, and the program's main file. */
  readonly ownFiles: ReadonlySet<string>;
  /** `installed`: packages are on the workers. `bundle`: they may not be, and travel along where they can. */
  readonly mode: "bundle" | "installed";
}

/**
 * At once for builtins, Taskflock itself, and packages that need no bundle; else a promise.
 *
 * Throws or rejects with `FLOCK_FUNCTION_NOT_SERIALIZABLE` for what is not found, and for the user's own files that cannot
 * travel.
 */
export function describeImport(request: ImportRequest): ImportDescription | Promise<ImportDescription> {
  const { specifier } = request;
  if (isBuiltin(specifier)) {
    return describe(request, { specifier: specifier.startsWith("node:") ? specifier : `node:${specifier}` });
  }
  if (specifier.startsWith("#")) return describeOwnName(request);
  return isPath(specifier) ? describeFile(request) : describePackage(request);
}

function describe(request: ImportRequest, fields: Partial<ImportDescription>): ImportDescription {
  const { specifier, kind, when } = request;
  return { specifier, kind, when, package: null, from: folderOf(request), bundle: null, reason: null, ...fields };
}

function isPath(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|file:|data:)/.test(specifier) || isAbsolute(specifier);
}

function folderOf({ fromFile }: ImportRequest): string {
  if (fromFile === undefined) return process.cwd();
  return dirname(fromFile.startsWith("file:") ? fileURLToPath(fromFile) : fromFile);
}

/** `#name`: what the `imports` of the importing package's manifest say. */
function describeOwnName(request: ImportRequest): ImportDescription | Promise<ImportDescription> {
  const home = packageOfFile(join(folderOf(request), "x"));
  const target = home === undefined ? undefined : importsTarget(home.manifest["imports"], request);
  // A file of the package itself has no name that a worker could import it by.
  if (home === undefined || target === undefined || target.startsWith(".")) return describeFile(request);
  return describeImport({ ...request, specifier: target, fromFile: join(home.directory, "package.json") });
}

function importsTarget(imports: unknown, { specifier, kind }: ImportRequest): string | undefined {
  if (typeof imports !== "object" || imports === null) return undefined;
  const conditions = new Set(["node", kind, "default"]);
  const pick = (target: unknown): string | undefined => {
    if (typeof target === "string") return target;
    if (typeof target !== "object" || target === null) return undefined;
    for (const [condition, inner] of Object.entries(target)) {
      const found = conditions.has(condition) ? pick(inner) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const exact = new Map(Object.entries(imports)).get(specifier);
  return exact === undefined ? undefined : pick(exact);
}

function describePackage(request: ImportRequest): ImportDescription | Promise<ImportDescription> {
  const { specifier, kind, mode } = request;
  const folder = folderOf(request);
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const home = packageOfFile(join(folder, "x"));
  const isItself = home?.name === name && home.manifest["exports"] !== undefined;
  if (isItself && !isInstalled(home) && !isOnWorkers(specifier)) return describeFile(request);
  const found = isItself ? home : (findPackage(name, folder) ?? ownPackage(name));
  // Not found by its name: it may have none in its manifest, or stand for a file by the paths of a tsconfig.json.
  if (found === undefined || (isSource(found) && !isOnWorkers(specifier))) return describeFile(request, found);
  const identity = { name: found.name, version: found.version, hash: packageHash(found) };
  if (mode === "installed" || isOnWorkers(specifier)) return describe(request, { package: identity });
  return bundlePackage({ specifier, kind, folder }, found).then(({ text, reason }) =>
    describe(request, { package: identity, bundle: text, reason }),
  );
}

/** Taskflock's own packages are beside this one, wherever the user's file is. */
function ownPackage(name: string): InstalledPackage | undefined {
  return isOnWorkers(name) ? findPackage(name, dirname(fileURLToPath(import.meta.url))) : undefined;
}

function isInstalled({ directory }: InstalledPackage): boolean {
  return directory.includes(`${sep}node_modules${sep}`);
}

const TYPESCRIPT = /\.[cm]?tsx?$/;

/** A linked package that gives TypeScript: its hash is of built code, so it goes by its contents, as the user's files do. */
function isSource(found: InstalledPackage): boolean {
  if (isInstalled(found)) return false;
  const { exports, main } = found.manifest as Record<"exports" | "main", unknown>;
  const given = exports ?? main;
  if (given === undefined) return existsSync(join(found.directory, "index.ts"));
  return targets(given).some((target) => TYPESCRIPT.test(target));
}

function targets(given: unknown): string[] {
  if (typeof given === "string") return [given];
  if (typeof given !== "object" || given === null) return [];
  return Object.entries(given).flatMap(([condition, target]) => (condition === "types" ? [] : targets(target)));
}

/** A file of the user's own, or a package that is `source`, with its imports: it travels by its contents. */
async function describeFile(request: ImportRequest, source?: InstalledPackage): Promise<ImportDescription> {
  const { kind, fromFile, ownFiles } = request;
  const folder = folderOf(request);
  const specifier = request.specifier.startsWith("file:") ? asPath(request.specifier) : request.specifier;
  const made = await bundleFile({ specifier, kind, folder }, fromFile === undefined || TYPESCRIPT.test(fromFile));
  if (!made.found) throw refuse(request, "which is not found: install it, or correct the name");
  refuseOwn(request, made, ownFiles, folder);
  const { text, reason } = made.bundle;
  if (text === null) throw refuse(request, `which cannot travel: it ${reason}; ${adviceFor(source)}`);
  return describe(request, { bundle: text });
}

/** What is imported by a path at the top of a module travels function by function, not as a whole. */
function adviceFor(source: InstalledPackage | undefined): string {
  if (source === undefined) return "import what is needed of it at the top of the module: then only that travels";
  return (
    `give ${source.name} compiled JavaScript as its "exports", and install it on the workers; ` +
    "or import what is needed by the path of its file, at the top of the module: then only that travels"
  );
}

function asPath(url: string): string {
  return fileURLToPath(url.replace(/[?#].*$/, ""));
}

function refuseOwn(request: ImportRequest, made: FileBundle, ownFiles: ReadonlySet<string>, folder: string): void {
  const own = new Set([...ownFiles].map(realPath));
  const chain = made.entry === undefined ? undefined : chainTo(own, made.entry, made.inputs);
  if (chain === undefined) return;
  const names = chain.map((file) => relative(folder, file).split(sep).join("/"));
  const way = names.length > 1 ? `; the imports lead there by ${names.join(" → ")}` : "";
  throw refuse(
    request,
    `and with it ${names.at(-1)}, whose code would start the program again on the worker${way}. ` +
      "Move what the function needs to a file of its own",
  );
}

function realPath(file: string): string {
  const path = file.startsWith("file:") ? asPath(file) : file;
  return existsSync(path) ? realpathSync(path) : path;
}

/** The shortest way from `entry` by imports to one of `own`. */
function chainTo(own: ReadonlySet<string>, entry: string, inputs: Inputs): string[] | undefined {
  const ways = new Map<string, string[]>([[entry, [entry]]]);
  for (const [file, way] of ways) {
    if (own.has(file)) return way;
    for (const next of inputs.get(file)?.imports ?? []) {
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return undefined;
}

function refuse({ specifier, fromFile }: ImportRequest, why: string): FlockError {
  const place = fromFile === undefined ? "" : ` in ${fromFile}`;
  return new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `The function${place} imports "${specifier}", ${why}.`);
}
