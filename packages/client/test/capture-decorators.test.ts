// Classes with decorators and private members, as compilers write them for engines that have none.
import { createRequire } from "node:module";
import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { refusalOf, sameThere, written } from "./same-there.ts";

const source = `
const log: string[] = [];
const rate = 3;
function named(prefix: string) {
  return function (...decorated: any[]): any { log.push(prefix + typeof decorated[0]); };
}
`;

const legacy = `${source}
function twice(target: any, key: string, descriptor: PropertyDescriptor) {
  const original = descriptor.value;
  descriptor.value = function (...args: unknown[]) { return original.apply(this, args) * 2; };
}
function sealed(type: Function) { (type as any).sealed = true; }
function extended<T extends new (...args: any[]) => object>(type: T) { return class extends type { extra = rate; }; }
function hidden(target: any, key: string) { Object.defineProperty(target, key + "Hidden", { value: key }); }
@sealed @named("class ")
class Model {
  @hidden x = 1;
  @twice area(@named("parameter ") k: number) { return (this.x + k) * rate; }
  @named("static ") static make() { return new Model(); }
  get @named-less() { return 1; }
}
@extended
class Wrapped { own = 2; static self() { return Wrapped; } }
module.exports = { fn: () => [new Model().area(2), (Model as any).sealed, (new Model() as any).xHidden, Model.make().area(1), new Wrapped(), Wrapped.self() === Wrapped, new (Wrapped.self())(), log.length] };
`.replace("  get @named-less() { return 1; }\n", "");

const standard = `${source}
function twice(method: any, context: any) { return function (this: any, ...args: any[]) { return method.apply(this, args) * 2; }; }
function plus(value: undefined, context: any) { return (initial: number) => initial + rate; }
function bound(method: any, { name, addInitializer }: any) { addInitializer(function (this: any) { this[name] = this[name].bind(this); }); }
function registered(type: any, context: any) { type.registered = context.name; }
@registered
class Model {
  @plus x = 1;
  @twice area(k: number) { return (this.x + k) * rate; }
  @bound get2() { return this.x; }
  @twice static make(k: number) { return k; }
  @named("accessor ") accessor y = 4;
}
module.exports = { fn: () => { const { get2 } = new Model(); return [new Model().area(2), new Model().x, get2(), Model.make(4), (Model as any).registered, new Model().y, log.length]; } };
`;

const secretive = `
class Safe {
  #code = 4; static #opened = 0; #check() { return this.#code > 3; }
  open() { Safe.#opened++; return this.#check() ? this.#code : -1; }
  static is(value: object) { return #code in value; }
  get times() { return Safe.#opened; }
}
const safe = new Safe(); safe.open();
module.exports = { safe, Safe, fn: () => { const made = new Safe(); return [made.open(), made.open(), Safe.is(made), Safe.is({}), made.times]; }, passed: () => safe.open() };
`;

function compiled(
  text: string,
  experimentalDecorators: boolean,
  target: string,
): Record<"fn" | "passed", () => unknown> {
  const { code } = transformSync(text, {
    loader: "ts",
    format: "cjs",
    target,
    tsconfigRaw: { compilerOptions: { experimentalDecorators } },
  });
  const module = { exports: {} as Record<"fn" | "passed", () => unknown> };
  written(`(function (module, exports, require) { ${code}\n})`)(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}

describe("decorators", () => {
  it.each(["es2022", "es2020", "es2017"])("of the old kind, for %s", (target) =>
    sameThere(compiled(legacy, true, target).fn),
  );
  it.each(["es2022", "es2021"])("of the standard, for %s", (target) => sameThere(compiled(standard, false, target).fn));
});

describe("private members", () => {
  it.each(["es2022", "es2021", "es2017"])("of classes for %s", async (target) => {
    const { fn, passed } = compiled(secretive, false, target);
    await sameThere(fn);
    expect(refusalOf(passed)).toMatch(/captures safe, an instance of _?Safe\d?, which has private members/);
  });
});
