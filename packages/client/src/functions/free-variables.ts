// What a function needs from outside itself.
import type { AnyNode, Program } from "acorn";
import { analyze } from "eslint-scope";
import type { ParsedFunction } from "./source.ts";

export interface FreeVariable {
  readonly name: string;
  /** How it is used, when it always is as `name.member`: `os_1.cpus` of a compiled import. */
  readonly member: string | undefined;
}

export interface Outside {
  /** In the order of their first use; without names that are only asked for by `typeof`. */
  readonly variables: readonly FreeVariable[];
  /** Things that only have a meaning where the function was written: `this`, `super`, `import.meta`. */
  readonly context: ReadonlySet<"this" | "super" | "import.meta" | "new.target">;
  /** Specifiers of `import("…")` and `require("…")` that only have a meaning beside the function's own file. */
  readonly relativeImports: readonly string[];
}

/** A test runner's rewriting of `import()`. */
export const RUNNER_IMPORT = "__vite_ssr_dynamic_import__";

export function findOutside({ program, node, method }: ParsedFunction): Outside {
  const walk = new Walk();
  const isArrow = node.type === "ArrowFunctionExpression";
  const isClass = node.type === "ClassExpression";
  // `this` of an arrow function is its surroundings', of a method its object: neither is there on a worker.
  walk.children(node, { ownThis: isClass, ownTarget: !isArrow });
  if (method && walk.context.has("super")) walk.context.delete("this");
  return {
    variables: freeVariables(program, node, walk),
    context: walk.context,
    relativeImports: walk.relativeImports,
  };
}

function freeVariables(program: Program, node: AnyNode, walk: Walk): FreeVariable[] {
  // The cast joins two descriptions of the same syntax tree.
  const scopes = analyze(program as Parameters<typeof analyze>[0], { ecmaVersion: 2024, sourceType: "module" });
  const members = new Map<string, string | undefined>();
  for (const { identifier } of scopes.globalScope?.through ?? []) {
    const at = identifier.range?.[0] ?? -1;
    if (at < node.start || walk.excused.has(at)) continue;
    const member = walk.members.get(at);
    const known = members.get(identifier.name);
    members.set(identifier.name, members.has(identifier.name) && known !== member ? undefined : member);
  }
  return [...members].map(([name, member]) => ({ name, member }));
}

interface Surroundings {
  /** Inside something that has a `this` of its own. */
  readonly ownThis: boolean;
  readonly ownTarget: boolean;
}

/** One pass over the tree for what scopes do not tell. */
class Walk {
  readonly context: Set<"this" | "super" | "import.meta" | "new.target"> = new Set();
  readonly relativeImports: string[] = [];
  /** Positions of identifiers that need not exist, or that the worker provides. */
  readonly excused: Set<number> = new Set();
  /** Position of an object to the name that is read from it. */
  readonly members: Map<number, string> = new Map();

  children(node: AnyNode, surroundings: Surroundings): void {
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) this.#visit(child, surroundings);
      }
    }
  }

  #visit(node: AnyNode, surroundings: Surroundings): void {
    switch (node.type) {
      case "ThisExpression":
        if (!surroundings.ownThis) this.context.add("this");
        break;
      case "Super":
        if (!surroundings.ownThis) this.context.add("super");
        break;
      case "MetaProperty":
        if (node.meta.name === "import") this.context.add("import.meta");
        else if (!surroundings.ownTarget) this.context.add("new.target");
        return;
      case "ImportExpression":
        this.#specifier(node.source);
        break;
      case "CallExpression":
        this.#call(node.callee, node.arguments);
        break;
      case "UnaryExpression":
        if (node.operator === "typeof" && node.argument.type === "Identifier") this.excused.add(node.argument.start);
        break;
      case "MemberExpression":
        if (node.property.type === "Identifier" && !node.computed)
          this.members.set(node.object.start, node.property.name);
        break;
      default:
        break;
    }
    const owns = node.type === "FunctionExpression" || node.type === "FunctionDeclaration" || node.type === "ClassBody";
    this.children(node, owns ? { ownThis: true, ownTarget: true } : surroundings);
  }

  /** `require("x")` and a rewritten `import("x")`, of a package or a builtin, work on a worker as they do here. */
  #call(callee: AnyNode, [argument]: readonly AnyNode[]): void {
    if (callee.type !== "Identifier" || argument === undefined) return;
    if (callee.name === RUNNER_IMPORT || (callee.name === "require" && argument.type === "Literal")) {
      this.excused.add(callee.start);
      this.#specifier(argument);
    }
  }

  #specifier(source: AnyNode): void {
    if (source.type !== "Literal" || typeof source.value !== "string") return;
    if (/^(?:\.|#)/.test(source.value)) this.relativeImports.push(source.value);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
