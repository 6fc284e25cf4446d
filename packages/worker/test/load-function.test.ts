import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FunctionDescription, findPackage, functionDescription, packageHash } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Callable, FunctionLoader } from "../src/functions/index.ts";
import { plainFunction } from "./plain-function.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "flock-worker-")));
const second = join(root, "second");

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

beforeAll(() => {
  write({
    "node_modules/pkg/package.json": JSON.stringify({
      name: "pkg",
      version: "1.0.0",
      type: "module",
      exports: { ".": { import: "./a.js" } },
    }),
    "node_modules/pkg/a.js": `export const scale = (x) => x * 10; export const n = 1;
       export default { inner: (x) => -x, 'a "quoted" \\\\ name': (x) => x };`,
    "second/node_modules/pkg/package.json": JSON.stringify({
      name: "pkg",
      version: "2.0.0",
      type: "module",
      exports: "./a.js",
    }),
    "second/node_modules/pkg/a.js": "export const scale = (x) => x * 20;",
  });
});
afterAll(() => rmSync(root, { recursive: true }));

async function load(loader: FunctionLoader, description: FunctionDescription): Promise<Callable> {
  const loaded = await loader.load(description);
  if (loaded.closure) throw new Error("a closure was loaded");
  return loaded.value;
}

/** As a client describes an export of the package that lies in the folder, whose members these are. */
function exported(path: readonly string[], from = root): FunctionDescription {
  const found = findPackage("pkg", from);
  if (found === undefined) throw new Error("not installed");
  const identity = { name: "pkg", version: found.version, hash: packageHash(found) };
  const rest = { specifier: "pkg", kind: "import", when: "load", from: join(root, "elsewhere") } as const;
  const code = `return $imports[0]${path.map((step) => `[${JSON.stringify(step)}]`).join("")};`;
  const imports = [{ ...rest, package: identity, bundle: null, reason: null }];
  return functionDescription({ name: "work", code, imports, assets: [], closure: false });
}

describe("functions that are their own text", () => {
  it("run, may import and require from the worker's folder, and show their name in traces", async () => {
    const loader = new FunctionLoader({ from: [root] });
    const add = await load(loader, plainFunction(`"use strict";\nreturn (a, b) => a + b;`));
    expect(add(1, 2)).toBe(3);
    const imports = plainFunction(
      `return async (x) => [(await import("pkg")).scale(x), require("node:path").basename("/a/b"), new Error().stack];`,
      "my task!",
    );
    const { prepareStackTrace } = Error; // the test runner's knows nothing of source URLs
    Reflect.deleteProperty(Error, "prepareStackTrace");
    const result = (await (await load(loader, imports))(4)) as [number, string, string];
    if (prepareStackTrace !== undefined) Error.prepareStackTrace = prepareStackTrace;
    expect(result.slice(0, 2)).toEqual([40, "b"]);
    expect(result[2]).toContain(`taskflock:my_task_-${imports.hash.slice(0, 8)}:1:`);
  });

  it("see nothing of the worker but globals", async () => {
    const loader = new FunctionLoader({ from: [root] });
    const probe = await load(
      loader,
      plainFunction("return () => [typeof plainFunction, typeof module, typeof loader, typeof require, typeof this];"),
    );
    expect(probe()).toEqual(["undefined", "undefined", "undefined", "function", expect.any(String)]);
  });

  it("that do not run, or give no function, are refused with their name", async () => {
    const loader = new FunctionLoader({ from: [root] });
    for (const code of ["return (", "throw new Error('x')", "return 1"]) {
      await expect(loader.load(plainFunction(code, "work"))).rejects.toMatchObject({
        code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
        message: expect.stringContaining("The code of work"),
      });
    }
    expect(loader.size).toBe(0);
  });
});

describe("functions that are exports", () => {
  it("are imported from the first folder that has the same version and build", async () => {
    const both = new FunctionLoader({ from: [root, second] });
    expect((await load(both, exported(["scale"])))(2)).toBe(20);
    expect((await load(both, exported(["scale"], second)))(2)).toBe(40);
    expect((await load(both, exported(["default", "inner"])))(2)).toBe(-2);
    expect((await load(both, exported(["default", 'a "quoted" \\ name'])))(2)).toBe(2);
  });

  it("that do not exist here, or are no functions, are named with their package", async () => {
    const loader = new FunctionLoader({ from: [root] });
    for (const path of [["absent"], ["absent", "inner"], ["n"], ["default", "in.ner"], ['"\\']]) {
      await expect(loader.load(exported(path))).rejects.toMatchObject({
        code: "FLOCK_FUNCTION_NOT_FOUND",
        message: `work is "${path.join(".")}" of "pkg" 1.0.0, which has no such function on this worker, although the client has; make the worker's version of Node and its environment those of the client.`,
      });
    }
  });
});

describe("the cache", () => {
  it("gives one function per hash and keeps the most recently used", async () => {
    const loader = new FunctionLoader({ from: [root], maxFunctions: 2 });
    const [a, b, c] = ["1", "2", "3"].map((n) => plainFunction(`return () => ${n};`)) as [
      FunctionDescription,
      FunctionDescription,
      FunctionDescription,
    ];
    const first = await load(loader, a);
    const other = await load(loader, b);
    expect(await load(loader, a)).toBe(first);
    await loader.load(c); // drops b
    expect(loader.size).toBe(2);
    expect(await load(loader, a)).toBe(first);
    expect(await load(loader, b)).not.toBe(other);
  });
});
