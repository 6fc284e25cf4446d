// A function's source, as an expression that can stand anywhere.
import { type AnyNode, type Function as FunctionNode, type Program, parse } from "acorn";

export interface ParsedFunction {
  readonly program: Program;
  /** The function or class itself. */
  readonly node: AnyNode;
  /** An expression of the function; positions in `program` are not positions in this. */
  readonly expression: string;
  /** The code is only valid outside strict mode. */
  readonly sloppy: boolean;
  /** Written as a method or accessor: `{ f(x) {} }`, `class { f(x) {} }`. */
  readonly method: boolean;
}

/** Undefined for source that cannot be read by itself: a native function's, or one that uses private members. */
export function parseFunction(source: string): ParsedFunction | undefined {
  return parseAs(source, "module") ?? parseAs(source, "script") ?? parseInside(source);
}

/** An arrow function that uses `super` or `new.target` of the method around it: it can be read, to say so. */
function parseInside(source: string): ParsedFunction | undefined {
  const parsed = `(class extends Object { around() { return (${source}\n); } })`;
  const program = tryParse(parsed, "module");
  const statement = program?.body[0];
  const outer = statement?.type === "ExpressionStatement" ? statement.expression : undefined;
  const member = outer?.type === "ClassExpression" ? outer.body.body[0] : undefined;
  const returned = member?.type === "MethodDefinition" ? member.value.body.body[0] : undefined;
  if (program === undefined || returned?.type !== "ReturnStatement" || !returned.argument) return undefined;
  return { program, node: returned.argument, expression: `(${source}\n)`, sloppy: false, method: false };
}

function parseAs(source: string, sourceType: "module" | "script"): ParsedFunction | undefined {
  const sloppy = sourceType === "script";
  const asExpression = `(${source}\n)`;
  const expression = tryParse(asExpression, sourceType);
  const first = expression?.body[0];
  if (expression !== undefined && first?.type === "ExpressionStatement") {
    const parsed = asExpression;
    return { program: expression, node: first.expression, expression: parsed, sloppy, method: false };
  }
  // `super` is only legal in a class that extends another; it is refused with a better message than a syntax error's.
  const parsed = `(class extends Object {${source}\n})`;
  const program = tryParse(parsed, sourceType);
  const statement = program?.body[0];
  const body = statement?.type === "ExpressionStatement" ? statement.expression : undefined;
  const member = body?.type === "ClassExpression" ? body.body.body[0] : undefined;
  if (program === undefined || member?.type !== "MethodDefinition") return undefined;
  const { key, value, computed } = member;
  const name = key.type === "Identifier" && !computed ? key.name : "";
  return { program, node: value, expression: methodExpression(parsed, value, name), sloppy, method: true };
}

/** A method's parameters and body behind the word `function`: methods cannot stand alone. */
function methodExpression(parsed: string, value: FunctionNode, name: string): string {
  const head = `${value.async ? "async " : ""}function${value.generator ? "*" : ""}`;
  const text = parsed.slice(value.start, value.end);
  const named = `(${head} ${name}${text})`;
  // A method may be called `delete` or `await`, which no function may.
  return name !== "" && tryParse(named, "module") !== undefined ? named : `(${head} ${text})`;
}

function tryParse(text: string, sourceType: "module" | "script"): Program | undefined {
  try {
    return parse(text, { ecmaVersion: "latest", sourceType, ranges: true });
  } catch {
    return undefined;
  }
}
