// What the text of a class or function does not tell: what it extends, its static values, and what was put on it later.
import type { AnyNode } from "acorn";
import type { Capture } from "./capture.ts";
import type { Callable, Override, Target, Unit, UnitCode } from "./graph.ts";
import { isFunctionPrototype, isObjectPrototype } from "./instances.ts";
import { shownName } from "./refusal.ts";

const GIVEN: ReadonlySet<string> = new Set(["length", "name", "prototype", "arguments", "caller"]);

/** Fills in `heritage` and `overrides`. */
export function classParts(capture: Capture, unit: Unit, fn: Callable): void {
  const { form } = unit;
  if (form.kind !== "code") return;
  if (form.outside.heritage !== null) unit.heritage = heritage(capture, unit, form.outside.heritage, fn);
  overridesOn(capture, unit, "self", fn);
  const prototype: unknown = Object.hasOwn(fn, "prototype") ? fn.prototype : undefined;
  if (typeof prototype !== "object" || prototype === null) return;
  if (!isClass(form) && !isGenerator(form) && !isObjectPrototype(Object.getPrototypeOf(prototype))) {
    throw capture.refuse(
      `it uses ${shownName(fn)}, whose prototype inherits from another one's; write it as a class that extends.`,
    );
  }
  overridesOn(capture, unit, "prototype", prototype);
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

function overridesOn(capture: Capture, unit: Unit, on: Override["on"], object: object): void {
  const code = unit.form as UnitCode;
  for (const key of Object.getOwnPropertyNames(object)) {
    if (on === "self" ? GIVEN.has(key) : key === "constructor") continue;
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor === undefined) continue;
    const { enumerable = false } = descriptor;
    for (const kind of ["value", "get", "set"] as const) {
      const value: unknown = descriptor[kind];
      if (!(kind in descriptor) || (kind !== "value" && value === undefined)) continue;
      if (typeof value === "function" && isWritten(code, on, key, kind, value)) continue;
      const target = capture.targetOf(value, identifier(key));
      unit.overrides.push({ on, key, kind, target, enumerable });
      if (kind === "value") capture.watched.push({ target, seen: value, at: { object, key } });
    }
  }
}

/** The function is the member of the class that its text gives it under this name. */
function isWritten(
  { site, outside }: UnitCode,
  on: Override["on"],
  key: string,
  kind: Override["kind"],
  value: unknown,
): boolean {
  const { node, module } = site;
  if (node.type !== "ClassDeclaration" && node.type !== "ClassExpression") return false;
  const source = Function.prototype.toString.call(value);
  return node.body.body.some((member) => {
    if (member.type !== "MethodDefinition" || member.static !== (on === "self")) return false;
    if ((member.kind === "get" || member.kind === "set" ? member.kind : "value") !== kind) return false;
    if (!member.computed && keyName(member.key) !== key) return false;
    return (
      module.text.startsWith(source, member.value.end - source.length) &&
      outside.statics.every((range) => range !== member)
    );
  });
}

function keyName(key: AnyNode): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" ? String(key.value) : undefined;
}

function isClass({ site }: UnitCode): boolean {
  return site.node.type === "ClassDeclaration" || site.node.type === "ClassExpression";
}

function isGenerator({ site: { node } }: UnitCode): boolean {
  return (node.type === "FunctionDeclaration" || node.type === "FunctionExpression") && node.generator === true;
}

function identifier(key: string): string {
  return key.replace(/\W/g, "_");
}
