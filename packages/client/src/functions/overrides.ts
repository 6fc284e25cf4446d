// What the text of a class or function does not tell: what it extends, its static values, and what was put on it later.
import { MAKERS } from "@taskflock/protocol";
import type { AnyNode } from "acorn";
import { isFixed } from "./binding.ts";
import type { Capture } from "./capture.ts";
import { membersOf, type WrittenMembers } from "./class-members.ts";
import type { Callable, Override, Target, Unit, UnitCode } from "./graph.ts";
import { type Inspected, privateStaticsOf } from "./inspect.ts";
import { isFunctionPrototype, isObjectPrototype } from "./instances.ts";
import type { NameUse } from "./outside.ts";
import { shownName } from "./refusal.ts";
import { shapeOf } from "./shape.ts";
import { hasVariable, readNow } from "./variables.ts";

/** Of the text: which names of members to write out, before it is known which variables the text needs. */
export function classMembers(
  capture: Capture,
  unit: Unit,
  fn: Callable,
  inspected: Inspected,
): WrittenMembers | undefined {
  const { form } = unit;
  if (form.kind !== "code" || !isClass(form)) return undefined;
  const written = membersOf(form.site, fn);
  for (const { start, end, key } of written.keys) {
    if (key === null) unit.replaced.push({ start, end, by: "" });
    else if (typeof key === "string") unit.replaced.push({ start, end, by: JSON.stringify(key) });
    else unit.replaced.push({ start, end, by: capture.targetOf(key, key.description ?? "symbol") });
  }
  writeKeysOfFields(unit, form, inspected);
  return written;
}

/** They are evaluated with the class, when captured values may not be there yet. */
function writeKeysOfFields(unit: Unit, { outside }: UnitCode, inspected: Inspected): void {
  const isElsewhere = ({ start, end }: NameUse): boolean =>
    [...unit.replaced, outside.heritage].some((range) => range !== null && range.start <= start && end <= range.end);
  for (const { name, variable, uses } of outside.names) {
    if (variable === null || !isFixed(variable)) continue;
    const keys = uses.filter((use) => use.eager && !use.shorthand && !isElsewhere(use));
    const text =
      keys.length === 0 || !hasVariable(inspected.scopes, name) ? undefined : literal(readNow(inspected, name));
    if (text !== undefined) for (const { start, end } of keys) unit.replaced.push({ start, end, by: text });
  }
}

function literal(value: unknown): string | undefined {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "number" || typeof value === "boolean" ? `(${String(value)})` : undefined;
}

/** Fills in what the unit inherits from, its overrides and the values of its private static fields. */
export function classParts(capture: Capture, unit: Unit, fn: Callable, written: WrittenMembers | undefined): void {
  const { form } = unit;
  if (form.kind !== "code") return;
  inheritance(capture, unit, form, fn);
  overridesOn(capture, unit, "self", fn, written);
  const prototype: unknown = Object.hasOwn(fn, "prototype") ? fn.prototype : undefined;
  if (isObject(prototype)) overridesOn(capture, unit, "prototype", prototype, written);
  if (form.outside.privateStatics.length === 0) return;
  const values = privateStaticsOf(fn);
  for (const { name } of form.outside.privateStatics) {
    const target = capture.targetOf(values.get(name), name);
    unit.privates.push({ name, target });
    const owner = fn === capture.root ? null : fn;
    capture.watched.push({ target, seen: values.get(name), at: { owner, field: name } });
  }
}

function inheritance(capture: Capture, unit: Unit, form: UnitCode, fn: Callable): void {
  if (isClass(form)) {
    if (form.outside.heritage !== null) unit.heritage = heritage(capture, unit, form.outside.heritage, fn);
    return;
  }
  const parent: unknown = Object.getPrototypeOf(fn);
  if (typeof parent === "function" && !isFunctionPrototype(parent) && !isKindOfFunction(parent)) {
    unit.parents.push({ on: "self", target: capture.targetOf(parent, shownName(parent)) });
  }
  const prototype: unknown = Object.hasOwn(fn, "prototype") ? fn.prototype : undefined;
  const above: unknown = isObject(prototype) ? Object.getPrototypeOf(prototype) : null;
  if (isGenerator(form) || above === null || isObjectPrototype(above)) return;
  const maker: unknown = Reflect.get(above as object, "constructor");
  if (typeof maker !== "function" || maker.prototype !== above) {
    throw capture.refuse(
      `it uses ${shownName(fn)}, whose prototype inherits from an object of no class; write it as a class that extends.`,
    );
  }
  unit.parents.push({ on: "prototype", target: capture.targetOf(maker, shownName(maker)) });
}

/** `AsyncFunction.prototype` and its like, of any realm. */
function isKindOfFunction(parent: object): boolean {
  return typeof Reflect.get(parent, Symbol.toStringTag) === "string" && !Object.hasOwn(parent, "prototype");
}

/** Null when what the class extends is written as a name that means the same on a worker. */
function heritage(capture: Capture, unit: Unit, written: AnyNode, fn: Callable): Target | null {
  const parent: unknown = Object.getPrototypeOf(fn);
  if (typeof parent !== "function" || isFunctionPrototype(parent)) return null; // extends null
  const root = rootName(written);
  const isGlobal = (unit.form as UnitCode).outside.names.some(
    ({ name, variable }) => name === root && variable === null,
  );
  if (root !== undefined && (unit.names.get(root)?.kind === "import" || (isGlobal && !unit.names.has(root))))
    return null;
  return capture.targetOf(parent, shownName(parent));
}

function rootName(node: AnyNode): string | undefined {
  if (node.type === "MemberExpression") return rootName(node.object);
  return node.type === "Identifier" ? node.name : undefined;
}

function overridesOn(
  capture: Capture,
  unit: Unit,
  on: Override["on"],
  object: object,
  written: WrittenMembers | undefined,
): void {
  const code = unit.form as UnitCode;
  const isRoot = on === "self" ? object === capture.root : object === capture.root.prototype;
  const seen = shapeOf(object);
  capture.watched.push({ target: null, seen, at: { shape: on, of: isRoot ? null : object } });
  const keys = Reflect.ownKeys(object);
  if (on === "prototype" && !keys.includes("constructor") && !isGenerator(code)) {
    unit.overrides.push({ on, key: "constructor", parts: null, descriptor: {} });
  }
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor === undefined || key === MAKERS || isGiven(code, on, key, descriptor)) continue;
    if (written?.has(on, key, descriptor)) continue;
    const name = typeof key === "symbol" ? (key.description ?? "") : key;
    const shown = name.replace(/\W/g, "_");
    const parts: { value?: Target; get?: Target; set?: Target } = {};
    for (const kind of ["value", "get", "set"] as const) {
      const value: unknown = descriptor[kind];
      if (kind in descriptor && (kind === "value" || value !== undefined)) parts[kind] = capture.targetOf(value, shown);
    }
    const target = typeof key === "symbol" ? capture.targetOf(key, shown) : key;
    unit.overrides.push({ on, key: target, parts, descriptor });
    if (parts.value !== undefined) {
      capture.watched.push({ target: parts.value, seen: descriptor.value, at: { object, key } });
    }
  }
}

/** Every function or class has such a property, or a sloppy one has. */
function isGiven(
  { site }: UnitCode,
  on: Override["on"],
  key: string | symbol,
  descriptor: PropertyDescriptor,
): boolean {
  const { value, writable, enumerable } = descriptor;
  if (on === "prototype") return key === "constructor" && typeof value === "function" && !enumerable;
  if (key === "prototype" || key === "arguments" || key === "caller") return true;
  if (writable !== false || enumerable) return false;
  return key === "name" ? typeof value === "string" : key === "length" && value === lengthOf(site.node);
}

/** How many parameters stand before the first that need not be given. */
function lengthOf(node: AnyNode): number {
  if (isClassNode(node)) {
    const maker = node.body.body.find((member) => member.type === "MethodDefinition" && member.kind === "constructor");
    return maker?.type === "MethodDefinition" ? lengthOf(maker.value) : 0;
  }
  if (!("params" in node)) return 0;
  const optional = node.params.findIndex(({ type }) => type === "AssignmentPattern" || type === "RestElement");
  return optional < 0 ? node.params.length : optional;
}

function isClass({ site }: UnitCode): boolean {
  return isClassNode(site.node);
}

function isClassNode(node: AnyNode): node is AnyNode & { type: "ClassDeclaration" | "ClassExpression" } {
  return node.type === "ClassDeclaration" || node.type === "ClassExpression";
}

function isGenerator({ site: { node } }: UnitCode): boolean {
  return (node.type === "FunctionDeclaration" || node.type === "FunctionExpression") && node.generator === true;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
