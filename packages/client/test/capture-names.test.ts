// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of functions
// What things are called in the code that travels, and what their text may look like.
import { describe, expect, it } from "vitest";
import { codeOf, sameThere, written } from "./same-there.ts";
import { Shipping } from "./ship.ts";

/** A function of a script; `around` comes before it, inside a function of its own. */
// biome-ignore lint/suspicious/noExplicitAny: any function
function made(around: string, fn: string): any {
  return written(`(() => { ${around}\nreturn ${fn}; })()`);
}

describe("names that meet", () => {
  it.each<[string, string, string]>([
    [
      "helpers of two makers",
      "const make = (k) => { function helper(x) { return x * k; } return (x) => helper(x) + 1; }; const a = make(2), b = make(3);",
      "() => [a(1), b(1)]",
    ],
    [
      "a captured variable with a global's name, while another uses the global",
      "const usesMap = () => new Map([[1, 2]]).size; const own = (() => { const Map = 7; return () => Map; })();",
      "() => [usesMap(), own()]",
    ],
    [
      "a class with a global's name, and the global in another function",
      "const make = (() => { class Map { size = 'mine'; } return () => new Map().size; })(); const real = () => new Map().size;",
      "() => [make(), real()]",
    ],
    [
      "a captured `Object`, `Symbol` or `URL`",
      "const Object = 1, Symbol = 2, URL = 3; class A { static k = Object; } const f = globalThis.Object.assign(() => 1, { Symbol });",
      "() => [Object, Symbol, URL, A.k, f.Symbol]",
    ],
    [
      "words that are names at times",
      "const async = 1, of = 2, get = 3, set = 4, as = 5, from = 6, target = 7;",
      "() => [async, of, get, set, as, from, target]",
    ],
    [
      "names of the code around",
      "const $imports = 1, $assets = 2, $bind = 3, require_ = 4, $star = 5, $private0 = 6, $ = 7, _ = 8;",
      "() => [$imports, $assets, $bind, require_, $star, $private0, $, _]",
    ],
    [
      "identifiers of any script, with escapes",
      "const π = 1, ñ = 2, \\u0061bc = 3, 变量 = 4, 𠮷 = 5, a\\u{62}d = 6;",
      "() => [π, ñ, abc, \\u0061bc, 变量, 𠮷, abd]",
    ],
    [
      "names that end as the made ones do",
      "const f = (() => { const x = 1; return () => x; })(), x = 2, x$1 = 3;",
      "() => [f(), x, x$1]",
    ],
    [
      "a parameter and a variable outside",
      "const x = 1; const f = (x) => x + 1;",
      "(y) => { { const x = 5; y = f(x); } return x + y; }",
    ],
    [
      "one function under two names",
      "const first = () => 1; const second = first;",
      "() => [first === second, first.name, second.name]",
    ],
    [
      "an enum, as it is compiled",
      "var Color; (function (Color) { Color[Color['Red'] = 0] = 'Red'; })(Color || (Color = {}));",
      "() => [Color.Red, Color[0]]",
    ],
  ])("%s", (_, around, fn) => sameThere(made(around, fn), 1));

  it("do not meet when nothing conflicts: the code has the user's own names", () => {
    const rate = 3;
    const scale = (x: number) => x * rate;
    expect(codeOf(() => scale(rate))).toMatch(/\brate\b(?!\$).*const scale = /s);
  });
});

/** Two variables `value` of which one must get another name. */
const TWO = "const other = (() => { const value = 'theirs'; return () => value; })(); let value = 'ours';";

describe("a name that must be another is so wherever it stands", () => {
  it.each<[string, string]>([
    ["a shorthand property", "() => [{ value }, other()]"],
    ["a shorthand method, and keys", "() => [{ value() { return value; } }.value(), { value: 1 }.value, other()]"],
    [
      "a destructuring assignment",
      "() => { ({ value } = { value: 'a' }); [value] = [value + 'b']; return [value, other()]; }",
    ],
    ["one with a default", "() => { ({ value = 'd' } = {}); ({ x: value = 'e' } = {}); return [value, other()]; }"],
    ["a rest", "() => { ({ ...value } = { a: 1 }); [, ...value] = [1, 2]; return [value, other()]; }"],
    ["a default parameter", "(a = value, { b = value } = {}) => [a, b, other()]"],
    ["a template", "() => [`${value}${`${value}`}`, other()]"],
    ["a member, which is not the name", "() => [({ value: 2 }).value, ({ value: 3 })['value'], other(), value]"],
    ["a computed member", "() => [({ ours: 2 })[value], ({ [value]: 3 }).ours, other()]"],
    ["a label, which is not the name", "() => { value: for (;;) { break value; } return [value, other()]; }"],
    [
      "an inner variable, which is not the name",
      "() => { { const value = 1; other(value); } return [value, other()]; }",
    ],
    ["typeof and delete", "() => [typeof value, delete ({ value }).value, other()]"],
    ["an update", "() => { value += '!'; return [value, other()]; }"],
    [
      "a loop",
      "() => { for (value of ['x', 'y']); const r = [value]; for (value in { z: 1 }); return [...r, value, other()]; }",
    ],
    ["a class", "() => [new (class { value = value; static { this.x = value; } })().value, other()]"],
    [
      "a function of a block",
      "() => { const before = typeof value; { function value() {} } return [before, typeof value, other()]; }",
    ],
    ["optional chaining", "() => [value?.length, value?.['length'], other?.()]"],
  ])("%s", (_, fn) => sameThere(made(TWO, fn)));
});

describe("texts that look like something else", () => {
  it.each<[string, string]>([
    ["a comment at the end", "(x) => x // the end"],
    ["comments that look like code", "(x) => { /* } => ( */ return x; // ) {\n }"],
    ["an HTML comment", "(x) => {\n<!-- (\nreturn x;\n}"],
    ["regular expressions", "(x) => [/[/]\\/*'`/.test('/'), 4 / x / 2, /`${x}`/.source]"],
    ["templates in templates", "(x) => `a${`b${x}`}\\`\\${x}`"],
    ["a template with line ends", "(x) => `one\r\ntwo\rthree\u2028four` + x"],
    ["raw text", "(x) => String.raw`\\u{1F600}\\n${x}`"],
    ["a tag that keeps its strings", "() => { const tag = (s) => s; const f = () => tag`x`; return f() === f(); }"],
    ["line ends of all kinds", "(x) =>\r\n{\r return x\u2029 }"],
    ["a directive inside", "(x) => { 'use strict'; return [x, (function () { return this; })() === undefined]; }"],
    ["numbers with dots", "(x) => [1..toFixed(), 1.5.toFixed(), 0x1F, 1_000, 1n]"],
    ["strings with line continuations", "() => 'a\\\nb'"],
    [
      "`__proto__` in every form",
      "(__proto__) => [{ __proto__ }, { __proto__: null }, { ['__proto__']: 1 }, { __proto__() {} }].map(Object.getPrototypeOf).map(String)",
    ],
    ["functions in blocks", "() => { { function inner() { return 1; } } return typeof inner; }"],
    [
      "functions of blocks that are hoisted",
      "() => { const before = typeof other; { function other() { return 3; } } return [before, other()]; }",
    ],
    ["functions of blocks that are not", "() => { { let other = 1; { function other() {} } } return other(); }"],
    ["a function that hides its parameter", "(f) => { function f() { return 2; } return f(); }"],
    ["sloppy names", "() => { var let_ = 1, yield_ = 2, static = 3, package = 4; return [static, package]; }"],
    ["`with`", "(x) => { with ({ a: x }) { return [a, x]; } }"],
    ["octal numbers", "() => 010"],
    ["callee and caller", "() => (function (a) { arguments[0] = 5; return a; })(1)"],
    [
      "async arrows of all forms",
      "async () => [await (async x => x)(1), await (async (x) => x)(2), await (async function () { return 3; })()]",
    ],
    [
      "getters and setters",
      "() => { const o = { n: 0, get v() { return this.n; }, set v(x) { this.n = x; } }; o.v = 4; return o.v; }",
    ],
    [
      "new.target and super inside",
      "() => { class A { constructor() { this.t = new.target.name; } } class B extends A { x() { return super.toString(); } } return [new B().t, new B().x()]; }",
    ],
    [
      "labels, switch, finally",
      "(n) => { outer: for (const i of [1, 2, 3]) { try { switch (i) { case n: continue outer; case 3: break outer; default: n += 10; } } finally { n += 100; } } return n; }",
    ],
  ])("%s", (_, text) => sameThere(made("const other = () => { const value = 1; return value; };", `(${text}\n)`), 1));

  it("a script that begins with a hashbang, and one with a byte order mark", async () => {
    await sameThere(written("#!/usr/bin/env node\n(() => 1)"));
    await sameThere(written("\uFEFF(() => 2)"));
  });

  it("a script behind other text on its line", async () => {
    const { Script } = await import("node:vm");
    const script = new Script("const early__n = 1; (() => early__n + 1)", { lineOffset: 7, columnOffset: 30 });
    await sameThere(script.runInThisContext());
  });
});

describe("methods and accessors", () => {
  const object = {
    twice(x: number) {
      return 2 * x;
    },
    async later(x: number) {
      return x;
    },
    *many(x: number) {
      yield x;
    },
    [`comp${"uted"}`](x: number) {
      return x + 1;
    },
    "with space"(x: number) {
      return x + 2;
    },
    async delete(x: number) {
      return x + 3;
    },
    get size() {
      return 7;
    },
  } as unknown as Record<string, (x: number) => unknown>;

  it.each(["twice", "later", "computed", "with space", "delete"])("%s", (name) => sameThere(object[name]!, 3));

  it("generators, and functions of accessors", async () => {
    const { many } = object;
    await sameThere(() => [...(many!(4) as Iterable<number>)]);
    const { get } = Object.getOwnPropertyDescriptor(object, "size") ?? {};
    await sameThere(get!);
    await sameThere(() => [get!(), get!.name]);
  });
});

describe("strict and sloppy code", () => {
  it("stay what they are, in one function", async () => {
    const isStrict = written(`(function () { "use strict"; return this === undefined; })`);
    const isSloppy = written(`(function () { return this === undefined; })`);
    await sameThere(() => [isStrict(), isSloppy()]);
    await sameThere(
      made(
        "const strict = function () { 'use strict'; return this === undefined; }; const sloppy = function () { return this === undefined; };",
        "() => [strict(), sloppy()]",
      ),
    );
  });

  it("of the same text are two", async () => {
    const text = "() => (function () { return this === undefined; })()";
    const [strict, sloppy] = [written(`"use strict"; ${text}`), written(text)];
    const shipping = new Shipping();
    for (const fn of [strict, sloppy, strict]) expect(await shipping.call(fn)).toBe(fn());
  });
});
