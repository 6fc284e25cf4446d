// Statements of generated programs, from simple ones to functions and classes.
import type { Choices } from "./choices.ts";
import { Expressions } from "./expressions.ts";
import { MAX_PASSED_COST, type Scope, type Type, type Variable } from "./scope.ts";

const PLAIN: readonly Type[] = ["num", "num", "str", "list", "record", "map"];

export class Statements {
  readonly #choices: Choices;
  readonly expressions: Expressions;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.expressions = new Expressions(choices, (scope, depth) => this.body(scope, depth));
  }

  /** Of a function that gives a number. */
  body(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const statements = choices.over ? [] : choices.many(0, 3, () => this.statement(scope, depth - 1));
    return `${statements.join(" ")} return ${this.expressions.num(scope, depth - 1)};`;
  }

  statement(scope: Scope, depth: number): string {
    const choices = this.#choices;
    if (depth <= 0 || choices.over) return this.variable(scope, 1);
    switch (choices.below(16)) {
      case 0:
      case 1:
        return this.variable(scope, depth);
      case 2:
        return this.declaredFunction(scope, depth);
      case 3:
        return this.classDeclaration(scope, depth);
      case 4:
        return `if (${this.expressions.bool(scope, depth - 1)}) ${this.block(scope, depth)} else ${this.block(scope, depth)}`;
      case 5:
      case 6:
        return this.#loop(scope, depth);
      case 7:
        return this.#switch(scope, depth);
      case 8:
      case 9:
        return this.#try(scope, depth);
      case 10:
        return this.#labelled(scope, depth);
      case 11:
        return this.#destructured(scope, depth);
      case 12:
        return `${this.expressions.num(scope, depth)};`;
      case 13:
        return this.block(scope, depth);
      case 14:
        return this.change(scope, depth);
      default:
        return this.functionValue(scope, depth);
    }
  }

  block(scope: Scope, depth: number, inner: Scope = scope.block()): string {
    return `{ ${this.#choices.many(1, 2, () => this.statement(inner, depth - 1)).join(" ")} }`;
  }

  variable(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const type = choices.pick(PLAIN);
    const kind = choices.pick(["const", "let", "var"]);
    const hoisted = kind === "var";
    const value = this.expressions.of(type, scope, depth);
    const name = scope.newName(choices, hoisted);
    if (name === undefined) return ";";
    scope.declare({ name, type, mutable: kind !== "const", cost: MAX_PASSED_COST }, hoisted);
    return `${kind} ${name} = ${value};`;
  }

  #destructured(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const record = this.expressions.record(scope, depth);
    const list = this.expressions.list(scope, depth);
    const more = this.expressions.num(scope, 1);
    const [first, second] = [this.#newNumber(scope), this.#newNumber(scope)];
    if (first === undefined || second === undefined) return ";";
    return choices.pick([
      `const { a: ${first}, b: ${second} = ${more} } = ${record};`,
      `const [${first}, ...{ length: ${second} }] = ${list};`,
      `const { ["a"]: ${first}, deep: { inner: ${second} } = { inner: ${more} } } = ${record};`,
      `const { ${first} = ${more}, ...${second}_ } = ${record}; const ${second} = ${second}_.b;`,
    ]);
  }

  #newNumber(scope: Scope): string | undefined {
    const name = scope.newName(this.#choices);
    if (name !== undefined) scope.declare({ name, type: "num", mutable: false, cost: 0 });
    return name;
  }

  declaredFunction(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    if (choices.rarely(4)) return this.#generator(scope, depth, name);
    if (choices.rarely(4)) return this.#recursive(scope, depth, name);
    const { parameters, body, cost } = this.#function(scope, depth, name);
    scope.declare({ name, type: "fn", mutable: false, cost });
    return `function ${name}${parameters} ${body}`;
  }

  /** Parameters and body, and what a call costs. */
  #function(scope: Scope, depth: number, called: string): { parameters: string; body: string; cost: number } {
    const choices = this.#choices;
    const around = scope.block();
    around.hide(called);
    const inner = around.body();
    const first = inner.newName(choices) ?? "p";
    inner.declare({ name: first, type: "num", mutable: true, cost: 0 });
    const second = inner.newName(choices) ?? "q";
    const value = choices.below(2) === 0 ? "" : ` = ${this.expressions.num(inner, 1)}`;
    inner.declare({ name: second, type: "num", mutable: true, cost: 0 });
    const parameters = `(${first}, ${second}${value})`;
    return { parameters, body: `{ ${this.body(inner, depth - 1)} }`, cost: inner.frame.cost };
  }

  #generator(scope: Scope, depth: number, name: string): string {
    const inner = scope.body();
    inner.hide(name);
    inner.declare({ name: "from", type: "num", mutable: true, cost: 0 });
    inner.frame.times = 3;
    const statement = this.statement(inner, depth - 2);
    const value = this.expressions.num(inner, depth - 1);
    scope.declare({ name, type: "gen", mutable: false, cost: inner.frame.cost });
    return `function* ${name}(from, count) { for (let at = 0; at < count; at++) { ${statement} yield ${value}; } }`;
  }

  #recursive(scope: Scope, depth: number, name: string): string {
    const partner = scope.newName(this.#choices);
    const inner = scope.body();
    inner.hide(name);
    inner.hide(partner ?? name);
    inner.declare({ name: "n_", type: "num", mutable: false, cost: 0 });
    inner.frame.times = 4;
    const value = this.expressions.num(inner, depth - 1);
    const called = partner === undefined || this.#choices.below(2) === 0 ? name : partner;
    const again = "globalThis.Math.min(3, globalThis.Math.trunc(n_)) - 1";
    const step = `n_ > 0 ? ${called}(${again}) + ${value} : 0`;
    scope.declare({ name, type: "fn", mutable: false, cost: inner.frame.cost });
    if (called === name) return `function ${name}(n_) { return ${step}; }`;
    scope.declare({ name: called, type: "fn", mutable: false, cost: inner.frame.cost });
    return `const ${called} = (n_) => n_ > 0 ? ${name}(${again}) : 1; function ${name}(n_) { return ${step}; }`;
  }

  /** A function as the value of a variable, perhaps with properties of its own; or made by another one. */
  functionValue(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    const { parameters, body, cost } = this.#function(scope, depth, name);
    scope.declare({ name, type: "fn", mutable: false, cost });
    const text = `${parameters} ${body}`;
    const more = this.expressions.num(scope, 1);
    return choices.pick([
      `const ${name} = ${parameters} => ${body};`,
      `const ${name} = function ${text};`,
      `const ${name} = function named_${text};`,
      `const ${name} = ${scope.global("Object")}.assign(function ${text}, { extra: ${more} });`,
      `const ${name} = ({ method${text} }).method;`,
      `const ${name} = ({ "a b"${text} })["a b"];`,
      `const ${name} = ((kept) => function ${text})(${more});`,
      `let ${name} = () => 0; ${name} = function ${text};`,
      `const [${name}] = [function ${text}];`,
      `const ${name} = new ${scope.global("Map")}([["f", function ${text}]]).get("f");`,
    ]);
  }

  classDeclaration(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    const parent = choices.below(2) === 1 ? scope.choose("class", choices, (known) => known.name !== name) : undefined;
    const inner = scope.body();
    inner.hide(name);
    inner.declare({ name: "w", type: "num", mutable: true, cost: 0 });
    const fields = scope.body();
    fields.hide(name);
    const value = (): string => this.expressions.num(inner, depth - 2);
    const field = (): string => this.expressions.num(fields, depth - 2);
    const members: string[] = [];
    members.push(this.#maker(value, parent), `m(w) { return ${value()}${parent ? " + super.m(w)" : ""}; }`);
    members.push(`get g() { return this.v + ${value()}; }`);
    const optional = [
      (): string => `static s = ${field()};`,
      (): string => `static make(w) { return new ${choices.pick(["this", name])}(w); }`,
      (): string => `static of(w) { return ${value()}; }`,
      (): string => (choices.rarely(4) ? `#p = ${field()}; get p() { return this.#p; }` : ""),
      (): string => `*[Symbol.iterator]() { yield ${field()}; }`,
      (): string => `["c" + 1]() { return ${field()}; }`,
      (): string => `static { this.t = ${this.expressions.num(fields, 0)}; }`,
      (): string => `get ["k" + ${this.expressions.num(fields, 0)}]() { return ${field()}; }`,
      (): string => `static #n = ${this.expressions.num(fields, 0)}; static up() { return ${name}.#n += 1; }`,
      (): string => `["k" + ${this.expressions.num(fields, 0)}] = ${field()};`,
      (): string => `static #q = 4; static q() { return ${name}.#q; }`,
      (): string => `extra = ${field()}; ${choices.rarely(8) ? "arrow = () => this.extra;" : ""}`,
      (): string => `set g(x) { this.v = x; }`,
      (): string => `static [Symbol.for("q")] = () => ${this.expressions.num(fields, 0)};`,
      (): string => `static get tt() { return ${field()}; }`,
    ];
    for (const make of optional) if (choices.rarely(3)) members.push(make());
    const cost = inner.frame.cost + fields.frame.cost + (parent?.cost ?? 0);
    scope.declare({ name, type: "class", mutable: false, cost });
    const text = `class ${name}${parent === undefined ? "" : ` extends ${this.#heritage(parent, name)}`} { ${members.join(" ")} }`;
    return choices
      .pick([text, `const ${name} = ${text};`, `const ${name} = ${text.replace(`class ${name}`, "class")};`])
      .replace(/^const (\S+) = class extends \1\b/, "const $1 = class extends Object");
  }

  /** A class as it was written before there was `class`. */
  oldClass(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    const inner = scope.body();
    inner.hide(name);
    inner.declare({ name: "w", type: "num", mutable: true, cost: 0 });
    const value = (): string => this.expressions.num(inner, depth - 2);
    const object = scope.global("Object");
    const parts = [
      `function ${name}(w) { this.v = ${value()}; }`,
      `${name}.prototype.m = function (w) { return this.v + ${value()}; };`,
      `${object}.defineProperty(${name}.prototype, "g", { get() { return this.v; }, configurable: true });`,
      `${name}.s = ${this.expressions.num(scope, 1)};`,
      `${name}.prototype[Symbol.iterator] = [].values;`,
      `${name}[Symbol.for("q")] = () => ${this.expressions.num(scope, 0)};`,
    ];
    scope.declare({ name, type: "class", mutable: false, cost: inner.frame.cost });
    const parent = choices.rarely(3) ? scope.newName(choices) : undefined;
    if (parent === undefined) return parts.join(" ");
    scope.declare({ name: parent, type: "class", mutable: false, cost: inner.frame.cost });
    return `${parts.join(" ")} function ${parent}(w) { ${name}.call(this, w); } ${parent}.prototype = ${object}.create(${name}.prototype); ${parent}.prototype.constructor = ${parent}; ${object}.setPrototypeOf(${parent}, ${name});`;
  }

  /** An object with functions, classes, instances and itself in it. */
  bag(scope: Scope): string {
    const choices = this.#choices;
    const first = scope.choose("fn", choices, ({ cost }) => cost <= MAX_PASSED_COST)?.name ?? "(w) => w";
    const second = scope.choose("fn", choices, ({ cost }) => cost <= MAX_PASSED_COST)?.name ?? first;
    const type = scope.choose("class", choices, ({ cost }) => cost <= MAX_PASSED_COST)?.name ?? "null";
    const made = scope.choose("instance", choices)?.name ?? "null";
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    scope.declare({ name, type: "bag", mutable: false, cost: 2 * MAX_PASSED_COST });
    const next = "next() { return this.n++; }";
    return `const ${name} = { call: ${first}, fns: [${second}, ${first}], type: ${type}, made: ${made}, n: 1, seen: new Set([${first}]), ${next} }; ${name}.self = ${name};`;
  }

  #maker(value: () => string, parent: Variable | undefined): string {
    if (parent !== undefined)
      return this.#choices.below(2) === 0 ? "" : `constructor(w) { super(w); this.u = ${value()}; }`;
    return `constructor(w) { this.v = ${value()}; }`;
  }

  #heritage({ name }: Variable, self: string): string {
    if (name === self) return "Object";
    return this.#choices.pick([name, `((C) => class extends C {})(${name})`, `(0, ${name})`]);
  }

  #loop(scope: Scope, depth: number): string {
    const choices = this.#choices;
    if (choices.rarely(3)) return this.#collected(scope);
    const { frame } = scope;
    const before = frame.times;
    const list = this.expressions.list(scope, depth - 1);
    frame.times *= 3;
    const inner = scope.block();
    const name = inner.newName(choices) ?? "i_";
    inner.declare({ name, type: "num", mutable: false, cost: 0 });
    const body = this.block(inner, depth - 1);
    frame.times = before;
    return choices.pick([
      `for (let ${name} = 0; ${name} < 3; ${name}++) ${body}`,
      `for (const ${name} of ${list}.slice(0, 3)) ${body}`,
      `for (const ${name} in { p: 1, q: 2 }) ${body}`,
      `{ let ${name} = 3; while (${name}-- > 0) ${body} }`,
      `{ let ${name} = 0; do ${body} while (++${name} < 3); }`,
    ]);
  }

  /** A function that was made in a loop, with that turn's variable. */
  #collected(scope: Scope): string {
    const choices = this.#choices;
    const name = scope.newName(choices);
    if (name === undefined) return ";";
    const inner = scope.body();
    inner.hide(name);
    const turn = inner.newName(choices) ?? "i_";
    inner.declare({ name: turn, type: "num", mutable: false, cost: 0 });
    inner.frame.times = 3;
    const value = this.expressions.num(inner, 2);
    scope.declare({ name, type: "fn", mutable: false, cost: inner.frame.cost });
    return `const [, ${name}] = (() => { const all = []; for (let ${turn} = 0; ${turn} < 3; ${turn}++) all.push((w) => ${turn} + w + ${value}); return all; })();`;
  }

  #switch(scope: Scope, depth: number): string {
    const inner = scope.block();
    const on = this.expressions.num(scope, depth - 1);
    const cases = this.#choices.many(
      1,
      3,
      (index) => `case ${index}: ${this.statement(inner, depth - 1)} ${this.#choices.pick(["break;", ""])}`,
    );
    return `switch (${on} % 3) { ${cases.join(" ")} default: ${this.block(inner, depth - 1)} }`;
  }

  #try(scope: Scope, depth: number): string {
    const caught = scope.block();
    const thrown =
      this.#choices.below(2) === 0
        ? ""
        : ` throw ${this.#choices.pick(["new RangeError('user: no')", "{ message: 'user: x' }", "4"])};`;
    const tried = this.block(scope, depth).replace(/\}$/, `${thrown} }`);
    const end = this.#choices.below(2) === 0 ? "" : ` finally ${this.block(scope, depth)}`;
    const name = caught.newName(this.#choices) ?? "error";
    const pattern = this.#choices.pick([`(${name})`, `({ message: ${name} })`, ""]);
    if (pattern !== "") caught.declare({ name, type: "str", mutable: false, cost: 0 });
    return `try ${tried} catch ${pattern} ${this.block(scope, depth, caught)}${end}`;
  }

  #labelled(scope: Scope, depth: number): string {
    const label = `${this.#choices.pick(["a", "x", "value"])}${depth > 3 ? "" : depth}`; // deeper ones stand inside
    if (this.#choices.below(2) === 1) {
      return `${label}: { const i_ = 0; if (i_ < 1) break ${label}; ${this.expressions.num(scope, 1)}; }`;
    }
    const { frame } = scope;
    frame.times *= 3;
    const body = this.block(scope, depth).replace(
      /\}$/,
      `if (i_ > 0) ${this.#choices.pick(["break", "continue"])} ${label}; }`,
    );
    frame.times /= 3;
    return `${label}: for (let i_ = 0; i_ < 3; i_++) for (const j_ of [1, 2]) ${body}`;
  }

  /** Changes something that is there. */
  change(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const value = this.expressions.num(scope, depth - 1);
    const known = (type: Type): string | undefined => scope.choose(type, choices)?.name;
    const simple = this.expressions.num(scope, 0);
    switch (choices.below(8)) {
      case 0: {
        const list = known("list");
        return list === undefined ? ";" : `${list}.${choices.pick(["push", "unshift"])}(${value});`;
      }
      case 1: {
        const record = known("record");
        return record === undefined ? ";" : `${record}.${choices.pick(["a", "b", "c"])} = ${value};`;
      }
      case 2: {
        const map = known("map");
        return map === undefined ? ";" : `${map}.set(${choices.pick(['"k"', '"n"'])}, ${value});`;
      }
      case 3: {
        const type = known("class");
        return type === undefined
          ? ";"
          : `${type}.${choices.pick(["s", "t", "of"])} = ${choices.pick([value, `(w) => w + ${simple}`])};`;
      }
      case 4: {
        const type = known("class");
        return type === undefined ? ";" : `${type}.prototype.m = function (w) { return this.v + ${simple}; };`;
      }
      case 5: {
        const fn = known("fn");
        return fn === undefined ? ";" : `${fn}.extra = ${value};`;
      }
      case 6: {
        const instance = known("instance");
        return instance === undefined ? ";" : `${instance}.v = ${value};`;
      }
      default: {
        const known = scope.choose("num", choices, ({ mutable }) => mutable);
        return known === undefined ? ";" : `${known.name} = ${value};`;
      }
    }
  }
}
