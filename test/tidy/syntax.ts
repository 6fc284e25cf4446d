// What the layout's rules need to know of a source file, read from its syntax tree.
import { parseSync } from "oxc-parser";

interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `import type`: erased, so nothing is loaded. */
  readonly typeOnly: boolean;
}

interface FunctionSpan {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

export interface SourceFacts {
  /** Every module this file names: imports (of types too), re-exports, `import()`. */
  readonly imports: readonly Import[];
  /** Names that are read as variables or types (not property names), and `object.property` pairs. */
  readonly names: readonly { readonly name: string; readonly line: number }[];
  readonly functions: readonly FunctionSpan[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function* childrenOf(node: Node): Generator<[field: string, child: Node]> {
  for (const [field, value] of Object.entries(node)) {
    if (Array.isArray(value)) for (const item of value) if (isNode(item)) yield [field, item];
    if (isNode(value)) yield [field, value];
  }
}

function textOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Literal" && typeof node["value"] === "string" ? node["value"] : undefined;
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? String(node["name"]) : undefined;
}

function isErased(node: Node): boolean {
  return node.type === "TSImportType" || node["importKind"] === "type" || node["exportKind"] === "type";
}

/** The field that holds a name which is not read as a variable: `x.name`, `{ name: 1 }`, `name() {}` in a class. */
function labelField(node: Node): string | undefined {
  if (node["computed"] === true || node["shorthand"] === true) return undefined;
  if (node.type === "MemberExpression") return "property";
  return "key" in node ? "key" : undefined;
}

/** Reads one file. Throws when it does not parse, so that a rule never passes over a file it could not read. */
export function readSyntax(path: string, text: string): SourceFacts {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const lineAt = lineFinder(text);
  const facts = {
    imports: [] as Import[],
    names: [] as SourceFacts["names"][number][],
    functions: [] as FunctionSpan[],
  };
  const visit = (node: Node, hint: string): void => {
    const line = lineAt(node.start);
    const specifier = textOf(node["source"]) ?? (node.type === "TSImportType" ? textOf(node["argument"]) : undefined);
    if (specifier !== undefined) facts.imports.push({ specifier, line, typeOnly: isErased(node) });
    const name = nameOf(node);
    if (name !== undefined) facts.names.push({ name, line });
    if (node.type === "MemberExpression") {
      facts.names.push({ name: `${nameOf(node["object"])}.${nameOf(node["property"])}`, line });
    }
    if (functionTypes.has(node.type)) {
      facts.functions.push({ name: nameOf(node["id"]) ?? hint, line, lines: lineAt(node.end) - line + 1 });
    }
    const label = labelField(node);
    const nextHint = nameOf(node["id"]) ?? nameOf(node["key"]) ?? hint;
    for (const [field, child] of childrenOf(node)) if (field !== label || !nameOf(child)) visit(child, nextHint);
  };
  visit(program as unknown as Node, "(anonymous)");
  return facts;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
