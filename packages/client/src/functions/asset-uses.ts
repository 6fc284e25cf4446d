// Files that a function reads next to its own module: the ways in which that is written.
import type { AnyNode } from "acorn";
import { isText } from "./binding.ts";

export interface AssetUse {
  readonly start: number;
  readonly end: number;
  /** Relative to the module's folder. */
  readonly path: string;
  /** What stands there on the worker: a `URL`, the URL's text, or the path. */
  readonly as: "URL" | "url" | "path";
}

/** What compilers and test runners put in the place of `import.meta`. */
export function isMetaName(name: string): boolean {
  return name === "__vite_ssr_import_meta__" || /^_?import_meta\d*$/.test(name);
}

/** `new URL("./x", import.meta.url)`, `join(__dirname, "x")`, `import.meta.dirname + "/x"` and their like. */
export function assetUse(node: AnyNode): AssetUse | undefined {
  const { start, end } = node;
  const use = (path: string | undefined, as: AssetUse["as"]): AssetUse | undefined =>
    path === undefined ? undefined : { start, end, path, as };
  switch (node.type) {
    case "NewExpression":
      return use(relativeUrl(node), "URL");
    case "CallExpression":
      if (isMetaMember(node.callee, "resolve")) return use(relativeText(node.arguments[0]), "url");
      return use(joined(node), "path");
    case "BinaryExpression":
      return use(node.operator === "+" && isFolder(node.left) ? below(text(node.right)) : undefined, "path");
    case "TemplateLiteral":
      return use(below(inTemplate(node)), "path");
    default:
      return undefined;
  }
}

function relativeUrl(node: AnyNode & { type: "NewExpression" }): string | undefined {
  if (node.callee.type !== "Identifier" || node.callee.name !== "URL") return undefined;
  const [path, base] = node.arguments;
  return base !== undefined && isMetaMember(base, "url") ? relativeText(path) : undefined;
}

function joined(node: AnyNode & { type: "CallExpression" }): string | undefined {
  const callee = node.callee.type === "SequenceExpression" ? node.callee.expressions.at(-1) : node.callee;
  const name = callee?.type === "MemberExpression" ? callee.property : callee;
  if (name?.type !== "Identifier" || !/^(?:join|resolve)$/.test(name.name)) return undefined;
  const [folder, ...rest] = node.arguments;
  const texts = rest.filter(isText);
  if (folder === undefined || rest.length === 0 || !isFolder(folder) || texts.length < rest.length) return undefined;
  return texts.map(({ value }) => value).join("/");
}

function inTemplate(node: AnyNode & { type: "TemplateLiteral" }): string | undefined {
  const [folder] = node.expressions;
  if (node.expressions.length !== 1 || folder === undefined || !isFolder(folder)) return undefined;
  return node.quasis[0]?.value.cooked === "" ? (node.quasis[1]?.value.cooked ?? undefined) : undefined;
}

/** What stands behind a folder's name, as a path in it. */
function below(text: string | undefined): string | undefined {
  return text === undefined || !/^[\\/]./.test(text) ? undefined : `.${text}`;
}

function isFolder(node: AnyNode): boolean {
  return (node.type === "Identifier" && node.name === "__dirname") || isMetaMember(node, "dirname");
}

function isMetaMember(node: AnyNode, name: string): boolean {
  if (node.type !== "MemberExpression" || node.property.type !== "Identifier" || node.property.name !== name)
    return false;
  const { object } = node;
  return object.type === "Identifier" ? isMetaName(object.name) : object.type === "MetaProperty";
}

function relativeText(node: AnyNode | undefined): string | undefined {
  const path = text(node);
  return path !== undefined && /^\.{1,2}\//.test(path) ? path : undefined;
}

function text(node: AnyNode | undefined): string | undefined {
  return isText(node) ? node.value : undefined;
}
