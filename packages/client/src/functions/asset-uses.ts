// Files that a function reads next to its own module: the ways in which that is written.
import { isAbsolute } from "node:path";
import type { AnyNode } from "acorn";
import { isText } from "./binding.ts";

export interface AssetUse {
  readonly start: number;
  readonly end: number;
  /** Relative to the module's folder. */
  readonly path: string;
  /** What stands there on the worker: a `URL`, the URL's text, or the path. */
  readonly as: "URL" | "url" | "path";
  /** The name `__dirname` in it, which a module may declare itself. */
  readonly folder: AnyNode | undefined;
}

/** What compilers, loaders (tsx, where it makes CommonJS) and test runners put in the place of `import.meta`. */
export function isMetaName(name: string): boolean {
  return name === "__vite_ssr_import_meta__" || /^(?:_?import_meta|define_import_meta_default)\d*$/.test(name);
}

/** `new URL("./x", import.meta.url)`, `join(__dirname, "x")`, `import.meta.dirname + "/x"` and their like. */
export function assetUse(node: AnyNode): AssetUse | undefined {
  const { start, end } = node;
  const use = (path: string | undefined, as: AssetUse["as"], folder?: AnyNode): AssetUse | undefined =>
    path === undefined
      ? undefined
      : { start, end, path, as, folder: folder?.type === "Identifier" ? folder : undefined };
  switch (node.type) {
    case "NewExpression":
      return use(relativeUrl(node), "URL");
    case "CallExpression":
      if (isMetaMember(node.callee, "resolve")) return use(relativeText(node.arguments[0]), "url");
      return use(joined(node), "path", node.arguments[0]);
    case "BinaryExpression":
      return use(node.operator === "+" && isFolder(node.left) ? below(text(node.right)) : undefined, "path", node.left);
    case "TemplateLiteral":
      return use(below(inTemplate(node)), "path", node.expressions[0]);
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
  const steps = texts.map(({ value }) => value);
  if (name.name === "resolve" && steps.some(isAbsolute)) return undefined; // somewhere else
  return ["."].concat(steps).join("/"); // join() takes "/x" as "x", too
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

/** Of a relative URL: the path that it means, without a query. */
function relativeText(node: AnyNode | undefined): string | undefined {
  const url = text(node);
  if (url === undefined || !/^\.{1,2}\//.test(url)) return undefined;
  try {
    return decodeURIComponent(url.replace(/[?#].*$/s, ""));
  } catch {
    return undefined; // a sign of percent that stands for nothing
  }
}

function text(node: AnyNode | undefined): string | undefined {
  return isText(node) ? node.value : undefined;
}
