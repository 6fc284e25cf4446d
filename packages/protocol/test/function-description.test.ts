import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  assetDescription,
  decodeFunctionDescription,
  encodeFunctionDescription,
  type FunctionDescription,
  functionDescription,
  type ImportDescription,
} from "../src/function-description.ts";
import { findPackage, packageHash, packageOfFile } from "../src/installed-package.ts";
import { isFlockError } from "../src/words/errors.ts";

const lodash: ImportDescription = {
  specifier: "lodash/fp",
  kind: "import",
  when: "load",
  package: { name: "lodash", version: "4.17.21", hash: "00" },
  from: "/somewhere/project",
  bundle: "exports.x = 1;",
  reason: null,
};
const own: ImportDescription = { ...lodash, specifier: "./model.ts", kind: "require", when: "call", package: null };
const work: Omit<FunctionDescription, "hash"> = {
  name: "work",
  code: "return () => 1;",
  imports: [lodash, own],
  assets: [assetDescription("a.json", Buffer.from("{}"))],
  closure: false,
};

function rejected(bytes: Uint8Array): boolean {
  try {
    decodeFunctionDescription(bytes);
    return false;
  } catch (error) {
    if (isFlockError(error, "FLOCK_PROTOCOL")) return true;
    throw error;
  }
}

describe("function descriptions", () => {
  it("survive encoding, also in shared memory", () => {
    const plain = { name: "日本", code: "return (x) => x;", imports: [], assets: [], closure: true };
    for (const original of [functionDescription(plain), functionDescription(work)]) {
      const bytes = encodeFunctionDescription(original);
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
      shared.set(bytes);
      expect(decodeFunctionDescription(shared)).toEqual(original);
    }
  });

  it("are identified by what runs, not by where it was found", () => {
    const { hash } = functionDescription(work);
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    const other = (change: Partial<FunctionDescription>): string => functionDescription({ ...work, ...change }).hash;
    const imports = (change: Partial<ImportDescription>): string => other({ imports: [{ ...lodash, ...change }, own] });
    const ownWith = (change: Partial<ImportDescription>): string => other({ imports: [lodash, { ...own, ...change }] });
    const same = [
      other({ name: "another" }),
      imports({ from: "/elsewhere" }),
      imports({ bundle: null, reason: "has native code" }),
      ownWith({ from: "/elsewhere" }),
    ];
    expect(new Set(same)).toEqual(new Set([hash]));
    const different = [
      hash,
      other({ code: "return () => 2;" }),
      other({ closure: true }),
      other({ imports: [own, lodash] }),
      other({ imports: [lodash] }),
      other({ assets: [] }),
      other({ assets: [assetDescription("b.json", Buffer.from("{}"))] }),
      other({ assets: [assetDescription("a.json", Buffer.from("[]"))] }),
      imports({ specifier: "lodash" }),
      imports({ kind: "require" }),
      imports({ when: "call" }),
      imports({ package: { name: "lodash", version: "4.17.22", hash: "00" } }),
      imports({ package: { name: "lodash", version: "4.17.21", hash: "01" } }),
      imports({ package: null }),
      ownWith({ bundle: "exports.x = 2;" }),
      ownWith({ bundle: null }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  const forged: Record<string, (of: FunctionDescription) => object> = {
    "other code": (of) => ({ ...of, code: "return 2" }),
    "another asset": (of) => ({ ...of, assets: [{ ...of.assets[0], data: "W10=" }] }),
    "another asset under its own hash": (of) => ({ ...of, assets: [assetDescription("a.json", Buffer.from("[]"))] }),
    "another bundle of the user's file": (of) => ({ ...of, imports: [lodash, { ...own, bundle: "exports.x = 2;" }] }),
  };
  for (const [what, forge] of Object.entries(forged)) {
    it(`with the hash of ${what} are refused`, () => {
      expect(rejected(new TextEncoder().encode(JSON.stringify(forge(functionDescription(work)))))).toBe(true);
    });
  }

  it("with one field of the wrong kind are refused (property)", () => {
    const original: unknown = JSON.parse(
      new TextDecoder().decode(encodeFunctionDescription(functionDescription(work))),
    );
    const paths = [
      ...["hash", "name", "code", "imports", "assets", "closure", "imports.0", "assets.0"],
      ...["specifier", "kind", "when", "package", "from", "bundle", "reason"].map((field) => `imports.0.${field}`),
      ...["name", "version", "hash"].map((field) => `imports.0.package.${field}`),
      ...["name", "hash", "data"].map((field) => `assets.0.${field}`),
    ];
    const junk = fc.oneof(fc.integer(), fc.constantFrom(undefined, [7], { a: 1 }, [[]]));
    fc.assert(
      fc.property(fc.constantFrom(...paths), junk, (path, value) => {
        const copy: unknown = structuredClone(original);
        const steps = path.split(".");
        const last = steps.pop() ?? "";
        Reflect.set(
          steps.reduce((at, step) => Reflect.get(at as object, step) as unknown, copy) as object,
          last,
          value,
        );
        return rejected(new TextEncoder().encode(JSON.stringify(copy)));
      }),
      { seed: 4, numRuns: 400 },
    );
  });

  it("that are malformed are refused with a code (property)", () => {
    const field = fc.constantFrom("hash", "name", "code", "imports", "assets", "closure");
    const shape = fc.oneof(
      fc.json(),
      fc.string(),
      fc.dictionary(field, fc.oneof(fc.string(), fc.integer())).map((o) => JSON.stringify(o)),
    );
    fc.assert(
      fc.property(shape, (text) => rejected(new TextEncoder().encode(text))),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe("installed packages", () => {
  const root = mkdtempSync(join(tmpdir(), "flock-packages-"));
  afterAll(() => rmSync(root, { recursive: true }));

  function install(at: string, files: Record<string, string>): string {
    const directory = join(root, at);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(directory, name, ".."), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    return directory;
  }
  const manifest = JSON.stringify({
    name: "p",
    version: "1.0.0",
    files: ["dist", "!dist/*.map"],
    exports: "./dist/a.js",
  });

  it("are found from a folder below, through links, and from their own files", () => {
    const real = install("real/p", {
      "package.json": manifest,
      "dist/a.js": "1",
      "dist/package.json": `{"type":"commonjs"}`,
    });
    mkdirSync(join(root, "app/node_modules"), { recursive: true });
    mkdirSync(join(root, "app/deep/er"), { recursive: true });
    symlinkSync(real, join(root, "app/node_modules/p"));
    const found = findPackage("p", join(root, "app/deep/er"));
    expect(found).toMatchObject({ name: "p", version: "1.0.0" });
    expect(packageOfFile(join(real, "dist/a.js"))?.directory).toBe(found?.directory);
    expect(findPackage("absent", root)).toBeUndefined();
  });

  it("have the same hash wherever they lie, and another when their code changes", () => {
    const hashOf = (at: string, files: Record<string, string>): string => {
      const found = packageOfFile(join(install(at, files), "x"));
      if (found === undefined) throw new Error("no package");
      return packageHash(found);
    };
    const code = { "package.json": manifest, "dist/a.js": "1", "dist/b/c.wasm": "2" };
    const first = hashOf("one/p", code);
    expect(hashOf("two/p", { ...code, "src/a.js": "not published", "dist/a.js.map": "no code" })).toBe(first);
    expect(hashOf("three/p", { ...code, "dist/a.js": "3" })).not.toBe(first);
    expect(hashOf("four/p", { ...code, "dist/d.js": "" })).not.toBe(first);
  });
});
