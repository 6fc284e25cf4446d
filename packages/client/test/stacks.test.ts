import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";
import { transformSync } from "esbuild";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PositionScript, type PositionTable, registerPositions } from "../src/stacks/positions.ts";
import { makeReadable, readableStack } from "../src/stacks/readable.ts";
import { originalPosition } from "../src/stacks/source-maps.ts";

let folder: string;
const ofTheTestRunner: unknown = Error.prepareStackTrace;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stacks-"));
  Reflect.set(Error, "prepareStackTrace", undefined); // stacks as a worker's engine makes them
});
afterAll(() => {
  Reflect.set(Error, "prepareStackTrace", ofTheTestRunner);
  rmSync(folder, { recursive: true });
});

/** What the frames in `stack` show, without the header. */
const frames = (stack: string | undefined): string[] => (stack ?? "").split("\n    at ").slice(1);
const script = (url: string, sourceMapUrl = ""): PositionScript => ({ url, sourceMapUrl });

let hashes = 0;
/** A hash of which the first eight digits are this test's own. */
function newHash(): string {
  return (++hashes).toString(16).padStart(8, "0").padEnd(64, "f");
}

/** Runs code as a worker does, and gives what it throws. Frames below it are this file's. */
async function thrownBy(hash: string, code: string, ...args: unknown[]): Promise<Error> {
  const text = `${code}\n//# sourceURL=taskflock:f-${hash.slice(0, 8)}`;
  const made = compileFunction(text, [], { filename: join(folder, "taskflock-function.js") })();
  try {
    await made(...args);
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const OURS = [new URL("../", import.meta.url).href];

async function readableOf(hash: string, code: string, table: PositionTable): Promise<string[]> {
  registerPositions(hash, table);
  const error = await thrownBy(hash, code);
  // What called it is this test and the test runner: as little the user's as the slot.
  const runner = pathToFileURL(join(import.meta.dirname, "../../../node_modules/")).href;
  return frames(readableStack(error.stack!, error.message, [...OURS, runner]));
}

it("a line without a column is the line of the source map's first place in it", () => {
  const source = "const a = 1;\n\n\nfunction f() {\n\n    return a;\n}\nf();\n";
  const { code, map } = transformSync(source, {
    sourcemap: "external",
    sourcefile: "mine.ts",
    minifyWhitespace: false,
  });
  const data = `data:application/json;base64,${Buffer.from(map).toString("base64")}`;
  const line = code.split("\n").findIndex((text) => text.includes("return a"));
  expect(code.split("\n")[line]).toMatch(/^ +return/);
  const made = script(pathToFileURL(join(folder, "made.js")).href, data);
  expect(originalPosition(made, line, 0)).toMatchObject({ line: 5 });
  expect(originalPosition(made, line, 0).file).toMatch(/mine\.ts$/);
  // A line that has no place at all stays what it is.
  expect(originalPosition(made, 99, 0)).toMatchObject({ line: 99 });
});

describe("a stack from a worker", () => {
  const code = [
    'function helper() { throw new Error("no"); }', // line 0: the user's line 9
    "function main() {", // lines 1 to 3: lines 4 to 6 of another file
    "  return [1].map(() => helper());",
    "}",
    "const glue = () => main();", // line 4: nobody's
    "return glue;",
  ].join("\n");
  const table: PositionTable = {
    scripts: [script("file:///app/helper.js"), script("/app/main.cjs")],
    segments: [0, 0, 0, 9, 2, 1, 0, 1, 4, 0, 4, 0, -1, 0, 0],
  };

  it("names the user's files, and nothing else", async () => {
    expect(await readableOf(newHash(), code, table)).toEqual([
      "helper (/app/helper.js:10:29)",
      "/app/main.cjs:6:24",
      "Array.map (<anonymous>)",
      "main (/app/main.cjs:6:14)",
    ]);
  });

  it("has the user's names for what was renamed", async () => {
    const renamed = code.replaceAll("helper", "helper$1");
    const names = new Map([["helper$1", "helper"]]);
    const [first] = await readableOf(newHash(), renamed, { ...table, names });
    expect(first).toBe("helper (/app/helper.js:10:31)");
  });

  it("stays as it is when no table is kept, or nothing of the user's would remain", async () => {
    const hash = newHash();
    const error = await thrownBy(hash, code);
    expect(frames(readableStack(error.stack!, "no", OURS))[0]).toBe(`helper (taskflock:f-${hash.slice(0, 8)}:1:27)`);
    registerPositions(hash, { scripts: [], segments: [] });
    const folders = [...OURS, pathToFileURL(join(import.meta.dirname, "../../../")).href];
    expect(readableStack(error.stack!, "no", folders)).toBe(error.stack);
  });

  it("keeps a message of several lines, even when they look like frames", async () => {
    const hash = newHash();
    const message = "a\n    at b (c:1:2)\n    at d";
    registerPositions(hash, { scripts: [script("file:///m.js")], segments: [0, 0, 0, 0, 0] });
    const error = await thrownBy(hash, `return () => { throw new Error(${JSON.stringify(message)}); };`);
    const readable = readableStack(error.stack!, message, OURS);
    expect(readable.startsWith(`Error: ${message}\n    at /m.js:1:22\n`)).toBe(true);
  });

  it("is read in all its forms", async () => {
    const text = [
      "class Foo { constructor() { fail(); } static async make() { await null; return new Foo(); } }",
      'const fail = () => { throw new TypeError("no"); };',
      'return async function main() { await Promise.all([Foo.make()]); eval("0"); };',
    ].join("\n");
    const one: PositionTable = { scripts: [script("file:///m.js")], segments: [0, 0, 0, 100, 0] };
    expect(await readableOf(newHash(), text, one)).toEqual([
      "fail (/m.js:102:28)",
      "new Foo (/m.js:101:29)",
      "Foo.make (/m.js:101:80)",
      "async Promise.all (index 0)",
      "async main (/m.js:103:32)",
    ]);
    const evaluated = await readableOf(newHash(), 'return function main() { eval("null.x"); };', one);
    expect(evaluated).toEqual(["eval (eval at main (/m.js:101:26), <anonymous>:1:6)", "main (/m.js:101:26)"]);
  });

  it("shows what the worker's packages did, by path", () => {
    const stack = [
      "Error: no",
      "    at go (file:///srv/work%20er/node_modules/lodash/go.mjs?t=1:3:4)",
      "    at read (node:fs:10:20)",
      "    at C:\\app (copy)\\main.js:1:2",
      "    at AsyncLocalStorage.run (node:async_hooks:346:14)",
      "    at new Promise (<anonymous>)",
      "    at #run (file:///opt/flock/dist/runner.js:9:9)",
      "    at emit (/srv/node_modules/.pnpm/piscina@5/node_modules/piscina/dist/worker.js:1:1)",
      "    at start (/srv/node_modules/@taskflock/worker/dist/x.js:1:1)",
      "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ].join("\n");
    expect(frames(readableStack(stack, "no", ["file:///opt/flock/"]))).toEqual([
      "go (/srv/work er/node_modules/lodash/go.mjs:3:4)",
      "read (node:fs:10:20)",
      "C:\\app (copy)\\main.js:1:2",
    ]);
  });

  it("that is none passes through; whatever it is, nothing is thrown", () => {
    const parts = [
      ..."\n()<>:,/ 19",
      "    at ",
      "async ",
      "eval at ",
      "file:///a%",
      "taskflock:f-00000001:1:1",
      "node:",
    ];
    const garbage = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 5 })), { maxLength: 60 });
    fc.assert(
      fc.property(garbage, fc.string({ maxLength: 3 }), (pieces, message) => {
        const stack = pieces.join("");
        const readable = readableStack(stack, message, ["file:///x/"]);
        if (!stack.includes("\n    at ")) expect(readable).toBe(stack);
      }),
      { seed: 21, numRuns: 2000 },
    );
  });
});

describe("source maps", () => {
  const source = [
    "interface A { b: string }",
    "",
    "export const f = (a: A): string => {",
    "  throw new Error(a.b);",
    "};",
  ];
  const build = (): { code: string; map: string } =>
    transformSync(source.join("\n"), { loader: "ts", format: "cjs", sourcemap: true, sourcefile: "main.ts" });
  /** The compiled text of `f` in a bundle, after two lines of other text. */
  const bundled = (code: string): { text: string; line: number } => {
    const line = code.split("\n").findIndex((text) => text.startsWith("const f ="));
    const copied = code.split("\n").slice(line, line + 3);
    return { text: ["", "", ...copied, "return () => f({ b: 'no' });"].join("\n"), line };
  };
  const dataUrl = (map: string): string => `data:application/json;base64,${Buffer.from(map).toString("base64")}`;

  async function first(make: (map: string) => PositionScript): Promise<string | undefined> {
    const { code, map } = build();
    const { text, line } = bundled(code);
    const table = { scripts: [make(map)], segments: [2, 0, 0, line, 0, 5, 0, -1, 0, 0] };
    return (await readableOf(newHash(), text, table))[0];
  }

  it("in the script's own URL", async () => {
    const place = await first((map) => script("file:///app/dist/main.js", dataUrl(map)));
    expect(place).toBe("f (/app/dist/main.ts:4:9)");
  });

  it("in a file beside, with a root of sources, as text or in sections", async () => {
    const url = pathToFileURL(join(folder, "out.js")).href;
    const withMap = (map: object): PositionScript => {
      writeFileSync(join(folder, "out.js.map"), JSON.stringify(map));
      return script(url, "out.js.map");
    };
    const expected = `f (${join(folder, "src/main.ts")}:4:9)`;
    expect(await first((map) => withMap({ ...JSON.parse(map), sourceRoot: "src" }))).toBe(expected);
    const section = { offset: { line: 0, column: 0 } };
    const sections = (map: string): object => ({
      version: 3,
      sections: [{ ...section, map: { ...JSON.parse(map), sourceRoot: "./src/" } }],
    });
    expect(await first((map) => withMap(sections(map)))).toBe(expected);
    const absolute = (map: string): object => ({ ...JSON.parse(map), sources: [join(folder, "src/main.ts")] });
    expect(await first((map) => withMap(absolute(map)))).toBe(expected);
    const text = `data:application/json,${encodeURIComponent(build().map)}`;
    expect(await first(() => script(url, text))).toBe(`f (${join(folder, "main.ts")}:4:9)`);
  });

  it("that are missing, broken or elsewhere leave the script's own place", async () => {
    const line = bundled(build().code).line + 2;
    for (const url of [
      "gone.map",
      "data:application/json;base64,e30=",
      "data:,{",
      "https://example.org/x.map",
      "%%%",
    ]) {
      expect(await first(() => script("file:///app/main.js", url))).toBe(`f (/app/main.js:${line}:9)`);
    }
  });
});

describe("tables", () => {
  it("find the segment that a place is in", () => {
    const starts = fc.uniqueArray(fc.tuple(fc.nat(20), fc.nat(20)), {
      selector: ([l, c]) => `${l} ${c}`,
      minLength: 1,
    });
    fc.assert(
      fc.property(starts, fc.nat(25), fc.nat(25), (unsorted, line, column) => {
        const sorted = unsorted.toSorted(([a, b], [c, d]) => a - c || b - d);
        const hash = newHash();
        registerPositions(hash, {
          scripts: [script("file:///m.js")],
          segments: sorted.flatMap(([l, c], index) => [l, c, 0, index * 100, 0]),
        });
        const found = sorted.findLastIndex(([l, c]) => l < line || (l === line && c <= column));
        const stack = `Error\n    at f (taskflock:f-${hash.slice(0, 8)}:${line + 1}:${column + 1})\n    at g (/g.js:1:1)`;
        const [place] = frames(readableStack(stack, "", []));
        if (found < 0) expect(place).toBe("g (/g.js:1:1)");
        else expect(place).toMatch(new RegExp(`^f \\(/m\\.js:${found * 100 + line - sorted[found]![0] + 1}:`));
      }),
      { seed: 22 },
    );
  });

  it("are kept for the code that was used last", () => {
    const place = (hash: string): string | undefined =>
      frames(readableStack(`Error\n    at taskflock:f-${hash.slice(0, 8)}:1:1`, "", []))[0];
    const table = { scripts: [script("file:///m.js")], segments: [0, 0, 0, 0, 0] };
    const kept = newHash();
    const forgotten = newHash();
    registerPositions(kept, table);
    registerPositions(forgotten, table);
    for (let i = 0; i < 511; i++) {
      expect(place(kept)).toBe("/m.js:1:1");
      registerPositions(newHash(), table);
    }
    expect(place(forgotten)).toBe(`taskflock:f-${forgotten.slice(0, 8)}:1:1`);
  });
});

describe("errors within errors", () => {
  it("are all made readable, also in circles", async () => {
    const hash = newHash();
    const code =
      "return () => { const e = new AggregateError([new Error('a')], 'b', { cause: new RangeError('c') }); e.errors.push(e); throw e; }";
    registerPositions(hash, { scripts: [script("file:///m.js")], segments: [0, 0, 0, 0, 0] });
    const error = (await thrownBy(hash, code)) as AggregateError;
    makeReadable(error, OURS);
    const inner = [error, error.errors[0], error.cause] as Error[];
    expect(inner.map(({ stack }) => frames(stack)[0]?.replace(/\d+$/, ""))).toEqual(Array(3).fill("/m.js:1:"));
    expect(Object.keys(error)).toEqual([]);
  });
});
