// Files beside a module, where a loader has made CommonJS of it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { require as requireByTsx } from "tsx/cjs/api";
import { afterAll, expect, test } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import { PackageFolder } from "./package-folder.ts";
import { Shipping } from "./ship.ts";

const folder = new PackageFolder();
afterAll(() => folder.remove());

function load(name: string, text: string): AnyFunction {
  folder.write({ "package.json": { name: "app" }, "w.txt": "beside", [name]: text });
  return requireByTsx(folder.path(name), fileURLToPath(import.meta.url)).fn as AnyFunction;
}

const path = `import { join } from "node:path";`;
test.each([
  ["url.ts", `export const fn = () => new URL("./w.txt", import.meta.url);`],
  ["folder.ts", `${path} export const fn = () => join(import.meta.dirname, "w.txt");`],
  [
    "taken.ts",
    `export const define_import_meta_default = 1; export const fn = () => new URL("./w.txt", import.meta.url);`,
  ],
])("are found by import.meta in a module that tsx has made CommonJS: %s", async (name, text) => {
  const there = (await new Shipping().call(load(name, text))) as URL | string;
  expect(String(there)).not.toContain(folder.root);
  expect(readFileSync(there, "utf8")).toBe("beside");
});

test("another use of import.meta is refused there", async () => {
  const fn = load("other.ts", "export const fn = () => import.meta.url;");
  await expect(new Shipping().call(fn)).rejects.toThrowError(
    /^The function fn .*uses import\.meta, which has no meaning/,
  );
});
