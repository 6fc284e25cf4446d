// The language's and Node's own classes, except errors.
import { types } from "node:util";
import { columnOf, writeColumn, writeColumnMap } from "./encode-columns.ts";
import type { Encoder } from "./encoder.ts";
import { COLUMN, TAG, VIEW_ELEMENT_BYTES, VIEW_KINDS, type ViewKind } from "./format.ts";
import { refuse } from "./refusal.ts";

type Write = (encoder: Encoder, value: object) => void;

const writers = new Map<object, Write>([
  [Map.prototype, (encoder, value) => writeMap(encoder, value as Map<unknown, unknown>)],
  [Set.prototype, (encoder, value) => writeSet(encoder, value as Set<unknown>)],
  [Date.prototype, (encoder, value) => writeDate(encoder, value as Date)],
  [RegExp.prototype, (encoder, value) => writeRegExp(encoder, value as RegExp)],
  [URL.prototype, (encoder, value) => writeUrl(encoder, value as URL)],
  [ArrayBuffer.prototype, (encoder, value) => writeBuffer(encoder, value as ArrayBuffer)],
]);
for (const kind of VIEW_KINDS) {
  const type: unknown = Reflect.get(globalThis, kind); // Float16Array is not in every Node
  if (kind === "ArrayBuffer" || typeof type !== "function") continue;
  writers.set(type.prototype, (encoder, value) => writeView(encoder, value as ArrayBufferView, kind));
}

/** How an object of another realm (`node:vm`) is recognized: by what it is inside, and by its class's name. */
const foreign: readonly [name: string, is: (value: object) => boolean, own: object][] = [
  ["Map", types.isMap, Map.prototype],
  ["Set", types.isSet, Set.prototype],
  ["Date", types.isDate, Date.prototype],
  ["RegExp", types.isRegExp, RegExp.prototype],
  ["ArrayBuffer", types.isArrayBuffer, ArrayBuffer.prototype],
];

/** Writes `value` if it is of a class of this table, not of a subclass; says whether it did. */
export function writeBuiltin(encoder: Encoder, value: object, prototype: object): boolean {
  if (prototype === stranger) return false;
  const write = writers.get(prototype) ?? foreignWriter(value, prototype);
  if (write === undefined) return false;
  encoder.number(value);
  write(encoder, value);
  return true;
}

/** The prototype that turned out last not to bear any of our names: most such objects are futures. */
let stranger: object | undefined;
const foreignNames: ReadonlySet<string> = new Set([...VIEW_KINDS, ...foreign.map(([name]) => name)]);

function foreignWriter(value: object, prototype: object): Write | undefined {
  const maker: unknown = Reflect.get(prototype, "constructor");
  if (typeof maker !== "function") return undefined;
  const { name } = maker;
  if (!foreignNames.has(name)) {
    stranger = prototype;
    return undefined;
  }
  if (ArrayBuffer.isView(value)) {
    const kind = VIEW_KINDS.find((candidate) => candidate === name);
    if (kind === undefined || kind === "Buffer" || kind === "ArrayBuffer") return undefined;
    const brand = Object.prototype.toString.call(value).slice(8, -1);
    return brand === kind ? (encoder) => writeView(encoder, value, kind) : undefined;
  }
  const match = foreign.find(([known, is]) => known === name && is(value));
  // A class of the user's own that only bears the name has another number of prototypes above it.
  return match !== undefined && prototypes(prototype) === prototypes(match[2]) ? writers.get(match[2]) : undefined;
}

function prototypes(from: object): number {
  let count = 0;
  for (let at: object | null = from; at !== null; at = Object.getPrototypeOf(at)) count++;
  return count;
}

function writeMap(encoder: Encoder, map: ReadonlyMap<unknown, unknown>): void {
  const keys = [...map.keys()];
  const values = [...map.values()];
  const kind = columnOf(keys);
  if (kind !== COLUMN.values) {
    writeColumnMap(encoder, kind, keys, values);
    return;
  }
  encoder.out.byte(TAG.map);
  encoder.out.varint(keys.length);
  for (const [index, key] of keys.entries()) {
    encoder.child({ in: "keys", key: index }, key);
    encoder.child({ in: "map", key }, values[index]);
  }
}

function writeSet(encoder: Encoder, set: ReadonlySet<unknown>): void {
  const elements = [...set];
  const kind = columnOf(elements);
  encoder.out.byte(kind === COLUMN.values ? TAG.set : TAG.columnSet);
  encoder.out.varint(elements.length);
  if (kind !== COLUMN.values) {
    writeColumn(encoder, kind, elements);
    return;
  }
  for (const [index, element] of elements.entries()) encoder.child({ in: "set", key: index }, element);
}

function writeDate(encoder: Encoder, date: Date): void {
  encoder.out.byte(TAG.date);
  encoder.out.float64(date.getTime());
}

function writeRegExp(encoder: Encoder, { source, flags, lastIndex }: RegExp): void {
  encoder.out.byte(TAG.regexp);
  encoder.out.string(source);
  encoder.out.string(flags);
  encoder.out.number(lastIndex);
}

function writeUrl(encoder: Encoder, url: URL): void {
  encoder.out.byte(TAG.url);
  encoder.out.string(url.href);
}

function writeBuffer(encoder: Encoder, buffer: ArrayBuffer): void {
  if (isDetached(buffer)) {
    throw refuse(encoder.path(), "a detached ArrayBuffer", "its memory was transferred elsewhere; copy it before");
  }
  writeViewHead(encoder, "ArrayBuffer", buffer.byteLength);
  encoder.view(buffer, 0, buffer.byteLength, true);
}

function writeView(encoder: Encoder, view: ArrayBufferView, kind: ViewKind): void {
  if (isDetached(view.buffer)) {
    throw refuse(
      encoder.path(),
      `a ${kind} over a detached ArrayBuffer`,
      "its memory was transferred elsewhere; copy it before",
    );
  }
  writeViewHead(encoder, kind, view.byteLength);
  encoder.view(view.buffer, view.byteOffset, view.byteLength, false);
}

function writeViewHead(encoder: Encoder, kind: ViewKind, bytes: number): void {
  const index = VIEW_KINDS.indexOf(kind);
  encoder.out.byte(TAG.view);
  encoder.out.byte(index);
  encoder.out.varint(bytes / VIEW_ELEMENT_BYTES[index]!);
}

/** Node 20 has no `detached`; what tells is that nothing can be made over such a buffer. */
function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** The prototype is of another realm, and of the class with this name there. */
export function isForeign(prototype: object, name: string): boolean {
  const maker: unknown = "constructor" in prototype ? prototype.constructor : undefined;
  return typeof maker === "function" && maker.name === name && maker.prototype === prototype;
}
