// What the free names of a function stand for: imports, globals, values of variables.
import { isBuiltin } from "node:module";
import { dirname } from "node:path";
import { types } from "node:util";
import { findPackage } from "@taskflock/protocol";
import type { AnyNode } from "acorn";
import type { Variable } from "eslint-scope";
import { importOf, isConstant, isFixed } from "./binding.ts";
import type { Capture } from "./capture.ts";
import { workerGlobals } from "./globals.ts";
import type { Callable, ImportUse, NamespaceTarget, Target } from "./graph.ts";
import type { Inspected, Variables } from "./inspect.ts";
import { isNative, isObjectPrototype, sourceOf } from "./instances.ts";
import { type ImportSource, isFixedImport } from "./live-exports.ts";
import { LiveScopes } from "./live-scopes.ts";
import { isSingle, type ModuleSource, type Site } from "./module-source.ts";
import type { FreeName } from "./outside.ts";
import { isPrivateAccess } from "./private-stores.ts";
import { refuseName, shownName } from "./refusal.ts";
import {
  hasVariable,
  isModule,
  isNamespace,
  isShared,
  NOTHING,
  readMember,
  readNow,
  readVariable,
} from "./variables.ts";
import { type WellKnown, wellKnown, wellKnownIn } from "./well-known.ts";

interface Resolved {
  readonly target: Target;
  readonly value: unknown;
  /** The same for all that name this very variable; left out where its declaration tells. */
  readonly place?: object;
}

export class NameResolver {
  /** The global objects of functions of `node:vm`. */
  readonly realms: Set<object> = new Set();
  readonly namespaces: Map<object, NamespaceTarget> = new Map();
  /** Where namespaces were imported from. */
  readonly sources: Map<object, ImportSource> = new Map();
  /** Of private members. */
  readonly stores: Map<WeakMap<object, unknown> | WeakSet<object>, Target> = new Map();
  readonly #capture: Capture;
  readonly #scopes: LiveScopes = new LiveScopes();
  /** By the live scope, for code that ran more than once. */
  readonly #byVariable: Map<Variable, Map<Variables | undefined, Resolved>> = new Map();
  /** By the global object and the name. */
  readonly #shared: Map<object, Map<string, Resolved>> = new Map();
  readonly #imports: Map<string, ImportUse> = new Map();
  readonly #targets: Map<unknown, Target> = new Map();
  readonly #importedValues: Map<unknown, Target> = new Map();

  constructor(capture: Capture) {
    this.#capture = capture;
  }

  /** Undefined for a name that means the same on a worker. */
  resolve(name: FreeName, site: Site, inspected: Inspected, fn: Callable): Resolved | undefined {
    const { variable } = name;
    if (name.name === RUNNER_IMPORT) return { target: this.#runnerImport(), value: undefined };
    if (variable === null || isOfScripts(variable, site, inspected)) return this.#unresolved(name, site, inspected, fn);
    const find = (): Resolved => this.#imported(variable, site.module) ?? this.#valued(name, site, inspected, fn);
    if (!isSingle(site.module, variable)) return find();
    const byScope = this.#byVariable.get(variable) ?? new Map<Variables | undefined, Resolved>();
    this.#byVariable.set(variable, byScope);
    const scope = variable.scope.type === "module" ? undefined : this.#scopes.of(variable, inspected);
    const known = byScope.get(scope);
    if (known !== undefined) {
      this.#members(known.target, name, known.value as object, site);
      return known;
    }
    const found = byScope.size === 0 ? find() : { ...find(), place: {} };
    byScope.set(scope, found);
    return found;
  }

  /**
   * Remembers the values of imports, so that the same function reached in another way is not a second one; and the realm, whose
   * own things every worker has.
   */
  noteImports(names: readonly FreeName[], { module }: Site, { scopes, global }: Inspected): void {
    if (global !== globalThis) this.realms.add(global);
    for (const { variable } of names) {
      const imported = variable === null ? undefined : this.#imported(variable, module);
      if (imported?.target.kind !== "import") continue;
      const value = readVariable(scopes, variable!.name);
      if (value === NOTHING || !isIdentity(value)) continue;
      this.#importedValues.set(value, imported.target);
      if (imported.target.member !== "*" || typeof value !== "object" || value === null) continue;
      const { kind, specifier, interop } = imported.target.use;
      for (const key of Object.keys(value)) {
        const member = readMember(value, key);
        if (typeof member !== "function" || this.#importedValues.has(member)) continue;
        this.#importedValues.set(member, this.#importTarget({ specifier, kind, interop }, key, module));
      }
    }
  }

  /** What was imported with this very value. */
  importedValue(value: unknown): Target | undefined {
    return this.#importedValues.get(value);
  }

  /** Functions, objects and symbols of the language's and of Node's. */
  wellKnown(value: unknown): Target | undefined {
    const known = wellKnown(value) ?? this.#wellKnownElsewhere(value);
    if (known === undefined) return undefined;
    if ("expression" in known) {
      const name = known.expression.split(".").at(-1)?.replace(/\W.*$/, "") || "known";
      return this.#one(`expression ${known.expression}`, () => ({ kind: "expression", text: known.expression, name }));
    }
    const { specifier, member } = known;
    return this.#importTarget(
      { specifier, kind: "import", interop: "none" },
      member === "" ? "default" : `default.${member}`,
      undefined,
    );
  }

  #wellKnownElsewhere(value: unknown): WellKnown | undefined {
    if (this.realms.size === 0 || !isIdentity(value)) return undefined;
    for (const global of this.realms) {
      const known = wellKnownIn(global, value);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  /** A symbol that is the program's own: the same one wherever the function uses it, another one in each call. */
  symbol(symbol: symbol, name: string): Target {
    const description = symbol.description === undefined ? "" : JSON.stringify(symbol.description);
    return this.#one(symbol, () => ({ kind: "expression", text: `Symbol(${description})`, name }));
  }

  /** Of a specifier that is computed: what it means, only the worker knows. */
  #runnerImport(): Target {
    return this.#one(RUNNER_IMPORT, () => ({
      kind: "expression",
      text: "(specifier) => import(specifier)",
      name: RUNNER_IMPORT,
    }));
  }

  #one(key: unknown, make: () => Target): Target {
    let target = this.#targets.get(key);
    if (target === undefined) {
      target = make();
      this.#targets.set(key, target);
    }
    return target;
  }

  #imported(variable: Variable, module: ModuleSource): Resolved | undefined {
    const binding = importOf(variable);
    if (binding === undefined || !isForeign(binding.specifier, module)) return undefined;
    return { target: this.#importTarget(binding, binding.member, module, variable.name), value: undefined };
  }

  #importTarget(
    { specifier, kind, interop }: Pick<ImportUse, "specifier" | "kind" | "interop">,
    member: string,
    module: ModuleSource | undefined,
    name: string = member.split(".").at(-1) ?? member,
  ): Target {
    const from = module?.file === undefined ? "" : dirname(module.file);
    const key = `${kind} ${interop} ${specifier} ${isBuiltin(specifier) ? "" : from}`;
    let use = this.#imports.get(key);
    if (use === undefined) {
      use = { specifier, kind, when: "load", interop, module };
      this.#imports.set(key, use);
    }
    const found = use;
    return this.#one(`import ${key} ${member}`, () => ({ kind: "import", use: found, member, name }));
  }

  #unresolved(name: FreeName, site: Site, inspected: Inspected, fn: Callable): Resolved | undefined {
    const { name: text, variable } = name;
    const value = readVariable(inspected.scopes, text);
    if (value === undefined && !hasVariable(inspected.scopes, text)) {
      const isGlobal = Object.hasOwn(inspected.global, text);
      if (!isGlobal || (variable === null && isOfWorkers(text, inspected.global))) {
        if (text === "arguments") throw this.#capture.refuse(refuseName(text));
        return undefined; // without a value here it has none there either
      }
      return this.#ofScripts(name, site, inspected, fn);
    }
    if (text === "exports" && typeof value === "object" && value !== null && name.members !== null) {
      return { target: this.#namespace(value, name, site), value };
    }
    if (MODULE_NAMES.has(text)) throw this.#capture.refuse(refuseName(text));
    if (isShared(inspected, text)) return this.#ofScripts(name, site, inspected, fn);
    return this.#valued(name, site, inspected, fn);
  }

  #ofScripts(name: FreeName, site: Site, inspected: Inspected, fn: Callable): Resolved {
    const known = this.#shared.get(inspected.global) ?? new Map<string, Resolved>();
    this.#shared.set(inspected.global, known);
    let found = known.get(name.name);
    if (found === undefined) {
      found = { ...this.#valued(name, site, inspected, fn), place: placeOf(inspected.global, name.name) };
      known.set(name.name, found);
    } else {
      this.#members(found.target, name, found.value as object, site);
    }
    return found;
  }

  #valued(name: FreeName, site: Site, inspected: Inspected, fn: Callable): Resolved {
    const { variable, name: text } = name;
    if (text === "arguments") throw this.#capture.refuse(refuseName(text));
    const value = readNow(inspected, text);
    if (value === NOTHING && name.uses.length > 0 && name.uses.every(({ eager }) => eager)) {
      throw this.#capture.refuse(
        `it uses the class ${shownName(fn)}, which names a field by ${text}, whose value the engine has let go; write the name out.`,
      );
    }
    if (value === NOTHING || (value === undefined && variable !== null && isAlwaysSomething(variable, site.module))) {
      throw this.#capture.refuse(`it uses ${text}, which has no value yet; submit after it is defined.`);
    }
    const isWhole = text === "exports" || (variable !== null && importOf(variable)?.member === "*");
    if ((isNamespace(value) || (isWhole && isPlain(value))) && (name.members !== null || isModule(value))) {
      return { target: this.#namespace(value, name, site), value };
    }
    const target = this.#privateStore(value, name, site) ?? this.#capture.targetOf(value, text);
    const owner = fn === this.#capture.root ? null : fn;
    const hidden = site.module.file === undefined; // what a REPL's later lines do is not in the text
    // An undefined `var` may get its value yet.
    const constant = variable !== null && !hidden && value !== undefined && isFixedIn(site.module, variable);
    const isProperty = !hasVariable(inspected.scopes, text);
    const at = isProperty ? { object: inspected.global, key: text } : { owner, variable: text, constant };
    this.#watch(target, value, at);
    return { target, value };
  }

  /** What a compiler keeps private members in: instances that are made on the worker enter themselves. */
  #privateStore(value: unknown, { name, uses }: FreeName, { module }: Site): Target | undefined {
    if (!types.isWeakMap(value) && !types.isWeakSet(value)) return undefined;
    const isOurs = uses.every(({ start, end }) => isPrivateAccess(module.text, start, end));
    if (!isOurs) return undefined;
    const text = types.isWeakMap(value) ? "new WeakMap()" : "new WeakSet()";
    const target = this.#one(value, () => ({ kind: "expression", text, name }));
    this.stores.set(value, target);
    return target;
  }

  /** One object is one namespace, whatever it is called in each module. */
  #namespace(value: object, name: FreeName, site: Site): NamespaceTarget {
    let target = this.namespaces.get(value);
    if (target === undefined) {
      target = { kind: "namespace", members: new Map(), name: name.name, changed: false };
      this.namespaces.set(value, target);
    }
    const imported = name.variable === null ? undefined : importOf(name.variable);
    if (imported?.member === "*") this.sources.set(value, { specifier: imported.specifier, importer: site.module });
    this.#members(target, name, value, site);
    return target;
  }

  /** The members of a namespace that a unit uses; all that it has when it is passed on as a whole. */
  #members(target: Target, name: FreeName, namespace: object, site: Site): void {
    if (target.kind !== "namespace") return;
    const { members, called } = name;
    for (const key of members ?? Object.keys(namespace)) {
      if (target.members.has(key) || !(key in namespace)) continue;
      const value = readMember(namespace, key);
      if (value === NOTHING) {
        throw this.#capture.refuse(
          `it uses ${target.name}.${key}, which has no value yet; submit after it is defined.`,
        );
      }
      const inner = this.#memberTarget(value, key, site);
      target.members.set(key, inner);
      this.#watch(inner, value, { object: namespace, key });
    }
    const isThis = [...called].some((key) => usesItsObject(target.members.get(key)));
    if (members !== null && isThis) this.#members(target, { ...name, members: null }, namespace, site);
  }

  #memberTarget(value: unknown, key: string, site: Site): Target {
    if (!isModule(value)) return this.#capture.targetOf(value, key);
    const known = this.namespaces.get(value);
    if (known !== undefined && known.members.size === Object.keys(value).length) return known;
    return this.#namespace(value, { ...WHOLE, name: key }, site);
  }

  #watch(target: Target, seen: unknown, at: Capture["watched"][number]["at"]): void {
    this.#capture.watched.push({ target, seen, at });
  }
}

/** Passed on, so that all of its members may be used. */
const WHOLE: Omit<FreeName, "name"> = { variable: null, uses: [], members: null, called: new Set(), changed: false };

/** A function that finds in its `this` what it is called as a member of. */
function usesItsObject(target: Target | undefined): boolean {
  if (target?.kind !== "unit" || target.unit.form.kind !== "code") return false;
  return target.unit.form.outside.context.has("own this");
}

/** Scripts may have declared something else by that name. What a library replaced is its own affair, on each machine. */
function isOfWorkers(name: string, global: Variables): boolean {
  if (!workerGlobals().has(name)) return false;
  const { value, configurable } = Object.getOwnPropertyDescriptor(global, name) ?? {};
  if (typeof value === "function") {
    const isDeclared = configurable === false || (global !== globalThis && !isNative(sourceOf(value)));
    return !isDeclared || wellKnown(value) !== undefined;
  }
  return typeof value === "object" || value === undefined || /^(?:NaN|Infinity)$/.test(name);
}

function isFixedIn(module: ModuleSource, variable: Variable): boolean {
  return variable.defs[0]?.type === "ImportBinding" ? isFixedImport(variable, module) : isFixed(variable);
}

const places = new WeakMap<object, Map<string, object>>();

/** Stands for a variable that all scripts of a realm share. */
function placeOf(global: object, name: string): object {
  const ofRealm = places.get(global) ?? new Map<string, object>();
  places.set(global, ofRealm);
  const place = ofRealm.get(name) ?? { name };
  ofRealm.set(name, place);
  return place;
}

/** Of the top level of a script, and no module's: another script's variable of this name is the same. */
function isOfScripts({ scope, name }: Variable, { module }: Site, inspected: Inspected): boolean {
  return !module.script.isModule && (scope.block as AnyNode).type === "Program" && isShared(inspected, name);
}

const RUNNER_IMPORT = "__vite_ssr_dynamic_import__";
const MODULE_NAMES: ReadonlySet<string> = new Set(["require", "module", "exports", "__filename", "__dirname"]);

/** The same value is the same thing: not so of a number or a text. */
function isIdentity(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function" || typeof value === "symbol";
}

/** No more than its members: not an instance of a class, an array, a map. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || isObjectPrototype(prototype);
}

/** A builtin, or a package that is installed: not a file of the user's, whatever alias it is imported by. */
export function isForeign(specifier: string, { file }: Pick<ModuleSource, "file">): boolean {
  if (isBuiltin(specifier)) return true;
  if (!/^(?:@[\w.-]+\/)?[\w.-]+(?:\/|$)/.test(specifier) || specifier.startsWith(".")) return false;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return findPackage(name, file === undefined ? process.cwd() : dirname(file)) !== undefined;
}

/** Its initial value cannot be undefined, so that an undefined one is none yet: older engines do not tell. */
function isAlwaysSomething(variable: Variable, { program }: ModuleSource): boolean {
  const [definition] = variable.defs;
  if (definition === undefined) return false;
  if (definition.type === "ClassName") return true;
  if (definition.type !== "Variable" || !isConstant(variable)) return false;
  const declaration = definition.parent as AnyNode;
  // A `var` may stand where nobody came by.
  if ("kind" in declaration && declaration.kind === "var" && !program.body.some((node) => node === declaration))
    return false;
  const { init } = definition.node as { init?: { type: string; value?: unknown } | null };
  return /^(?:Literal|TemplateLiteral|(?:Object|Array|New|Function|ArrowFunction|Class)Expression)$/.test(
    init?.type ?? "",
  );
}
