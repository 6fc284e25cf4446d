import { symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { importFrom } from "@taskflock/protocol";
import { parse } from "acorn";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAsset } from "../src/functions/assets.ts";
import { findExport, packageFileOf } from "../src/functions/package-export.ts";
import { PackageFolder } from "./package-folder.ts";

const folder = new PackageFolder();
const before = process.cwd();

type Functions = Record<string, (...args: unknown[]) => unknown>;

const imported = async (specifier: string): Promise<Functions> =>
  (await importFrom(folder.root, specifier)) as Functions;
const required = (specifier: string): Functions => createRequire(folder.path("x.js"))(specifier) as Functions;

beforeAll(() => {
  folder.write({
    "package.json": { name: "app", type: "module", exports: "./main.js" },
    "main.js": "globalThis.mainRuns = true; export const own = (x) => x;",
    "linked/package.json": { name: "linked", exports: { ".": "./built.js", "./source": "./source.js" } },
    "linked/built.js": "exports.f = () => 1;",
  });
  folder.install(
    "esm",
    {
      type: "module",
      exports: { ".": { types: "./a.d.ts", default: "./a.js" }, "./sub": "./sub.js", "./loud": "./loud.js" },
    },
    {
      "a.js": `const hidden = () => 1; export const give = () => hidden; export const scale = () => 2; export default class Model {}
      export const bad = { get x() { throw new Error("no"); } };`,
      "sub.js": "export function shift() {}",
      "loud.js": "globalThis.loudRuns = true;",
    },
  );
  folder.install(
    "cjs",
    { main: "lib/index.js" },
    {
      "lib/index.js": `module.exports = { ["a" + "b"]: () => 1, deep: require("./deep"), "odd.name": () => 2 };`,
      "lib/deep.js": "exports.deeper = () => 4;",
    },
  );
  folder.install("single", {}, { "index.js": "module.exports = function single() {};" });
  folder.install(
    "dual",
    { exports: { import: "./i.mjs", require: "./r.cjs" } },
    {
      "i.mjs": "globalThis.dualRuns = true; export const f = () => 1;",
      "r.cjs": "exports.f = () => 1;",
    },
  );
  folder.install(
    "both",
    { exports: { import: "./i.mjs", require: "./r.cjs" } },
    {
      "i.mjs": "export const f = () => 1;",
      "r.cjs": "exports.f = () => 1;",
    },
  );
  folder.install("outer", {}, { "index.js": `exports.inner = require("inner").f;` });
  folder.write({
    "node_modules/outer/node_modules/inner/package.json": { name: "inner", version: "3.0.0" },
    "node_modules/outer/node_modules/inner/index.js": "exports.f = () => 1;",
  });
  symlinkSync(folder.path("linked"), folder.path("node_modules/linked"));
  process.chdir(folder.root);
});
afterAll(() => {
  process.chdir(before);
  folder.remove();
});

describe("an export of an installed package", () => {
  it.each([
    ["esm", "scale", "scale"],
    ["esm", "default", "default"],
    ["esm/sub", "shift", "shift"],
  ])("is found in a module: %s %s", async (specifier, name, member) => {
    const fn = (await imported(specifier))[name]!;
    expect(await findExport(fn)).toEqual({ specifier, kind: "import", member, fromFile: undefined });
    expect(packageFileOf(fn)).toMatch(/node_modules.esm.(?:a|sub)\.js$/);
    expect(globalThis).not.toHaveProperty("loudRuns");
  });

  it("is found in CommonJS, however it was exported, and in files that no map names", async () => {
    const { ab, deep, "odd.name": odd } = required("cjs") as Functions & { deep: Functions };
    const common = { kind: "require", fromFile: undefined };
    expect(await findExport(ab!)).toEqual({ ...common, specifier: "cjs", member: "ab" });
    expect(await findExport(deep["deeper"]!)).toEqual({ ...common, specifier: "cjs/lib/deep.js", member: "deeper" });
    expect(await findExport(required("single"))).toEqual({ ...common, specifier: "single", member: "" });
    expect(await findExport(odd!)).toBeUndefined();
    const { default: single } = await imported("single");
    expect(await findExport(single!)).toMatchObject({ specifier: "single", member: "" });
  });

  it("is found in the copy that the program uses, without running the other", async () => {
    expect(await findExport(required("dual")["f"]!)).toMatchObject({ specifier: "dual", kind: "require", member: "f" });
    expect(globalThis).not.toHaveProperty("dualRuns");
    const [one, other] = [required("both")["f"]!, (await imported("both"))["f"]!];
    expect(await findExport(one)).toMatchObject({ specifier: "both", kind: "require", member: "f" });
    expect(await findExport(other)).toMatchObject({ specifier: "both", kind: "import", member: "f" });
  });

  it("is found from where its package is found: a dependency's dependency, a linked package", async () => {
    const found = await findExport(required("outer")["inner"]!);
    expect(found).toMatchObject({ specifier: "inner", member: "f" });
    expect(dirname(found!.fromFile!)).toBe(folder.path("node_modules/outer/node_modules/inner"));
    expect(await findExport(required("linked")["f"]!)).toMatchObject({ specifier: "linked", fromFile: undefined });
  });

  it("is found in real packages", async () => {
    process.chdir(before);
    try {
      expect(await findExport(parse)).toMatchObject({ specifier: "acorn", member: "parse" });
      expect(await findExport(fc.integer)).toMatchObject({ specifier: "fast-check", member: "integer" });
    } finally {
      process.chdir(folder.root);
    }
  });

  it("is not there for what a package keeps to itself, and for the user's own code", async () => {
    const hidden = (await imported("esm"))["give"]!() as () => unknown;
    expect(packageFileOf(hidden)).toMatch(/a\.js$/);
    expect(await findExport(hidden)).toBeUndefined();
    const { own } = await imported("./main.js");
    for (const fn of [own!, () => 1, Math.max, new Function("return 1")]) {
      expect(packageFileOf(fn)).toBeUndefined();
      expect(await findExport(fn)).toBeUndefined();
    }
  });
});

describe("a file that a function reads", () => {
  it("travels with its contents, as they are now", () => {
    folder.write({ "a/words.txt": "één" });
    const first = readAsset(folder.path("a/words.txt"));
    expect(first).toMatchObject({ name: "words.txt", data: Buffer.from("één").toString("base64") });
    folder.write({ "a/words.txt": "twee" });
    expect(readAsset(folder.path("a/words.txt")).hash).not.toBe(first.hash);
  });

  it("is refused when it is missing, no file, or too large", () => {
    folder.write({ large: "x".repeat(2 * 1024 * 1024 + 1), most: "x".repeat(2 * 1024 * 1024) });
    const refused = (file: string, why: RegExp): void => {
      expect(() => readAsset(folder.path(file))).toThrow(why);
      expect(() => readAsset(folder.path(file))).toThrow(
        expect.objectContaining({
          code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
          message: expect.stringContaining(folder.path(file)),
        }),
      );
    };
    refused("missing", /, which is not there/);
    refused("a", /, which is no file/);
    refused("large", /has 2\.0 MiB, more than the 2 MiB .*: read it before and pass the contents/);
    expect(readAsset(folder.path("most")).name).toBe("most");
  });
});
