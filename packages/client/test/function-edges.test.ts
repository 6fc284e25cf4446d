// Programs in which it is easily mistaken what a name, a `this` or a file stands for.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext, runInThisContext } from "node:vm";
import { importFrom, registerClass } from "@taskflock/protocol";
import { afterAll, describe, expect, test } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import { prepareFunction } from "../src/functions/index.ts";
import { PackageFolder } from "./package-folder.ts";
import { Shipping } from "./ship.ts";

const folder = new PackageFolder();
afterAll(() => folder.remove());

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function collected(value: WeakRef<object>): Promise<void> {
  for (let round = 0; round < 20 && value.deref() !== undefined; round++) {
    await setImmediate();
    collect();
  }
}

type Program = Record<"fn", AnyFunction> & Record<string, AnyFunction>;

/** A module `main.mjs` or `main.cjs`, beside other files. */
async function load(files: Readonly<Record<string, string>>): Promise<Program> {
  const inside = randomUUID();
  folder.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${inside}/${name}`, text])));
  const at = folder.path(inside);
  if ("main.mjs" in files) return (await importFrom(at, "./main.mjs")) as Program;
  return createRequire(`${at}/x.js`)("./main.cjs") as Program;
}

async function expectSame(files: Readonly<Record<string, string>>, args: unknown[] = []): Promise<void> {
  const { fn } = await load(files);
  const there: unknown = await new Shipping().call(fn, args); // first: here it may change what it captured
  expect(there).toEqual(await fn(...args));
}

describe("names of modules", () => {
  test("a constant is not the import that has the same value", async () => {
    const { fn } = await load({
      "main.mjs": `import { sep } from "node:path"; const slash = ${JSON.stringify(sep)}; export const fn = () => [sep, slash];`,
    });
    const shipping = new Shipping();
    expect(await shipping.call(fn)).toEqual(fn());
    expect(shipping.code(fn)).toMatch(/\[sep(\$\d)?, slash\]/);
  });

  test("a class of the user's with the name of a global that is used, too", () =>
    expectSame(
      {
        "main.mjs": `class Math { static twice(x) { return 2 * x; } } function f(x) { return Math.twice(f.largest(x, 1)); }
          f.largest = globalThis.Math.max; export const fn = (x) => f(x);`,
      },
      [4],
    ));

  test("code that says to come from a file of another machine", async () => {
    const text = (name: string): string => `(() => { const k = 1; return (x) => x + k; })()\n//# sourceURL=${name}`;
    for (const name of ["file://host/x.js", "file:///a%2Fb.js"]) {
      const fn = runInThisContext(text(name)) as AnyFunction;
      expect(await new Shipping().call(fn, [1])).toBe(2);
    }
  });

  test("a namespace of which a member is computed travels whole", () =>
    expectSame(
      {
        "own.mjs": `export const a = { value: 1 }; export const b = { value: 2 };`,
        "main.mjs": `import * as own from "./own.mjs"; export const fn = (key) => own[key].value;`,
      },
      ["b"],
    ));

  test("require is what it is declared as", async () => {
    await expectSame({
      "main.mjs": `const load = (require) => require("no-package"); export const fn = () => load((name) => name.length);`,
    });
    await expectSame({
      "main.mjs": `export const fn = () => { const require = (name) => name.length; return require("node:os"); };`,
    });
    await expectSame({
      "main.mjs": `const require = (name) => name.length; export const fn = () => require("node:os");`,
    });
    await expectSame({
      "main.mjs": `import { createRequire } from "node:module";
        const require = createRequire(import.meta.url); export const fn = () => require("node:os").EOL;`,
    });
  });
});

describe("what a module exports as one object", () => {
  const exported: [what: string, own: string, fn: string][] = [
    ["methods that use the others", `{ items: [1, 2], total() { return this.items.length; } }`, "own.total()"],
    ["methods that change it", `{ count: 0, next() { return ++this.count; } }`, "[own.next(), own.next(), own.count]"],
    [
      "an instance of a class",
      `new (class Rows { rows = [1, 2]; count() { return this.rows.length; } })()`,
      "own.count()",
    ],
    ["functions that are classes", `{ Animal: function (name) { this.name = name; } }`, `new own.Animal("x").name`],
    ["an array", `[1, 2, 3]`, "own.length"],
  ];
  test.each(exported)("%s", async (_what, own, fn) => {
    await expectSame({
      "own.cjs": `module.exports = ${own};`,
      "main.cjs": `const own = require("./own.cjs"); exports.fn = () => ${fn};`,
    });
  });

  test("members of exports and of namespaces", async () => {
    const own = `exports.k = 4; exports.get = function () { return this.k; };`;
    await expectSame({ "main.cjs": `${own} exports.fn = () => exports.get();` });
    await expectSame({
      "own.mjs": `export const k = 3; export function get() { return this.k; }`,
      "main.mjs": `import * as own from "./own.mjs"; export const fn = () => own.get();`,
    });
  });
});

describe("functions of the same place", () => {
  test("of which one shares a variable that both change, and the other does not", async () => {
    const text = `let first; export function make(start) {
      let count = start; first ??= () => ++count; const inner = first; return () => [++count, inner()];
    }`;
    const make = (await load({ "main.mjs": text }))["make"]!;
    const [shares, other] = [make(1), make(5)] as [AnyFunction, AnyFunction];
    const shipping = new Shipping();
    expect(await shipping.call(other)).toEqual([6, 2]);
    await expect(shipping.call(shares)).rejects.toThrowError(/share the variable count .* and change it/);
  });

  test("are known as long as they are used, whatever else is", async () => {
    const others = Array.from({ length: 300 }, (_, i) => `() => () => k + ${i}`).join(",\n");
    const program = await load({
      "main.mjs": `let k = 0; export const first = () => () => k; export const others = () => [${others}];`,
    });
    const codeOf = (fn: unknown): unknown =>
      prepareFunction(fn as AnyFunction, { packages: "installed", shared: false }).code;
    const first = codeOf(program["first"]!());
    for (const make of program["others"]!() as AnyFunction[]) {
      codeOf(make());
      expect(codeOf(program["first"]!())).toBe(first);
    }
  });

  test("do not keep what the first of them captured", async () => {
    const make = (await load({ "main.mjs": "export const make = (big) => () => big.length;" }))["make"]!;
    const shipping = new Shipping();
    const first = await (async () => {
      const big = new Array(10).fill("x");
      await shipping.call(make(big) as AnyFunction);
      return new WeakRef(big);
    })();
    await shipping.call(make([1]) as AnyFunction);
    await collected(first);
    expect(first.deref()).toBeUndefined();
  });
});

describe.each([
  ["a call", false],
  ["the calls of a map", true],
])("what %s captured", (_what, bind) => {
  test.each([10, 200, 50_000])("keeps its identity, and is private to the call: %i elements", async (count) => {
    const { fn } = await load({
      "main.mjs": `const nodes = Array.from({ length: ${count} }, (_, id) => ({ id, name: "node" + id }));
        const weights = new Map(nodes.map((node) => [node, node.id])); const scratch = new Float64Array(${count} / 10);
        export const fn = () => {
          nodes.push({ id: -1 }); weights.set(nodes[3], 5); scratch[0]++;
          return [weights.get(nodes[7]), weights.get(nodes[3]), nodes.length, scratch[0]];
        };`,
    });
    const shipping = new Shipping();
    for (let round = 0; round < 2; round++) {
      expect(await shipping.call(fn, [], bind)).toEqual([7, 5, count + 1, 1]);
    }
  });

  test("by functions among its arguments is treated so, too", async () => {
    const { fn, makeLarge } = await load({
      "main.mjs": `export const fn = (work) => work();
        export const makeLarge = () => {
          const nodes = Array.from({ length: 100_000 }, (_, id) => ({ id }));
          const first = [nodes[0], nodes];
          return () => [first[0] === nodes[0], first[1] === nodes, nodes.push(1)];
        };`,
    });
    expect(await new Shipping().call(fn, [makeLarge!()], bind)).toEqual([true, true, 100_001]);
  });
});

test.each([
  ["a function", "const fn = function count() { count.n = (count.n ?? 0) + 1; return count.n; };"],
  [
    "a class",
    "class Count { static next() { Count.n = (Count.n ?? 0) + 1; return Count.n; } } const fn = () => Count.next();",
  ],
])("what %s puts on itself by its own name is gone with the call", async (_what, text) => {
  const { fn } = await load({ "main.mjs": `${text} export { fn };` });
  const shipping = new Shipping();
  for (let round = 0; round < 2; round++) expect(await shipping.call(fn)).toBe(1);
});

describe("instances with a large array", () => {
  const text = `class Rows {
      constructor(count, owner) { this.values = new Float64Array(count).fill(2); this.owner = owner; }
      sum() { return this.values.reduce((a, b) => a + b, 0) + (this.owner.rows === this ? 1 : 0); }
    }
    export const make = (count) => { const owner = {}; return owner.rows = new Rows(count, owner); };`;

  test.each([1000, 10_000, 1_000_000])("travel as others do, however large: %i numbers", async (count) => {
    const { fn, make, own } = await load({
      "main.mjs": `${text} export const fn = (rows) => rows.sum(); export const own = (rows) => rows instanceof Rows && rows.sum();`,
    });
    const rows = make!(count);
    expect(await new Shipping().call(fn, [rows])).toBe(2 * count + 1);
    expect(await new Shipping().call(own!, [rows])).toBe(2 * count + 1);
  });

  test("are left as they are where hooks say how they travel", () => {
    class Sum {
      values = new Float64Array(20_000).fill(2);
    }
    registerClass<Sum, number>(Sum, {
      name: "function-edges.Sum",
      encode: ({ values }) => values.reduce((a, b) => a + b, 0),
      decode: (sum) => Object.assign(new Sum(), { values: Float64Array.of(sum) }),
    });
    const fn = (sum: Sum, more: Float64Array): number => sum.values[0]! + more.length;
    return expect(new Shipping().call(fn, [new Sum(), new Float64Array(10_000)])).resolves.toBe(50_000);
  });
});

describe("captured functions that change", () => {
  test("in many functions of one call", async () => {
    const { fn, change, fns } = await load({
      "main.mjs": `const tables = Array.from({ length: 6 }, () => ({ f: () => 1 }));
        export const fns = () => tables.map((table) => () => table.f()); export const fn = (all) => all.map((f) => f());
        export const change = () => { for (const table of tables) table.f = () => 2; };`,
    });
    const shipping = new Shipping();
    const all = fns!();
    expect(await shipping.call(fn, [all])).toEqual([1, 1, 1, 1, 1, 1]);
    change!();
    expect(await shipping.call(fn, [all])).toEqual([2, 2, 2, 2, 2, 2]);
  });

  test("each time that they are read", async () => {
    const { fn } = await load({
      "main.mjs": "const table = { get f() { return () => 1; } }; export const fn = () => table.f();",
    });
    await expect(new Shipping().call(fn)).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
      message: expect.stringContaining("another function each time that it is read"),
    });
  });
});

test.each(["static name() { return 1; }", "static name = 5;", "static get name() { return null; }"])(
  "a class with %s",
  async (member) => {
    const own = `export class Own { ${member} }`;
    const { fn, Own } = await load({ "main.mjs": `${own} export const fn = (type) => typeof new type();` });
    expect(await new Shipping().call(fn, [Own])).toBe("object");
  },
);

describe("files beside the module", () => {
  const read = `import { readFileSync } from "node:fs"; import { dirname, join, resolve } from "node:path";
    import { fileURLToPath } from "node:url"; const text = (file) => readFileSync(file, "utf8");`;
  const files = { "a.txt": "outer", "data/a.txt": "inner", "a b.txt": "with a space" };

  const found: [how: string, file: string][] = [
    ["join() with a slash in front", `join(import.meta.dirname, "/a.txt")`],
    ["join() of several names", `join(import.meta.dirname, "data", "..", "data", "a.txt")`],
    ["a URL with an escape", `new URL("./a%20b.txt", import.meta.url)`],
    ["a URL with a query", `new URL("./a.txt?version=1", import.meta.url)`],
  ];
  // Node 20.19 has import.meta.dirname, too.
  test.each(found)("%s", (_how, file) =>
    expectSame({ ...files, "main.mjs": `${read} export const fn = () => text(${file});` }),
  );

  test("an edited file travels anew", async () => {
    const text = `${read} export const fn = () => text(join(import.meta.dirname, "a.txt"));`;
    const { fn, file } = await load({
      ...files,
      "main.mjs": `${text} export const file = () => join(import.meta.dirname, "a.txt");`,
    });
    const shipping = new Shipping();
    expect(await shipping.call(fn)).toBe("outer");
    expect(await shipping.call(fn)).toBe("outer");
    expect(shipping.defined.size).toBe(1);
    writeFileSync(file!() as string, "edited");
    expect(await shipping.call(fn)).toBe("edited");
    expect(shipping.defined.size).toBe(2);
  });

  test("a folder of the function's own", () =>
    expectSame({
      ...files,
      "main.mjs": `${read} export const fn = () => { const __dirname = "/x"; return join(__dirname, "a.txt"); };`,
    }));

  test("the module's own name for its folder", async () => {
    const named = (value: string): Record<string, string> => ({
      ...files,
      "main.mjs": `${read} const __dirname = ${value}; export const fn = () => text(join(__dirname, "a.txt"));`,
    });
    const here = "dirname(fileURLToPath(import.meta.url))";
    await expectSame(named(here));
    const { fn } = await load(named(`join(${here}, "data")`));
    expect(fn()).toBe("inner");
    expect(() => new Shipping().functions.use(fn)).toThrowError(
      /^The function fn .*cannot travel to a worker: it finds files by __dirname, which is not the folder of its module here; write new URL/,
    );
  });
});
