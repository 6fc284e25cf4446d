// What a variable of a module is: an import, however a compiler wrote it, or a variable that may or may not change.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AnyNode, Literal } from "acorn";
import type { Variable } from "eslint-scope";

export interface ImportBinding {
  readonly specifier: string;
  readonly kind: "import" | "require";
  /** The export that the variable holds; "*" for all of them: a namespace, or what `require` returns. */
  readonly member: string;
  /** What a compiler makes of the result of `require` for code that was written with `import`. */
  readonly interop: "none" | "star" | "default" | "node";
}

const STAR: ReadonlySet<string> = new Set(["__importStar", "_interopRequireWildcard", "_interop_require_wildcard"]);
const DEFAULT: ReadonlySet<string> = new Set(["__importDefault", "_interopRequireDefault", "_interop_require_default"]);
/** Test runners' stand-ins for `import()` and `import … from`. */
const RUNNER_IMPORTS: ReadonlySet<string> = new Set(["__vite_ssr_import__", "__vite_ssr_dynamic_import__"]);

/** Undefined for a variable that is no import. */
export function importOf(variable: Variable): ImportBinding | undefined {
  const definition = variable.defs[0];
  if (variable.defs.length !== 1 || definition === undefined) return undefined;
  const node = definition.node as AnyNode;
  if (definition.type === "ImportBinding") {
    const declaration = definition.parent as AnyNode | null;
    if (declaration?.type !== "ImportDeclaration" || declaration.attributes?.length > 0) return undefined;
    return { specifier: String(declaration.source.value), kind: "import", member: importedName(node), interop: "none" };
  }
  if (definition.type !== "Variable" || node.type !== "VariableDeclarator" || !node.init) return undefined;
  if (!isConstant(variable)) return undefined;
  const whole = loadedModule(node.init);
  if (whole === undefined) return undefined;
  if (node.id.type === "Identifier") return whole;
  const member = whole.member === "*" ? patternKey(node.id, variable.name) : undefined;
  return member === undefined ? undefined : { ...whole, member };
}

/** The module of `require("x")` and `await import("x")`, as the namespace or a member of it. */
function loadedModule(init: AnyNode): ImportBinding | undefined {
  if (init.type === "MemberExpression" && !init.computed && init.property.type === "Identifier") {
    const whole = loadedModule(init.object);
    return whole?.member === "*" ? { ...whole, member: init.property.name } : undefined;
  }
  const call = init.type === "AwaitExpression" ? init.argument : init;
  const specifier = importSpecifier(call);
  if (specifier !== undefined) {
    return init.type === "AwaitExpression" ? { specifier, kind: "import", member: "*", interop: "none" } : undefined;
  }
  if (call.type !== "CallExpression") return undefined;
  const [first, second] = call.arguments;
  const callee = calledName(call.callee);
  if (callee === "require" && isText(first)) {
    return { specifier: first.value, kind: "require", member: "*", interop: "none" };
  }
  if (first?.type !== "CallExpression") return undefined;
  const inner = loadedModule(first);
  if (inner?.kind !== "require" || inner.interop !== "none" || inner.member !== "*") return undefined;
  if (callee === "__toESM") return { ...inner, interop: second === undefined ? "star" : "node" };
  if (STAR.has(callee)) return { ...inner, interop: "star" };
  return DEFAULT.has(callee) ? { ...inner, interop: "default" } : undefined;
}

/** The literal that `import("x")` imports, also in a test runner's writing. */
export function importSpecifier(node: AnyNode): string | undefined {
  if (node.type === "ImportExpression") return isText(node.source) ? node.source.value : undefined;
  if (node.type !== "CallExpression" || node.callee.type !== "Identifier") return undefined;
  const [first] = node.arguments;
  return RUNNER_IMPORTS.has(node.callee.name) && isText(first) ? fromRunner(first.value) : undefined;
}

/** Vite names files from its root, or from `/@fs`. */
function fromRunner(specifier: string): string {
  if (specifier.startsWith("/@fs/")) return specifier.slice("/@fs".length);
  return specifier.startsWith("/") && !existsSync(specifier) ? join(process.cwd(), specifier) : specifier;
}

/** True when the variable keeps its first value. */
export function isConstant(variable: Variable): boolean {
  const [definition] = variable.defs;
  if (variable.defs.length !== 1 || definition === undefined) return false;
  return variable.references.every((reference) => !reference.isWrite() || reference.init === true);
}

/** The same wherever it is seen: not a `var` of a block, which may be given its value once more, or not at all. */
export function isFixed(variable: Variable): boolean {
  const declaration = variable.defs[0]?.parent as AnyNode | null | undefined;
  if (declaration?.type !== "VariableDeclaration" || declaration.kind !== "var") return isConstant(variable);
  const block = variable.scope.block as AnyNode;
  const body = "body" in block && !Array.isArray(block.body) ? block.body : block;
  const statements: readonly unknown[] = "body" in body && Array.isArray(body.body) ? body.body : [];
  return statements.includes(declaration) && isConstant(variable);
}

function importedName(node: AnyNode): string {
  if (node.type === "ImportDefaultSpecifier") return "default";
  if (node.type !== "ImportSpecifier") return "*";
  return node.imported.type === "Identifier" ? node.imported.name : String(node.imported.value);
}

function patternKey(pattern: AnyNode, name: string): string | undefined {
  if (pattern.type !== "ObjectPattern") return undefined;
  for (const property of pattern.properties) {
    if (property.type !== "Property" || property.computed || property.key.type !== "Identifier") continue;
    if (property.value.type === "Identifier" && property.value.name === name) return property.key.name;
  }
  return undefined;
}

/** `f` of `f`, `a.f` and `(0, a.f)`. */
export function calledName(callee: AnyNode): string {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type === "MemberExpression" && callee.property.type === "Identifier") return callee.property.name;
  if (callee.type === "SequenceExpression") return calledName(callee.expressions.at(-1) ?? callee);
  return "";
}

export function isText(node: AnyNode | undefined): node is Literal & { readonly value: string } {
  return node?.type === "Literal" && typeof node.value === "string";
}
