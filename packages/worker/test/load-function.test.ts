import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  codeFunction,
  type ExportFunction,
  exportFunction,
  type FunctionDescription,
  findPackage,
  packageHash,
} from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Callable, FunctionLoader } from "../src/functions/index.ts";

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
    "node_modules/pkg/a.js":
      "export const scale = (x) => x * 10; export default { inner: (x) => -x }; export const n = 1;",
    "node_modules/broken/package.json": JSON.stringify({ name: "broken", version: "1.0.0", main: "absent.js" }),
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

function wanted(change: Partial<ExportFunction> = {}, from = root): ExportFunction {
  const packageName = change.packageName ?? "pkg";
  const found = findPackage(packageName, from);
  return exportFunction("scale", {
    specifier: packageName,
    exportName: "scale",
    packageName,
    version: found?.version ?? "1.0.0",
    packageHash: found === undefined ? "0" : packageHash(found),
    ...change,
  });
}

describe("functions that came as code", () => {
  it("run, may import and require from the worker's folder, and show their name in traces", async () => {
    const loader = new FunctionLoader({ from: [root] });
    const add = await load(loader, codeFunction("add", `"use strict";\nreturn (a, b) => a + b;`));
    expect(add(1, 2)).toBe(3);
    const imports = codeFunction(
      "my task!",
      `return async (x) => [(await import("pkg")).scale(x), require("node:path").basename("/a/b"), new Error().stack];`,
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
      codeFunction(
        "probe",
        "return () => [typeof codeFunction, typeof module, typeof loader, typeof require, typeof this];",
      ),
    );
    expect(probe()).toEqual(["undefined", "undefined", "undefined", "function", expect.any(String)]);
  });

  it("that do not run, or give no function, are refused with their name", async () => {
    const loader = new FunctionLoader({ from: [root] });
    for (const code of ["return (", "throw new Error('x')", "return 1"]) {
      await expect(loader.load(codeFunction("work", code))).rejects.toMatchObject({
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
    expect((await load(both, wanted()))(2)).toBe(20);
    expect((await load(both, wanted({}, second)))(2)).toBe(40);
    expect((await load(both, wanted({ exportName: "default.inner" })))(2)).toBe(-2);
  });

  it("of a package that is not here name it, its version and where it was looked for", async () => {
    const loader = new FunctionLoader({ from: [root] });
    await expect(
      loader.load(wanted({ packageName: "no-such-package", specifier: "no-such-package" })),
    ).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_FOUND",
      message: expect.stringMatching(/no-such-package, whose export "scale".*install no-such-package@1\.0\.0/),
    });
  });

  it("of another version or build name both", async () => {
    const loader = new FunctionLoader({ from: [root] });
    await expect(loader.load(wanted({ version: "1.1.0" }))).rejects.toMatchObject({
      code: "FLOCK_PACKAGE_MISMATCH",
      message: expect.stringMatching(/of pkg 1\.1\.0 \(build .*this worker has 1\.0\.0 \(build /),
    });
    await expect(loader.load(wanted({ packageHash: "ffffffffffffffff" }))).rejects.toMatchObject({
      code: "FLOCK_PACKAGE_MISMATCH",
      message: expect.stringContaining("(build ffffffff)"),
    });
  });

  it("that do not exist, are no functions, or whose package does not load are not found", async () => {
    const loader = new FunctionLoader({ from: [root] });
    for (const exportName of ["absent", "n", "n.constructor", "__proto__.constructor"]) {
      await expect(loader.load(wanted({ exportName }))).rejects.toMatchObject({ code: "FLOCK_FUNCTION_NOT_FOUND" });
    }
    await expect(loader.load(wanted({ packageName: "broken" }))).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_FOUND",
      message: expect.stringContaining(`Importing "broken" failed`),
    });
  });
});

describe("the cache", () => {
  it("gives one function per hash and keeps the most recently used", async () => {
    const loader = new FunctionLoader({ from: [root], maxFunctions: 2 });
    const [a, b, c] = ["1", "2", "3"].map((n) => codeFunction("f", `return () => ${n};`)) as [
      ReturnType<typeof codeFunction>,
      ReturnType<typeof codeFunction>,
      ReturnType<typeof codeFunction>,
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
