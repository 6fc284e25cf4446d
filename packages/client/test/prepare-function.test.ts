import { createRequire } from "node:module";
import { cpus } from "node:os";
import { compileFunction, createContext, runInThisContext } from "node:vm";
import { FlockError, type FunctionDescription } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { prepareFunction } from "../src/functions/index.ts";

type Callable = (...args: never[]) => unknown;

/** The function, made of its code in a realm that has nothing of this one. */
function travel(fn: Callable): (...args: unknown[]) => unknown {
  const description = prepareFunction(fn) as FunctionDescription;
  if (description.kind !== "code") throw new Error("not sent as code");
  const parsingContext = createContext({ console, process, queueMicrotask });
  const made: unknown = compileFunction(description.code, ["require"], { parsingContext })(
    createRequire(import.meta.url),
  );
  return made as (...args: unknown[]) => unknown;
}

function refusal(fn: Callable, path?: string): string {
  try {
    prepareFunction(fn, path);
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
class Map2 {}

describe("functions that use only arguments and globals", () => {
  it("travel in every form a function can be written in", async () => {
    expect(travel((x: number, y: number) => x + y)(1, 2)).toBe(3);
    expect(
      travel(function named(x: number) {
        return Math.sqrt(x);
      })(9),
    ).toBe(3);
    expect(await travel(async (x: number) => (await Promise.resolve(x)) + 1)(1)).toBe(2);
    expect([
      ...(travel(function* (n: number) {
        yield n;
        yield n + 1;
      })(1) as Iterable<number>),
    ]).toEqual([1, 2]);
    expect(
      travel(({ a, ...rest }: { a: number; b?: number }, [c = 5]: number[]) => [a, rest, c])({ a: 1, b: 2 }, []),
    ).toEqual([1, { b: 2 }, 5]);
    expect(
      travel(
        {
          double(x: number) {
            return 2 * x;
          },
        }.double,
      )(4),
    ).toBe(8);
    expect(
      await travel(
        {
          async delete(x: number) {
            return x;
          },
        }.delete,
      )(4),
    ).toBe(4);
    expect(
      travel(
        {
          [["computed", 1].join("")](x: number) {
            return x;
          },
        }["computed1"] as Callable,
      )(4),
    ).toBe(4);
    expect(
      travel(
        Reflect.getOwnPropertyDescriptor(
          {
            get size() {
              return 7;
            },
          },
          "size",
        )?.get as Callable,
      )(),
    ).toBe(7);
    expect(
      travel(
        class {
          one = 1;
          static add(a: number, b: number) {
            return a + b;
          }
        }.add,
      )(1, 2),
    ).toBe(3);
    expect(travel(written("(x) => x // the last line is a comment"))(1)).toBe(1);
  });

  it("may call themselves", () => {
    expect(travel(factorial)(5)).toBe(120);
    expect(travel(fib)(10)).toBe(55);
    expect(
      travel(function self(n: number): number {
        return n === 0 ? 0 : self(n - 1);
      })(3),
    ).toBe(0);
  });

  it("may have functions, classes and names of their own inside", () => {
    expect(
      travel((n: number) => {
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
      })(1),
    ).toEqual([2, 3, 10]);
  });

  it("may be classes that need nothing from outside", () => {
    class Model {
      k = 2;
      static make(): Model {
        return new Model();
      }
      predict(x: number): number {
        return this.k * x;
      }
    }
    const made = travel(Model as unknown as Callable) as unknown as typeof Model;
    expect(new made().predict(4)).toBe(8);
    expect(made.make()).toBeInstanceOf(made);
  });

  it("may import packages and builtins, and require them", () => {
    expect(travel(written(`(x) => require("node:path").basename(x)`))("/a/b")).toBe("b");
    const dynamic = prepareFunction(async () => (await import("node:os")).cpus().length) as FunctionDescription;
    expect(dynamic).toMatchObject({ kind: "code", name: "anonymous" });
  });

  it("may ask whether a name exists", () => {
    expect(travel(written(`() => typeof Deno`))()).toBe("undefined");
  });

  it("keep strict and sloppy code what they are", () => {
    expect(travel(written(`(function () { return (function () { return this; })() === undefined; })`))()).toBe(true);
    expect(travel(written(`(function (o) { with (o) { return 010; } })`))({})).toBe(8);
  });

  it("of the same text, of which only one calls itself, are told apart", () => {
    const code = (around: string) => written(`(() => { ${around} })()`);
    const self = code("const work = (n) => n === 0 ? 0 : work(n - 1); return work;");
    const other = code(
      "let work = (n) => n === 0 ? 0 : work(n - 1); const first = work; work = () => 1; return first;",
    );
    expect(travel(self)(2)).toBe(0);
    expect(refusal(other)).toMatch(/captures work/);
  });

  it("bring the helper along that esbuild and tsx write into them", () => {
    const fn = written(`globalThis.__name ??= undefined; (() => { const __name = (f) => f;
      return (x) => { const inner = __name((y) => y + 1, "inner"); return [inner(x), inner.name]; }; })()`);
    expect(travel(fn)(1)).toEqual([2, "inner"]);
  });

  it("of the same text are one, and are described once", () => {
    const make = () => (x: number) => x * 2;
    const [one, two] = [make(), make()];
    expect(prepareFunction(one)).toBe(prepareFunction(one));
    expect((prepareFunction(one) as FunctionDescription).hash).toBe((prepareFunction(two) as FunctionDescription).hash);
  });
});

describe("functions that cannot travel are refused at once", () => {
  it("naming all they capture, the function and where it stands", () => {
    const message = refusal(function simulate(x: number) {
      return x * rate + table.a;
    }, "args[1].scorer");
    expect(message).toMatch(
      /^The function simulate at args\[1\]\.scorer cannot travel to a worker: it captures rate, table, /,
    );
    expect(message).toMatch(
      /pass them as arguments, import inside .*, or export the function from an installed package\.$/,
    );
  });

  it("also when they write to, or hide, what they capture", () => {
    let count = 0;
    expect(
      refusal(() => {
        count++;
      }),
    ).toMatch(/captures count,.*pass it as an argument/);
    expect(refusal((x: number = rate) => x)).toMatch(/captures rate/);
    expect(refusal(class Sub extends Map2 {} as unknown as Callable)).toMatch(/captures Map2/);
    expect(count).toBe(0);
  });

  it("when a variable of theirs bears a global's name", () => {
    const fn = written(`(() => { const Map = class Other {}; return () => new Map(); })()`);
    expect(refusal(fn)).toMatch(/captures Map,/);
  });

  it("also when another function of the same text uses the global, and was read first", () => {
    const usesGlobal = (): ((text: string) => string) => (text: string) => atob(text);
    const takesAnother = (atob: (text: string) => string) => (text: string) => atob(text);
    expect(String(takesAnother(String))).toBe(String(usesGlobal()));
    for (let round = 0; round < 2; round++) {
      expect(prepareFunction(usesGlobal())).toMatchObject({ kind: "code" });
      expect(refusal(takesAnother(String))).toContain("it captures atob");
    }
  });

  it("when a function of the same name is not themselves", () => {
    const fn = written(`(() => { const work = () => 1; return { work: () => work() }.work; })()`);
    expect(refusal(fn)).toMatch(/function work cannot travel.*captures work,/);
  });

  it("naming imports as the user wrote them, however they were rewritten", () => {
    expect(refusal(() => cpus().length)).toMatch(/captures cpus \(an import\),.*import inside the function/);
    const compiled = `const import_os = { cpus() {} }, node_os_1 = import_os; () => [(0, import_os.cpus)(), (0, node_os_1.cpus)()]`;
    expect(refusal(written(`(() => { ${compiled.replace("() => [", "return () => [")} })()`))).toMatch(
      /cpus \(an import\)/,
    );
  });

  it("when they need their own file", () => {
    expect(refusal(written(`() => import("./other.js")`))).toMatch(/imports "\.\/other\.js", a file beside its own/);
    expect(refusal(written(`() => require("./other.js")`))).toMatch(/imports "\.\/other\.js"/);
    expect(refusal(written(`(name) => require(name)`))).toMatch(/uses "require" other than/);
    expect(refusal(written(`() => __dirname`))).toMatch(/uses "__dirname" of its own file/);
  });

  it("when they need an object around them", () => {
    const object = {
      k: 1,
      read() {
        return this.k;
      },
      lift() {
        return () => this.k;
      },
    };
    expect(refusal(object.read)).toMatch(/uses "this", and the object it is a method of does not travel/);
    expect(refusal(object.lift())).toMatch(/uses "this", and what surrounds it/);
    class Base {
      f() {
        return 1;
      }
    }
    class Derived extends Base {
      override f() {
        return super.f();
      }
    }
    expect(refusal(new Derived().f)).toMatch(/uses "super"/);
    expect(refusal(written(`(function () { return () => arguments[0]; })()`))).toMatch(
      /"arguments" of the function around it/,
    );
    expect(refusal(written(`(class Hider { #x = 1; static f() { return (o) => o.#x; } }).f()`))).toMatch(
      /private members/,
    );
    expect(refusal(written(`({ f() { return () => super.toString(); } }).f()`))).toMatch(/uses "super"/);
    expect(refusal(written(`(function () { return () => new.target; })()`))).toMatch(/uses "new.target"/);
  });

  it("when their code is not theirs to see", () => {
    expect(refusal(((x: number) => x).bind(null, 1))).toMatch(/made by bind\(\)/);
    expect(refusal(Math.max)).toMatch(/The function max .*built into the engine/);
  });

  it("when a compiler's old target put helpers into them", () => {
    const fn = written(`(() => { const __awaiter = () => 1; return () => __awaiter(void 0); })()`);
    expect(refusal(fn)).toMatch(/compiler's helper "__awaiter"; compile for ES2022 or later/);
  });

  it("when they carry properties that would be lost", () => {
    expect(refusal(Object.assign((x: number) => x, { greaterIsBetter: false }))).toMatch(
      /own properties \(greaterIsBetter\)/,
    );
  });

  it("each time, with the place of that time", () => {
    const fn = (): number => rate;
    expect(refusal(fn, "args[0]")).toContain("at args[0]");
    expect(refusal(fn, "args[1]")).toContain("at args[1]");
  });
});
