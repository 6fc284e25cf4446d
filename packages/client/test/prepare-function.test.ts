import { Session } from "node:inspector";
import { cpus } from "node:os";
import { runInThisContext } from "node:vm";
import { FlockError, type FunctionDescription, importFrom } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { prepareFunction } from "../src/functions/index.ts";
import { PackageFolder } from "./package-folder.ts";
import { Shipping } from "./ship.ts";

type Callable = (...args: never[]) => unknown;

const manner = { packages: "installed", shared: false } as const;

/** The function as it arrives on a worker. */
function travel(fn: Callable): (...args: unknown[]) => Promise<unknown> {
  const shipping = new Shipping();
  return (...args) => shipping.call(fn as () => unknown, args);
}

function described(fn: Callable): FunctionDescription | Promise<FunctionDescription> {
  return prepareFunction(fn, manner).code.description;
}

function refusal(fn: Callable, path?: string): string {
  try {
    prepareFunction(fn, manner, path);
  } catch (error) {
    expect(error).toBeInstanceOf(FlockError);
    expect((error as FlockError).code).toBe("FLOCK_FUNCTION_NOT_SERIALIZABLE");
    return (error as FlockError).message;
  }
  throw new Error("the function was not refused");
}

/** A function as other tools and module systems write it; `code` is a script's last expression. */
function written(code: string): Callable {
  return runInThisContext(code) as Callable;
}

const rate = 3;
const table = { a: 1 };
const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

describe("functions that use only arguments and globals", () => {
  const forms: [form: string, fn: Callable, args: unknown[], result: unknown][] = [
    ["arrow", (x: number, y: number) => x + y, [1, 2], 3],
    [
      "function",
      function named(x: number) {
        return Math.sqrt(x);
      },
      [9],
      3,
    ],
    ["async arrow", async (x: number) => (await Promise.resolve(x)) + 1, [1], 2],
    [
      "patterns",
      ({ a, ...rest }: { a: number }, [c = 5]: number[]) => [a, rest, c],
      [{ a: 1, b: 2 }, []],
      [1, { b: 2 }, 5],
    ],
    [
      "method",
      {
        double(x: number) {
          return 2 * x;
        },
      }.double,
      [4],
      8,
    ],
    ["method with a reserved name", written("({ async delete(x) { return x; } }).delete"), [4], 4],
    ["method with a computed name", written("({ [['computed', 1].join('')](x) { return x; } }).computed1"), [4], 4],
    ["getter", written("Object.getOwnPropertyDescriptor({ get size() { return 7; } }, 'size').get"), [], 7],
    ["static method", written("(class { one = 1; static add(a, b) { return a + b; } }).add"), [1, 2], 3],
    ["arrow with a comment at its end", written("(x) => x // the last line"), [1], 1],
    ["typeof of what is not there", written("() => typeof Deno"), [], "undefined"],
    ["require", written(`(x) => require("node:path").basename(x)`), ["/a/b"], "b"],
    [
      "strict",
      written(`(function () { "use strict"; return (function () { return this; })() === undefined; })`),
      [],
      true,
    ],
    ["sloppy", written("(function (o) { with (o) { return 010; } })"), [{}], 8],
    ["recursive function", factorial, [5], 120],
    ["recursive arrow", fib, [10], 55],
  ];
  it.each(forms)("travel: %s", async (_form, fn, args, result) => {
    expect(await travel(fn)(...args)).toEqual(result);
  });

  it("travel: generators", async () => {
    const count = travel(function* (n: number) {
      yield n;
      yield n + 1;
    });
    expect([...((await count(1)) as Iterable<number>)]).toEqual([1, 2]);
  });

  it("may have functions, classes and names of their own inside", async () => {
    const fn = (n: number): unknown => {
      class Counter {
        #n = n;
        next(): number {
          return ++this.#n;
        }
      }
      const rate = 2;
      function twice(this: unknown, x: number): number {
        // biome-ignore lint/complexity/noArguments: that it is there is what is tested
        return arguments.length * rate * x;
      }
      const counter = new Counter();
      return [counter.next(), counter.next(), twice(5)];
    };
    expect(await travel(fn)(1)).toEqual([2, 3, 10]);
  });

  it("of the same text, of which only one calls itself, are told apart", async () => {
    const code = (around: string): Callable => written(`(() => { ${around} })()`);
    const self = code("const work = (n) => n === 0 ? 0 : work(n - 1); return work;");
    const other = code(
      "let work = (n) => n === 0 ? 0 : work(n - 1); const first = work; work = () => 1; return first;",
    );
    expect(await travel(self)(2)).toBe(0);
    expect(await travel(other)(2)).toBe(1);
  });

  it("of the same text are one", () => {
    const make = (): Callable => (x: number) => x * 2;
    const one = make();
    expect(prepareFunction(one, manner)).toBe(prepareFunction(one, manner));
    expect(described(make())).toBe(described(one));
  });

  it("of the same text are looked at once: the inspector, dear to open, is not asked again", async () => {
    const make = (): Callable => (x: number) => x * 7;
    prepareFunction(make(), manner);
    await new Promise(setImmediate); // what was opened for the first is closed
    const connect = vi.spyOn(Session.prototype, "connect");
    try {
      prepareFunction(make(), manner);
      expect(connect).not.toHaveBeenCalled();
      prepareFunction((x: number) => x * 7 + 1, manner);
      expect(connect).toHaveBeenCalledTimes(1);
    } finally {
      connect.mockRestore();
    }
  });
});

describe("functions that use variables", () => {
  it("bring them as they are now", async () => {
    let step = 1;
    const fn = travel((x: number) => (x + step) * rate + table.a);
    expect(await fn(1)).toBe(7);
    step = 2;
    expect(await fn(1)).toBe(10);
  });

  it("bring a variable that bears a global's name, also when another of the same text used the global", async () => {
    const usesGlobal = (): ((text: string) => string) => (text: string) => atob(text);
    const takesAnother = (atob: (text: string) => string) => (text: string) => atob(text);
    const mine = takesAnother((text) => `mine ${text}`);
    expect(String(mine)).toBe(String(usesGlobal()));
    for (let round = 0; round < 2; round++) {
      expect(await travel(usesGlobal())("YQ==")).toBe("a");
      expect(await travel(mine)("YQ==")).toBe("mine YQ==");
    }
    const shadow = written("(() => { const Map = class Other {}; return () => new Map().constructor.name; })()");
    expect(await travel(shadow)()).toBe("Other");
  });

  it("bring what they call by a name that is not theirs", async () => {
    const fn = written("(() => { const work = () => 1; return { work: () => work() + 1 }.work; })()");
    expect(await travel(fn)()).toBe(2);
  });

  it("bring imports, however they were rewritten", async () => {
    expect(await travel(() => cpus().length)()).toBe(cpus().length);
    const compiled = `const import_os = process.getBuiltinModule("node:os"); return () => (0, import_os.cpus)().length;`;
    expect(await travel(written(`(() => { ${compiled} })()`))()).toBe(cpus().length);
  });

  it("bring the helper along that esbuild and tsx write into them", async () => {
    const fn =
      written(`globalThis.__name ??= undefined; (() => { const __name = (value, name) => Object.defineProperty(value, "name", { value: name });
      return (x) => { const inner = __name((y) => y + 1, "inner"); return [inner(x), inner.name]; }; })()`);
    expect(await travel(fn)(1)).toEqual([2, "inner"]);
  });
});

describe("functions that cannot travel are refused at once", () => {
  it("naming the function, where it stands, and what it uses", () => {
    const waiting = Promise.resolve(1);
    const message = refusal(function simulate() {
      return waiting;
    }, "args[1].scorer");
    expect(message).toMatch(
      /^The function simulate at args\[1\]\.scorer \(.*prepare-function\.test\.ts:\d+\) cannot travel to a worker: .*waiting.*[Pp]romise/,
    );
  });

  it("each time, with the place of that time", () => {
    const waiting = Promise.resolve(1);
    const fn = (): unknown => waiting;
    expect(refusal(fn, "args[0]")).toContain("at args[0]");
    expect(refusal(fn, "args[1]")).toContain("at args[1]");
  });

  const refused: [what: string, code: string, says: RegExp][] = [
    ["this around", "({ lift() { return () => this.k; } }).lift()", /uses "this"/],
    ["this of a method", "({ k: 1, read() { return this.k; } }).read", /uses "this"/],
    ["super around", "({ f() { return () => super.toString(); } }).f()", /uses "super"/],
    ["arguments around", "(function () { return () => arguments[0]; })()", /"arguments" of the function around it/],
    ["new.target around", "(function () { return () => new.target; })()", /uses "new.target"/],
    ["private names", "(class { #x = 1; static f() { return (o) => o.#x; } }).f()", /#x|private/],
    ["bound functions", "((x) => x).bind(null, 1)", /bind\(\)/],
    [
      "functions of the engine without a name that leads to them",
      "Proxy.revocable({}, {}).revoke",
      /native|engine|without code/,
    ],
  ];
  it.each(refused)("%s", (_what, code, says) => {
    expect(refusal(written(code))).toMatch(says);
  });
});

describe("exports of installed packages", () => {
  const folder = new PackageFolder();
  beforeAll(() => {
    folder.write({
      "main.mjs": "globalThis.appRuns = (globalThis.appRuns ?? 0) + 1; const k = 2; export const own = (x) => x * k;",
    });
    folder.install(
      "esm",
      { type: "module", exports: "./a.js" },
      {
        "a.js": `let count = 0; export const scale = (x) => x * 10 + count; const hidden = (x) => x + ++count;
        export const give = () => hidden; export default { ["sca" + "led"]: (x) => x * 5 + count };`,
      },
    );
  });
  afterAll(() => folder.remove());
  const imported = async (specifier: string): Promise<Record<string, Callable>> =>
    (await importFrom(folder.root, specifier)) as Record<string, Callable>;

  it("go by specifier and name, and are described once", async () => {
    const { scale } = await imported("esm");
    const description = described(scale!);
    expect(await description).toMatchObject({
      name: "scale",
      code: `return $imports[0]["scale"];`,
      imports: [{ specifier: "esm", kind: "import", when: "load", package: { name: "esm", version: "1.0.0" } }],
      closure: false,
    });
    expect(described(scale!)).toBe(description);
    expect(await travel(scale!)(2)).toBe(20);
  });

  it("may be members of exports", async () => {
    const { default: members } = (await imported("esm")) as unknown as { default: { scaled: Callable } };
    expect((await described(members.scaled)).code).toBe(`return $imports[0]["default"]["scaled"];`);
    expect(await travel(members.scaled)(2)).toBe(10);
  });

  it("that are not exported are refused, each time", async () => {
    const { give } = await imported("esm");
    const hidden = give!() as Callable;
    for (let round = 0; round < 2; round++) {
      await expect(described(hidden)).rejects.toMatchObject({
        code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
        message: expect.stringMatching(/function hidden .*cannot travel.*its package does not export it/),
      });
    }
  });

  it("do not count when the file is the user's own: it travels, and is never imported again", async () => {
    const { own } = await imported("./main.mjs");
    expect(await travel(own!)(4)).toBe(8);
    expect(Reflect.get(globalThis, "appRuns")).toBe(1);
  });
});
