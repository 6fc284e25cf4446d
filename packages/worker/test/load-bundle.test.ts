import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AssetDescription,
  assetDescription,
  type FunctionDescription,
  findPackage,
  functionDescription,
  type ImportDescription,
  type PackageIdentity,
  packageHash,
} from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Callable, FunctionLoader } from "../src/functions/index.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "flock-bundles-")));
const worker = join(root, "worker");
const client = join(root, "client");

function install(at: string, name: string, version: string, files: Record<string, string>, type = "module"): void {
  const directory = join(root, at, "node_modules", name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name, version, type, main: "index.js" }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
}

beforeAll(() => {
  for (const folder of [worker, client]) mkdirSync(folder, { recursive: true });
  install("worker", "pkg", "1.0.0", { "index.js": "export const where = 'worker'; export default (x) => x * 10;" });
  install("worker", "old", "2.0.0", { "index.js": "exports.where = 'worker';" }, "commonjs");
  install("client", "old", "1.0.0", { "index.js": "exports.where = 'client';" }, "commonjs");
  install("client", "only", "3.0.0", { "index.js": "exports.where = 'client';" }, "commonjs");
  install("worker", "broken", "1.0.0", { "index.js": "throw new TypeError('no luck');" });
  install("worker", "lacking", "1.0.0", { "index.js": "require('no-such-dependency');" }, "commonjs");
});
afterAll(() => rmSync(root, { recursive: true }));

function identity(name: string, from = worker): PackageIdentity {
  const found = findPackage(name, from);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return { name, version: found.version, hash: packageHash(found) };
}

function wanted(specifier: string, change: Partial<ImportDescription> = {}): ImportDescription {
  const rest = { package: null, from: join(root, "elsewhere"), bundle: null, reason: null };
  return { specifier, kind: "import", when: "load", ...rest, ...change };
}

function bundle(code: string, imports: ImportDescription[] = [], assets: AssetDescription[] = []): FunctionDescription {
  return functionDescription({ name: "work", code, imports, assets, closure: false });
}

const loader = new FunctionLoader({ from: [worker] });

async function load(description: FunctionDescription, by = loader): Promise<Callable> {
  const loaded = await by.load(description);
  if (loaded.closure) throw new Error("a closure was loaded");
  return loaded.value;
}

/** What a function with this one import gives of it. */
async function imported(description: ImportDescription, code = "return () => $imports[0];"): Promise<unknown> {
  return (await load(bundle(code, [description])))();
}

describe("imports", () => {
  it("of builtins are modules and exports", async () => {
    const code = "return (path) => [$imports[0].basename(path), $imports[1].dirname(path), $imports[0].default.sep];";
    const fn = await load(bundle(code, [wanted("node:path"), wanted("path", { kind: "require" })]));
    expect(fn("/a/b")).toEqual(["b", "/a", "/"]);
  });

  it("of a builtin that this Node has not say so", async () => {
    await expect(load(bundle("return () => 1", [wanted("node:nonsense")]))).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_FOUND",
      message: `work imports "node:nonsense", which is no module of Node ${process.version} on this worker; run the worker with the client's version of Node.`,
    });
  });

  it("of packages are the worker's own when name, version and build are the same, even when a bundle came along", async () => {
    const description = wanted("pkg", { package: identity("pkg"), bundle: "exports.where = 'bundle';" });
    expect(await imported(description)).toMatchObject({ where: "worker", default: expect.any(Function) });
    const required = wanted("old", { kind: "require", package: identity("old") });
    expect(await imported(required)).toEqual({ where: "worker" });
  });

  it("of packages that only the client's folder has are found there, when it is on this machine", async () => {
    const own = { package: identity("old", client), from: client };
    expect(await imported(wanted("old", { ...own, kind: "require" }))).toEqual({ where: "client" });
    const gone = { ...own, from: join(client, "gone", "deeper"), bundle: "exports.where = 'bundle';" };
    expect(await imported(wanted("old", gone))).toEqual({ where: "bundle" });
  });

  it("of packages in another version come from the bundle", async () => {
    const other = { ...identity("pkg"), version: "1.0.1" };
    const description = wanted("pkg", { package: other, bundle: "exports.where = 'bundle';" });
    expect(await imported(description)).toEqual({ where: "bundle" });
    const rebuilt = { ...identity("pkg"), hash: "0".repeat(32) };
    expect(await imported({ ...description, package: rebuilt, kind: "require" })).toEqual({ where: "bundle" });
  });

  it("of Taskflock's own packages are those that run here", async () => {
    const here = dirname(fileURLToPath(import.meta.url));
    const description = wanted("@taskflock/protocol/code", { package: identity("@taskflock/protocol", here) });
    expect(await imported(description)).toMatchObject({ FlockError: expect.any(Function) });
    expect(findPackage("@taskflock/protocol", worker)).toBeUndefined();
  });

  it("that fail say what was imported, and keep the cause", async () => {
    for (const kind of ["import", "require"] as const) {
      const error: unknown = await imported(wanted("broken/absent.js", { kind, package: identity("broken") })).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({
        code: "FLOCK_FUNCTION_NOT_FOUND",
        message: expect.stringMatching(/^Importing "broken\/absent\.js" failed on this worker: .*absent\.js/),
        cause: expect.any(Error),
      });
    }
  });
});

describe("packages that are the same here, and do not load", () => {
  const bundle = "exports.where = 'bundle';";

  for (const kind of ["import", "require"] as const) {
    it(`fall back to what came along (${kind})`, async () => {
      const description = wanted("lacking", { kind, package: identity("lacking") });
      await expect(imported(description)).rejects.toMatchObject({
        code: "FLOCK_FUNCTION_NOT_FOUND",
        message: expect.stringMatching(/^Importing "lacking" failed on this worker: .*no-such-dependency/),
        cause: expect.objectContaining({ message: expect.stringContaining("no-such-dependency") }),
      });
      expect(await imported({ ...description, bundle })).toEqual({ where: "bundle" });
      const called = { ...description, when: "call", bundle } as const;
      expect(await imported(called, "return async () => (await $imports[0]()).where;")).toBe("bundle");
    });
  }

  it("say why neither loads, and keep the first cause", async () => {
    const text = "throw new RangeError('nor this');";
    await expect(imported(wanted("broken", { package: identity("broken"), bundle: text }))).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_FOUND",
      message: `Importing "broken" failed on this worker: no luck; the copy that came along failed too: nor this`,
      cause: expect.any(TypeError),
    });
  });
});

describe("packages that are not here, and did not come along", () => {
  const absent = { name: "native", version: "4.5.6", hash: "0123456789abcdef" };

  it("are named, with the version, the reason and what to do", async () => {
    const reason = "has native code: build/x.node";
    await expect(imported(wanted("native/sub", { package: absent, reason }))).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_FOUND",
      message:
        `work imports "native/sub" of native 4.5.6 (build 01234567), which could not be sent along (it has native code: build/x.node) ` +
        `and is not installed on this worker (looked from ${worker}); install native@4.5.6 on the worker.`,
    });
  });

  it("and are here in another version or build: both are named", async () => {
    const { version, hash } = identity("pkg");
    const directory = join(worker, "node_modules", "pkg");
    const here = `which was not sent along, and this worker has 1.0.0 (build ${hash.slice(0, 8)}) in ${directory}`;
    await expect(imported(wanted("pkg", { package: { name: "pkg", version: "1.1.0", hash } }))).rejects.toMatchObject({
      code: "FLOCK_PACKAGE_MISMATCH",
      message: `work imports "pkg" of pkg 1.1.0 (build ${hash.slice(0, 8)}), ${here}; install pkg@1.1.0 on the worker.`,
    });
    const rebuilt = { name: "pkg", version, hash: "ffffffffffff" };
    await expect(imported(wanted("pkg", { package: rebuilt }))).rejects.toMatchObject({
      code: "FLOCK_PACKAGE_MISMATCH",
      message: `work imports "pkg" of pkg 1.0.0 (build ffffffff), ${here}; install pkg@1.0.0 on the worker, in the same build as the client's.`,
    });
  });

  it("are looked for again with the next task", async () => {
    const description = wanted("late", { kind: "require", package: { name: "late", version: "1.0.0", hash: "" } });
    await expect(imported(description)).rejects.toMatchObject({ code: "FLOCK_FUNCTION_NOT_FOUND" });
    install("worker", "late", "1.0.0", { "index.js": "exports.late = true;" }, "commonjs");
    expect(await imported({ ...description, package: identity("late") })).toEqual({ late: true });
  });
});

describe("modules that came along", () => {
  const counter = (label: string): ImportDescription =>
    wanted("./counter.ts", { bundle: `let n = 0; exports.next = () => [${JSON.stringify(label)}, ++n];` });

  it("are evaluated once, for all functions and loaders of the thread", async () => {
    const first = bundle("return () => $imports[0].next();", [counter("a")]);
    const second = bundle("return () => $imports[0].next(1);", [{ ...counter("a"), kind: "require" }]);
    expect((await load(first))()).toEqual(["a", 1]);
    expect((await load(second))()).toEqual(["a", 2]);
    expect((await load(first, new FunctionLoader({ from: [client] })))()).toEqual(["a", 3]);
    expect((await load(bundle(first.code, [counter("b")])))()).toEqual(["b", 1]);
  });

  it("may replace their exports, and require what the worker has", async () => {
    const text = `module.exports = { path: require("node:path"), old: require("old"), same: module.exports === exports };`;
    const path: unknown = await import("node:path");
    const got = await imported(wanted("./m.ts", { bundle: text }));
    expect(got).toEqual({ path: (path as { default: unknown }).default, old: { where: "worker" }, same: true });
  });

  it("that throw are named, with the cause, and evaluated again with the next task", async () => {
    Reflect.set(globalThis, "bundleTries", 0);
    const text = `if (++globalThis.bundleTries < 2) throw new RangeError("not yet"); exports.ok = true;`;
    const description = wanted("./flaky.ts", { bundle: text });
    await expect(imported(description)).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
      message: `"./flaky.ts", which came along with a function, does not run on this worker: not yet`,
      cause: expect.any(RangeError),
    });
    expect(await imported(description)).toEqual({ ok: true });
  });
});

describe("imports that the code makes when it runs", () => {
  it("are made then, once", async () => {
    Reflect.set(globalThis, "evaluated", 0);
    const text = "globalThis.evaluated++; exports.x = 1;";
    const imports = [
      wanted("./dynamic.ts", { when: "call", bundle: text }),
      wanted("./required.ts", { when: "call", kind: "require", bundle: `${text} exports.y = 2;` }),
    ];
    const fn = await load(bundle("return async () => [await $imports[0](), $imports[1]()];", imports));
    expect(Reflect.get(globalThis, "evaluated")).toBe(0);
    const first = await fn();
    expect(first).toEqual([{ x: 1 }, { x: 1, y: 2 }]);
    expect(((await fn()) as unknown[])[0]).toBe((first as unknown[])[0]);
    expect(Reflect.get(globalThis, "evaluated")).toBe(2);
  });

  it("that fail reject there, and are tried again", async () => {
    const reason = "has native code";
    for (const kind of ["import", "require"] as const) {
      const name = `later-${kind}`;
      const lost = { name, version: "1.0.0", hash: "" };
      install("client", name, "1.0.0", { "index.js": "exports.found = true;" }, "commonjs");
      const description = { ...wanted(name, { kind, when: "call", reason }), package: identity(name, client) };
      const fn = await load(bundle("return async () => (await $imports[0]()).found;", [description]));
      await expect(fn()).rejects.toMatchObject({ code: "FLOCK_FUNCTION_NOT_FOUND" });
      install("worker", lost.name, lost.version, { "index.js": "exports.found = true;" }, "commonjs");
      expect(await fn()).toBe(true);
    }
  });
});

describe("assets", () => {
  const code = "return () => $assets;";
  interface Stored {
    readonly path: string;
    readonly url: string;
  }

  let folder = "";
  async function stored(...assets: AssetDescription[]): Promise<Stored[]> {
    const files = (await load(bundle(code, [], assets)))() as Stored[];
    folder = dirname(dirname(files[0]!.path));
    return files;
  }
  afterAll(() => rmSync(folder, { recursive: true })); // the test runner may end this process from outside

  it("are files that only this user can read, by their own names", async () => {
    const [asset] = await stored(assetDescription("model.json", Buffer.from(`{"a":1}`)));
    expect(readFileSync(asset!.path, "utf8")).toBe(`{"a":1}`);
    expect(readFileSync(new URL(asset!.url), "utf8")).toBe(`{"a":1}`);
    expect(basename(asset!.path)).toBe("model.json");
    expect(asset!.path.startsWith(join(tmpdir(), "taskflock-assets-"))).toBe(true);
    if (process.platform !== "win32") {
      expect(statSync(asset!.path).mode & 0o777).toBe(0o400);
      for (const folder of [dirname(asset!.path), dirname(dirname(asset!.path))]) {
        expect(statSync(folder).mode & 0o777).toBe(0o700);
      }
    }
  });

  it("are written once for the same content, and again when somebody removed them", async () => {
    const content = Buffer.from("the same");
    const [one, two] = await stored(assetDescription("a.txt", content), assetDescription("b.txt", content));
    expect(dirname(one!.path)).toBe(dirname(two!.path));
    const { ino } = statSync(one!.path);
    const [again] = await stored(assetDescription("a.txt", content));
    expect(statSync(again!.path).ino).toBe(ino);
    rmSync(one!.path);
    const [back] = await stored(assetDescription("a.txt", content), assetDescription("c.txt", content));
    expect([back!.path, existsSync(back!.path)]).toEqual([one!.path, true]);
  });

  it("do not leave their folder, whatever they are called", async () => {
    const names = [
      "../../up.txt",
      "/etc/passwd",
      "..",
      ".",
      "",
      "a\0b",
      "C:\\x\\y",
      `${"long".repeat(100)}.wasm`,
      "日本".repeat(80),
    ];
    const files = await stored(...names.map((name) => assetDescription(name, Buffer.from(name))));
    for (const { path } of files) {
      expect(dirname(dirname(path))).toBe(dirname(dirname(files[0]!.path)));
      expect(existsSync(path)).toBe(true);
    }
    expect(files.map(({ path }) => basename(path)).slice(0, 7)).toEqual([
      ...[".._.._up.txt", "_etc_passwd", "asset", "asset", "asset", "a_b", "C__x_y"],
    ]);
    expect(files[7]!.path).toMatch(/long\.wasm$/);
  });
});

it("assets go with the process", () => {
  const program = `import { storeAsset } from ${JSON.stringify(new URL("../src/functions/assets.ts", import.meta.url).href)};
    process.stdout.write(storeAsset({ name: "a.txt", hash: "00", data: "AA==" }).path);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect([stderr, basename(stdout), existsSync(dirname(dirname(stdout)))]).toEqual(["", "a.txt", false]);
});

describe("closures", () => {
  it("load as what makes functions of captured values", async () => {
    const code = "return (bind) => { const [step] = bind([add]); function add(x) { return x + step; } return add; };";
    const description = functionDescription({ name: "add", code, imports: [], assets: [], closure: true });
    const loaded = await loader.load(description);
    if (!loaded.closure) throw new Error("no closure");
    const units: unknown[] = [];
    const made = [1, 10].map((step) =>
      loaded.value((given) => {
        units.push(given[0]);
        return [step];
      }),
    ) as ((x: number) => number)[];
    expect(made.map((fn) => fn(5))).toEqual([6, 15]);
    expect(units).toEqual(made);
    expect(await loader.load(description)).toBe(loaded);
  });
});

describe("stacks", () => {
  it("give lines and columns of the code, under the function's name and hash", async () => {
    const description = bundle("const a = 1; return function fail() {\n  throw new Error('x'); };");
    const named = { ...description, name: "my task" };
    const fn = await load(named, new FunctionLoader({ from: [worker] }));
    const module = await imported(
      wanted("./deep/model.ts", { bundle: "\n exports.fail = () => { throw new Error('y'); };" }),
    );
    const { prepareStackTrace } = Error; // the test runner's knows nothing of source URLs
    Reflect.deleteProperty(Error, "prepareStackTrace");
    const stacks = [fn, (module as { fail: Callable }).fail].map((call) => {
      try {
        return call();
      } catch (error) {
        return String((error as Error).stack);
      }
    });
    if (prepareStackTrace !== undefined) Error.prepareStackTrace = prepareStackTrace;
    expect(stacks[0]).toContain(`    at fail (taskflock:my_task-${description.hash.slice(0, 8)}:2:9)`);
    expect(stacks[1]).toMatch(/ {4}at exports\.fail \(taskflock-import:\._deep_model\.ts-[0-9a-f]{8}:2:31\)/);
  });
});
