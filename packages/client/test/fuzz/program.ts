// Programs with functions to send: the texts of their files, made from a list of choices.
import { Choices } from "./choices.ts";
import { Scope } from "./scope.ts";
import { Statements } from "./statements.ts";

export type Kind = "module" | "commonjs" | "repl" | "context";

export interface Program {
  readonly kind: Kind;
  /** Texts by their names: files, or what is typed one after the other. */
  readonly files: Readonly<Record<string, string>>;
}

/** `suffix` keeps names apart of scripts that share their top level with earlier ones. */
export function generate(numbers: readonly number[], suffix: string): Program {
  const choices = new Choices(numbers);
  const kind = choices.pick<Kind>(["module", "commonjs", "repl", "context"]);
  return new Generator(choices, kind, kind === "repl" || kind === "context" ? suffix : "").program();
}

const IMPORTS: readonly (readonly [specifier: string, name: string, use: string])[] = [
  ["node:path", "basename", `basename("/p/qr").length`],
  ["node:util", "isDeepStrictEqual", "(isDeepStrictEqual([1], [1]) ? 1 : 0)"],
  ["path", "sep", "sep.length"],
  ["node:os", "EOL", "EOL.length"],
];

/** What main takes, besides a number. */
const PASSED = ["fn", "bag", "instance", "class"] as const;

class Generator {
  readonly #choices: Choices;
  readonly #kind: Kind;
  readonly #suffix: string;
  readonly #statements: Statements;
  readonly #strict: boolean;

  constructor(choices: Choices, kind: Kind, suffix: string) {
    this.#choices = choices;
    this.#kind = kind;
    this.#suffix = suffix;
    this.#statements = new Statements(choices);
    this.#strict = kind === "module" || choices.below(3) === 0;
  }

  program(): Program {
    const top = this.#newTop();
    const files: Record<string, string> = {};
    const isFiles = this.#kind === "module" || this.#kind === "commonjs";
    const head = isFiles ? this.#imports(top) : "";
    if (isFiles && this.#choices.below(2) === 1) files[this.#file("other")] = this.#other(top);
    const link = files[this.#file("other")] === undefined ? "" : this.#link(top);
    const parts = this.#choices.many(3, 10, () => this.#part(top));
    if (!isFiles)
      for (const part of parts.splice(0, this.#choices.below(parts.length)))
        files[`line${Object.keys(files).length}`] = part;
    const text = `${this.#directive()}${head}\n${link}\n${parts.join("\n")}\n${this.#main(top)}\n`;
    files[this.#file("main")] = this.#choices.rarely(6) ? text.replaceAll("\n", "\r\n") : text;
    return { kind: this.#kind, files };
  }

  #file(name: string): string {
    return `${name}.${this.#kind === "module" ? "mjs" : "cjs"}`;
  }

  #directive(): string {
    return this.#strict && this.#kind !== "module" ? `"use strict";` : "";
  }

  #newTop(): Scope {
    const top = new Scope(null, "body", { cost: 0, times: 1, async: false }, this.#suffix);
    for (const name of ["main", "warm", "change", "out", "module", "exports", "require", "globalThis"]) {
      top.declare({ name: `${name}`, type: "symbol", mutable: false, cost: 0 });
    }
    return top;
  }

  #part(top: Scope): string {
    const choices = this.#choices;
    top.frame.cost = 0;
    const depth = 4;
    switch (choices.below(11)) {
      case 0:
        return this.#statements.variable(top, depth);
      case 1:
        return this.#statements.declaredFunction(top, depth);
      case 2:
        return this.#statements.functionValue(top, depth);
      case 3:
        return this.#statements.classDeclaration(top, depth);
      case 4:
        return this.#enum(top);
      case 5:
        return this.#maker(top);
      case 6:
        return this.#instance(top);
      case 7:
        return this.#statements.change(top, depth);
      case 8:
        return this.#statements.bag(top);
      case 9:
        return this.#statements.oldClass(top, depth);
      default:
        return this.#statements.statement(top, depth);
    }
  }

  /** As TypeScript compiles it. */
  #enum(top: Scope): string {
    const name = top.newName(this.#choices, true);
    if (name === undefined) return ";";
    top.declare({ name, type: "enum", mutable: false, cost: 0 }, true);
    return `var ${name}; (function (${name}) { ${name}[${name}["A"] = 0] = "A"; ${name}[${name}["B"] = 5] = "B"; })(${name} || (${name} = {}));`;
  }

  /** Functions with variables of their own, one of which they may change. */
  #maker(top: Scope): string {
    const choices = this.#choices;
    const maker = top.newName(choices);
    if (maker === undefined) return ";";
    top.declare({ name: maker, type: "symbol", mutable: false, cost: 0 });
    const inner = top.body();
    inner.declare({ name: "kept", type: "num", mutable: choices.rarely(4), cost: 0 });
    const local = this.#statements.statement(inner, 3);
    const value = this.#statements.expressions.num(inner, 3);
    if (choices.rarely(6)) return this.#sharing(top, maker, inner.frame.cost);
    const names = choices.many(1, 3, () => {
      const name = top.newName(choices);
      if (name !== undefined) top.declare({ name, type: "fn", mutable: false, cost: inner.frame.cost });
      return name;
    });
    const made = names.map((name, index) => (name === undefined ? "" : `const ${name} = ${maker}(${index});`));
    return `function ${maker}(kept) { ${local} return (w, z) => ${value}; } ${made.join(" ")}`;
  }

  /** Two functions that share a variable, and know of each other. */
  #sharing(top: Scope, maker: string, cost: number): string {
    const [up, read] = [top.newName(this.#choices), top.newName(this.#choices)];
    if (up === undefined || read === undefined || up === read) return ";";
    for (const name of [up, read]) top.declare({ name, type: "fn", mutable: false, cost: cost + 1 });
    const known = this.#choices.pick(["", "last.push(read_());"]);
    return `function ${maker}(kept) { const last = []; const read_ = (w) => kept; function up_(w) { kept += w; ${known} return read_() + last.length; } return [up_, read_]; } const [${up}, ${read}] = ${maker}(1);`;
  }

  #instance(top: Scope): string {
    const name = top.newName(this.#choices);
    const type = top.choose("class", this.#choices);
    if (type === undefined || name === undefined) return ";";
    top.declare({ name, type: "instance", mutable: false, cost: type.cost });
    return `const ${name} = new ${type.name}(3);`;
  }

  #imports(top: Scope): string {
    return this.#choices
      .many(0, 2, () => {
        const [specifier, imported, use] = this.#choices.pick(IMPORTS);
        const name = top.newName(this.#choices);
        if (name === undefined) return "";
        top.declare({ name, type: "symbol", mutable: false, cost: 1 });
        const wrapper = top.newName(this.#choices);
        if (wrapper === undefined) return "";
        top.declare({ name: wrapper, type: "fn", mutable: false, cost: 1 });
        return `${this.#import(specifier, imported, name)} const ${wrapper} = (w) => ${use.replace(imported, name)} + w;`;
      })
      .join("\n");
  }

  #import(specifier: string, imported: string, name: string): string {
    if (this.#kind === "module") {
      return this.#choices.pick([
        `import { ${imported} as ${name} } from "${specifier}";`,
        `import * as ns_${name} from "${specifier}"; const ${name} = ns_${name}.${imported};`,
        `import def_${name} from "${specifier}"; const { ${imported}: ${name} } = def_${name};`,
        `const { ${imported}: ${name} } = await import("${specifier}");`,
      ]);
    }
    return this.#choices.pick([
      `const { ${imported}: ${name} } = require("${specifier}");`,
      `const ${name}_1 = require("${specifier}"); const ${name} = ${name}_1.${imported};`,
      `const ${name} = require("${specifier}").${imported};`,
    ]);
  }

  /** A second module, with functions, a variable that changes, and names that the first has too. */
  #other(main: Scope): string {
    const other = this.#newTop();
    const parts = this.#choices.many(1, 4, () => this.#part(other));
    const fns = other.visible("fn").slice(0, 3);
    const exported: string[] = [];
    for (const [index, { name, cost }] of fns.entries()) {
      exported.push(this.#kind === "module" ? `export { ${name} as f${index}_ };` : `exports.f${index}_ = ${name};`);
      main.declare({ name: `other_.f${index}_`, type: "fn", mutable: false, cost });
    }
    const state =
      this.#kind === "module"
        ? "export let count_ = 1; export function bump_(w) { count_ += 1; return count_; }"
        : "exports.count_ = 1; exports.bump_ = (w) => { exports.count_ += 1; return exports.count_; };";
    main.declare({ name: "other_.bump_", type: "fn", mutable: false, cost: 1 });
    main.declare({ name: "other_.count_", type: "num", mutable: false, cost: 0 });
    return `${this.#directive()}${parts.join("\n")}\n${exported.join("\n")}\n${state}\n`;
  }

  #link(top: Scope): string {
    if (this.#kind === "commonjs") {
      return this.#choices.pick([
        `const other_ = require("./other.cjs");`,
        `const other_ = __importStar(require("./other.cjs")); function __importStar(m) { if (m.__esModule) return m; const r = {}; for (const k in m) r[k] = m[k]; r.default = m; return r; }`,
      ]);
    }
    const [bump, count] = [top.newName(this.#choices), top.newName(this.#choices)];
    if (bump === undefined || count === undefined || bump === count) return `import * as other_ from "./other.mjs";`;
    top.declare({ name: bump, type: "fn", mutable: false, cost: 1 });
    top.declare({ name: count, type: "num", mutable: false, cost: 0 });
    return `import * as other_ from "./other.mjs"; import { bump_ as ${bump}, count_ as ${count} } from "./other.mjs";`;
  }

  /** The function that travels, and those that change its surroundings before. */
  #main(top: Scope): string {
    const choices = this.#choices;
    const changes = (): string => choices.many(0, 3, () => this.#change(top)).join(" ");
    const [warm, change] = [changes(), changes()];
    const inner = top.body(choices.rarely(4));
    top.frame.cost = 0;
    inner.declare({ name: "out", type: "symbol", mutable: false, cost: 0 });
    inner.declare({ name: "first", type: "num", mutable: true, cost: 0 });
    const args = [
      String(choices.below(5)),
      ...PASSED.map((type) => (choices.below(2) === 0 ? "2" : (top.choose(type, choices)?.name ?? "2"))),
    ];
    for (const [index, type] of PASSED.entries()) {
      const known =
        args[index + 1] === "2" ? undefined : top.visible(type).find(({ name }) => name === args[index + 1]);
      if (known !== undefined) inner.declare({ ...known, name: `passed${index}`, mutable: false });
    }
    const results = choices.many(2, 9, () => this.#result(inner));
    const body = `const out = []; ${results.join("\n  ")}\n  return out;`;
    const async = inner.frame.async ? "async " : "";
    // Two functions of one place, over values of any kind.
    const kept = (): string =>
      top.choose(choices.pick(["num", "fn", "record", "list", "class", "instance", "str"]), choices)?.name ?? "7";
    const shown = body.replace(
      "return out",
      "out.push(typeof kept, typeof kept === 'function' ? kept.name : kept?.length ?? kept?.a ?? kept?.v); return out",
    );
    const main = choices.pick([
      `const main = ${async}(first, passed0, passed1, passed2, passed3) => { ${body} };`,
      `${async}function main(first, passed0, passed1, passed2, passed3) { ${body} }`,
      `const main = ${async}function (first, passed0, passed1, passed2, passed3) { ${body} };`,
      `const main = ${async}function self_(first, passed0, passed1, passed2, passed3) { ${body} };`,
      `const main = ({ ${async}method(first, passed0, passed1, passed2, passed3) { ${body} } }).method;`,
      `const main = ((kept, other) => ${async}(first, passed0, passed1, passed2, passed3) => { ${body.replace("return out", "out.push(kept, other)\n; return out")} })(1, [2]);`,
      `const [more_, main] = [${kept()}, ${kept()}].map((kept) => ${async}(first, passed0, passed1, passed2, passed3) => { ${shown} });`,
      `const made_ = []; for (const kept of [${kept()}, ${kept()}]) made_.push(${async}function (first, passed0, passed1, passed2, passed3) { ${shown} }); const [more_, main] = made_;`,
      `const { main } = class { static main = ${async}(first, passed0, passed1, passed2, passed3) => { ${body} }; };`,
    ]);
    const more = main.includes("more_") ? "more: more_, " : "";
    const exported = `{ main, ${more}args: () => [${args.join(", ")}], warm() { ${warm} }, change() { ${change} } }`;
    if (this.#kind === "module") return `${main}\nconst api_ = ${exported}; export { api_ as default };`;
    if (this.#kind === "commonjs") return `${main}\nmodule.exports.api = ${exported};`;
    const named = (text: string): string => text.replaceAll(/\b(?:main|more_|made_)\b/g, `$&${this.#suffix}`);
    return `${named(main)}\n(${named(exported.replace("main", "main: main")).replace(`main${this.#suffix}:`, "main:")})`;
  }

  #change(top: Scope): string {
    const inner = top.body();
    const text = this.#statements.change(inner, 2);
    return `try { ${text} } catch {}`;
  }

  #result(inner: Scope): string {
    const choices = this.#choices;
    const awaited = inner.frame.async && choices.below(2) === 0 ? "await " : "";
    const caught = `catch (e_) { out.push(String(e_?.name)); }`;
    if (choices.rarely(5)) return `try { ${this.#statements.statement(inner.block(), 3)} } ${caught}`;
    if (choices.below(2) === 0)
      return `try { out.push(${awaited}${this.#statements.expressions.use(inner, 3)}); } ${caught}`;
    const type = choices.pick(["num", "str", "list", "record", "map", "fn", "class"] as const);
    let value = type === "class" ? this.#nameOf(inner) : this.#statements.expressions.of(type, inner, 4);
    if (type === "fn") value = `(${value}).name`;
    if (type === "record") value = `${inner.global("JSON")}.stringify(${value})`;
    return `try { out.push(${awaited}${value}); } ${caught}`;
  }

  #nameOf(inner: Scope): string {
    const name = inner.choose("class", this.#choices)?.name;
    if (name === undefined) return "0";
    const object = inner.global("Object");
    return `[${name}.name, ${object}.keys(${name}), ${object}.getOwnPropertyNames(${name}.prototype)]`;
  }
}
