// Values that several tasks share: none may change them under another. They are frozen object by object as they are decoded:
// to look for all objects of a large value afterwards takes longer than freezing them.

import { type DecodeOptions, FlockError } from "@taskflock/protocol/code";

/** Of a value that is shared. */
export const FROZEN: DecodeOptions = { each: freeze };

/** Typed arrays cannot be frozen: see mutation.ts. */
function freeze(object: object): void {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) Object.freeze(object);
  else if (!ArrayBuffer.isView(object) && !freezeContainer(object)) freezeDeep(object);
}

/**
 * Maps, Sets and Dates stay what they are inside when they are frozen, so their methods that change them refuse to; not those of
 * one that its own class has closed.
 */
function freezeContainer(object: object): boolean {
  const refusals = guardsOf(object);
  if (refusals === undefined) return false;
  if (Object.isExtensible(object)) Object.defineProperties(object, refusals);
  Object.freeze(object);
  return true;
}

function guardsOf(object: object): PropertyDescriptorMap | undefined {
  if (object instanceof Map) return MAP_GUARDS;
  if (object instanceof Set) return SET_GUARDS;
  return object instanceof Date ? DATE_GUARDS : undefined;
}

/**
 * An instance with all that can be reached from it: what its class's hooks made was not decoded as such. Also when it is frozen: its
 * class did that, and not to what it holds.
 */
function freezeDeep(instance: object): void {
  Object.freeze(instance);
  const open: unknown[] = Object.values(instance);
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) continue;
    if (value instanceof Map) for (const entry of value) open.push(...entry);
    else if (value instanceof Set) for (const held of value) open.push(held);
    if (!freezeContainer(value)) Object.freeze(value);
    for (const held of Object.values(value)) open.push(held);
  }
}

const MAP_GUARDS = guards("Map", ["set", "delete", "clear"]);
const SET_GUARDS = guards("Set", ["add", "delete", "clear"]);
const DATE_GUARDS = guards(
  "Date",
  Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith("set")),
);

function guards(type: string, methods: readonly string[]): PropertyDescriptorMap {
  const refuse = (): never => {
    throw new FlockError(
      "FLOCK_ARGUMENT_MUTATED",
      `A task tried to change a ${type} among its arguments, which other tasks share; let it work on copy(argument).`,
    );
  };
  return Object.fromEntries(methods.map((method) => [method, { value: refuse }]));
}
