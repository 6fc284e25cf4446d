// What cannot travel, and what is said about it: to what, why, and what to do instead.
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { importFrom } from "@taskflock/protocol";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import type { FutureOwner } from "../src/future.ts";
import { Future } from "../src/index.ts";
import type { TaskRecord } from "../src/record.ts";
import { PackageFolder } from "./package-folder.ts";
import { refusalOf, sameThere, written } from "./same-there.ts";

const folder = new PackageFolder();
afterAll(() => folder.remove());

const waiting = Promise.resolve(1);
const cache = new WeakMap<object, number>([[waiting, 1]]);
const server = createServer();
const running = (function* () {
  yield 1;
})();
const config = { deep: [{ timer: server }] };
const proxy = new Proxy({ a: 1 }, {});
const proxied = new Proxy(() => 1, {});
const later = new Future<number>({} as FutureOwner, {} as TaskRecord, { members: { records: [], count: 0 } });
const timer = setTimeout(() => undefined, 0);
clearTimeout(timer);
const bound = Math.max.bind(null, 1);
const usesBound = () => bound(2);
const { port1 } = new MessageChannel();
afterAll(() => port1.close());

describe("what only has a meaning where the function was written", () => {
  it.each<[string, string, RegExp]>([
    ["eval", "() => eval('1')", /it calls eval, whose code may use any variable; write the code out\./],
    [
      "this around",
      "({ lift() { return () => this.k; } }).lift()",
      /it uses "this", and what surrounds it does not travel with it; pass what it needs as arguments/,
    ],
    [
      "this of a function",
      "(function () { return this.k; })",
      /it uses "this", which nothing gives it on a worker; pass what it needs as an argument/,
    ],
    [
      "this of a method",
      "({ k: 1, read() { return this.k; } }).read",
      /it uses "this", and the object it is a method of does not travel with it; pass \(…args\) => object\.method/,
    ],
    [
      "super of a method",
      "({ f() { return super.toString(); } }).f",
      /it uses "super", and the object it is a method of does not travel/,
    ],
    ["super around", "({ f() { return () => super.toString(); } }).f()", /it uses "super", and what surrounds it/],
    [
      "new.target around",
      "(function () { return () => new.target; })()",
      /it uses "new\.target", and what surrounds it/,
    ],
    [
      "arguments around",
      "(function () { return () => arguments[0]; })()",
      /it uses the "arguments" of the function around it; name parameters, or use \.\.\.rest\./,
    ],
    [
      "private names",
      "(class { #x = 1; static f() { return (o) => o.#x; } }).f()",
      /it uses a private member \(#name\) of the class around it; pass/,
    ],
    [
      "private names of `in`",
      "(class { #x = 1; static f() { return (o) => #x in o; } }).f()",
      /it uses a private member/,
    ],
    [
      "names inside with",
      "(() => { const k = 1; return (o) => { with (o) { return k; } }; })()",
      /it uses k inside with \(…\), where that may be a property; write object\.property\./,
    ],
    [
      "an uninitialised class",
      "(() => { const fn = () => new Late(); fn.early = true; return fn; class Late {} })()",
      /it uses Late, which has no value yet; submit after it is defined\./,
    ],
  ])("%s", (_, code, says) => expect(refusalOf(written(code))).toMatch(says));

  it("import.meta", async () => {
    folder.write({ "meta/main.mjs": "export const fn = () => import.meta.url;" });
    const { fn } = await importFrom(folder.path("meta"), "./main.mjs");
    expect(refusalOf(fn as AnyFunction)).toMatch(
      /it uses import\.meta, which has no meaning on a worker, other than as new URL\("\.\/file", import\.meta\.url\)/,
    );
  });

  it("files beside a module that is no file", async () => {
    const text = `export const fn = () => new URL("./a.txt", import.meta.url);`;
    const { fn } = await importFrom(folder.root, `data:text/javascript,${encodeURIComponent(text)}`);
    expect(refusalOf(fn as AnyFunction)).toMatch(/it reads "\.\/a\.txt" beside its module, which is no file\./);
  });

  it("an export that is not there yet", async () => {
    let open: () => void = () => undefined;
    const started = new Promise<AnyFunction>((resolve) => Object.assign(globalThis, { started__r: resolve }));
    Object.assign(globalThis, { gate__r: new Promise<void>((resolve) => (open = resolve)) });
    folder.write({
      "early/main.mjs": `import * as own from "./main.mjs"; const fn = () => own.late;
        globalThis.started__r(fn); await globalThis.gate__r; export let late = 1;`,
    });
    const loaded = importFrom(folder.path("early"), "./main.mjs");
    const fn = await started;
    expect(refusalOf(fn)).toMatch(/it uses own\.late, which has no value yet; submit after it is defined\./);
    open();
    await loaded;
    await sameThere(fn);
  });

  it.each<[string, string, RegExp]>([
    [
      "require",
      "exports.fn = (name) => require(name);",
      /it uses "require" other than as require\("a package, builtin or file by its name"\)/,
    ],
    [
      "require that is passed on",
      "const use = (f) => f; exports.fn = () => use(require);",
      /it uses "require" other than/,
    ],
    [
      "exports",
      "const use = (o) => o; exports.fn = () => use(exports);",
      /it passes on "exports" of its own file as a whole; use its members, exports\.name\./,
    ],
    ["module", "exports.fn = () => module.id;", /it uses "module" of its own file, which is not on a worker/],
    [
      "__filename",
      "exports.fn = () => __filename;",
      /it uses "__filename" of its own file, .*join\(__dirname, "file"\)/,
    ],
    ["__dirname", "exports.fn = () => [__dirname];", /it uses "__dirname" of its own file/],
  ])("%s of CommonJS", async (name, text, says) => {
    folder.write({ [`cjs-${name}/main.cjs`]: text });
    const { default: main } = await importFrom(folder.path(`cjs-${name}`), "./main.cjs");
    expect(refusalOf((main as { fn: AnyFunction }).fn)).toMatch(says);
  });
});

describe("functions whose code is not the user's to see", () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      "bound",
      bound as () => unknown,
      /^The function bound max cannot travel to a worker: it was made by bind\(\), which hides its code; pass \(…args\) => …/,
    ],
    ["bound, and captured", () => bound(1), /it uses bound, which was made by bind\(\)/],
    ["bound, and captured by another", () => usesBound(), /it uses bound, which was made by bind\(\)/],
    ["a Proxy of a function", proxied, /Proxy|without code of its own/],
    [
      "of the engine, with no name that leads to it",
      Proxy.revocable({}, {}).revoke,
      /is built into the engine or an addon, without code of its own; wrap it, \(x\) => name\(x\)/,
    ],
    [
      "inside Node",
      timer.refresh as () => unknown,
      /it is inside one of Node's own modules, with state of this process; make what it/,
    ],
  ])("%s", (_, fn, says) => expect(refusalOf(fn)).toMatch(says));

  it("written in a syntax that only the engine knows", () => {
    setFlagsFromString("--allow-natives-syntax");
    const fn = written("(() => { if (Date.now() < 0) %DebugTrace(); return 1; })");
    setFlagsFromString("--no-allow-natives-syntax");
    expect(refusalOf(fn)).toMatch(/it cannot be read in its source: Unexpected token/);
    expect(refusalOf(() => fn())).toMatch(/it uses fn, which cannot be read in its source/);
  });

  it("but may use await as a name, where that is one", () => sameThere(written("var await = 3; (() => await + 1)")));
});

describe("captured values", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a promise", () => waiting, /of what it captures, waiting is a Promise, which cannot travel: await it first/],
    ["a WeakMap", () => cache, /cache is a WeakMap, .*use a Map/],
    ["a generator in flight", () => [...running], /running is a Generator|running .*spread it into an array/],
    [
      "an open server",
      () => server,
      /it captures server, a Server of this process; open or make it inside the function\./,
    ],
    ["one inside data", () => config, /it captures config\.deep\[0\]\.timer, a Server of this process/],
    ["a port", () => port1, /port1/],
    ["a Proxy", () => proxy, /it captures proxy, a Proxy, whose handler does not travel; pass what it stands for\./],
    [
      "a future",
      () => later,
      /it captures the future later; pass it as an argument, and the function gets its value\./,
    ],
  ])("%s", (_, fn, says) => expect(refusalOf(fn)).toMatch(says));

  it("instances of Node's own classes", () => {
    expect(refusalOf(() => timer)).toMatch(/captures timer, an instance of Timeout, whose class is one of Node's own/);
  });

  it("instances of classes that cannot be read", () => {
    setFlagsFromString("--allow-natives-syntax");
    const Odd = written("(class Odd { m() { if (Date.now() < 0) %DebugTrace(); } })") as new () => object;
    setFlagsFromString("--no-allow-natives-syntax");
    const odd = new Odd();
    expect(refusalOf(() => odd)).toMatch(/captures odd, an instance of Odd, whose class cannot be read in its source/);
  });

  it("of a function that is used", () => {
    const inner = () => waiting;
    expect(refusalOf(() => inner())).toMatch(/of what inner captures, waiting is a Promise/);
  });
});

describe("the message", () => {
  it("begins with the function and where it stands, and ends with advice", () => {
    const message = refusalOf(function simulate() {
      return waiting;
    });
    expect(message).toMatch(
      /^The function simulate \(.*capture-refusals\.test\.ts:\d+\) cannot travel to a worker: .*\.$/,
    );
    expect(refusalOf(() => waiting)).toMatch(/^The function \(anonymous\) /);
  });
});
