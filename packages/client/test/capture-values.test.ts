import { EventEmitter } from "node:events";
import os, { EOL, cpus as processors } from "node:os";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { callThere, codeOf, sameThere, written } from "./same-there.ts";
import { Shipping } from "./ship.ts";

const base = 10;
const table = Float64Array.from({ length: 20_000 }, (_, index) => index);
const settings = { list: [1, 2], map: new Map([["k", { z: 1 }]]), when: new Date(5), pattern: /x/g };
const sameSettings = settings;
const holder: { name: string; self?: unknown; parts: unknown[] } = { name: "h", parts: [] };
holder.self = holder;
holder.parts.push(holder, settings);
// biome-ignore lint/suspicious/noSparseArray: users have them
const sparse = [1, , undefined, Number.NaN, -0, 10n];
const bare = Object.assign(Object.create(null), { key: 1 });
const odd = { ["__proto__"]: 3, constructor: 4, "a-b": 5 };
const mine = Symbol("mine");
const shared = Symbol.for("taskflock.test");
const tagged = { [mine]: 1 };
const { max } = Math;
const hasOwn = Object.prototype.hasOwnProperty;
const emptiness = undefined;
let moving = 1;

function helper(x: number): number {
  return x + base;
}
const isEven = (n: number): boolean => n === 0 || isOdd(n - 1);
const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1);
const add = (n: number) => (x: number) => x + n;
const [addOne, addTwo] = [add(1), add(2)];
const tools = {
  scale: 3,
  times(x: number) {
    return x * this.scale;
  },
  plus: (x: number) => x + base,
  all: [helper, (x: number) => -x],
  byName: new Map([["helper", helper]]),
};

describe("what a function captures comes along", () => {
  it.each<[string, (...args: never[]) => unknown]>([
    ["a constant", () => base],
    ["nothing that is set", () => emptiness],
    ["structured data", () => [settings.list, settings.map.get("k"), settings.when.getTime(), settings.pattern.flags]],
    ["holes, NaN, -0, bigint", () => [sparse, 1 in sparse, sparse.length]],
    ["objects without a prototype, and odd keys", () => [Object.getPrototypeOf(bare), bare.key, odd, Object.keys(odd)]],
    ["one object under two names", () => [settings === sameSettings, holder.parts[1] === settings]],
    ["objects in cycles", () => [holder.self === holder, holder.parts[0] === holder]],
    ["a function, and what that captures", () => helper(1)],
    ["functions that call each other", () => [isEven(10), isOdd(7)]],
    ["closures that one function made", () => [addOne(addTwo(0)), addOne === addTwo]],
    ["objects that hold functions", () => [tools.times(2), tools.plus(1), tools.all.map((f) => f(1))]],
    ["the same function by several ways", () => [tools.all[0] === helper, tools.byName.get("helper") === helper]],
    ["imports by name, default, namespace", () => [processors().length, os.EOL, EOL, path.join("a", "b")]],
    [
      "an import and its member",
      () => [processors === os.cpus, path.posix === (path as unknown as { default: typeof path }).default.posix],
    ],
    ["builtins by any name", () => [max(1, 2), hasOwn.call({ a: 1 }, "a"), max === Math.max]],
    ["classes of Node", () => new EventEmitter().on("x", () => 1).listenerCount("x")],
    ["a symbol that all share", () => shared === Symbol.for("taskflock.test")],
    ["a symbol of its own", () => [String(mine), ({ [mine]: 4 } as Record<symbol, number>)[mine]]],
  ])("%s", (_, fn) => sameThere(fn));

  it("is not what no function names", () => {
    expect(codeOf(() => base)).not.toContain("helper");
    expect(codeOf(() => helper(1))).not.toContain("isEven");
  });

  it("large data, as data of its own", async () => {
    await sameThere(() => [table.length, table[19_999]]);
    await sameThere(() => table.subarray(5, 7));
  });

  it("does not include symbol keys of data", async () => {
    expect(await callThere(() => Object.getOwnPropertySymbols(tagged).length)).toBe(0);
  });
});

describe("what a function captures is what it is at each use", () => {
  it("a variable that changes", async () => {
    const read = () => moving;
    await sameThere(read);
    moving = 2;
    await sameThere(read);
  });

  it("data that changes inside", async () => {
    const list = [1];
    const read = () => [list.length, list.at(-1)];
    await sameThere(read);
    list.push(7);
    await sameThere(read);
  });

  it("a variable that holds another function than before, or data instead", async () => {
    // biome-ignore lint/suspicious/noExplicitAny: it changes its type
    let held: any = () => 1;
    const call = () => (typeof held === "function" ? held() : held);
    await sameThere(call);
    held = () => base;
    await sameThere(call);
    held = { plain: true };
    await sameThere(call);
    held = helper.bind;
    await sameThere(() => typeof held);
  });

  it("a variable that gets its only value between two uses", async () => {
    function* steps(): Generator<() => unknown> {
      yield () => value;
      var value = Math.max(1, 2);
    }
    const running = steps();
    const read = running.next().value as () => unknown;
    await sameThere(read);
    running.next();
    await sameThere(read);
  });

  it("a `var` of a loop, which is one for all turns", async () => {
    const read = () => [turn, twice];
    for (var turn of [1, 2]) {
      // biome-ignore lint/correctness/noInnerDeclarations: users write it
      var twice = turn * 2;
      await sameThere(read);
    }
  });

  it("a function in data that another takes the place of", async () => {
    const steps = [(x: number) => x, (x: number) => x + base];
    const run = (x: number) => steps.reduce((value, step) => step(value), x);
    await sameThere(run, 1);
    steps[0] = (x) => x * 2;
    await sameThere(run, 1);
    steps.push(addTwo);
    await sameThere(run, 1);
  });

  it("a variable of a loop, in one code for all turns", async () => {
    const shipping = new Shipping();
    for (let i = 0; i < 1000; i++) {
      expect(await shipping.call((x: number) => [i, x, base], [i * 2])).toEqual([i, i * 2, base]);
    }
    expect(shipping.defined.size).toBe(1);
  });

  it("a variable of `for … of`, of `for … in`, of a block", async () => {
    const made: (() => unknown)[] = [];
    for (const [key, value] of Object.entries({ a: 1, b: 2 })) made.push(() => [key, value]);
    for (const key in { c: 1, d: 2 }) made.push(() => key);
    for (let i = 0; i < 2; i++) {
      const twice = i * 2;
      made.push(() => [i, twice]);
    }
    for (const fn of made) await sameThere(fn);
  });
});

describe("the function itself", () => {
  it("keeps its name and length, and those of functions that it uses", async () => {
    const named = function own() {};
    const object = { "with space": (a: number, b: number) => a + b };
    const anonymous = ((f) => f)(() => 1);
    await sameThere(() => [named.name, object["with space"].name, object["with space"].length, anonymous.name]);
    expect(await callThere(() => helper.name)).toBe("helper");
  });

  it("may have properties of its own", async () => {
    const counted = Object.assign((x: number) => x + counted.step, { step: 4, parse: (text: string) => text.length });
    await sameThere(counted, 1);
    await sameThere(() => [counted(1), counted.parse("abc"), Object.keys(counted)]);
  });

  it("may call itself by any of its names", async () => {
    const again = function inner(n: number): number {
      return n <= 0 ? 0 : n % 2 === 0 ? inner(n - 1) + 1 : again(n - 1) + 2;
    };
    await sameThere(again, 5);
  });

  it("is not the function that once had its name", async () => {
    const first = written(
      "let work__a = (n) => (n <= 0 ? 'first' : work__a(n - 1)); const first__a = work__a; first__a",
    );
    written("work__a = () => 'second'");
    await sameThere(first, 0);
    await sameThere(first, 2);
  });

  it("may be async, a generator that is consumed inside, or both", async () => {
    function* count(n: number) {
      for (let i = 0; i < n; i++) yield i + base;
    }
    async function* slowly(n: number) {
      for (const i of count(n)) yield await Promise.resolve(i);
    }
    await sameThere(async (n: number) => {
      const found: number[] = [...count(n)];
      for await (const i of slowly(n)) found.push(i);
      return found;
    }, 3);
  });
});

describe("functions of arguments", () => {
  const scorer = {
    factor: 3,
    score(x: number) {
      return x * this.factor + base;
    },
  };

  it("have the object that they are methods of as their `this`", () =>
    sameThere((given: { scorer: typeof scorer }, x: number) => given.scorer.score(x), { scorer }, 2));

  it("have the `this` that they are given", async () => {
    const read = function (this: { k: number }) {
      return this.k;
    };
    await sameThere((fn: typeof read) => fn.call({ k: 4 }), read);
  });

  it("are refused when they were taken from their object", () => {
    const call = (fn: (x: number) => number) => fn(1);
    return expect(new Shipping().call(call, [scorer.score])).rejects.toThrow(
      /score at args\[0\] .*uses "this", and the object it is a method of does not travel/,
    );
  });

  it("are the functions that the called one knows, and share what those change", async () => {
    let turns = 0;
    const turn = () => ++turns;
    await sameThere((fn: typeof turn, all: { fn: typeof turn }) => [fn === turn, all.fn === turn, fn(), turns], turn, {
      fn: turn,
    });
    turns = 5;
    await sameThere((fn: typeof turn) => [fn(), turns], turn);
  });
});
