import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPackage } from "@taskflock/protocol";
import * as acorn from "acorn";
import * as eslintScope from "eslint-scope";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundlePackage } from "../src/functions/bundles.ts";
import { evaluateBundle, PackageFolder } from "./package-folder.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const folder = new PackageFolder();
afterAll(() => folder.remove());

// The values come out of bundles, so their types are only what each test says.
type Loose = Record<string, (...args: unknown[]) => unknown>;

async function bundle(specifier: string, kind: "import" | "require" = "import", at = folder.root): Promise<Bundle> {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const home = findPackage(name, at);
  if (home === undefined) throw new Error(`${name} is not installed`);
  return await bundlePackage({ specifier, kind, folder: at }, home);
}

async function load(specifier: string, kind: "import" | "require" = "import", at = folder.root): Promise<Loose> {
  const { text, reason } = await bundle(specifier, kind, at);
  expect(reason).toBeNull();
  return evaluateBundle(text) as Loose;
}

async function reason(specifier: string, kind: "import" | "require" = "import"): Promise<string | null> {
  return (await bundle(specifier, kind)).reason;
}

describe("bundles of real packages", () => {
  it("compute what the package computes: acorn and eslint-scope", async () => {
    const text = "async function f(a = 1, {b, ...c}) { for await (const x of a) c[x] ??= b?.[x]; } f();";
    const bundled = (await load("acorn", "import", repository)) as unknown as typeof acorn;
    const options = { ecmaVersion: 2024, sourceType: "module", ranges: true } as const;
    const program = bundled.parse(text, options);
    expect(JSON.stringify(program)).toBe(JSON.stringify(acorn.parse(text, options)));
    const scopes = (await load("eslint-scope", "import", repository)) as unknown as typeof eslintScope;
    const names = ({ analyze }: typeof eslintScope): string[] =>
      analyze(program as never, { ecmaVersion: 2024, sourceType: "module" }).scopes.flatMap(({ variables }) =>
        variables.map(({ name }) => name),
      );
    expect(names(scopes)).toEqual(names(eslintScope));
  });

  it("compute what the package computes: fast-check", async () => {
    const bundled = (await load("fast-check", "import", repository)) as unknown as typeof fc;
    const drawn = (lib: typeof fc): unknown => lib.sample(lib.json(), { seed: 7, numRuns: 20 });
    expect(drawn(bundled)).toEqual(drawn(fc));
  });

  it("do without native code where the package only tries it: msgpackr, ws", async () => {
    const { pack, unpack } = await load("msgpackr", "import", repository);
    const { unpack: theirs } = (await import("msgpackr")) as unknown as Loose;
    const same = fc.property(fc.jsonValue(), (value) => {
      expect(unpack!(pack!(value))).toEqual(value);
      expect(theirs!(pack!(value))).toEqual(value);
    });
    fc.assert(same, { seed: 1, numRuns: 100 });
    const { Receiver, default: socket } = (await load("ws", "import", repository)) as unknown as typeof import("ws") &
      Loose;
    expect(socket).toHaveProperty("CONNECTING", 0);
    expect(new (Receiver as unknown as new () => object)()).toHaveProperty("write");
  });

  it("say what is native", async () => {
    expect(existsSync(join(repository, "node_modules/msgpackr-extract"))).toBe(true);
    expect((await bundle("msgpackr-extract", "require", repository)).reason).toBe("has native code (binding.gyp)");
    expect((await bundle("esbuild", "import", repository)).reason).toMatch(/^has native code/);
  });

  it("say which file would look for others beside itself", async () => {
    const { text, reason: why } = await bundle("pino", "import", repository);
    expect(text).toBeNull();
    expect(why).toBe("opens files beside its own (thread-stream/index.js uses __dirname)");
  });
});

describe("what a bundle gives", () => {
  beforeAll(() => {
    folder.install(
      "esm",
      { type: "module", exports: { ".": "./a.js", "./sub": "./sub.js" } },
      {
        "a.js": `import { k } from "./k.js"; export let count = 0; export const add = (x) => { count += x; return count; };
        export default function scale(x) { return x * k; } export const receiver = function () { return this; };`,
        "k.js": "export const k = 10;",
        "sub.js": `export { k as ten } from "./k.js"; export * from "node:path";`,
      },
    );
    folder.install(
      "cjs",
      { main: "lib" },
      {
        "lib/index.js": `module.exports = function cube(x) { return x ** 3; }; module.exports.deep = require("./deep").f;
        module.exports.receiver = function () { return this; };`,
        "lib/deep.js": `exports.f = (x) => require("node:path").join("a", x);`,
      },
    );
    folder.install(
      "dual",
      { exports: { import: "./i.mjs", require: "./r.cjs", module: "./never.js" } },
      {
        "i.mjs": `export const kind = () => "import"; export { own } from "#own";`,
        "r.cjs": `exports.kind = () => "require"; exports.own = require("#own").own;`,
        "own-node.cjs": `exports.own = () => "own";`,
      },
    );
    folder.write({
      "node_modules/dual/package.json": {
        name: "dual",
        version: "1.0.0",
        exports: { module: "./never.js", import: "./i.mjs", require: "./r.cjs" },
        imports: { "#own": { browser: "./never.js", node: "./own-node.cjs" } },
      },
    });
    folder.install(
      "old",
      { module: "./never.js" },
      { "index.js": `"use strict"; exports.receiver = function () { return this; };` },
    );
    folder.install(
      "mixed",
      { type: "module" },
      { "index.js": `export { receiver } from "old"; export const own = function () { return this; };` },
    );
    folder.install(
      "effects",
      { type: "module", sideEffects: false },
      {
        "index.js": `import "./effect.js"; export const seen = () => globalThis.effectOfBundle; export class Kept {} export class Other { static Kept = class Kept {} }`,
        "effect.js": "globalThis.effectOfBundle = 5;",
      },
    );
  });

  it("is the module's namespace for an import, with live bindings", async () => {
    const { add, default: scale, ...rest } = (await load("esm")) as Loose & { count: unknown };
    expect(scale!(4)).toBe(40);
    expect([...Object.keys(rest)].sort()).toEqual(["count", "receiver"]);
    const namespace = await load("esm");
    namespace["add"]!(3);
    expect(namespace["count"]).toBe(3);
    expect(add!(1)).toBe(1);
    expect(Object.keys(await load("esm/sub"))).toEqual(expect.arrayContaining(["ten", "join"]));
  });

  it("is module.exports for a require, and a namespace around it for an import", async () => {
    const cube = (await load("cjs", "require")) as unknown as { (x: number): number; deep(x: string): string };
    expect([cube(2), cube.deep("b"), cube.name]).toEqual([8, join("a", "b"), "cube"]);
    const { default: same, deep } = await load("cjs");
    expect([same!(2), deep!("b")]).toEqual([8, join("a", "b")]);
  });

  it("follows the conditions that Node would, and a package's own #names", async () => {
    for (const kind of ["import", "require"] as const) {
      const found = await load("dual", kind);
      expect([found["kind"]!(), found["own"]!()]).toEqual([kind, "own"]);
    }
  });

  it("follows conditions that the program was started with", async () => {
    folder.install(
      "special",
      { exports: { special: "./s.js", default: "./d.js" } },
      {
        "s.js": `exports.f = () => "special";`,
        "d.js": `exports.f = () => "default";`,
      },
    );
    process.execArgv.push("--conditions=special");
    try {
      expect((await load("special"))["f"]!()).toBe("special");
    } finally {
      process.execArgv.pop();
    }
    expect((await load("special", "require"))["f"]!()).toBe("default");
  });

  it("is strict code where all of it was, and sloppy where some must be", async () => {
    for (const [name, strict] of [
      ["esm", true],
      ["old", true],
      ["mixed", true],
      ["cjs", false],
    ] as const) {
      const { receiver } = await load(name);
      const bare = receiver as () => unknown;
      expect(bare(), name).toBe(strict ? undefined : globalThis);
    }
  });

  it("keeps every module that is imported, and the names of classes", async () => {
    const { seen, Kept, Other } = (await load("effects")) as unknown as {
      seen(): unknown;
      Kept: { name: string };
      Other: { Kept: { name: string } };
    };
    expect([seen(), Kept.name, Other.Kept.name]).toEqual([5, "Kept", "Kept"]);
  });

  it("is the same text wherever the package lies, and made once", async () => {
    const first = await bundle("esm");
    expect(await bundle("esm")).toBe(first);
    const copy = new PackageFolder();
    copy.install(
      "esm",
      { type: "module", exports: { ".": "./a.js", "./sub": "./sub.js" } },
      {
        "a.js": `import { k } from "./k.js"; export let count = 0; export const add = (x) => { count += x; return count; };
        export default function scale(x) { return x * k; } export const receiver = function () { return this; };`,
        "k.js": "export const k = 10;",
        "sub.js": "",
      },
    );
    try {
      const { text } = await bundle("esm", "import", copy.root);
      expect(text).toBe(first.text);
      expect(text).not.toContain(copy.root);
    } finally {
      copy.remove();
    }
  });
});

describe("what cannot be bundled", () => {
  beforeAll(() => {
    folder.install("addon", {}, { "index.js": `module.exports = require("./build/x.node");`, "build/x.node": "" });
    folder.install("gyp", {}, { "index.js": "", "binding.gyp": "{}" });
    folder.install("user-of-gyp", {}, { "index.js": `const inner = require("gyp"); exports.f = () => inner;` });
    folder.install(
      "user-by-import",
      { type: "module" },
      { "index.js": `import inner from "gyp"; export const f = () => inner;` },
    );
    folder.install("late-user", {}, { "index.js": `exports.f = () => require("gyp").x;` });
    folder.install(
      "tries-gyp",
      {},
      {
        "index.js": `let inner; try { inner = require("gyp/fast"); } catch { inner = (x) => x + 1; } exports.f = inner;`,
      },
    );
    folder.write({ "node_modules/gyp/fast.js": "module.exports = (x) => x + 2;" });
    folder.install(
      "tla",
      { type: "module" },
      { "index.js": `export { x } from "./inner.js";`, "inner.js": "export const x = await 1;" },
    );
    folder.install("huge", {}, { "index.js": `module.exports = "${"x".repeat(3 * 1024 * 1024)}";` });
    folder.install(
      "wasm",
      { type: "module" },
      {
        "index.js": `import { readFileSync } from "node:fs"; export const f = () => readFileSync(new URL("./x.wasm", import.meta.url));`,
        "x.wasm": "",
      },
    );
    folder.install(
      "wasm-import",
      { type: "module" },
      { "index.js": `import * as w from "./x.wasm"; export const f = () => w;`, "x.wasm": "" },
    );
    folder.install("resolving", {}, { "index.js": `exports.f = () => require.resolve("esm/sub");` });
    folder.install(
      "worker",
      { type: "module" },
      {
        "index.js": `import { dirname, join } from "node:path"; import { fileURLToPath } from "node:url"; const here = dirname(fileURLToPath(import.meta.url)); export const f = () => join(here, "w.js");`,
      },
    );
    folder.install("exports-place", { type: "module" }, { "index.js": "export const place = import.meta.url;" });
    folder.install(
      "loads-more",
      { type: "module" },
      {
        "index.js": `import { createRequire } from "node:module"; const load = createRequire(import.meta.url); export const f = () => load("esm");`,
      },
    );
    folder.install("broken", {}, { "index.js": "exports.f = (;" });
    folder.install("types-only", { types: "./index.d.ts", exports: { "./x": "./x.js" } }, {});
  });

  it.each([
    ["addon", /^has native code \(build\/x\.node\)$/],
    ["gyp", /^has native code \(binding\.gyp\)$/],
    ["user-of-gyp", /^needs gyp, which has native code \(binding\.gyp\)$/],
    ["user-by-import", /^needs gyp, which has native code/],
    ["late-user", /^needs gyp, which has native code/],
    ["tla", /^uses await at the top of a module \(.*inner\.js\)$/],
    ["huge", /^has 3\.0 MiB of code, more than the 3 MiB that may travel$/],
    ["wasm", /^opens files beside its own \(index\.js uses import\.meta\)$/],
    ["wasm-import", /^opens a file beside its own \(x\.wasm\)$/],
    ["resolving", /^looks for files by require\.resolve\(\) \(index\.js\)$/],
    ["worker", /^opens files beside its own \(index\.js uses import\.meta\)$/],
    ["exports-place", /^opens files beside its own \(index\.js uses import\.meta\)$/],
    ["loads-more", /^opens files beside its own \(index\.js uses import\.meta\)$/],
    ["broken", /^could not be bundled: .*\(.*broken\/index\.js\)$/],
    ["types-only", /^gives nothing by the name "types-only"$/],
  ])("says why: %s", async (name, why) => {
    expect(await reason(name)).toMatch(why);
    expect((await bundle(name)).text).toBeNull();
  });

  it("is bundled without what it only tries", async () => {
    const { f } = await load("tries-gyp", "require");
    expect(f!(1)).toBe(2);
  });
});

describe("what only looks like a hindrance", () => {
  it.each([
    [
      "a comparison",
      `export const isMain = process.argv[1] === fileURLToPath(import.meta.url);`,
      `import { fileURLToPath } from "node:url";`,
    ],
    ["a comparison of text", "export const isMain = import.meta.url.endsWith(String(process.argv[1]) + '?');", ""],
    [
      "a folder nobody uses",
      "const __dirname = dirname(fileURLToPath(import.meta.url)); export const isMain = false;",
      `import { dirname } from "node:path"; import { fileURLToPath } from "node:url";`,
    ],
    [
      "require of builtins",
      `const require = createRequire(import.meta.url); export const isMain = require("path").sep === "";`,
      `import { createRequire } from "node:module";`,
    ],
    [
      "require that is tried",
      `const load = createRequire(import.meta.url); let found = false; try { found = load("nowhere"); } catch {} export const isMain = found;`,
      `import { createRequire } from "node:module";`,
    ],
    ["typeof", "", `exports.isMain = typeof __dirname === "undefined";`],
    ["main of CommonJS", "", "exports.isMain = require.main === module;"],
    ["a missing package that is tried", "", `try { require("nowhere"); } catch { exports.isMain = false; }`],
    [
      "a missing package that is never asked for",
      "",
      `exports.late = () => require("nowhere"); exports.isMain = false;`,
    ],
    ["a name that is a variable here", "", `function f(__dirname) { return __dirname; } exports.isMain = f(false);`],
  ])("is bundled: %s", async (title, module, start) => {
    const name = title.replace(/\W+/g, "-").toLowerCase();
    folder.install(name, { type: module === "" ? "commonjs" : "module" }, { "index.js": `${start}\n${module}` });
    const { isMain } = await load(name);
    expect(isMain).toBe(false);
  });

  it("fails where the package would fail here, and not before", async () => {
    folder.install("lazy", {}, { "index.js": `exports.late = () => require("nowhere/at-all"); exports.x = () => 1;` });
    const { late, x } = await load("lazy", "require");
    expect(x!()).toBe(1);
    expect(() => late!()).toThrow(/Cannot find module 'nowhere\/at-all'/);
  });
});
