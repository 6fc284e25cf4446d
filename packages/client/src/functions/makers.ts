// Functions that a class makes for each of its instances, with the instance as their `this`: `handle = (x) => x + this.count`.
// They do not travel. The class that travels has what makes them anew.
import type { AnyNode } from "acorn";
import type { Variable } from "eslint-scope";
import type { ModuleSource } from "./module-source.ts";
import { type Context, outsideOf } from "./outside.ts";

/** By the names of the fields. */
export type Makers = ReadonlyMap<string, Made>;

interface Made {
  /** Of the module's. */
  readonly fn: AnyNode;
  /** What the function is called where its own text does not say. */
  readonly name: string;
}

interface Given {
  readonly key: string;
  readonly value: AnyNode;
  readonly name: string;
}

type ClassNode = AnyNode & { readonly type: "ClassDeclaration" | "ClassExpression" };

const NONE: Makers = new Map();
const known = new WeakMap<AnyNode, Makers>();

/** Of the text of a class alone: they are the same, whichever instances there are. */
export function makersOf(module: ModuleSource, node: AnyNode): Makers {
  if (!isClass(node)) return NONE;
  let makers = known.get(node);
  if (makers === undefined) {
    makers = findMakers(module, node);
    known.set(node, makers);
  }
  return makers;
}

/** The name of the field for which a class around the function makes it. */
export function makerOf(module: ModuleSource, fn: AnyNode): string | undefined {
  for (const { node } of module.functions) {
    if (!isClass(node) || node.start > fn.start || node.end < fn.end) continue;
    for (const [key, made] of makersOf(module, node)) if (made.fn === fn) return key;
  }
  return undefined;
}

function findMakers(module: ModuleSource, type: ClassNode): Makers {
  const makers = new Map<string, Made>();
  for (const member of type.body.body) {
    for (const field of given(member)) {
      const made = functionIn(field);
      if (made === undefined || !needsInstance(module, type, made.fn, member.type === "MethodDefinition")) continue;
      makers.set(field.key, made);
    }
  }
  return makers;
}

/** The fields that a member of a class gives an instance. */
function given(member: AnyNode): readonly Given[] {
  if (member.type === "PropertyDefinition") {
    if (member.static || member.computed || !member.value) return [];
    const key = keyOf(member.key);
    return key === undefined ? [] : [{ key, value: member.value, name: key }];
  }
  if (member.type !== "MethodDefinition" || member.kind !== "constructor") return [];
  return member.value.body.body.flatMap((statement) => {
    const found = statement.type === "ExpressionStatement" ? assigned(statement.expression) : undefined;
    return found === undefined ? [] : [found];
  });
}

/** `this.handle = …`, or what compilers make of a field: `define(this, "handle", …)`, as a value or a descriptor. */
function assigned(node: AnyNode): Given | undefined {
  if (node.type === "AssignmentExpression") {
    const { left, right } = node;
    if (left.type !== "MemberExpression" || left.object.type !== "ThisExpression" || left.computed) return undefined;
    const key = keyOf(left.property);
    return key === undefined ? undefined : { key, value: right, name: "" };
  }
  if (node.type !== "CallExpression") return undefined;
  const [target, name, value] = node.arguments;
  const key = name?.type === "Literal" ? keyOf(name) : undefined;
  if (target?.type !== "ThisExpression" || key === undefined || value === undefined) return undefined;
  if (value.type !== "ObjectExpression") return { key, value, name: "" };
  for (const property of value.properties) {
    if (property.type !== "Property" || keyOf(property.key) !== "value") continue;
    return { key, value: property.value, name: "value" };
  }
  return undefined;
}

/** The function itself; compilers put a call around it that gives it its name. */
function functionIn({ value, name }: Omit<Given, "key">): Made | undefined {
  if (value.type === "CallExpression" && value.callee.type === "Identifier" && value.callee.name === "__name") {
    const [inner, called] = value.arguments;
    const known = called?.type === "Literal" ? keyOf(called) : undefined;
    return inner === undefined ? undefined : functionIn({ value: inner, name: known ?? name });
  }
  if (value.type === "FunctionExpression") return { fn: value, name: value.id?.name ?? name };
  return value.type === "ArrowFunctionExpression" ? { fn: value, name } : undefined;
}

const OF_INSTANCE: readonly Context[] = ["this", "own this", "super", "new.target", "private"];
/** In a constructor these are the constructor's own. */
const OF_CONSTRUCTOR: readonly Context[] = ["super", "new.target"];

/** It cannot stand alone, but can anywhere in its class. */
function needsInstance(module: ModuleSource, type: ClassNode, fn: AnyNode, inConstructor: boolean): boolean {
  const { start, end } = fn;
  const { context, names } = outsideOf({ module, node: fn, start, end, member: undefined, nested: true });
  if (!OF_INSTANCE.some((what) => context.has(what))) return false;
  if (inConstructor && OF_CONSTRUCTOR.some((what) => context.has(what))) return false;
  return names.every(({ variable }) => variable === null || !isInside(variable, type));
}

/** Declared in the class, other than its own name. */
function isInside({ scope }: Variable, type: ClassNode): boolean {
  const block = scope.block as AnyNode;
  return block !== type && block.start >= type.start && block.end <= type.end;
}

function keyOf(key: AnyNode): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" && typeof key.value === "string" ? key.value : undefined;
}

function isClass(node: AnyNode): node is ClassNode {
  return node.type === "ClassDeclaration" || node.type === "ClassExpression";
}
