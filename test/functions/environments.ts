// The ways to run a user's code. Each lays the programs out in a folder of its own as a user would have them, and runs them all in
// one process. Packages are found, because the folders lie inside the repository; git ignores them.
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, root, runNode } from "../../scripts/ensure.mjs";
import { installTslab, writeNotebook } from "./notebook.ts";
import { replInputOf } from "./repl.ts";

export interface Environment {
  readonly name: string;
  /** Programs it cannot run, with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Why it cannot run here at all; null when it can. */
  readonly missing?: () => Promise<string | null>;
  /** Lays the programs out, and gives the arguments with which Node runs them there. */
  readonly prepare: (folder: string, programs: readonly string[]) => Promise<Prepared>;
}

export interface Prepared {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly input?: string;
}

type ModuleType = "module" | "commonjs";

const here = import.meta.dirname;
export const allPrograms: readonly string[] = readdirSync(join(here, "programs"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length));

const ONLY_COMMONJS = { "assets-commonjs": "__dirname is CommonJS" };
const ONLY_MODULES = { assets: "import.meta is of ECMAScript modules" };
const NO_FILE = {
  "assets-commonjs": "there is no file, so no __dirname",
  assets: "there is no file, so no import.meta",
};

export const environments: readonly Environment[] = [
  {
    name: "tsx, ECMAScript modules",
    without: ONLY_COMMONJS,
    prepare: async (folder, programs) => {
      layOut(folder, "module", programs);
      return { cwd: folder, args: ["--import", "tsx", "main.ts"] };
    },
  },
  {
    name: "tsx, CommonJS",
    prepare: async (folder, programs) => {
      layOut(folder, "commonjs", programs);
      return { cwd: folder, args: ["--import", "tsx", "main.ts"] };
    },
  },
  {
    name: "Node's type stripping",
    without: { ...ONLY_COMMONJS, "typescript-only": "type stripping takes only what can be erased" },
    missing: async () => (stripsTypes() ? null : `Node ${process.version} does not strip types; 22.18 and later do`),
    prepare: async (folder, programs) => {
      layOut(folder, "module", programs);
      return { cwd: folder, args: ["main.ts"] };
    },
  },
  compiled("compiled ECMAScript modules", "module", "nodenext", ONLY_COMMONJS),
  compiled("compiled CommonJS", "commonjs", "commonjs", ONLY_MODULES),
  compiled("compiled CommonJS with import()", "commonjs", "node16", ONLY_MODULES),
  {
    name: "a Vitest test",
    without: ONLY_COMMONJS,
    prepare: async (folder, programs) => {
      layOut(folder, "module", programs);
      const test = `import { it } from "vitest";\n${importsOf(programs)}it("runs", runAll, 60_000);\n`;
      writeFileSync(join(folder, "main.test.ts"), test);
      // What users install lies under node_modules, where Vitest leaves it alone; here it is linked from there.
      const external = String.raw`/\/packages\/\w+\/dist\//`;
      const config = `export default { test: { server: { deps: { external: [${external}] } } } };\n`;
      writeFileSync(join(folder, "vitest.config.ts"), config);
      return { cwd: folder, args: [command("vitest", "vitest.mjs"), "run", "--root", folder] };
    },
  },
  {
    name: "the REPL",
    without: NO_FILE,
    prepare: async (folder, programs) => {
      await compile(folder, "module", "nodenext", programs);
      const input = replInputOf(programs.map((name) => join(here, "programs", `${name}.ts`)));
      return { cwd: join(folder, "out/programs"), args: ["-i"], input };
    },
  },
  {
    name: "a notebook (tslab)",
    without: NO_FILE,
    missing: installTslab,
    prepare: async (folder, programs) => {
      await compile(folder, "commonjs", "commonjs", []);
      const notebook = join(folder, "out");
      writeNotebook(join(here, "programs"), programs, notebook);
      return { cwd: notebook, args: ["run.cjs"] };
    },
  },
];

export function environmentNamed(name: string): Environment {
  const found = environments.find((environment) => environment.name === name);
  if (found === undefined) throw new Error(`there is no environment "${name}"`);
  return found;
}

function compiled(name: string, type: ModuleType, module: string, without: Record<string, string>): Environment {
  const prepare: Environment["prepare"] = async (folder, programs) => {
    await compile(folder, type, module, programs);
    return { cwd: folder, args: ["--enable-source-maps", "out/main.js"] };
  };
  return { name, without, prepare };
}

/** As Node does it without a flag and without a warning that would be part of the output. */
export function stripsTypes(): boolean {
  return Reflect.get(process.features, "typescript") === "strip";
}

function importsOf(programs: readonly string[]): string {
  const lines = programs.map((name) => `import "./programs/${name}.ts";\n`);
  return `${lines.join("")}import { runAll } from "./run-all.ts";\n`;
}

/** The programs as TypeScript. */
function layOut(folder: string, type: ModuleType, programs: readonly string[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "programs"), { recursive: true });
  for (const file of ["program.ts", "run-all.ts", "programs/parts"])
    cpSync(join(here, file), join(folder, file), { recursive: true });
  for (const name of programs) cpSync(join(here, "programs", `${name}.ts`), join(folder, "programs", `${name}.ts`));
  writeFileSync(join(folder, "main.ts"), `${importsOf(programs)}\nvoid runAll();\n`);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { experimentalDecorators: true } }));
}

/** The programs as JavaScript with source maps, in `out`. Types are checked with the repository's. */
async function compile(folder: string, type: ModuleType, module: string, programs: readonly string[]): Promise<void> {
  layOut(folder, type, programs);
  const compilerOptions = {
    // TypeScript 7.0.2 breaks static blocks of classes with private names for es2022.
    ...{
      target: "esnext",
      module,
      moduleResolution: module === "commonjs" ? "bundler" : module,
      noCheck: true,
      declaration: true,
    },
    ...{ experimentalDecorators: true, rewriteRelativeImportExtensions: true, resolveJsonModule: true },
    ...{ sourceMap: true, rootDir: ".", outDir: "out", types: ["node"], skipLibCheck: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
  const { ok, output } = await runNode([command("typescript", "bin/tsc"), "-p", folder]);
  if (!ok) throw new Error(`the programs do not compile:\n${output}`);
  cpSync(join(folder, "programs/parts"), join(folder, "out/programs/parts"), {
    recursive: true,
    filter: (file) => !file.endsWith(".ts"),
  });
  writeFileSync(join(folder, "out/package.json"), JSON.stringify({ name: "user", private: true, type }));
}

/** Where the environments' folders lie: inside the repository, and this process's own. To be removed at the end. */
export const workplace: string = join(root, ".cache", `functions-${process.pid}`);

export function removeWorkplace(): void {
  rmSync(workplace, { recursive: true, force: true });
}
