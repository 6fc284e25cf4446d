// What the host said about a function or an object, as bytes.
import { types } from "node:util";
import type { FlockError } from "../words/errors.ts";
import type { Encoder } from "./encoder.ts";
import { TAG } from "./format.ts";
import type { BoundClosureLeaf, ClosureLeaf, DataClosureLeaf, InstanceLeaf, UnitLeaf, ValueLeaf } from "./leaf.ts";
import { refuse, refuseObject } from "./refusal.ts";

/** `open`: the function's captured values are being written. */
export function writeFunctionLeaf(
  encoder: Encoder,
  value: object,
  leaf: Exclude<ValueLeaf, InstanceLeaf>,
  open: boolean,
): void {
  switch (leaf.kind) {
    case "future":
    case "function":
      writeIndex(encoder, leaf.kind === "future" ? TAG.future : TAG.function, leaf.index);
      return;
    case "unit":
      writeUnit(encoder, leaf);
      return;
    case "closure":
      try {
        if (open) throw refuseCycle(encoder.path(), value);
        writeClosure(encoder, value, leaf);
      } finally {
        leaf.end();
      }
      return;
    case "boundClosure":
      if (open) throw refuseCycle(encoder.path(), value);
      writeBoundClosure(encoder, value, leaf);
      return;
    case "dataClosure":
      if (open) throw refuseCycle(encoder.path(), value);
      writeDataClosure(encoder, value, leaf);
  }
}

/** False when the object is an error, which travels as one whatever its class. */
export function writeObjectLeaf(encoder: Encoder, value: object, leaf: ValueLeaf): boolean {
  if (leaf.kind !== "instance") {
    writeFunctionLeaf(encoder, value, leaf, false);
    return true;
  }
  if (value instanceof Error) return false;
  writeInstance(encoder, value, leaf);
  return true;
}

function writeIndex(encoder: Encoder, tag: number, index: number): void {
  encoder.out.byte(tag);
  encoder.out.varint(index);
}

function writeUnit(encoder: Encoder, { index, outer = 0 }: UnitLeaf): void {
  if (outer === 0) {
    writeIndex(encoder, TAG.unit, index);
    return;
  }
  writeIndex(encoder, TAG.outerUnit, outer);
  encoder.out.varint(index);
}

function writeClosure(encoder: Encoder, value: object, { index, captured, names, beside }: ClosureLeaf): void {
  encoder.number(value);
  writeIndex(encoder, TAG.closure, index);
  encoder.closed(value, () => encoder.captured(captured, names, beside));
}

function writeBoundClosure(encoder: Encoder, value: object, { index, encoded }: BoundClosureLeaf): void {
  encoder.number(value);
  writeIndex(encoder, TAG.boundClosure, index);
  encoder.out.varint(encoded.length);
  encoder.out.raw(encoded);
}

function writeDataClosure(encoder: Encoder, value: object, { index, future }: DataClosureLeaf): void {
  encoder.number(value);
  writeIndex(encoder, TAG.dataClosure, index);
  encoder.out.varint(future);
}

function writeInstance(encoder: Encoder, value: object, { type, made }: InstanceLeaf): void {
  if (MORE.some((test) => test(value))) throw refuseObject(encoder.path(), value);
  encoder.number(value);
  encoder.out.byte(TAG.instance);
  encoder.child({ in: "class", key: type.name }, type);
  if (made === undefined) encoder.fields(value);
  else writeFields(encoder, value as Readonly<Record<string, unknown>>, made);
}

function writeFields(encoder: Encoder, value: Readonly<Record<string, unknown>>, made: ReadonlySet<string>): void {
  const keys = Object.keys(value);
  encoder.out.varint(keys.length);
  for (const key of keys) {
    encoder.key(key);
    if (!made.has(key)) {
      encoder.child(key, value[key]);
      continue;
    }
    encoder.number(value[key] as object); // also what is met again as a value of its own
    encoder.out.byte(TAG.made);
  }
}

/** Tests for objects that are more than their properties: the rest would be lost. */
const MORE: readonly ((value: object) => boolean)[] = [
  Array.isArray,
  ArrayBuffer.isView,
  types.isAnyArrayBuffer,
  types.isMap,
  types.isSet,
  types.isWeakMap,
  types.isWeakSet,
  types.isDate,
  types.isRegExp,
  types.isPromise,
  types.isBoxedPrimitive,
  types.isGeneratorObject,
];

function refuseCycle(path: string, value: object): FlockError {
  const name = "name" in value && typeof value.name === "string" && value.name !== "" ? value.name : "a function";
  return refuse(path, `${name} itself, captured by itself`, "call it by its own name");
}
