import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { undeclaredImports } from "../scripts/undeclared.mjs";
import { root } from "./tidy/tree.ts";

describe("what built files import", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-imports-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(readdirSync(join(root, "packages")))("is named by the package %s", (name) => {
    expect(undeclaredImports(join(root, "packages", name))).toEqual([]);
  });

  it("is found, whichever way it is imported", () => {
    mkdirSync(join(folder, "dist"));
    const manifest = { name: "made-up", dependencies: { a: "1" }, peerDependencies: { "@b/c": "1" } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const code = [
      'import { join } from "node:path"; import fs from "fs"; import "./beside.js"; import "a/deep"; import "@b/c";',
      'import using from "@oxc-project/runtime/helpers/usingCtx"; export * from "d"; export { e } from "e/f";',
      'export const later = (name) => [import("g"), import(name), import("made-up/door"), "import(\'h\')"];',
    ];
    writeFileSync(join(folder, "dist/index.js"), code.join("\n"));
    const found = ["@oxc-project/runtime/helpers/usingCtx", "d", "e/f", "g"].map(
      (name) => `made-up: dist/index.js imports "${name}", which its package.json does not name`,
    );
    expect(undeclaredImports(folder)).toEqual(found);
  });
});
