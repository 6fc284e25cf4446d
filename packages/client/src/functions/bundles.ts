// Packages and the user's files as one CommonJS text each, for workers that do not have them.
import { readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type InstalledPackage, packageHash, packageOfFile } from "@taskflock/protocol";
import { stampOf } from "./assets.ts";
import { findNeeds, LOCATION_SHIM, LOCATIONS, REQUIRE_RESOLVE } from "./bundle-needs.ts";
import {
  type BundleRequest,
  type Compiled,
  compile,
  describeFailure,
  type Input,
  type Inputs,
  isOnWorkers,
} from "./bundler.ts";
import { nativeCodeOf } from "./native-code.ts";

export type Bundle =
  | { readonly text: string; readonly reason: null }
  | { readonly text: null; readonly reason: string };

export interface FileBundle {
  readonly bundle: Bundle;
  readonly inputs: Inputs;
  /** The file that the specifier names; undefined when it is not found, or cannot be read as code. */
  readonly entry: string | undefined;
  readonly found: boolean;
}

const MAX_BYTES = 3 * 1024 * 1024;
const MAX_KEPT = 200;

const packages = new Map<string, Promise<Bundle>>();

/** The part of an installed package that the specifier names, with its dependencies. Made once per process. */
export function bundlePackage(request: BundleRequest, home: InstalledPackage): Promise<Bundle> {
  const key = [home.directory, packageHash(home), request.specifier, request.kind].join("\n");
  const known = packages.get(key);
  if (known !== undefined) return known;
  const native = nativeCodeOf(home);
  const made =
    native === undefined
      ? build(request, home.directory).then(({ bundle, inputs }) => {
          if (inputs.size === 0) packages.delete(key); // what failed may not fail again
          return bundle;
        })
      : Promise.resolve(refused(`has native code (${native})`));
  return keep(packages, key, made);
}

interface KeptFile {
  readonly made: FileBundle;
  /** What each file was when it was read. */
  readonly stamps: ReadonlyMap<string, string>;
}

const files = new Map<string, KeptFile>();

/** A file of the user's with what it imports. Made anew when one of the files was edited. */
export async function bundleFile(request: BundleRequest, typescript: boolean): Promise<FileBundle> {
  const key = [request.folder, request.specifier, request.kind, typescript].join("\n");
  const kept = files.get(key);
  if (kept !== undefined && [...kept.stamps].every(([file, stamp]) => stampOf(file) === stamp)) return kept.made;
  files.delete(key);
  const started = Date.now();
  const made = await build(request, undefined, typescript);
  const stamps = new Map([...made.inputs.keys()].map((file) => [file, stampOf(file)]));
  // A file that was edited meanwhile may have been read before or after.
  const settled = [...made.inputs.keys()].every((file) => changedAt(file) < started);
  if (settled && made.inputs.size > 0) keep(files, key, { made, stamps });
  return made;
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? Number.POSITIVE_INFINITY;
}

function keep<V>(cache: Map<string, V>, key: string, value: V): V {
  if (cache.size >= MAX_KEPT) cache.delete(cache.keys().next().value ?? "");
  cache.set(key, value);
  return value;
}

function refused(reason: string): Bundle {
  return { text: null, reason };
}

async function build(request: BundleRequest, home?: string, typescript = false): Promise<FileBundle> {
  const root = rootOf(home ?? packageOfFile(join(request.folder, "x"))?.directory ?? request.folder);
  const options = { root, typescript, isPackage: home !== undefined };
  try {
    const first = await compile(request, options, []);
    const native = nativePackages(first.inputs);
    const ofEntry = first.entry === undefined ? undefined : packageOfFile(first.entry)?.name;
    const itself = native.find(({ name }) => name === ofEntry);
    if (itself !== undefined) return { ...first, bundle: refused(`has native code (${itself.sign})`), found: true };
    // Once more without them: a package may only try them, and do without.
    const made = native.length === 0 ? first : await compile(request, options, namesOf(native));
    return {
      bundle: await judge(made, native, home ?? root),
      inputs: first.inputs,
      entry: first.entry,
      found: first.entry !== undefined,
    };
  } catch (error) {
    const { reason, found } = describeFailure(error);
    return { bundle: refused(reason), inputs: new Map(), entry: undefined, found };
  }
}

function namesOf(native: readonly NativePackage[]): string[] {
  return native.flatMap(({ name }) => [name, `${name}/*`]);
}

/** Paths in a bundle are relative to this, so that the text is the same on every machine. */
function rootOf(directory: string): string {
  const at = directory.indexOf(`${sep}node_modules${sep}`);
  return at < 0 ? directory : directory.slice(0, at);
}

interface NativePackage {
  readonly name: string;
  readonly sign: string;
}

function nativePackages(inputs: Inputs): NativePackage[] {
  const found = new Map<string, NativePackage>();
  for (const file of inputs.keys()) {
    if (!file.includes(`${sep}node_modules${sep}`)) continue;
    const home = packageOfFile(file);
    if (home === undefined || found.has(home.name)) continue;
    const sign = file.endsWith(".node") ? relative(home.directory, file) : nativeCodeOf(home);
    if (sign !== undefined) found.set(home.name, { name: home.name, sign });
  }
  return [...found.values()];
}

/** The compiled text, or why it would not run on a worker. */
async function judge(made: Compiled, native: readonly NativePackage[], home: string): Promise<Bundle> {
  const { text, inputs } = made;
  for (const file of inputs.keys()) {
    if (file.endsWith(".node")) return refused(`has native code (${shownPath(file, home)})`);
    if (file.endsWith(".wasm")) return refused(`opens a file beside its own (${shownPath(file, home)})`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    return refused(`has ${(bytes / 1024 / 1024).toFixed(1)} MiB of code, more than the 3 MiB that may travel`);
  }
  const mentionsPlace = text.includes("__taskflock_");
  for (const [file, input] of inputs) {
    const problem = await problemOf(file, input, made, mentionsPlace);
    if (problem === undefined) continue;
    const { missing, place } = problem;
    if (missing !== undefined) return refused(describeMissing(missing, native, shownPath(file, home)));
    return refused(`opens files beside its own (${shownPath(file, home)} uses ${place})`);
  }
  const head = isStrict(inputs) ? `"use strict";` : "";
  return { text: head + (mentionsPlace ? LOCATION_SHIM : "") + text, reason: null };
}

interface Problem {
  readonly missing?: string;
  readonly place?: string;
}

/** What one file of the bundle would not find on a worker. Only files that may have such a need are read. */
async function problemOf(
  file: string,
  { external, module }: Input,
  { absent }: Compiled,
  mentionsPlace: boolean,
): Promise<Problem | undefined> {
  const outside = new Set(external.filter((specifier) => !isOnWorkers(specifier) && !absent.includes(specifier)));
  const asks = outside.size > 0;
  if (!asks && !mentionsPlace) return undefined;
  const source = readFileSync(file, "utf8");
  const place = /\bimport\.meta\b|\b__dirname\b|\b__filename\b/.exec(source)?.[0];
  if (!asks && place === undefined) return undefined;
  const { transform } = await import("esbuild");
  const { code } = await transform(source, {
    loader: file.endsWith("ts") ? "ts" : file.endsWith(".tsx") ? "tsx" : "jsx",
    define: { ...LOCATIONS },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  const { missing, location } = findNeeds(code, module ? "module" : "commonjs", {
    isThere: (specifier) => !outside.has(specifier),
    isOnWorkers,
  });
  if (missing !== undefined) return { missing };
  return location ? { place: place ?? "its own place" } : undefined;
}

/** `lib/x.js` of the package itself, `other/lib/x.js` of another, installed or linked. */
function shownPath(file: string, home: string): string {
  const inside = relative(home, file);
  return (inside.startsWith("..") ? pathInPackage(file, inside) : inside).split(sep).join("/");
}

function pathInPackage(file: string, otherwise: string): string {
  const installed = file.lastIndexOf(NODE_MODULES);
  if (installed >= 0) return file.slice(installed + NODE_MODULES.length);
  const found = packageOfFile(file);
  return found === undefined ? otherwise : join(found.name, relative(found.directory, file));
}

const NODE_MODULES = `node_modules${sep}`;

function describeMissing(specifier: string, native: readonly NativePackage[], file: string): string {
  const found = native.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`));
  if (found !== undefined) return `needs ${found.name}, which has native code (${found.sign})`;
  return specifier === REQUIRE_RESOLVE ? `looks for files by ${specifier} (${file})` : `needs "${specifier}" (${file})`;
}

const STRICT = /^(?:#!.*|\s|\/\/.*|\/\*[\s\S]*?\*\/)*["']use strict["']/;

/** Modules are strict code, and stay that beside CommonJS that is too. Sloppy code must stay sloppy, or it would not run. */
function isStrict(inputs: Inputs): boolean {
  return [...inputs].every(
    ([file, { module }]) => module || file.endsWith(".json") || STRICT.test(readFileSync(file, "utf8")),
  );
}
