// One run of esbuild: everything that a module imports, as one CommonJS text.
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import type { BuildFailure, Metafile } from "esbuild";
import { LOCATIONS } from "./bundle-needs.ts";

export interface BundleRequest {
  readonly specifier: string;
  readonly kind: "import" | "require";
  /** Where the specifier is resolved from. */
  readonly folder: string;
}

/** A file that went into a bundle. */
export interface Input {
  readonly imports: readonly string[];
  /** What it imports at run time, from outside the bundle. */
  readonly external: readonly string[];
  /** Written as a module, and so strict. */
  readonly module: boolean;
}
export type Inputs = ReadonlyMap<string, Input>;

/** Of every worker: builtins, and Taskflock itself. */
export function isOnWorkers(specifier: string): boolean {
  return isBuiltin(specifier) || /^(?:taskflock|@taskflock\/[\w-]+)(?:\/|$)/.test(specifier);
}

const TASKFLOCK = ["taskflock", "@taskflock/*"];

export interface Compiled {
  readonly text: string;
  readonly inputs: Inputs;
  readonly entry: string | undefined;
  /** What it would import, and is installed nowhere. */
  readonly absent: readonly string[];
}

export interface CompileOptions {
  readonly root: string;
  readonly typescript: boolean;
  readonly isPackage: boolean;
}

const ENTRY = "taskflock-entry";

function isEntry(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(`${ENTRY}.`);
}

/** A missing ending is found as the file's own kind would. */
const ENDINGS = {
  javascript: [".js", ".json", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx"],
  typescript: [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"],
};

export async function compile(
  request: BundleRequest,
  options: CompileOptions,
  without: readonly string[],
): Promise<Compiled> {
  try {
    return await compileOnce(request, options, without);
  } catch (error) {
    const absent = absentPackages(error, options);
    if (absent.length === 0) throw error;
    return { ...(await compileOnce(request, options, [...without, ...absent])), absent };
  }
}

/** What packages import and nobody installed: they do without it here, and so they will on a worker. */
function absentPackages(error: unknown, { isPackage }: CompileOptions): string[] {
  return errorsOf(error).flatMap(({ text, location }) => {
    const name = UNRESOLVED.exec(text)?.[1];
    const importer = location?.file ?? "";
    const isTheirs = importer !== "" && !isEntry(importer) && (isPackage || importer.includes("node_modules/"));
    return name !== undefined && isTheirs && /^[\w@]/.test(name) ? [name] : [];
  });
}

const UNRESOLVED = /^Could not resolve "([^"]+)"/;

function errorsOf(error: unknown): BuildFailure["errors"] {
  return (error as Partial<BuildFailure>).errors ?? [];
}

async function compileOnce(
  { specifier, kind, folder }: BundleRequest,
  options: CompileOptions,
  without: readonly string[],
): Promise<Compiled> {
  const { build: esbuild } = await import("esbuild");
  const name = JSON.stringify(specifier);
  const contents = kind === "require" ? `module.exports = require(${name});` : importing(name);
  const ending = `${kind === "require" ? "c" : "m"}${options.typescript ? "ts" : "js"}`;
  const result = await esbuild({
    stdin: { contents, resolveDir: folder, sourcefile: `${ENTRY}.${ending}`, loader: options.typescript ? "ts" : "js" },
    absWorkingDir: options.root,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // As Node resolves: not by "module".
    conditions: conditions(),
    mainFields: ["main"],
    resolveExtensions: options.typescript ? ENDINGS.typescript : ENDINGS.javascript,
    external: [...TASKFLOCK, ...without],
    // Not code, but no error either: it is seen among the inputs, and named.
    loader: { ".node": "empty", ".wasm": "empty" },
    define: { ...LOCATIONS },
    // As Node loads: every module that is imported, whether its package says that it matters or not.
    ignoreAnnotations: true,
    keepNames: true,
    minifyWhitespace: true,
    legalComments: "none",
    sourcemap: false,
    charset: "utf8",
    logLevel: "silent",
  });
  return { text: result.outputFiles[0]?.text ?? "", ...readMetafile(result.metafile, options.root), absent: [] };
}

function importing(name: string): string {
  return `import * as namespace from ${name}; module.exports = namespace;`;
}

/** `node --conditions=…`, which decides what packages give. */
function conditions(): string[] {
  const given = `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`;
  return [...given.matchAll(/(?:^|\s)(?:-C|--conditions)[=\s]\s*(\S+)/g)].map(([, condition]) => condition!);
}

function readMetafile(metafile: Metafile, root: string): Omit<Compiled, "text" | "absent"> {
  const inputs = new Map<string, Input>();
  let entry: string | undefined;
  for (const [path, { imports, format }] of Object.entries(metafile.inputs)) {
    const imported = imports.filter(({ external }) => external !== true).map((to) => resolve(root, to.path));
    const external = imports.filter((to) => to.external === true && to.path !== "<runtime>").map((to) => to.path);
    if (isEntry(path)) entry = imported[0];
    else inputs.set(resolve(root, path), { imports: imported, external, module: format === "esm" });
  }
  return { inputs, entry };
}

/** Why there is no bundle; not found: the specifier itself leads nowhere. */
export function describeFailure(error: unknown): { reason: string; found: boolean } {
  const [first] = errorsOf(error);
  if (first === undefined) {
    return { reason: `could not be bundled (${error instanceof Error ? error.message : String(error)})`, found: true };
  }
  const file = first.location?.file ?? "";
  const at = file === "" || isEntry(file) ? "" : ` (${file})`;
  if (first.text.startsWith("Top-level await"))
    return { reason: `uses await at the top of a module${at}`, found: true };
  const unresolved = UNRESOLVED.exec(first.text)?.[1];
  if (unresolved === undefined) return { reason: `could not be bundled: ${first.text}${at}`, found: true };
  if (isEntry(file)) return { reason: `gives nothing by the name "${unresolved}"`, found: false };
  return { reason: `needs "${unresolved}", which is not found${at}`, found: true };
}
