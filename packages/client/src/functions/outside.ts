// What a function needs from outside itself, by its text: names, modules, files, and things that only have a meaning where it
// was written.
import type { AnyNode } from "acorn";
import type { Variable } from "eslint-scope";
import { type AssetUse, assetUse, isMetaName } from "./asset-uses.ts";
import { importSpecifier, isText } from "./binding.ts";
import { forEachChild, type Site } from "./module-source.ts";

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
}

export interface FreeName {
  readonly name: string;
  /** Null for a name that no scope of the script declares. */
  readonly variable: Variable | null;
  readonly uses: readonly NameUse[];
  /** The members that are used, when all uses are `name.member`; else null. */
  readonly members: ReadonlySet<string> | null;
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
  /** Of a class: instances have fields that nobody else can read. */
  readonly privateFields: boolean;
  /** Private static fields that the class changes: their value cannot be read. */
  readonly privateState: string | undefined;
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
  /** Whose `this` it is. */
  readonly self: "arrow" | "function" | "inner";
  readonly eager: boolean;
  readonly privates: ReadonlySet<string>;
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
  readonly #privateWrites: Set<string> = new Set();
  readonly #privateStatics: Set<string> = new Set();
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
      privateState: [...this.#privateStatics].find((name) => this.#privateWrites.has(name)),
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
        if (member.type === "StaticBlock") this.#visitWrites(member);
        continue;
      }
      if (member.type === "PropertyDefinition" && isPrivate) {
        if (member.static) this.#privateStatics.add(nameOf(member.key));
        else this.#privateFields = true;
        if (member.static) this.#eager.push(member);
      }
      if ("key" in member && member.computed) this.#eager.push(member.key);
      this.#visit(member, inner);
    }
  }

  #visit(node: AnyNode, around: Surroundings): void {
    const asset = assetUse(node);
    if (asset !== undefined) {
      this.#assets.push(asset);
      this.#skipped.push(asset);
      return;
    }
    if (this.#note(node, around)) return;
    forEachChild(node, (child) => this.#visit(child, this.#inside(node, around)));
  }

  /** True when nothing below the node matters. */
  #note(node: AnyNode, { self, privates }: Surroundings): boolean {
    switch (node.type) {
      case "ThisExpression":
        if (self !== "inner") this.#context.add(self === "arrow" ? "this" : "own this");
        return true;
      case "Super":
        if (self !== "inner") this.#context.add("super");
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
        if (node.property.type === "Identifier" && !node.computed)
          this.#members.set(node.object.start, node.property.name);
        return false;
      case "AssignmentExpression":
      case "UpdateExpression":
        this.#privateWrite(node.type === "UpdateExpression" ? node.argument : node.left);
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
    if (callee.type !== "Identifier") return false;
    if (callee.name === "eval") this.#context.add("eval");
    const [first] = node.arguments;
    if (callee.name === "require") return isText(first) && this.#module(node, first.value, "require");
    return this.#module(node, importSpecifier(node), "import");
  }

  #module(node: AnyNode, specifier: string | undefined, kind: ModuleUse["kind"]): boolean {
    if (specifier === undefined) return false;
    this.#modules.push({ start: node.start, end: node.end, specifier, kind });
    this.#skipped.push(node);
    return true;
  }

  #privateWrite(target: AnyNode): void {
    if (target.type === "MemberExpression" && target.property.type === "PrivateIdentifier") {
      this.#privateWrites.add(target.property.name);
    }
  }

  #visitWrites(node: AnyNode): void {
    if (node.type === "AssignmentExpression") this.#privateWrite(node.left);
    if (node.type === "UpdateExpression") this.#privateWrite(node.argument);
    forEachChild(node, (child) => this.#visitWrites(child));
  }

  #names(): FreeName[] {
    const { node, module } = this.#site;
    const found = new Map<string, { variable: Variable | null; uses: NameUse[]; members: Set<string> | null }>();
    const within = (ranges: readonly Range[], at: number): boolean =>
      ranges.some(({ start, end }) => start <= at && at < end);
    for (const scope of module.scopes.scopes) {
      const { block } = scope;
      if ((block as AnyNode).end < node.start || (block as AnyNode).start > node.end) continue;
      for (const reference of scope.references) {
        const [start, end] = reference.identifier.range ?? [-1, -1];
        if (start < node.start || end > node.end || within(this.#skipped, start)) continue;
        const variable = reference.resolved;
        if (variable !== null && isInside(variable, node)) continue;
        const { name } = reference.identifier as { name: string };
        if (isMetaName(name)) this.#context.add("import.meta");
        const entry = found.get(name) ?? { variable, uses: [], members: new Set<string>() };
        found.set(name, entry);
        const shorthand = this.#shorthand.has(start);
        entry.uses.push({ start, end, write: reference.isWrite(), shorthand, eager: within(this.#eager, start) });
        const member = this.#members.get(start);
        if (member === undefined) entry.members = null;
        else entry.members?.add(member);
      }
    }
    return [...found].map(([name, entry]) => ({ name, ...entry }));
  }
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
