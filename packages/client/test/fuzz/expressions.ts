// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of programs
// Expressions of generated programs.
// Long: one method for each kind of expression, which all call each other.
import type { Choices } from "./choices.ts";
import { MAX_PASSED_COST, type Scope, type Type, type Variable } from "./scope.ts";

/** Writes the statements of a function's body; made elsewhere, because statements hold expressions and the other way round. */
export type BodyWriter = (scope: Scope, depth: number) => string;

const NUMBERS = ["1", "2", "0", "7", "0x1f", "1_0", ".5", "-0", "1e3", "NaN", "5..valueOf()", "0b11", "Number(3n)"];
const TEXTS = [
  `"t"`,
  "'q\\'s'",
  "`a${1}b`",
  `"\\u{1F600}"`,
  "`$\\{x} \\`\n`",
  `"// no comment"`,
  `'/*'`,
  "String.raw`\\n${0}`",
  `"${"$"}{a}"`,
];
const PATTERNS = ["/a/", "/[/]x\\/\\/(y)/g", "/`${a}`/", "/[\"'}]/", "/=>{/", "/(?<name>t)|\\/*/y"];
const OPERATORS = ["+", "-", "*", "%", "|", "&", "^", ">>", "/", "**"];
const COMMENTS = ["", "/* } => ` */", "// function (\n", "/* a = 1 */"];

export class Expressions {
  readonly #choices: Choices;
  readonly #body: BodyWriter;

  constructor(choices: Choices, body: BodyWriter) {
    this.#choices = choices;
    this.#body = body;
  }

  of(type: Type, scope: Scope, depth: number): string {
    switch (type) {
      case "num":
        return this.num(scope, depth);
      case "str":
        return this.str(scope, depth);
      case "list":
        return this.list(scope, depth);
      case "record":
        return this.record(scope, depth);
      case "map":
        return this.map(scope, depth);
      case "fn":
        return this.fn(scope, depth);
      default:
        return this.#known(type, scope)?.name ?? "undefined";
    }
  }

  #known(type: Type, scope: Scope): Variable | undefined {
    return scope.choose(type, this.#choices);
  }

  num(scope: Scope, depth: number): string {
    if (depth <= 0 || this.#choices.over) return this.#simple(scope);
    const text = this.#compound(scope, depth - 1);
    return text ?? this.#simple(scope);
  }

  /** A number that something else of the program decides. */
  use(scope: Scope, depth: number): string {
    const used = this.#choices.pick<() => string | undefined>([
      () => this.#call(scope, depth),
      () => this.#call(scope, depth),
      () => this.#ofClass(scope, depth),
      () => this.#ofClass(scope, depth),
      () => this.#ofRecord(scope, depth),
      () => this.#ofList(scope, depth),
      () => this.#ofMap(scope, depth),
      () => this.#ofEnum(scope),
      () => this.#ofGenerator(scope, depth),
      () => this.#assignment(scope, depth),
      () => this.#assignment(scope, depth),
      () => this.#ofBag(scope, depth),
      () => this.#ofBag(scope, depth),
    ])();
    return used ?? this.num(scope, depth);
  }

  #simple(scope: Scope): string {
    if (this.#choices.below(3) > 0) {
      const known = this.#known("num", scope);
      if (known !== undefined) return known.name;
    }
    return this.#choices.pick(NUMBERS);
  }

  #compound(scope: Scope, depth: number): string | undefined {
    const choices = this.#choices;
    const num = (): string => this.num(scope, depth);
    switch (choices.below(23)) {
      case 0:
        return `(${num()} ${choices.pick(OPERATORS.slice(0, -1))} ${choices.pick(COMMENTS)} ${num()})`;
      case 1:
      case 2:
        return this.#call(scope, depth);
      case 3:
        return `(${this.bool(scope, depth)} ? ${num()} : ${num()})`;
      case 4:
        return this.#ofRecord(scope, depth);
      case 5:
        return this.#ofList(scope, depth);
      case 6:
        return `${this.str(scope, depth)}${choices.pick([".length", ".charCodeAt(0)", "?.length", '["length"]'])}`;
      case 7:
      case 8:
        return this.#ofClass(scope, depth);
      case 9:
        return this.#immediate(scope, depth);
      case 10:
        return this.#withDefaults(scope, depth);
      case 11:
        return this.#assignment(scope, depth);
      case 12:
        return `${choices.pick([`${scope.global("Math")}.max`, `(0, ${scope.global("Math")}.min)`, "globalThis.Math.hypot"])}(${num()}, ${num()})`;
      case 13:
        return `(${this.record(scope, depth)}).${choices.pick(["a", "b"])}`;
      case 14:
        return this.#ofEnum(scope);
      case 15:
        return this.#ofMap(scope, depth);
      case 16:
        return this.#ofGenerator(scope, depth);
      case 17:
        return `(${choices.pick(PATTERNS)}.test(${this.str(scope, depth)}) ? ${num()} : ${num()} / 2 / ${num()})`;
      case 18:
        return `(0, ${this.fn(scope, depth)})(${num()}, ${num()})`;
      case 19:
        return this.#object(scope, depth);
      case 20:
        return this.#ofBag(scope, depth);
      case 21:
        return `(typeof ${choices.pick(["notDeclared", this.#simple(scope)])}).length`;
      default:
        return this.#inlineClass(scope, depth);
    }
  }

  #call(scope: Scope, depth: number): string | undefined {
    const known = this.#known("fn", scope);
    if (known === undefined || !scope.spend(known.cost)) return undefined;
    const args = [this.num(scope, depth - 1), this.num(scope, depth - 1)];
    const form = this.#choices.below(6);
    if (form === 1) return `${known.name}(...[${args}])`;
    if (form === 2) return `${known.name}?.(${args})`;
    if (form === 3) return `${known.name}.call(null, ${args})`;
    if (form === 4) return `(${known.name}.name.length + ${known.name}.length)`;
    return `${known.name}(${args})`;
  }

  #ofRecord(scope: Scope, depth: number): string | undefined {
    const known = this.#known("record", scope);
    if (known === undefined) return undefined;
    const { name } = known;
    const more = ` ?? ${this.num(scope, depth - 1)}`;
    switch (this.#choices.below(7)) {
      case 1:
        return `(${name}?.a${more})`;
      case 2:
        return `(({ a: $ = ${this.num(scope, depth - 1)}, ...rest }) => $ + ${scope.global("Object")}.keys(rest).length)(${name})`;
      case 3:
        return `(${name}["b"]${more})`;
      case 4:
        return `("a" in ${name} ? 1 : 0)`;
      case 5:
        return `(${name}.deep?.inner${more})`;
      case 6:
        return `(${name}.f?.(${this.num(scope, depth - 1)}, 1)${more})`;
      default:
        return `${name}.a`;
    }
  }

  #ofList(scope: Scope, depth: number): string {
    const list = this.list(scope, depth - 1);
    const passed = (): string => this.fn(scope, depth - 1);
    switch (this.#choices.below(6)) {
      case 1:
        return `${list}.reduce(${passed()}, ${this.num(scope, depth - 1)})`;
      case 2:
        return `${list}.map(${passed()}).length`;
      case 3:
        return `${scope.global("Math")}.max(...${list})`;
      case 4:
        return `(([p, , q = ${this.num(scope, depth - 1)}]) => p - q)(${list})`;
      case 5:
        return `(${list}.at(-1) ?? 0)`;
      default:
        return `${list}.length`;
    }
  }

  #ofClass(scope: Scope, depth: number): string | undefined {
    const choices = this.#choices;
    const known = this.#known("instance", scope);
    const type = this.#known("class", scope);
    const num = (): string => this.num(scope, depth - 1);
    if (known !== undefined && scope.spend(known.cost)) {
      const members = [`${known.name}.v`, `${known.name}.m(${num()})`, `${known.name}.g`];
      if (type !== undefined) members.push(`(${known.name} instanceof ${type.name} ? 1 : 2)`);
      if (choices.below(2) === 0) return choices.pick(members);
    }
    if (type === undefined || !scope.spend(type.cost)) return undefined;
    const { name } = type;
    return choices.pick([
      `new ${name}(${num()}).m(${num()})`,
      `new ${name}(${num()}).v`,
      `${name}.s`,
      `new ${name}(${num()}).g`,
      `(${name}.make?.(${num()})?.v ?? ${num()})`,
      `(${name}.name.length + ${scope.global("Object")}.keys(${name}).length)`,
      `(${name}.of?.(${num()}) ?? ${num()})`,
      `(${name}.prototype[Symbol.iterator] ? [...new ${name}(${num()})].length : ${num()})`,
      `(new ${name}(1)["c" + ${choices.pick(["1", "2"])}]?.() ?? ${num()})`,
      `(new ${name}(1)["k" + ${num()}] ?? ${num()})`,
      `(${name}.s += ${num()})`,
      `(${name}.q?.() ?? ${num()})`,
      `(${name}.up?.() ?? ${num()})`,
      `(${name}[Symbol.for("q")]?.() ?? ${num()})`,
    ]);
  }

  #immediate(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const inner = scope.body();
    inner.frame.times = scope.frame.times;
    const name = inner.newName(choices) ?? "p";
    const form = choices.below(4);
    inner.declare({ name, type: "num", mutable: true, cost: 0 });
    const text =
      form === 0
        ? `((${name}) => ${this.num(inner, depth)})(${this.num(scope, depth - 1)})`
        : form === 1
          ? `(function (${name}) {${this.#body(inner, depth - 1)}})(${this.num(scope, depth - 1)})`
          : form === 2
            ? `(function ${name}() { return typeof ${name} === "function" ? ${this.num(scope, depth - 1)} : 0; })()`
            : `((${name}, ...more) => {${this.#body(inner, depth - 1)}})(${this.num(scope, depth - 1)}, 1, 2)`;
    scope.frame.cost += inner.frame.cost;
    return text;
  }

  #withDefaults(scope: Scope, depth: number): string {
    const inner = scope.body();
    const first = inner.newName(this.#choices) ?? "p";
    const value = this.num(scope, depth - 1);
    inner.declare({ name: first, type: "num", mutable: true, cost: 0 });
    const second = inner.newName(this.#choices) ?? "q";
    const later = this.num(inner, depth - 1);
    inner.declare({ name: second, type: "num", mutable: true, cost: 0 });
    const text = `((${first} = ${value}, { ${second} = ${later} } = {}) => ${this.num(inner, depth - 1)})()`;
    scope.frame.cost += inner.frame.cost;
    return text;
  }

  #assignment(scope: Scope, depth: number): string | undefined {
    const choices = this.#choices;
    const name = scope.choose("num", choices, ({ mutable }) => mutable)?.name;
    if (name === undefined) return undefined;
    return choices.pick([
      `(${name} += ${this.num(scope, depth - 1)})`,
      `${name}++`,
      `--${name}`,
      `(${name} = ${this.num(scope, depth - 1)})`,
      `(${name} ??= ${this.num(scope, depth - 1)})`,
      `(([${name}] = [${this.num(scope, depth - 1)}]), ${name})`,
      `(({ k: ${name} = ${this.num(scope, depth - 1)} } = {}), ${name})`,
      `(({ ${name} } = { ${name}: ${this.num(scope, depth - 1)} }), ${name})`,
      `(({ ${name} = ${this.num(scope, depth - 1)} } = {}), ${name})`,
    ]);
  }

  #ofBag(scope: Scope, depth: number): string | undefined {
    const known = this.#known("bag", scope);
    if (known === undefined || !scope.spend(known.cost)) return undefined;
    const { name } = known;
    const fn = this.#known("fn", scope)?.name ?? "0";
    const type = this.#known("class", scope)?.name ?? "globalThis.Object";
    return this.#choices.pick([
      `${name}.call(${this.num(scope, depth - 1)}, 1)`,
      `(${name}.self === ${name} ? 1 : 2)`,
      `${name}.fns[0](${this.num(scope, depth - 1)}, 1)`,
      `(${name}.fns.includes(${fn}) ? 1 : 2)`,
      `(${name}.call === ${name}.fns[0] ? 1 : 2)`,
      `(${name}.type === ${type} ? 1 : 2)`,
      `(${name}.made instanceof ${type} ? 1 : ${name}.made?.v ?? 2)`,
      `(${name}.n += 1)`,
      `${name}.next()`,
      `[...${name}.seen].length`,
    ]);
  }

  #ofEnum(scope: Scope): string | undefined {
    const known = this.#known("enum", scope);
    if (known === undefined) return undefined;
    return this.#choices.pick([`${known.name}.B`, `${known.name}[${known.name}.A].length`]);
  }

  #ofMap(scope: Scope, depth: number): string {
    const map = this.map(scope, depth - 1);
    return this.#choices.pick([
      `(${map}.get("k") ?? ${this.num(scope, depth - 1)})`,
      `${map}.size`,
      `[...${map}.values()].filter((v) => typeof v === "number").length`,
    ]);
  }

  #ofGenerator(scope: Scope, depth: number): string | undefined {
    const known = this.#known("gen", scope);
    if (known === undefined || !scope.spend(known.cost)) return undefined;
    return `[...${known.name}(${this.num(scope, depth - 1)}, 3)].length`;
  }

  /** An object literal with a method, a getter or a computed key, and what it gives. */
  #object(scope: Scope, depth: number): string {
    const inner = scope.body();
    const value = this.num(inner, depth - 1);
    const known = scope.choose("num", this.#choices, ({ name: known }) => !known.includes("."))?.name;
    const text = this.#choices.pick([
      `({ get q() { return ${value}; } }).q`,
      `({ q() { return ${value}; } }).q()`,
      `({ [\`q\${${this.num(scope, 0)}}\`]: ${value}, q: 1 }).q`,
      `({ __proto__: null, q: ${value} }).q`,
      `({ base: ${value}, q() { return this.base; } }).q()`,
      known === undefined ? `({ a: ${value} }).a` : `({ ${known} }).${known}`,
      `({ ${known ?? "a"}: ${value} }).${known ?? "a"}`,
      `({ ...${this.record(scope, depth - 1)}, a: ${value} }).a`,
      `({ async *q() { yield ${value}; } }).q.name.length`,
    ]);
    scope.frame.cost += inner.frame.cost;
    return text;
  }

  #inlineClass(scope: Scope, depth: number): string {
    const inner = scope.body();
    const value = this.num(inner, depth - 1);
    const parent = this.#choices.below(2) === 0 ? undefined : this.#known("class", scope);
    scope.frame.cost += inner.frame.cost + (parent?.cost ?? 0);
    if (parent === undefined) return `new (class { #p = ${value}; m() { return this.#p; } })().m()`;
    return `new (class extends ${parent.name} { m(x) { return super.m(x) + ${value}; } })(1).m(2)`;
  }

  bool(scope: Scope, depth: number): string {
    const left = this.num(scope, depth - 1);
    return this.#choices.pick([
      `${left} < ${this.num(scope, depth - 1)}`,
      `!(${left})`,
      `${left} === ${this.num(scope, depth - 1)}`,
      `(${left} && ${this.num(scope, depth - 1)})`,
      `typeof ${this.#known("fn", scope)?.name ?? "nothing"} === "function"`,
    ]);
  }

  str(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const known = this.#known("str", scope);
    const num = (): string => this.num(scope, depth - 1);
    switch (choices.below(depth <= 0 ? 2 : 7)) {
      case 1:
        return known?.name ?? choices.pick(TEXTS);
      case 2:
        return `\`\${${num()}}/\${\`\${${num()}}\`}\``;
      case 3:
        return `((parts, ...values) => parts.raw.join("|") + values)\`a\${${num()}}\\n\``;
      case 4:
        return `(${this.str(scope, depth - 1)} + ${num()})`;
      case 5:
        return `${scope.global("JSON")}.stringify(${this.record(scope, depth - 1)})`;
      case 6:
        return `${this.str(scope, depth - 1)}.replace(${choices.pick(PATTERNS)}, () => String(${num()}))`;
      default:
        return choices.pick(TEXTS);
    }
  }

  list(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const known = this.#known("list", scope);
    if (known !== undefined && choices.below(2) === 1) return known.name;
    const item = (): string => this.num(scope, depth - 2);
    if (depth > 0 && choices.rarely(5)) return `Array.from({ length: 2 }, (_, i) => i + ${item()})`;
    if (depth > 0 && known !== undefined && choices.rarely(4)) return `[...${known.name}, ${item()}]`;
    if (depth > 0 && choices.rarely(4)) return `[${item()}, ${item()}].map(${this.fn(scope, depth - 2)})`;
    return `[${choices.many(0, 3, item)}]`;
  }

  record(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const known = this.#known("record", scope);
    if (known !== undefined && choices.below(2) === 1) return known.name;
    const parts = [`a: ${this.num(scope, depth - 2)}`];
    if (choices.below(2) === 1) parts.push(`b: ${this.num(scope, depth - 2)}`);
    if (choices.rarely(3)) parts.push(`deep: { inner: ${this.num(scope, depth - 2)} }`);
    if (choices.rarely(3)) parts.push(`f: ${this.fn(scope, depth - 2)}`);
    if (choices.rarely(4)) parts.push(`f(x) { return x + ${this.num(scope.body(), depth - 2)}; }`);
    if (known !== undefined && choices.rarely(4)) parts.push(`...${known.name}`);
    if (choices.rarely(6)) parts.push(`get z() { return ${this.num(scope.body(), 0)}; }`);
    if (choices.rarely(8)) parts.push(`["__proto__"]: 3`);
    return `({ ${parts.join(", ")} })`;
  }

  map(scope: Scope, depth: number): string {
    const known = this.#known("map", scope);
    if (known !== undefined && this.#choices.below(3) > 0) return known.name;
    return `new ${scope.global("Map")}([["k", ${this.num(scope, depth - 2)}], ["l", ${this.num(scope, depth - 2)}]])`;
  }

  /** A function of two numbers that is cheap to call. */
  fn(scope: Scope, depth: number): string {
    const choices = this.#choices;
    const known = choices.below(2) === 1 && scope.choose("fn", choices, ({ cost }) => cost <= MAX_PASSED_COST);
    if (known) return known.name;
    const inner = scope.body();
    const [first, second] = [inner.newName(choices) ?? "p", "w"];
    inner.declare({ name: first, type: "num", mutable: true, cost: 0 });
    if (first !== second) inner.declare({ name: second, type: "num", mutable: false, cost: 0 });
    const value = this.num(inner, depth - 1);
    if (inner.frame.cost > MAX_PASSED_COST) return `((${first}, ${second}) => ${first})`;
    scope.frame.cost += inner.frame.cost;
    return choices.pick([
      `((${first}, ${second}) => ${value})`,
      `(function (${first}, ${second}) { return ${value}; })`,
      `(function inner_(${first}, ${second} = 1) { return ${value}; })`,
      `((${first}, ${second} = (${value})) => ${second})`,
      `(${first} => { const ${second} = 2; return ${value}; })`,
    ]);
  }
}
