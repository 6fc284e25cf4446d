// What code would need beside itself on a worker: other packages, and files that lie beside its source.
import type {
  AnyNode,
  ExportAllDeclaration,
  ExportNamedDeclaration,
  Identifier,
  ImportDeclaration,
  ImportExpression,
  Program,
} from "acorn";
import type { Variable } from "eslint-scope";
import { parser } from "./parser.ts";

/** What `import.meta.url` and the like became in the bundle, so that their use shows. */
export const LOCATIONS: Readonly<Record<string, string>> = {
  "import.meta.url": "__taskflock_url",
  "import.meta.dirname": "__taskflock_dirname",
  "import.meta.filename": "__taskflock_filename",
  "import.meta.resolve": "__taskflock_resolve",
  __dirname: "__taskflock_dirname",
  __filename: "__taskflock_filename",
};

const LOCATION_NAMES: ReadonlySet<string> = new Set(Object.values(LOCATIONS));

/** Defines what `harmless` uses of a place are given: a file that is not there, in the worker's folder. */
export const LOCATION_SHIM: string = [
  `var __taskflock_filename = require("node:path").resolve("taskflock-bundle.js")`,
  `__taskflock_dirname = process.cwd()`,
  `__taskflock_url = require("node:url").pathToFileURL(__taskflock_filename).href;`,
].join(", ");

/** Stands for the files that code finds by name at run time. */
export const REQUIRE_RESOLVE = "require.resolve()";

export interface CodeNeeds {
  /** It asks where it lies, and does more with that than compare it. */
  readonly location: boolean;
  /** The first package that it needs and that is not there; those in a `try` are not counted, as it copes without them. */
  readonly missing: string | undefined;
}

export interface Around {
  /** Whether what the module imports or requires is in the bundle, or on every worker. */
  readonly isThere: (specifier: string) => boolean;
  /** Whether it is on every worker: a bundle has nothing for a `require` that is made at run time. */
  readonly isOnWorkers: (specifier: string) => boolean;
}

/** What one module needs; `LOCATIONS` are replaced in its text. */
export function findNeeds(text: string, sourceType: "module" | "commonjs", around: Around): CodeNeeds {
  const reader = new CodeReader(text, sourceType, around);
  const places = reader.unbound.filter(({ name }) => LOCATION_NAMES.has(name));
  const requires = reader.unbound.filter(({ name }) => name === "require");
  const missing = [
    ...requires.map((node) => reader.missingFrom(node)),
    ...reader.imports.map((node) => reader.missingFromImport(node)),
  ].find((specifier) => specifier !== undefined);
  return { location: places.some((place) => !reader.isHarmless(place)), missing };
}

/** Calls whose result says no more than where something is. */
const PATH_CALLS: ReadonlySet<string> = new Set(
  "fileURLToPath pathToFileURL dirname basename normalize resolve join URL String".split(" "),
);
/** Members of a text that only compare it. */
const COMPARISONS: ReadonlySet<string> = new Set(["endsWith", "startsWith", "includes"]);
/** Through these the value goes on to the node around. */
const PASSES_ON: ReadonlySet<string> = new Set([
  "LogicalExpression",
  "ConditionalExpression",
  "TemplateLiteral",
  "SequenceExpression",
  "ParenthesizedExpression",
]);

/** A node as the reader leaves it. */
type Inner = AnyNode & { parent?: AnyNode };

function parentOf(node: AnyNode): AnyNode | undefined {
  return (node as Inner).parent;
}

class CodeReader {
  /** Identifiers that are names of no variable here. */
  readonly unbound: readonly Identifier[];
  readonly imports: (ImportExpression | ImportDeclaration | ExportNamedDeclaration | ExportAllDeclaration)[] = [];
  readonly #variables: Map<unknown, Variable> = new Map();
  readonly #judged: Set<Variable> = new Set();
  readonly #around: Around;

  constructor(text: string, sourceType: "module" | "commonjs", around: Around) {
    this.#around = around;
    const { acorn, scope } = parser();
    const program = acorn.parse(text, {
      ecmaVersion: "latest",
      sourceType: sourceType === "module" ? "module" : "script",
      allowReturnOutsideFunction: true,
      allowHashBang: true,
      ranges: true,
    });
    // The casts join two descriptions of the same syntax tree.
    const scopes = scope.analyze(program as Parameters<typeof scope.analyze>[0], { ecmaVersion: 2024, sourceType });
    const unbound: Identifier[] = [];
    for (const { references } of scopes.scopes) {
      for (const { identifier, resolved } of references) {
        if (resolved === null) unbound.push(identifier as unknown as Identifier);
        else this.#variables.set(identifier, resolved);
      }
    }
    this.unbound = unbound;
    this.#enter(program); // last, as a tree with parents is a circle to others
  }

  /** Without recursion: a sum of a thousand texts is a thousand nodes deep. */
  #enter(program: Program): void {
    const open: AnyNode[] = [program];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (isImport(node)) this.imports.push(node);
      for (const key in node) {
        const value: unknown = node[key as keyof AnyNode];
        if (typeof value !== "object" || value === null || key === "parent" || key === "range") continue;
        for (const child of Array.isArray(value) ? value : [value]) {
          if (!isNode(child)) continue;
          (child as Inner).parent = node;
          open.push(child);
        }
      }
    }
  }

  /** Nothing is opened by this value: it is compared, goes to a variable that is not used, or makes a `require` of builtins. */
  isHarmless(node: AnyNode): boolean {
    const parent = parentOf(node);
    if (parent === undefined) return false;
    switch (parent.type) {
      case "ExpressionStatement":
        return true;
      case "UnaryExpression":
        return parent.operator === "typeof";
      case "BinaryExpression":
        return /^[!=]==?$/.test(parent.operator) || (parent.operator === "+" && this.isHarmless(parent));
      case "MemberExpression":
        if (parent.object !== node || parent.property.type !== "Identifier" || parent.computed) return false;
        return COMPARISONS.has(parent.property.name) || (!this.#isCalled(parent) && this.isHarmless(parent));
      case "CallExpression":
      case "NewExpression": {
        const name = lastName(parent.callee);
        if (parent.callee === node || name === undefined) return false;
        if (name === "createRequire") return this.#requiresOnlyWhatIsThere(parent);
        return PATH_CALLS.has(name) && this.isHarmless(parent);
      }
      case "AssignmentExpression":
        return this.isHarmless(parent) && this.#allReferences(parent, (reference) => this.isHarmless(reference));
      case "VariableDeclarator":
        if (parentOf(parentOf(parent) ?? parent)?.type === "ExportNamedDeclaration") return false;
        return this.#allReferences(parent, (reference) => this.isHarmless(reference));
      default:
        return PASSES_ON.has(parent.type) && this.isHarmless(parent);
    }
  }

  /** The specifier of a `require` that fails where nothing is installed. */
  missingFrom(name: AnyNode): string | undefined {
    const parent = parentOf(name);
    if (parent?.type === "MemberExpression" && parent.object === name && lastName(parent) === "resolve") {
      return this.#isInTry(name) ? undefined : REQUIRE_RESOLVE;
    }
    if (parent?.type !== "CallExpression" || parent.callee !== name) return undefined;
    return this.#missing(parent, parent.arguments[0]);
  }

  missingFromImport(node: CodeReader["imports"][number]): string | undefined {
    return this.#missing(node, node.source ?? undefined);
  }

  #missing(call: AnyNode, specifier: AnyNode | undefined): string | undefined {
    if (specifier?.type !== "Literal" || typeof specifier.value !== "string") return undefined;
    return this.#around.isThere(specifier.value) || this.#isInTry(call) ? undefined : specifier.value;
  }

  /** `createRequire(import.meta.url)`, as modules do to load builtins and what is optional. */
  #requiresOnlyWhatIsThere(made: AnyNode): boolean {
    const loadsKnown = (reference: AnyNode): boolean => {
      const parent = parentOf(reference);
      if (parent?.type === "UnaryExpression" || this.#isInTry(reference)) return true;
      const [argument] = parent?.type === "CallExpression" && parent.callee === reference ? parent.arguments : [];
      return (
        argument?.type === "Literal" && typeof argument.value === "string" && this.#around.isOnWorkers(argument.value)
      );
    };
    const parent = parentOf(made);
    if (parent?.type === "VariableDeclarator" || parent?.type === "AssignmentExpression") {
      return this.#allReferences(parent, loadsKnown);
    }
    return loadsKnown(made);
  }

  #allReferences(to: AnyNode, judge: (reference: AnyNode) => boolean): boolean {
    const target = to.type === "VariableDeclarator" ? to.id : to.type === "AssignmentExpression" ? to.left : undefined;
    if (target?.type !== "Identifier") return false;
    const variable = this.#variables.get(target);
    if (variable === undefined) return false;
    if (this.#judged.has(variable)) return true;
    this.#judged.add(variable);
    return variable.references
      .filter((reference) => reference.isRead())
      .every((reference) => judge(reference.identifier as unknown as AnyNode));
  }

  #isCalled(node: AnyNode): boolean {
    const parent = parentOf(node);
    return parent?.type === "CallExpression" && parent.callee === node;
  }

  /** Within the block of a `try` of the same function. */
  #isInTry(node: AnyNode): boolean {
    let inner = node;
    for (let at = parentOf(node); at !== undefined; at = parentOf(at)) {
      if (at.type === "TryStatement" && at.block === inner && at.handler !== null) return true;
      if (/Function/.test(at.type)) return false;
      inner = at;
    }
    return false;
  }
}

/** `f` of `f`, `a.f` and `(0, a.f)`. */
function lastName(node: AnyNode): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type === "SequenceExpression") return lastName(node.expressions.at(-1)!);
  return node.type === "MemberExpression" && node.property.type === "Identifier" ? node.property.name : undefined;
}

function isImport(node: AnyNode): node is CodeReader["imports"][number] {
  return /^(?:ImportExpression|ImportDeclaration|ExportNamedDeclaration|ExportAllDeclaration)$/.test(node.type);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
