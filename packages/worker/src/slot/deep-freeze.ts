// Values that several tasks share: none may change them under another.

import { FlockError } from "@taskflock/protocol/code";

/**
 * Freezes every object that can be reached. Maps, Sets and Dates stay what they are inside when they are frozen, so their
 * methods that change them refuse to. Typed arrays cannot be frozen: see mutation.ts.
 */
export function deepFreeze<T>(root: T): T {
  const open: object[] = [];
  push(open, root);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (ArrayBuffer.isView(value) || Object.isFrozen(value)) continue;
    if (value instanceof Map) {
      Object.defineProperties(value, MAP_GUARDS);
      for (const [key, held] of value) {
        push(open, key);
        push(open, held);
      }
    } else if (value instanceof Set) {
      Object.defineProperties(value, SET_GUARDS);
      for (const held of value) push(open, held);
    } else if (value instanceof Date) {
      Object.defineProperties(value, DATE_GUARDS);
    }
    Object.freeze(value);
    if (Array.isArray(value)) for (const held of value) push(open, held);
    else for (const held of Object.values(value)) push(open, held);
  }
  return root;
}

function push(open: object[], value: unknown): void {
  if (typeof value === "object" && value !== null) open.push(value);
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
