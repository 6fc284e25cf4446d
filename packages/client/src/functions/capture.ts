// From a live function to the graph of what travels with it.
import { types } from "node:util";
import { encodeValue, FlockError, type ValueLeaf } from "@taskflock/protocol";
import type { Variable } from "eslint-scope";
import { isFuture } from "../future.ts";
import { isDelayed } from "../graph/delayed.ts";
import { importOf, isConstant } from "./binding.ts";
import { markChanged, splitCells } from "./cells.ts";
import { checkContext, checkFolder } from "./context.ts";
import type { Callable, Graph, Target, Unit, Watched } from "./graph.ts";
import { type Inspected, inspectFunction, type Variables } from "./inspect.ts";
import { classOf, instanceProblem, isNative, isOfNode, nameOf, sourceOf } from "./instances.ts";
import { linkExports } from "./live-exports.ts";
import { instanceLeaf } from "./made-fields.ts";
import { isSingle, type ModuleSource, type Site, siteOf } from "./module-source.ts";
import { isForeign, NameResolver } from "./names.ts";
import { type FreeName, type Outside, outsideOf, type Range } from "./outside.ts";
import { classMembers, classParts } from "./overrides.ts";
import { refuseFunction, refuseInner, refuseNative, type Subject, shownName } from "./refusal.ts";
import { sharesOf } from "./shares.ts";
import { isScriptConstant, scopeWith } from "./variables.ts";
import { wellKnown } from "./well-known.ts";

/** A name of a unit, with the value that it has there. */
export interface Bound {
  readonly unit: Unit;
  readonly fn: Callable;
  readonly name: FreeName;
  readonly target: Target;
  /** The live one that has the variable. */
  readonly scope: Variables | undefined;
  /** The same for all that name one variable. */
  readonly place: unknown;
  /** There is one such variable, not one for each call of a function around it. */
  readonly single: boolean;
}

export interface Captured {
  readonly graph: Graph;
  /** The captured values, by the index of data targets. */
  readonly values: readonly unknown[];
}

/** Throws FLOCK_FUNCTION_NOT_SERIALIZABLE; `subject` names the function in the message. `besides` travel with it. */
export function captureFunction(fn: Callable, subject: Subject, besides: readonly Callable[]): Captured {
  return new Capture(fn, subject).run(besides);
}

export class Capture {
  readonly subject: Subject;
  readonly root: Callable;
  readonly values: unknown[] = [];
  readonly bound: Bound[] = [];
  readonly watched: Watched[] = [];
  /** Of the variables of modules that change. */
  readonly cells: Map<Variable, { readonly target: Target; readonly module: ModuleSource }> = new Map();
  readonly #units: Map<object, Unit> = new Map();
  readonly #dataNames: string[] = [];
  readonly #open: (() => void)[] = [];
  readonly names: NameResolver;
  /** Variables that functions might share are not, by the values that they have in these very functions. */
  separate = false;
  /** Who is looked at, for messages. */
  #captor = "it";
  #late = false;

  constructor(root: Callable, subject: Subject) {
    this.root = root;
    this.subject = subject;
    this.names = new NameResolver(this);
  }

  run(besides: readonly Callable[]): Captured {
    const root = this.unit(this.root);
    for (const beside of besides) this.unit(beside);
    do {
      for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) next();
      this.#enterStores();
    } while (this.#open.length > 0);
    refuseForgottenKeys(this);
    const changing = splitCells(this);
    const changed = markChanged(this, this.#units.values());
    if (changing || changed) linkExports(this);
    const units = [...this.#units.values()];
    this.#units.delete(this.root); // the graph outlives the function: it serves others of the same place
    const graph: Graph = {
      root,
      units,
      unitOf: this.#units,
      dataNames: this.#dataNames,
      late: this.#late,
      stateful: changing || changed,
      separate: this.separate,
      watched: this.watched.map(forgetData),
      shares: sharesOf(this, this.#units),
    };
    return { graph, values: this.values };
  }

  refuse(why: string): FlockError {
    return refuseFunction(this.subject, why);
  }

  /** The unit of a function or class, which is called `called` where it was met; what it uses follows later. */
  unit(fn: Callable, called: string = shownName(fn)): Unit {
    const known = this.#units.get(fn);
    if (known !== undefined) return known;
    const ours = this.names.wellKnown(fn) ?? this.names.importedValue(fn);
    const unit: Unit = {
      index: this.#units.size,
      name: nameOf(fn),
      form: ours ?? this.#code(fn, called),
      names: new Map(),
      heritage: null,
      parents: [],
      replaced: [],
      privates: [],
      entries: [],
      overrides: [],
      changed: false,
    };
    this.#units.set(fn, unit);
    if (unit.form.kind === "code") this.#open.push(() => this.#follow(unit, fn));
    return unit;
  }

  /** What stands for a value of the user's; `name` is what it is called there. */
  targetOf(value: unknown, name: string): Target {
    const known = this.names.wellKnown(value) ?? this.names.importedValue(value);
    if (known !== undefined) return known;
    if (types.isProxy(value)) {
      throw this.refuse(
        `${this.#captor} captures ${name}, a Proxy, whose handler does not travel; pass what it stands for.`,
      );
    }
    if (typeof value === "function") return { kind: "unit", unit: this.unit(value as Callable, name), name };
    if (typeof value === "symbol") return this.names.symbol(value, name);
    return this.data(value, name);
  }

  data(value: unknown, name: string): Target {
    const index = this.values.length;
    this.values.push(value);
    this.#dataNames.push(name);
    if (typeof value === "object" && value !== null) this.#explore(value, name);
    return { kind: "data", index, name };
  }

  /** Finds the functions and classes in a captured value, and whether it can travel at all. */
  #explore(value: object, name: string): void {
    try {
      encodeValue(value, { path: name, leaf: (inner, path) => this.#leaf(inner, path) });
    } catch (error) {
      if (!(error instanceof FlockError) || error.code !== "FLOCK_NOT_SERIALIZABLE") throw error;
      throw this.refuse(`of what ${this.#captor} captures, ${error.message}`);
    }
  }

  #leaf(value: object, path: () => string): ValueLeaf | undefined {
    if (typeof value === "function") {
      this.#late = true;
      return { kind: "unit", index: this.unit(value as Callable, path()).index };
    }
    if (isFuture(value) || isDelayed(value)) {
      throw this.refuse(
        `${this.#captor} captures the ${isFuture(value) ? "future" : "delayed call"} ${path()}; pass it as an argument, and the function gets its value.`,
      );
    }
    const type = classOf(value);
    if (type === undefined && isOpenHandle(value)) {
      throw this.refuse(
        `${this.#captor} captures ${path()}, a ${shownName(value.constructor)} of this process; open or make it inside the function.`,
      );
    }
    if (type === undefined) return undefined;
    this.#instantiable(type, path);
    return instanceLeaf(value, type);
  }

  #instantiable(type: Callable, path: () => string): void {
    const problem = instanceProblem(type);
    if (problem === null) {
      this.unit(type);
      return;
    }
    throw this.refuse(
      `${this.#captor} captures ${path()}, an instance of ${shownName(type)}, ${problem}; make it inside the function, or pass plain data.`,
    );
  }

  #code(fn: Callable, called: string): Unit["form"] {
    const source = sourceOf(fn);
    const subject = fn === this.root ? "it" : `it uses ${called}, which`;
    if (isNative(source)) throw this.refuse(refuseNative(fn, subject));
    const inspected = inspectFunction(fn);
    if (isOfNode(inspected)) throw this.refuse(refuseInner(subject));
    const site = this.#site(inspected, source, subject);
    const outside = outsideOf(site);
    checkContext(this, site, outside, subject);
    checkFolder(this, site, outside, inspected);
    const strict = site.module.scopes.acquire(site.node as never)?.isStrict ?? site.module.script.isModule;
    return { kind: "code", site, outside, strict };
  }

  #site(inspected: Inspected, source: string, subject: Subject): Site {
    try {
      return siteOf(inspected, source);
    } catch (error) {
      throw this.refuse(`${subject} cannot be read in its source: ${error instanceof Error ? error.message : error}.`);
    }
  }

  /** Private members of the classes themselves, where a compiler keeps those in stores. */
  #enterStores(): void {
    for (const [store, target] of this.names.stores) {
      for (const [fn, unit] of this.#units) {
        if (!store.has(fn) || unit.entries.some((entry) => entry.store === target)) continue;
        const value = "get" in store ? this.targetOf(store.get(fn), "kept") : null;
        unit.entries.push({ store: target, value });
      }
    }
  }

  /** Looks at everything that a unit names. */
  #follow(unit: Unit, fn: Callable): void {
    if (unit.form.kind !== "code") return;
    this.#captor = fn === this.root ? "it" : shownName(fn);
    const { site, outside } = unit.form;
    const inspected = inspectFunction(fn);
    this.names.noteImports(outside.names, site, inspected);
    const written = classMembers(this, unit, fn, inspected);
    for (const name of outside.names) {
      // The engine may have let these go; the class itself knows.
      if (isOnlyExtended(name, outside, site) || isOnlyIn(name, unit.replaced)) continue;
      const found = this.names.resolve(name, site, inspected, fn);
      if (found === undefined) continue;
      if (name.uses.some(({ loose }) => loose)) {
        throw this.refuse(`it uses ${name.name} inside with (…), where that may be a property; write object.property.`);
      }
      unit.names.set(name.name, found.target);
      const { target, place = name.variable ?? name.name } = found;
      const single = name.variable === null || found.place !== undefined || isSingle(site.module, name.variable);
      this.bound.push({ unit, fn, name, target, scope: scopeWith(inspected.scopes, name.name), place, single });
    }
    classParts(this, unit, fn, written);
  }
}

/** What names a field was evaluated with the class: it may have been something else then. */
function refuseForgottenKeys(capture: Capture): void {
  for (const { unit, name, target } of capture.bound) {
    const { heritage = null } = unit.form.kind === "code" ? unit.form.outside : {};
    const known = heritage === null ? unit.replaced : [...unit.replaced, heritage];
    if (name.uses.every((use) => !use.eager || isWithin(use, known))) continue;
    const isFixed = target.kind === "expression" || target.kind === "import";
    if (isFixed && (name.variable === null || isConstant(name.variable) || importOf(name.variable))) continue;
    if (name.variable === null && isScriptConstant(name.name)) continue;
    throw capture.refuse(
      `it uses the class ${unit.name}, which names a field by ${name.name}, and that may have changed since; write the name out.`,
    );
  }
}

/** An instance of a class of Node's modules: a socket, a stream, a server. */
function isOpenHandle(value: object): boolean {
  const known = value instanceof Error ? undefined : wellKnown(Reflect.get(value, "constructor"));
  return known !== undefined && "specifier" in known;
}

/** The graph outlives the function: what it captured is not to stay for that. */
function forgetData(watched: Watched): Watched {
  return watched.target?.kind === "data" ? { ...watched, seen: undefined } : watched;
}

/** A variable that stands in what a class extends and nowhere else. */
function isOnlyExtended({ variable, uses }: FreeName, { heritage }: Outside, { module }: Site): boolean {
  if (heritage === null || variable === null) return false;
  const imported = importOf(variable);
  if (imported !== undefined && isForeign(imported.specifier, module)) return false;
  return uses.every(({ start, end }) => start >= heritage.start && end <= heritage.end);
}

/** What stands there has been replaced. */
function isOnlyIn({ uses }: FreeName, replaced: readonly Range[]): boolean {
  return uses.every((use) => isWithin(use, replaced));
}

function isWithin(inner: Range, ranges: readonly Range[]): boolean {
  return ranges.some(({ start, end }) => start <= inner.start && inner.end <= end);
}
