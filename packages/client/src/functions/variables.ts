// Reading the variables around a function.
import { runInThisContext } from "node:vm";
import type { Inspected, Variables } from "./inspect.ts";

/** Stands for a variable that has no value yet. */
export const NOTHING: unique symbol = Symbol("nothing");

/** The innermost variable of this name; in a REPL, a property of the global object. */
export function readNow({ scopes, global }: Inspected, name: string): unknown {
  if (hasVariable(scopes, name)) return readVariable(scopes, name);
  return Object.hasOwn(global, name) ? global[name] : NOTHING;
}

/** A variable that all scripts of the realm share: of the top level of one, or a property of the global object. */
export function isShared({ scopes, script, global }: Inspected, name: string): boolean {
  const scope = scopeWith(scopes, name);
  return scope === undefined ? Object.hasOwn(global, name) : scope === script;
}

export function hasVariable(scopes: readonly Variables[], name: string): boolean {
  return scopeWith(scopes, name) !== undefined;
}

/** The innermost that has a variable of this name. */
export function scopeWith(scopes: readonly Variables[], name: string): Variables | undefined {
  return scopes.find((variables) => Object.hasOwn(variables, name));
}

export function readVariable(scopes: readonly Variables[], name: string): unknown {
  const scope = scopeWith(scopes, name);
  return scope === undefined ? undefined : readMember(scope, name);
}

/** Before a variable is initialised, newer engines throw; so do exports. */
export function readMember(object: object, key: string | symbol): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return NOTHING;
  }
}

/** The exports of a module, also of one that a compiler made of `import` and `export`. */
export function isNamespace(value: unknown): value is object {
  return isModule(value) || (typeof value === "object" && value !== null && Object.hasOwn(value, "__esModule"));
}

export function isModule(value: unknown): value is object {
  return typeof value === "object" && value !== null && Reflect.get(value, Symbol.toStringTag) === "Module";
}

/** A `const` of an earlier line of a REPL: nothing else refuses to be given the value that it has. */
export function isScriptConstant(name: string): boolean {
  try {
    runInThisContext(`${name} = ${name};`);
    return false;
  } catch (error) {
    return error instanceof TypeError && /constant/.test(error.message);
  }
}
