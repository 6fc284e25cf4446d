// Arguments in a few words, for the person who reads that a call failed: kinds and sizes rather than contents.

import { parameterNames } from "./parameter-names.ts";

const MAX_CHARACTERS = 500;
const MAX_STRING = 40;
const MAX_KEYS = 8;
const MAX_NAME = 32;
/** Elements of an array that are looked at to say what it is an array of. */
const MAX_LOOKED_AT = 100;

/** `x: 3, rows: number[1797], o: { C, gamma }`; names come from the function's own source, else the values stand alone. */
export function shapesOf(args: readonly unknown[], fn: unknown): string {
  const names = parameterNames(fn);
  let text = "";
  for (const [index, arg] of args.entries()) {
    const name = names[index] ?? "";
    const separator = index === 0 ? "" : ", ";
    text += `${separator}${name === "" ? "" : `${name}: `}${shapeOf(arg)}`;
    if (text.length > MAX_CHARACTERS) break;
  }
  return clip(text, MAX_CHARACTERS);
}

/** Never throws: a proxy or a getter of the user's may. */
function shapeOf(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return "(unreadable)";
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return describeText(value);
  if (typeof value === "bigint") return clip(`${value}n`, MAX_STRING);
  if (typeof value === "symbol") return clip(String(value), MAX_STRING);
  if (typeof value === "function") return `function ${clip(value.name === "" ? "(anonymous)" : value.name, MAX_NAME)}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return describeArray(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${nameOf(value)}(${(value as Uint8Array).length})`;
  }
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer || value instanceof DataView) {
    return `${nameOf(value)}(${value.byteLength})`;
  }
  if (value instanceof Map || value instanceof Set) return `${nameOf(value)}(${value.size})`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return clip(String(value), MAX_STRING);
  if (value instanceof Error) return nameOf(value);
  return describeObject(value);
}

function describeText(text: string): string {
  if (text.length <= MAX_STRING) return JSON.stringify(text);
  const start = JSON.stringify(text.slice(0, MAX_STRING));
  return `${start.slice(0, -1)}…" (${text.length.toLocaleString("en-US")} characters)`;
}

/** `number[1797]`, `number[1797][64]` for rows of one length, `Array(3)` for a mixture. */
function describeArray(array: readonly unknown[]): string {
  if (array.length === 0) return "[]";
  const kinds = new Set<string>();
  for (let i = 0; i < array.length && i < MAX_LOOKED_AT; i++) kinds.add(kindOf(array[i]));
  const [kind] = kinds;
  if (kinds.size > 1 || kind === undefined) return `Array(${array.length})`;
  const [element, ...inner] = kind.split("[");
  return [`${element}[${array.length}]`, ...inner].join("[");
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  if (!Array.isArray(value)) return clip(nameOf(value), MAX_NAME);
  const first = kindOf(value[0]);
  const plain = value.every((item) => typeof item === first);
  return plain ? `${first}[${value.length}]` : "Array";
}

function describeObject(object: object): string {
  const name = nameOf(object);
  const label = name === "Object" ? "" : `${clip(name, MAX_NAME)} `;
  const keys = Object.keys(object);
  if (keys.length === 0) return `${label}{}`;
  const shown = keys.slice(0, MAX_KEYS).map((key) => clip(key, MAX_NAME));
  if (keys.length > MAX_KEYS) shown.push("…");
  return `${label}{ ${shown.join(", ")} }`;
}

/** The class's name; of a plain object, with or without a prototype, "Object". */
function nameOf(object: object): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  const maker: unknown = typeof prototype === "object" && prototype !== null ? prototype.constructor : undefined;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "Object";
}

function clip(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
