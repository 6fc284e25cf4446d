// From the graph of what travels with a function to one text, in which all of it stands under names of its own.
import type { PositionTable } from "../stacks/positions.ts";
import type { AssetUse } from "./asset-uses.ts";
import { CodeNames, type Named, namedOf, partsOf } from "./code-names.ts";
import { CodeText } from "./code-text.ts";
import type { Graph, ImportUse, Override, Target, Unit, UnitCode } from "./graph.ts";
import { makersOf } from "./makers.ts";
import type { ModuleSource } from "./module-source.ts";
import type { ModuleUse } from "./outside.ts";
import { writeUnit } from "./unit-text.ts";

export interface EmittedCode {
  readonly code: string;
  readonly closure: boolean;
  readonly imports: readonly ImportUse[];
  readonly assets: readonly { readonly path: string; readonly module: ModuleSource }[];
  readonly positions: PositionTable;
}

const INTEROP = {
  star: "const $star = (m) => (m && m.__esModule ? m : { ...m, default: m });\n",
  default: "const $default = (m) => (m && m.__esModule ? m : { default: m });\n",
  node: "const $node = (m) => ({ ...m, default: m });\n",
} as const;

/** Under the symbol by which decoders find what a class makes for its instances. */
const MAKERS = `const $makers = (type, value) => Object.defineProperty(type, Symbol.for("taskflock.makers"), { value });\n`;

export function emitCode(graph: Graph): EmittedCode {
  return new Emitter(graph).emit();
}

class Emitter {
  readonly #graph: Graph;
  readonly #names: CodeNames;
  readonly #out: CodeText = new CodeText();
  readonly #imports: Map<string, { readonly at: number; readonly use: ImportUse }> = new Map();
  readonly #assets: Map<string, { readonly at: number; readonly path: string; readonly module: ModuleSource }> =
    new Map();
  /** What captured values or variables that change decide: made anew for each call. */
  readonly #instance: ReadonlySet<Named>;
  readonly #strict: boolean;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#names = new CodeNames(graph);
    this.#instance = dependentOnCall(this.#names.all());
    this.#strict = graph.units.every(({ form }) => form.kind !== "code" || form.strict);
  }

  emit(): EmittedCode {
    const { root, dataNames, stateful } = this.#graph;
    const closure = dataNames.length > 0 || stateful;
    if (this.#strict) this.#out.glue(`"use strict";\n`);
    this.#importsAndExpressions();
    if (this.#graph.units.some(hasMakers)) this.#out.glue(MAKERS);
    this.#section((named) => !this.#instance.has(named));
    if (closure) {
      this.#out.glue("return ($bind) => {\n");
      this.#data();
      this.#section((named) => this.#instance.has(named), this.#graph.late ? () => this.#bind() : undefined);
    }
    this.#out.glue(`return ${this.#names.ofNamed(root)};\n${closure ? "};\n" : ""}`);
    return {
      code: this.#out.text,
      closure,
      imports: [...this.#imports.values()].map(({ use }) => use),
      assets: [...this.#assets.values()],
      positions: this.#out.positions(),
    };
  }

  #importsAndExpressions(): void {
    const interops = new Set<keyof typeof INTEROP>();
    const lines: string[] = [];
    for (const named of this.#names.all()) {
      if (!("kind" in named)) continue;
      const name = this.#names.ofNamed(named);
      if (named.kind === "expression") lines.push(`const ${name} = ${named.text};\n`);
      if (named.kind !== "import") continue;
      const { use, member } = named;
      if (use.interop !== "none") interops.add(use.interop);
      const whole = `$imports[${this.#importIndex(use)}]`;
      const shaped = use.interop === "none" ? whole : `$${use.interop}(${whole})`;
      lines.push(`const ${name} = ${member === "*" ? shaped : shaped + memberAccess(member)};\n`);
    }
    for (const interop of interops) this.#out.glue(INTEROP[interop]);
    for (const line of lines) this.#out.glue(line);
  }

  /** Namespaces, units in an order in which each finds what it needs to be made, and what was put on them. */
  #section(belongs: (named: Named) => boolean, beforeOverrides?: () => void): void {
    const all = [...this.#names.all()].filter(belongs);
    const namespaces = all.filter((named) => "kind" in named && named.kind === "namespace");
    for (const named of namespaces) this.#out.glue(`const ${this.#names.ofNamed(named)} = { __proto__: null };\n`);
    const units = inOrder(this.#graph.units.filter(belongs));
    for (const unit of units) this.#unit(unit);
    beforeOverrides?.();
    for (const named of all) if ("kind" in named && named.kind === "cell") this.#cell(named);
    for (const named of namespaces) this.#members(named);
    for (const unit of units) this.#overrides(unit);
  }

  /** Declares the captured values and the variables that change; reads them at once where nothing must be made before. */
  #data(): void {
    const declared = [...this.#names.all()].filter(
      (named) => "kind" in named && (named.kind === "data" || named.kind === "cell"),
    );
    if (declared.length > 0) this.#out.glue(`let ${declared.map((named) => this.#names.ofNamed(named)).join(", ")};\n`);
    if (!this.#graph.late) this.#bind();
  }

  #bind(): void {
    const places: string[] = [];
    for (const named of this.#names.all()) {
      if ("kind" in named && named.kind === "data") places[named.index] = this.#names.ofNamed(named);
    }
    const units = this.#graph.late ? this.#graph.units.map((unit) => this.#names.ofNamed(unit)).join(", ") : "";
    this.#out.glue(places.length === 0 ? `$bind([${units}]);\n` : `[${places.join(", ")}] = $bind([${units}]);\n`);
  }

  #unit(unit: Unit): void {
    writeUnit(this.#out, unit, this.#strict, {
      names: this.#names,
      importAt: (use, code) => this.#importIndex(importUse(use, code)),
      assetAt: (use, code) => this.#assetIndex(use, code),
    });
  }

  #cell(cell: Named): void {
    if (!("kind" in cell) || cell.kind !== "cell") return;
    this.#out.glue(`${this.#names.ofNamed(cell)} = ${this.#names.of(cell.initial)};\n`);
  }

  #members(namespace: Named): void {
    if (!("kind" in namespace) || namespace.kind !== "namespace") return;
    const name = this.#names.ofNamed(namespace);
    for (const [key, target] of namespace.members) {
      const value = this.#names.of(target);
      const isLive = target.kind === "cell" || target.kind === "member";
      this.#out.glue(
        isLive
          ? `Object.defineProperty(${name}, ${JSON.stringify(key)}, { get: () => ${value}, enumerable: true });\n`
          : `${name}[${JSON.stringify(key)}] = ${value};\n`,
      );
    }
  }

  #overrides(unit: Unit): void {
    const name = this.#names.ofNamed(unit);
    const objectOn = (on: Override["on"]): string => (on === "self" ? name : `${name}.prototype`);
    for (const { on, target } of unit.parents) {
      const parent = on === "self" ? this.#names.of(target) : `${this.#names.of(target)}.prototype`;
      this.#out.glue(`Object.setPrototypeOf(${objectOn(on)}, ${parent});\n`);
    }
    if (unit.privates.length > 0) {
      const values = unit.privates.map(({ target }) => this.#names.of(target));
      this.#out.glue(`${this.#names.ofPrivates(unit)}([${values.join(", ")}]);\n`);
    }
    for (const { store, value } of unit.entries) {
      const enter = value === null ? `add(${name})` : `set(${name}, ${this.#names.of(value)})`;
      this.#out.glue(`${this.#names.of(store)}.${enter};\n`);
    }
    for (const override of unit.overrides) this.#override(objectOn(override.on), override);
  }

  #override(object: string, { key, parts, descriptor }: Override): void {
    const keyText = typeof key === "string" ? JSON.stringify(key) : this.#names.of(key);
    if (parts === null) {
      this.#out.glue(`delete ${object}[${keyText}];\n`);
      return;
    }
    const fields = Object.entries(parts).map(([kind, target]) => `${kind}: ${this.#names.of(target)}`);
    for (const flag of ["writable", "enumerable", "configurable"] as const) {
      if (descriptor[flag] !== undefined) fields.push(`${flag}: ${descriptor[flag]}`);
    }
    this.#out.glue(`Object.defineProperty(${object}, ${keyText}, { ${fields.join(", ")} });\n`);
  }

  #importIndex(use: ImportUse): number {
    const key = `${use.kind} ${use.when} ${use.specifier} ${use.module?.file ?? ""}`;
    const known = this.#imports.get(key);
    if (known !== undefined) return known.at;
    const at = this.#imports.size;
    this.#imports.set(key, { at, use });
    return at;
  }

  #assetIndex({ path }: AssetUse, { site }: UnitCode): number {
    const key = `${path} ${site.module.script.id}`;
    const known = this.#assets.get(key);
    if (known !== undefined) return known.at;
    const at = this.#assets.size;
    this.#assets.set(key, { at, path, module: site.module });
    return at;
  }
}

function importUse({ specifier, kind }: ModuleUse, { site }: UnitCode): ImportUse {
  return { specifier, kind, when: "call", interop: "none", module: site.module };
}

function hasMakers({ form }: Unit): boolean {
  return form.kind === "code" && makersOf(form.site.module, form.site.node).size > 0;
}

function memberAccess(member: string): string {
  return member
    .split(".")
    .map((step) => `[${JSON.stringify(step)}]`)
    .join("");
}

/** What a target needs of others. */
function neededBy(named: Named): Target[] {
  if (!("kind" in named)) {
    const { form } = named;
    const own = form.kind === "code" ? [] : [form];
    return [...own, ...named.names.values(), ...partsOf(named)];
  }
  if (named.kind === "namespace") return [...named.members.values()];
  return named.kind === "cell" ? [named.initial] : [];
}

function dependentOnCall(all: Iterable<Named>): Set<Named> {
  const users = new Map<Named, Named[]>();
  const found = new Set<Named>();
  const open: Named[] = [];
  for (const named of all) {
    if ("kind" in named && (named.kind === "data" || named.kind === "cell")) open.push(named);
    if ("changed" in named && named.changed) open.push(named);
    for (const target of neededBy(named)) {
      const needed = namedOf(target);
      const known = users.get(needed);
      if (known === undefined) users.set(needed, [named]);
      else known.push(named);
    }
  }
  for (let named = open.pop(); named !== undefined; named = open.pop()) {
    if (found.has(named)) continue;
    found.add(named);
    open.push(...(users.get(named) ?? []));
  }
  return found;
}

/** Classes behind what they extend and what their text evaluates at once. */
function inOrder(units: readonly Unit[]): Unit[] {
  const placed = new Set<Unit>();
  const among = new Set(units);
  const order: Unit[] = [];
  const place = (unit: Unit): void => {
    if (placed.has(unit) || !among.has(unit)) return;
    placed.add(unit);
    for (const target of eagerTargets(unit)) if (target.kind === "unit") place(target.unit);
    order.push(unit);
  };
  for (const unit of units) place(unit);
  return order;
}

function eagerTargets({ form, heritage, replaced, names }: Unit): Target[] {
  const eager = heritage === null ? [] : [heritage];
  for (const { by } of replaced) if (typeof by === "object") eager.push(by);
  if (form.kind !== "code") return [...eager, form];
  for (const { name, uses } of form.outside.names) {
    const target = names.get(name);
    if (target !== undefined && uses.some((use) => use.eager)) eager.push(target);
  }
  return eager;
}
