import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FunctionDescription, importFrom } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareFunction } from "../src/functions/index.ts";

type Callable = (...args: never[]) => unknown;

const root = realpathSync(mkdtempSync(join(tmpdir(), "flock-app-")));
const before = process.cwd();

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

beforeAll(() => {
  write({
    "package.json": JSON.stringify({ name: "app", type: "module", exports: "./main.js" }),
    "main.js": `globalThis.appRuns = (globalThis.appRuns ?? 0) + 1; const k = 2; export const own = (x) => x * k;`,
    "node_modules/esm/package.json": JSON.stringify({
      name: "esm",
      version: "1.2.3",
      type: "module",
      exports: {
        ".": { types: "./a.d.ts", default: "./a.js" },
        "./sub": "./sub.js",
        "./loud": "./loud.js",
        "./x/*": "./*.js",
      },
    }),
    "node_modules/esm/a.js": `import { k } from "./k.js"; export const scale = (x) => x * k; const hidden = (x) => x + k;
      export const give = () => hidden; export default class Model { f() { return k; } }`,
    "node_modules/esm/k.js": "export const k = 10;",
    "node_modules/esm/sub.js": `import { k } from "./k.js"; export function shift(x) { return x + k; }`,
    "node_modules/esm/loud.js": "globalThis.loudRuns = true;",
    "node_modules/cjs/package.json": JSON.stringify({ name: "cjs", version: "0.1.0", main: "lib/index.js" }),
    "node_modules/cjs/lib/index.js": `const k = 3; module.exports = { ["a" + "b"]: (x) => x * k, deep: require("./deep") };`,
    "node_modules/cjs/lib/deep.js": "const k = 4; exports.deeper = (x) => x * k;",
  });
  process.chdir(root);
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

async function exportsOf(specifier: string): Promise<Record<string, Callable>> {
  return (await importFrom(root, specifier)) as Record<string, Callable>;
}

describe("exports of installed packages", () => {
  it("go by specifier and name, and are known at once the next time", async () => {
    const { scale } = await exportsOf("esm");
    const first = prepareFunction(scale!);
    expect(first).toBeInstanceOf(Promise);
    const description = await first;
    expect(description).toMatchObject({
      kind: "export",
      name: "scale",
      specifier: "esm",
      exportName: "scale",
      packageName: "esm",
      version: "1.2.3",
    });
    expect(prepareFunction(scale!)).toBe(description);
  });

  it("are found in subpaths and as default, without running what was not loaded", async () => {
    const { shift } = await exportsOf("esm/sub");
    const { default: model } = await exportsOf("esm");
    expect(await prepareFunction(shift!)).toMatchObject({ specifier: "esm/sub", exportName: "shift" });
    expect(await prepareFunction(model!)).toMatchObject({ specifier: "esm", exportName: "default", name: "Model" });
    expect("loudRuns" in globalThis).toBe(false);
  });

  it("are found in CommonJS, however the exports were made, and in files without an exports map", async () => {
    const cjs = createRequire(join(root, "main.js"))("cjs") as { ab: Callable; deep: { deeper: Callable } };
    expect(await prepareFunction(cjs.ab)).toMatchObject({ specifier: "cjs", exportName: "default.ab" });
    const { deeper } = cjs.deep;
    const found = (await prepareFunction(deeper)) as FunctionDescription;
    expect(found).toMatchObject({ specifier: "cjs/lib/deep.js", exportName: "deeper" });
  });

  it("that are not exported are refused, each time", async () => {
    const { give } = await exportsOf("esm");
    const hidden = give!() as Callable;
    const refused = /function hidden .*defined in the package esm, which does not export it.*captures k/;
    await expect(prepareFunction(hidden)).rejects.toThrow(refused);
    await expect(prepareFunction(hidden)).rejects.toMatchObject({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE" });
  });

  it("do not count when the package is the user's own: it is refused at once and never imported", async () => {
    const { own } = (await importFrom(root, "./main.js")) as { own: Callable };
    expect(() => prepareFunction(own)).toThrow(/function own cannot travel.*captures k,/);
    expect(Reflect.get(globalThis, "appRuns")).toBe(1);
  });
});
