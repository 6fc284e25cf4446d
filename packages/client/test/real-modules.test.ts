// Functions of real modules, as if they were the user's own: their sources, copied to a folder that is no package's.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importFrom } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import { PackageFolder } from "./package-folder.ts";
import { sameThere } from "./same-there.ts";

const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const folder = new PackageFolder();

/** The package's files; its name is taken from it, so that nothing finds it as a package. */
function copy(name: string): void {
  cpSync(join(modules, name), folder.path(name), { recursive: true, dereference: true });
  const { name: _, ...manifest } = JSON.parse(readFileSync(folder.path(`${name}/package.json`), "utf8"));
  writeFileSync(folder.path(`${name}/package.json`), JSON.stringify(manifest));
}

beforeAll(() => {
  for (const name of ["acorn", "eslint-scope", "yaml", "commander", "fast-check", "strip-json-comments"]) copy(name);
  symlinkSync(modules, folder.path("node_modules")); // for what they import themselves
});
afterAll(() => folder.remove());

const CODE = `class A { #x = /[a--b]/v; static async *m({ a = 1, ...rest }) { yield \`a\${1 / 2 / 3}\`; } } label: for (;;) break label;`;
const YAML = "a: &x [1, 2]\nb: *x\nc: !!set { q }\nd: |\n  text\n  more\ne: 2001-12-14\n";

const programs: readonly (readonly [name: string, head: string, fn: string, args: readonly unknown[]])[] = [
  [
    "acorn's module",
    `import { parse } from "./acorn/dist/acorn.mjs";`,
    `(text) => JSON.stringify(parse(text, { ecmaVersion: "latest" }))`,
    [CODE],
  ],
  [
    "acorn's namespace",
    `import * as acorn from "./acorn/dist/acorn.mjs";`,
    `(text) => [...acorn.tokenizer(text, { ecmaVersion: 2024 })].map(({ type }) => type.label)`,
    [CODE],
  ],
  [
    "acorn's script",
    `const acorn = require("./acorn/dist/acorn.js");`,
    `(text) => [acorn.version, acorn.Parser.extend((P) => class extends P {}).parse(text, { ecmaVersion: 2024 }).body.length]`,
    [CODE],
  ],
  [
    "eslint-scope",
    `const scope = require("./eslint-scope/dist/eslint-scope.cjs"); const acorn = require("acorn");`,
    `(text) => scope.analyze(acorn.parse(text, { ecmaVersion: 2024, ranges: true }), { ecmaVersion: 2022 }).scopes.map((s) => [s.type, s.variables.map((v) => v.name)])`,
    [CODE],
  ],
  [
    "yaml",
    `const YAML = require("./yaml/dist/index.js");`,
    `(text) => [YAML.parse(text), YAML.stringify({ a: [1, { b: null }], c: "x: y" }), YAML.parseDocument(text).toString()]`,
    [YAML],
  ],
  [
    "commander",
    `const { Command } = require("./commander");`,
    `(...args) => { const program = new Command(); program.option("-a, --all <n>", "all", parseInt).argument("[q]").parse(args, { from: "user" }); return [program.opts(), program.args, program.helpInformation()]; }`,
    ["-a", "4", "w"],
  ],
  [
    "fast-check",
    `import fc from "./fast-check/lib/fast-check.js";`,
    `(seed) => [fc.sample(fc.array(fc.integer()), { seed, numRuns: 3 }), fc.check(fc.property(fc.nat(), (n) => n < 50), { seed }).counterexample]`,
    [4],
  ],
  [
    "strip-json-comments",
    `import strip from "./strip-json-comments/index.js";`,
    `(text) => strip(text)`,
    ['{ "a": 1 /* x */ } // y'],
  ],
];

describe("functions of real modules compute there what they compute here", () => {
  it.each(programs)("%s", async (name, head, fn, args) => {
    const isModule = head.startsWith("import");
    const file = `${name.replace(/\W/g, "-")}.${isModule ? "mjs" : "cjs"}`;
    writeFileSync(folder.path(file), `${head}\n${isModule ? "export const fn" : "exports.fn"} = ${fn};`);
    const loaded: Readonly<Record<string, unknown>> = isModule
      ? await importFrom(folder.root, `./${file}`)
      : createRequire(folder.path("x.cjs"))(`./${file}`);
    await sameThere(loaded["fn"] as AnyFunction, ...args);
  });
});
