import { utimesSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { FlockError, findPackage, type ImportDescription, packageHash } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeImport, type ImportRequest } from "../src/functions/imports.ts";
import { evaluateBundle, PackageFolder } from "./package-folder.ts";

const folder = new PackageFolder();
afterAll(() => folder.remove());

type Loose = Record<string, (...args: unknown[]) => unknown>;

function request(specifier: string, more: Partial<ImportRequest> = {}): ImportRequest {
  const fromFile = folder.path("src/main.ts");
  return { specifier, kind: "import", when: "call", fromFile, ownFiles: new Set([fromFile]), mode: "bundle", ...more };
}

async function ask(specifier: string, more: Partial<ImportRequest> = {}): Promise<ImportDescription> {
  return await describeImport(request(specifier, more));
}

async function load(specifier: string, more: Partial<ImportRequest> = {}): Promise<Loose> {
  return evaluateBundle((await ask(specifier, more)).bundle) as Loose;
}

async function refusal(specifier: string, more: Partial<ImportRequest> = {}): Promise<string> {
  const error = await ask(specifier, more).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FlockError);
  expect(error).toHaveProperty("code", "FLOCK_FUNCTION_NOT_SERIALIZABLE");
  return (error as FlockError).message;
}

beforeAll(() => {
  folder.install("plain", { main: "index.js" }, { "index.js": "exports.twice = (x) => 2 * x;", "sub.js": "" });
  folder.install(
    "@scope/inner",
    { type: "module", exports: { "./deep": "./deep.js" }, imports: { "#x": "./x.js" } },
    {
      "deep.js": `export { x } from "#x";`,
      "x.js": "export const x = 1;",
    },
  );
  folder.install("addon", {}, { "index.js": `module.exports = require("./x.node");`, "x.node": "" });
  folder.write({
    "package.json": {
      name: "app",
      type: "module",
      exports: { "./tool": "./src/tool.ts", "./main": "./src/main.ts" },
      imports: {
        "#tool": "./src/tool.ts",
        "#os": { browser: "./never.js", default: "node:os" },
        "#plain": { require: "never", import: "plain" },
        "#parts/*": "./src/*.ts",
      },
    },
    "src/main.ts": `import { helper } from "./helper.ts"; throw new Error(helper.name);`,
    "src/helper.ts": `import { twice } from "plain"; import { join } from "node:path"; import type { Shape } from "./main.ts";
      export const helper = (x: number): Shape => twice(x) as never; export const path = () => join("a", "b");
      export enum Color { Red = 3 } export class Point { constructor(readonly x: number) {} }`,
    "src/tool.ts": `export { helper as tool } from "./helper.js"; export default () => "tool";`,
    "src/loop.ts": `export * from "./middle.ts";`,
    "src/middle.ts": `export { run } from "./main.ts";`,
    "src/data.json": { k: [1, 2] },
    "src/ours.ts": `export const ours = async () => await import("taskflock");`,
    "src/style.graphql": "query {}",
    "src/waits.ts": "export const x = await Promise.resolve(1);",
    "src/reads.ts": `export const f = () => new URL("./data.json", import.meta.url);`,
    "src/native.ts": `import addon from "addon"; export const f = () => addon;`,
    "src/typo.ts": `import x from "plainn"; export const f = () => x;`,
    "src/old.cts": `const { twice } = require("plain"); export = { twice };`,
  });
});

describe("builtins and packages", () => {
  it.each([
    ["os", "node:os"],
    ["fs/promises", "node:fs/promises"],
    ["node:test", "node:test"],
  ])("describe the builtin %s at once", (specifier, name) => {
    const found = describeImport(request(specifier, { kind: "require", when: "load", fromFile: undefined }));
    const from = process.cwd();
    expect(found).toEqual({
      specifier: name,
      kind: "require",
      when: "load",
      package: null,
      from,
      bundle: null,
      reason: null,
    });
  });

  it("describe an installed package at once where workers have it too, and bundle it otherwise", async () => {
    const home = findPackage("plain", folder.root)!;
    const identity = { name: "plain", version: "1.0.0", hash: packageHash(home) };
    const common = { specifier: "plain", kind: "import", when: "call", package: identity, from: folder.path("src") };
    expect(describeImport(request("plain", { mode: "installed" }))).toEqual({ ...common, bundle: null, reason: null });
    const { bundle, ...rest } = await ask("plain");
    expect(rest).toEqual({ ...common, reason: null });
    expect((evaluateBundle(bundle) as unknown as { default: Loose }).default["twice"]!(4)).toBe(8);
  });

  it("take the name from a specifier with a scope and a path", async () => {
    expect(await ask("@scope/inner/deep")).toMatchObject({ package: { name: "@scope/inner" }, reason: null });
    expect((await load("@scope/inner/deep"))["x"]).toBe(1);
  });

  it("say why a package has no bundle", async () => {
    expect(await ask("addon")).toMatchObject({
      bundle: null,
      reason: "has native code (x.node)",
      package: { name: "addon" },
    });
  });

  it.each(["taskflock", "@taskflock/protocol", "@taskflock/protocol/code"])("never bundle %s", (specifier) => {
    const found = describeImport(request(specifier));
    expect(found).toMatchObject({ specifier, bundle: null, reason: null, package: { version: expect.any(String) } });
  });

  it("refuse what is not found, and say who imports it", async () => {
    const why = `The function in ${folder.path("src/main.ts")} imports "nowhere/x", which is not found: install it, or correct the name.`;
    expect(await refusal("nowhere/x")).toBe(why);
    expect(await refusal("nowhere/x", { mode: "installed", fromFile: undefined })).toMatch(
      /^The function imports "nowhere/,
    );
    expect(await refusal("https://nowhere.example/x.js")).toMatch(/which is not found/);
    expect(await refusal("./nowhere.ts")).toMatch(/imports ".\/nowhere.ts", which is not found/);
  });
});

describe("names that a manifest gives", () => {
  it("lead to builtins, packages and the user's own files", async () => {
    expect(describeImport(request("#os"))).toMatchObject({ specifier: "node:os", package: null, bundle: null });
    expect(await ask("#plain")).toMatchObject({ specifier: "plain", package: { name: "plain" } });
    const { tool, default: given } = await load("#tool");
    expect([tool!(4), given!()]).toEqual([8, "tool"]);
    expect((await load("#parts/helper"))["helper"]!(1)).toBe(2);
    expect(await ask("#tool")).toMatchObject({ specifier: "#tool", package: null });
    expect(await refusal("#nothing")).toMatch(/"#nothing", which/);
  });

  it("lead to the program's own files by its own name", async () => {
    expect(await ask("app/tool", { mode: "installed" })).toMatchObject({ package: null, bundle: expect.any(String) });
    expect((await load("app/tool"))["default"]!()).toBe("tool");
    expect(await refusal("app/main")).toMatch(/start the program again/);
  });

  it("may be of a tsconfig.json", async () => {
    folder.write({ "src/tsconfig.json": { compilerOptions: { paths: { "@/*": ["./*"] } } } });
    expect((await load("@/helper"))["helper"]!(3)).toBe(6);
  });
});

describe("files of the user's", () => {
  it("travel with what they import, TypeScript and packages too", async () => {
    for (const specifier of [
      "./helper.ts",
      "./helper.js",
      folder.path("src/helper.ts"),
      pathToFileURL(folder.path("src/helper.ts")).href,
      "./helper.ts?again",
    ]) {
      const found = await load(specifier);
      const { Color, Point, helper, path } = found as unknown as Loose & {
        Color: { Red: number };
        Point: new (x: number) => object;
      };
      expect([helper!(2), path!(), Color.Red, new Point(5)], specifier).toEqual([4, "a/b", 3, { x: 5 }]);
    }
  });

  it("are looked for from the current folder when the code is of no file", async () => {
    const before = process.cwd();
    process.chdir(folder.path("src"));
    try {
      expect(await ask("./helper.ts", { fromFile: undefined })).toMatchObject({
        from: folder.path("src"),
        package: null,
      });
    } finally {
      process.chdir(before);
    }
  });

  it("may be JSON or CommonJS", async () => {
    expect(await load("./data.json")).toMatchObject({ default: { k: [1, 2] } });
    expect(await load("./data.json", { kind: "require" })).toEqual({ k: [1, 2] });
    expect((await load("./old.cts", { kind: "require" }))["twice"]!(3)).toBe(6);
    expect((await load("./helper", { kind: "require" }))["helper"]!(3)).toBe(6);
  });

  it("leave Taskflock to the worker", async () => {
    const { bundle } = await ask("./ours.ts");
    expect(bundle).toContain(`import("taskflock")`);
    expect(bundle!.length).toBeLessThan(3000);
  });

  it("are refused when they would start the program again, and the way there is told", async () => {
    const main = folder.path("src/main.ts");
    expect(await refusal("./main.ts")).toBe(
      `The function in ${main} imports "./main.ts", and with it main.ts, whose code would start the program again on the ` +
        "worker. Move what the function needs to a file of its own.",
    );
    expect(await refusal("./loop.ts")).toContain("the imports lead there by loop.ts → middle.ts → main.ts. Move");
    const other = new Set([pathToFileURL(folder.path("src/helper.ts")).href]);
    expect(await refusal("./tool.ts", { ownFiles: other })).toContain("tool.ts → helper.ts");
    expect(await ask("./tool.ts")).toMatchObject({ package: null });
  });

  it.each([
    ["./waits.ts", /uses await at the top of a module \(src\/waits\.ts\)/],
    ["./reads.ts", /opens files beside its own \(src\/reads\.ts uses import\.meta\)/],
    ["./native.ts", /needs addon, which has native code \(x\.node\)/],
    ["./typo.ts", /needs "plainn", which is not found \(src\/typo\.ts\)/],
    ["./style.graphql", /No loader is configured for ".graphql" files: src\/style\.graphql/],
  ])("are refused when they cannot run on a worker: %s", async (specifier, why) => {
    expect(await refusal(specifier)).toMatch(why);
    expect(await refusal(specifier)).toMatch(
      /; import what is needed of it at the top of the module: then only that travels\.$/,
    );
  });

  it("travel anew when they, or what they import, were edited", async () => {
    folder.write({ "src/edited.ts": `export { x } from "./inner.ts";`, "src/inner.ts": "export const x = () => 1;" });
    const past = new Date("2024-01-01");
    for (const name of ["src/edited.ts", "src/inner.ts"]) utimesSync(folder.path(name), past, past);
    const first = await ask("./edited.ts");
    expect(await ask("./edited.ts")).toEqual(first);
    for (const result of [2, 3]) {
      folder.write({ "src/inner.ts": `export const x = () => ${result};` });
      expect((await load("./edited.ts"))["x"]!()).toBe(result);
    }
  });
});

describe("linked packages", () => {
  beforeAll(async () => {
    const { mkdirSync, symlinkSync } = await import("node:fs");
    folder.write({
      "linked/sources/package.json": {
        name: "sources",
        version: "2.0.0",
        type: "module",
        exports: { types: "./t.d.ts", default: "./index.ts" },
      },
      "linked/sources/index.ts": "export const f = (x: number): number => x + 1;",
      "linked/built/package.json": {
        name: "built",
        version: "2.0.0",
        exports: { types: "./index.ts", default: "./index.js" },
      },
      "linked/built/index.js": "exports.f = (x) => x + 2;",
      "linked/reads/package.json": { name: "@own/reads", version: "2.0.0", exports: "./src/index.ts" },
      "linked/reads/src/index.ts": `export { f } from "./inner.ts";`,
      "linked/reads/src/inner.ts": `export const f = () => new URL("./x.txt", import.meta.url);`,
      "linked/reads-built/package.json": { name: "reads-built", version: "2.0.0", main: "index.js" },
      "linked/reads-built/index.js": `exports.f = require("@own/reads-inner").f;`,
      "linked/reads-inner/package.json": { name: "@own/reads-inner", version: "2.0.0", main: "lib/index.js" },
      "linked/reads-inner/lib/index.js": "exports.f = () => __dirname;",
    });
    mkdirSync(folder.path("node_modules/@own"), { recursive: true });
    const links = { sources: "", built: "", reads: "@own/", "reads-built": "", "reads-inner": "@own/" };
    for (const [name, scope] of Object.entries(links))
      symlinkSync(folder.path(`linked/${name}`), folder.path(`node_modules/${scope}${name}`));
  });

  it("go by their contents when they are TypeScript, which is edited without a new build", async () => {
    expect(await ask("sources", { mode: "installed" })).toMatchObject({ package: null, specifier: "sources" });
    expect((await load("sources"))["f"]!(1)).toBe(2);
    folder.write({ "linked/sources/index.ts": "export const f = (x: number): number => x + 10;" });
    expect((await load("sources"))["f"]!(1)).toBe(11);
  });

  it("go by name, version and hash when they are built", async () => {
    expect(await ask("built")).toMatchObject({ package: { name: "built", version: "2.0.0" }, reason: null });
    expect((await load("built"))["f"]!(1)).toBe(3);
  });

  it("are named with their files when they cannot travel, and it is said what to do", async () => {
    expect(await refusal("@own/reads")).toBe(
      `The function in ${folder.path("src/main.ts")} imports "@own/reads", which cannot travel: it opens files beside its own ` +
        '(linked/reads/src/inner.ts uses import.meta); give @own/reads compiled JavaScript as its "exports", and install it on the ' +
        "workers; or import what is needed by the path of its file, at the top of the module: then only that travels.",
    );
    expect(await ask("reads-built")).toMatchObject({
      package: { name: "reads-built" },
      reason: "opens files beside its own (@own/reads-inner/lib/index.js uses __dirname)",
    });
  });
});
