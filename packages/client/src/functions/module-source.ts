// One script of the program, read: its syntax, its scopes, and which of its functions stands where.
import type { AnyNode, Program } from "acorn";
import type { ScopeManager, Variable } from "eslint-scope";
import { asFile, type Inspected, type ScriptInfo, scriptInfo, scriptText } from "./inspect.ts";
import { parser } from "./parser.ts";

/** A function or class in its script. */
export interface Site {
  readonly module: ModuleSource;
  readonly node: AnyNode;
  /** From its first character, `async` and a method's name included, to its last: what `toString()` gives. */
  readonly start: number;
  readonly end: number;
  /** Written as a method or accessor: the property or member that it is the value of. */
  readonly member: AnyNode | undefined;
  /** Inside another function, so that it may have been made more than once. */
  readonly nested: boolean;
}

export interface ModuleSource {
  readonly script: ScriptInfo;
  readonly file: string | undefined;
  readonly text: string;
  /** Offsets. */
  readonly lineStarts: readonly number[];
  readonly program: Program;
  readonly scopes: ScopeManager;
  /** Sites that were asked for, by the offset where they end and begin. */
  readonly sites: Map<string, Site>;
  readonly functions: readonly Candidate[];
  /** Nodes whose code runs once, with the script. */
  readonly once: ReadonlySet<AnyNode>;
}

interface Candidate {
  readonly node: AnyNode;
  readonly member: AnyNode | undefined;
  readonly nested: boolean;
}

/** Syntax trees take some twenty times their text. */
const MAX_MODULES = 128;
const modules = new Map<string, ModuleSource | Error>();
/** Those that somebody still uses: what is known of a variable is known by its object. */
const alive = new Map<string, WeakRef<ModuleSource>>();

/** Throws when the script cannot be read: syntax that is newer than the parser. */
export function moduleOf(scriptId: string): ModuleSource {
  const known = modules.get(scriptId);
  if (known instanceof Error) throw known;
  if (known !== undefined) {
    modules.delete(scriptId); // and behind the others: the first of the map is the one not used for longest
    modules.set(scriptId, known);
    return known;
  }
  if (modules.size >= MAX_MODULES) modules.delete(modules.keys().next().value ?? "");
  try {
    const module = alive.get(scriptId)?.deref() ?? read(scriptId);
    modules.set(scriptId, module);
    alive.set(scriptId, new WeakRef(module));
    return module;
  } catch (error) {
    modules.set(scriptId, error as Error);
    throw error;
  }
}

/** The place of an inspected function whose text is `source`. Throws when the script cannot be read. */
export function siteOf({ scriptId, line, column }: Inspected, source: string): Site {
  const module = moduleOf(scriptId);
  const { startLine, startColumn } = module.script;
  const lineStart = module.lineStarts[line - startLine] ?? module.text.length;
  const at = lineStart + (line === startLine ? column - startColumn : column);
  const known = module.sites.get(`${at} ${source.length}`);
  if (known !== undefined) return known;
  const site = findSite(module, at, source);
  if (site === undefined) throw new Error("the text of its module does not have it where the engine says");
  module.sites.set(`${at} ${source.length}`, site);
  return site;
}

function read(scriptId: string): ModuleSource {
  const text = scriptText(scriptId); // first: the engine tells of the script on the way
  const script = scriptInfo(scriptId);
  if (script === undefined) throw new Error("the engine does not know its script");
  const { acorn, scope } = parser();
  const sourceType = script.isModule ? "module" : "script";
  const program = acorn.parse(text, {
    ecmaVersion: "latest",
    sourceType,
    ranges: true,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
  });
  // The cast joins two descriptions of the same syntax tree.
  const scopes = scope.analyze(program as Parameters<typeof scope.analyze>[0], {
    ecmaVersion: 2024,
    sourceType,
    nodejsScope: !script.isModule, // else the top level of a script would count as global, and stay unresolved
  });
  const once = new Set<AnyNode>();
  return {
    script,
    once,
    file: asFile(script.url),
    text,
    lineStarts: lineStartsOf(text),
    program,
    scopes,
    sites: new Map(),
    functions: findFunctions(program, once, asFile(script.url) !== undefined && !script.isModule),
  };
}

/**
 * All functions and classes, outer before inner; `once` gets the blocks of code that run once with the script. `wrapped`: the
 * script may be one function, in which a loader put a module.
 */
function findFunctions(program: Program, once: Set<AnyNode>, wrapped: boolean): Candidate[] {
  const found: Candidate[] = [];
  const visit = (node: AnyNode, parent: AnyNode | undefined, nested: boolean): void => {
    const isFunction = /Function/.test(node.type);
    if (isFunction || node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      found.push({ node, member: isFunction && isMember(parent, node) ? parent : undefined, nested });
    }
    const isWhole = wrapped && parent?.type === "ExpressionStatement" && program.body.includes(parent);
    const repeated = nested || isRepeated(node, parent) || (isFunction && !isWhole && !isCalledOnce(node, parent));
    if (!repeated) once.add(node);
    forEachChild(node, (child) => visit(child, node, repeated));
  };
  visit(program, undefined, false);
  return found;
}

/** What stands inside runs for each turn of a loop, for each instance of a class. */
function isRepeated(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (/^(?:For\w*|While|DoWhile)Statement$/.test(node.type)) return true;
  return parent?.type === "PropertyDefinition" && !parent.static && parent.value === node;
}

/** A function that is called where it is written, and has no name to call itself by. */
function isCalledOnce(node: AnyNode, parent: AnyNode | undefined): boolean {
  return parent?.type === "CallExpression" && parent.callee === node && !("id" in node && node.id);
}

/** True when there is one variable of this declaration, not one for each call of a function or turn of a loop. */
export function isSingle({ once }: ModuleSource, variable: Variable): boolean {
  const { scope } = variable;
  return once.has(scope.block as AnyNode) && !/^(?:for|catch|with)$/.test(scope.type);
}

function isMember(parent: AnyNode | undefined, node: AnyNode): boolean {
  if (parent?.type === "MethodDefinition") return parent.value === node;
  return parent?.type === "Property" && parent.value === node && (parent.method || parent.kind !== "init");
}

function findSite(module: ModuleSource, at: number, source: string): Site | undefined {
  // Functions come outer before inner: the last that fits is the innermost.
  for (let i = module.functions.length - 1; i >= 0; i--) {
    const { node, member, nested } = module.functions[i]!;
    const { end } = node;
    const start = end - source.length;
    if (at < start || at > end || start > node.start || (member === undefined && start !== node.start)) continue;
    if (member !== undefined && start < member.start) continue;
    if (module.text.startsWith(source, start)) return { module, node, start, end, member, nested };
  }
  return undefined;
}

/** Calls `visit` with every node directly below. */
export function forEachChild(node: AnyNode, visit: (child: AnyNode) => void): void {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const child of value) if (isNode(child)) visit(child);
    } else if (isNode(value)) {
      visit(value);
    }
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(LINE_END)) starts.push(match.index + match[0].length);
  return starts;
}

/** Line and column, 0-based, of an offset in the script's text. */
export function placeIn({ lineStarts }: ModuleSource, offset: number): { line: number; column: number } {
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (lineStarts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return { line: low, column: offset - lineStarts[low]! };
}
