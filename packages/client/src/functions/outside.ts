// What a function needs from outside itself, by its text: names, modules, files, and things that only have a meaning where it
// was written.
import type { AnyNode } from "acorn";
import type { Scope, Variable } from "eslint-scope";
import { type AssetUse, assetUse, isMetaName } from "./asset-uses.ts";
import { calledName, importSpecifier, isText } from "./binding.ts";
import { type Hoisted, hoistedNames, isHoisted } from "./hoisting.ts";
import { forEachChild, isSingle, type ModuleSource, type Site } from "./module-source.ts";

/** A stretch of the script's text, by offsets. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface NameUse extends Range {
  readonly write: boolean;
  /** `{ name }`: the name is the property's, too. */
  readonly shorthand: boolean;
  /** Evaluated with the class itself, not when something is called. */
  readonly eager: boolean;
  /** Inside `with (object)`, where it may mean a property. */
  readonly loose: boolean;
}

export interface FreeName {
  readonly name: string;
  /** Null for a name that no scope of the script declares. */
  readonly variable: Variable | null;
  readonly uses: readonly NameUse[];
  /** The members that are used, when all uses are `name.member`; else null. */
  readonly members: ReadonlySet<string> | null;
  /** Those that are called as `name.member()`, and so may find the object itself as their `this`. */
  readonly called: ReadonlySet<string>;
  /** A member of it is assigned to. */
  readonly changed: boolean;
}

/** `import("x")` or `require("x")` inside the function. */
export interface ModuleUse extends Range {
  readonly specifier: string;
  readonly kind: "import" | "require";
}

/** What only has a meaning where the function was written. */
export type Context = "this" | "own this" | "super" | "new.target" | "import.meta" | "private" | "eval";

export interface Outside {
  readonly names: readonly FreeName[];
  readonly modules: readonly ModuleUse[];
  readonly assets: readonly AssetUse[];
  /** "own this": the function's own; "this": of what surrounds an arrow function. */
  readonly context: ReadonlySet<Context>;
  /** Of a class: parts that run once, where it is defined; what they led to is read from the class itself. */
  readonly statics: readonly Range[];
  readonly heritage: AnyNode | null;
  /** Of a class: instances have members that nobody else can read or give. */
  readonly privateFields: boolean;
  /** Of a class: its private static fields, with the text behind their names that gives them their first value. */
  readonly privateStatics: readonly (Range & { readonly name: string })[];
  /** It assigns to a member of its own: a static method of a class, or the function by the name that it has inside itself. */
  readonly changesItself: boolean;
  /** It finds files by a variable `__dirname`, which the module declares itself. */
  readonly ownFolder: boolean;
}

const known = new WeakMap<Site, Outside>();

export function outsideOf(site: Site): Outside {
  let outside = known.get(site);
  if (outside === undefined) {
    outside = new Walk(site).outside();
    known.set(site, outside);
  }
  return outside;
}

interface Surroundings {
  /** Whose `this` it is; "class": of the class that travels. */
  readonly self: "arrow" | "function" | "inner" | "class";
  readonly eager: boolean;
  readonly privates: ReadonlySet<string>;
}

type Open<T> = { -readonly [K in keyof T]: T[K] };
type Entry = Open<FreeName> & { uses: NameUse[]; members: Set<string> | null; called: Set<string> };

function newEntry(name: string, variable: Variable | null): Entry {
  return { name, variable, uses: [], members: new Set(), called: new Set(), changed: false };
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** One pass over the tree for what scopes do not tell. */
class Walk {
  readonly #site: Site;
  readonly #context: Set<Context> = new Set();
  readonly #modules: ModuleUse[] = [];
  readonly #assets: AssetUse[] = [];
  readonly #statics: Range[] = [];
  readonly #skipped: Range[] = [];
  readonly #shorthand: Set<number> = new Set();
  readonly #eager: Range[] = [];
  readonly #members: Map<number, string> = new Map();
  readonly #privateStatics: (Range & { readonly name: string })[] = [];
  /** Where names stand of which a member is assigned to. */
  readonly #changed: Set<number> = new Set();
  /** Where names stand of which a member is called. */
  readonly #called: Set<number> = new Set();
  #changesItself = false;
  #ownFolder = false;
  #privateFields = false;

  constructor(site: Site) {
    this.#site = site;
  }

  outside(): Outside {
    const { node } = this.#site;
    const isClass = node.type === "ClassDeclaration" || node.type === "ClassExpression";
    if (isClass) this.#ownClass(node);
    else {
      const self = node.type === "ArrowFunctionExpression" ? "arrow" : "function";
      forEachChild(node, (child) => this.#visit(child, { self, eager: false, privates: NO_NAMES }));
    }
    const heritage = isClass ? (node.superClass ?? null) : null;
    return {
      names: this.#names(),
      modules: this.#modules,
      assets: this.#assets,
      context: this.#context,
      statics: this.#statics,
      heritage,
      privateFields: this.#privateFields,
      privateStatics: this.#privateStatics,
      changesItself: this.#changesItself,
      ownFolder: this.#ownFolder,
    };
  }

  /** The class that travels, as opposed to one inside a function: what runs once with its definition is left out. */
  #ownClass(node: AnyNode & { type: "ClassDeclaration" | "ClassExpression" }): void {
    const privates = privateNames(node.body);
    const inner: Surroundings = { self: "inner", eager: false, privates };
    if (node.superClass) {
      this.#eager.push(node.superClass);
      this.#visit(node.superClass, { self: "arrow", eager: true, privates: NO_NAMES });
    }
    for (const member of node.body.body) {
      const isPrivate = "key" in member && member.key.type === "PrivateIdentifier";
      if (member.type === "StaticBlock" || (member.type === "PropertyDefinition" && member.static && !isPrivate)) {
        this.#statics.push(member);
        this.#skipped.push(member);
        continue;
      }
      if (isPrivate && !member.static) this.#privateFields = true; // methods too: who has them, only the constructor says
      if (member.type === "PropertyDefinition" && isPrivate) {
        if (member.static) {
          const value = { start: member.key.end, end: member.end, name: nameOf(member.key) };
          this.#privateStatics.push(value);
          this.#skipped.push(value);
          continue;
        }
      }
      if ("key" in member && member.computed) this.#eager.push(member.key);
      if (member.type === "MethodDefinition" && member.static) {
        forEachChild(member.value, (child) => this.#visit(child, { ...inner, self: "class" }));
      } else {
        this.#visit(member, inner);
      }
    }
  }

  #visit(node: AnyNode, around: Surroundings): void {
    const asset = assetUse(node);
    if (asset !== undefined && this.#isFromOutside(asset)) {
      this.#assets.push(asset);
      this.#skipped.push(asset);
      return;
    }
    if (this.#note(node, around)) return;
    forEachChild(node, (child) => this.#visit(child, this.#inside(node, around)));
  }

  #isFromOutside({ folder }: AssetUse): boolean {
    const variable = folder === undefined ? null : this.#variableAt(folder);
    if (variable === null) return true;
    if (isInside(variable, this.#site.node)) return false;
    this.#ownFolder = true;
    return true;
  }

  /** True when nothing below the node matters. */
  #note(node: AnyNode, { self, privates }: Surroundings): boolean {
    switch (node.type) {
      case "ThisExpression":
        if (self === "arrow") this.#context.add("this");
        if (self === "function") this.#context.add("own this");
        return true;
      case "Super":
        if (self === "arrow" || self === "function") this.#context.add("super");
        return true;
      case "MetaProperty":
        if (node.meta.name === "import") this.#context.add("import.meta");
        else if (self === "arrow") this.#context.add("new.target");
        return true;
      case "PrivateIdentifier":
        if (!privates.has(node.name)) this.#context.add("private");
        return true;
      case "ImportExpression":
        return this.#module(node, importSpecifier(node), "import");
      case "CallExpression":
        return this.#call(node);
      case "Property":
        if (node.shorthand) this.#shorthand.add(node.key.start);
        return false;
      case "MemberExpression":
        if (node.object.type === "Identifier" && node.property.type === "Identifier" && !node.computed)
          this.#members.set(node.object.start, node.property.name);
        return false;
      case "AssignmentExpression":
        this.#assigned(node.left, self);
        return false;
      case "UpdateExpression":
      case "UnaryExpression":
        if (node.type === "UpdateExpression" || node.operator === "delete") this.#assigned(node.argument, self);
        return false;
      default:
        return false;
    }
  }

  #inside(node: AnyNode, around: Surroundings): Surroundings {
    if (node.type === "FunctionExpression" || node.type === "FunctionDeclaration") {
      return around.self === "inner" ? around : { ...around, self: "inner" };
    }
    if (node.type === "ClassBody") {
      return { ...around, self: "inner", privates: new Set([...around.privates, ...privateNames(node)]) };
    }
    return around;
  }

  #call(node: AnyNode & { type: "CallExpression" }): boolean {
    const { callee } = node;
    if (callee.type === "MemberExpression" && callee.object.type === "Identifier")
      this.#called.add(callee.object.start);
    if (callee.type !== "Identifier") return false;
    if (callee.name === "eval") this.#context.add("eval");
    const [first] = node.arguments;
    if (callee.name !== "require") return this.#module(node, importSpecifier(node), "import");
    return (
      isText(first) &&
      isRequire(this.#site.module, this.#variableAt(callee)) &&
      this.#module(node, first.value, "require")
    );
  }

  /** The variable that a name stands for; null for one that no scope of the script declares. */
  #variableAt(name: AnyNode): Variable | null {
    for (const { references } of this.#site.module.scopes.scopes) {
      const found = references.find(({ identifier }) => (identifier as AnyNode) === name);
      if (found !== undefined) return found.resolved;
    }
    return null;
  }

  #module(node: AnyNode, specifier: string | undefined, kind: ModuleUse["kind"]): boolean {
    if (specifier === undefined) return false;
    this.#modules.push({ start: node.start, end: node.end, specifier, kind });
    this.#skipped.push(node);
    return true;
  }

  #assigned(target: AnyNode, self: Surroundings["self"]): void {
    if (target.type !== "MemberExpression") return;
    let { object }: { object: AnyNode } = target;
    while (object.type === "MemberExpression") object = object.object; // C.prototype.method = …
    if (object.type === "ThisExpression" && self === "class") this.#changesItself = true;
    this.#changed.add(object.start);
  }

  #names(): FreeName[] {
    const { node, module } = this.#site;
    const found = new Map<string, Entry>();
    const within = (ranges: readonly Range[], at: number): boolean =>
      ranges.some(({ start, end }) => start <= at && at < end);
    const hoisted = hoistedIn(module);
    for (const scope of module.scopes.scopes) {
      const { block } = scope;
      if ((block as AnyNode).end < node.start || (block as AnyNode).start > node.end) continue;
      for (const reference of scope.references) {
        const [start, end] = reference.identifier.range ?? [-1, -1];
        if (start < node.start || end > node.end || within(this.#skipped, start)) continue;
        const variable = reference.resolved;
        if (variable !== null && isInside(variable, node)) {
          if (this.#changed.has(start) && isItself(variable, node)) this.#changesItself = true;
          continue;
        }
        const { name } = reference.identifier as { name: string };
        if (isHoisted(hoisted, name, scope, node.start)) continue;
        if (isMetaName(name)) this.#context.add("import.meta");
        const entry = found.get(name) ?? newEntry(name, variable);
        found.set(name, entry);
        if (this.#changed.has(start)) entry.changed = true;
        const shorthand = this.#shorthand.has(start);
        const eager = within(this.#eager, start);
        entry.uses.push({ start, end, write: reference.isWrite(), shorthand, eager, loose: isLoose(scope, node) });
        const member = this.#members.get(start);
        if (member === undefined) entry.members = null;
        else entry.members?.add(member);
        if (member !== undefined && this.#called.has(start)) entry.called.add(member);
      }
    }
    return [...found.values()];
  }
}

/** The engine's own, or one that was made for a module: not what somebody else gave that name. */
function isRequire(module: ModuleSource, variable: Variable | null): boolean {
  if (variable === null) return true;
  if (variable.defs[0]?.type === "Parameter") return isSingle(module, variable); // of the function that a loader wraps modules in
  const definition = variable.defs[0]?.node as AnyNode | undefined;
  const made = definition?.type === "VariableDeclarator" ? definition.init : undefined;
  return made?.type === "CallExpression" && calledName(made.callee) === "createRequire";
}

const hoistedNamesOf = new WeakMap<ModuleSource, Hoisted>();

function hoistedIn(module: ModuleSource): Hoisted {
  const hoisted = hoistedNamesOf.get(module) ?? hoistedNames(module.script.isModule ? [] : module.scopes.scopes);
  hoistedNamesOf.set(module, hoisted);
  return hoisted;
}

function isLoose(from: Scope, node: AnyNode): boolean {
  for (let scope: Scope | null = from; scope !== null; scope = scope.upper) {
    if (scope.type === "with" && (scope.block as AnyNode).start >= node.start) return true;
  }
  return false;
}

/** The name that a function or class has inside itself. */
function isItself({ defs, scope }: Variable, node: AnyNode): boolean {
  return (
    (scope.block as AnyNode) === node && /^(?:Function|Class)Name$/.test(defs[0]?.type ?? "") && defs[0]?.node === node
  );
}

/** Declared by the function itself, or inside it. */
function isInside({ scope }: Variable, node: AnyNode): boolean {
  const block = scope.block as AnyNode;
  return block.start >= node.start && block.end <= node.end;
}

function privateNames(body: AnyNode): Set<string> {
  const names = new Set<string>();
  forEachChild(body, (member) => {
    if ("key" in member && member.key.type === "PrivateIdentifier") names.add(nameOf(member.key));
  });
  return names;
}

function nameOf(key: AnyNode): string {
  return key.type === "PrivateIdentifier" || key.type === "Identifier" ? key.name : "";
}
