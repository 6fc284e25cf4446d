// What a field of a message may hold, as data: the checker, the codec and the tests read the same description.

import { FlockError } from "../words/index.ts";

export type Field =
  | IntField
  | { readonly kind: "number" }
  | TextField
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  /** A payload; `size` names the sibling that says its bytes. On the wire: the bytes, or null where it is `optional`. */
  | { readonly kind: "payload"; readonly size: string; readonly optional: boolean }
  | { readonly kind: "nullable"; readonly of: Field }
  | { readonly kind: "list"; readonly of: Field; readonly max: number }
  | RecordField
  /** Names to integers, or to something else that is small. */
  | { readonly kind: "amounts"; readonly of: Field; readonly max: number }
  /** A text of so many UTF-16 units, a finite number, a flag or null. */
  | { readonly kind: "scalar"; readonly max: number }
  /** As `of`, and all of it together not above `max`. */
  | {
      readonly kind: "bounded";
      readonly of: Field;
      readonly max: number;
      readonly sizeOf: (value: unknown) => number;
    }
  /** A record whose other fields depend on the value of `tag`. */
  | { readonly kind: "variants"; readonly tag: string; readonly cases: Readonly<Record<string, Fields>> }
  /** Plain data of any shape (answers). */
  | { readonly kind: "plain" };

export interface IntField {
  readonly kind: "int";
  readonly min: number;
  readonly max: number;
}
export interface TextField {
  readonly kind: "text";
  /** UTF-16 units. */
  readonly max: number;
}
export interface RecordField {
  readonly kind: "record";
  readonly fields: Fields;
}
export type Fields = Readonly<Record<string, Field>>;

export const int = (min: number, max: number): IntField => ({ kind: "int", min, max });
export const text = (max: number): TextField => ({ kind: "text", max });
export const flag: Field = { kind: "flag" };
export const finite: Field = { kind: "number" };
export const plain: Field = { kind: "plain" };
export const choice = (...values: readonly string[]): Field => ({ kind: "choice", values });
export const payload = (size: string): Field => ({ kind: "payload", size, optional: false });
export const optionalPayload = (size: string): Field => ({ kind: "payload", size, optional: true });
export const nullable = (of: Field): Field => ({ kind: "nullable", of });
export const list = (of: Field, max: number): Field => ({ kind: "list", of, max });
export const record = (fields: Fields): RecordField => ({ kind: "record", fields });
export const amounts = (of: IntField, max: number): Field => ({ kind: "amounts", of, max });
export const named = (of: Field, max: number): Field => ({ kind: "amounts", of, max });
export const scalar = (max: number): Field => ({ kind: "scalar", max });
export const bounded = (of: Field, max: number, sizeOf: (value: unknown) => number): Field => ({
  kind: "bounded",
  of,
  max,
  sizeOf,
});
export const variants = (tag: string, cases: Readonly<Record<string, Fields>>): Field => ({
  kind: "variants",
  tag,
  cases,
});

/** The error of whatever is malformed: names the message and the field. */
export function malformed(where: string, what: string): FlockError {
  return new FlockError("FLOCK_PROTOCOL", `${where}: ${what}. The connection is closed.`);
}

/** Checks `value` completely, as it stands on the wire; `at` names it in the error. Throws FLOCK_PROTOCOL. */
export function checkField(field: Field, value: unknown, at: string): void {
  switch (field.kind) {
    case "int":
      if (!Number.isSafeInteger(value) || (value as number) < field.min || (value as number) > field.max) {
        throw malformed(at, `${show(value)} is not an integer within ${field.min} … ${field.max}`);
      }
      return;
    case "number":
      if (!Number.isFinite(value)) throw malformed(at, `${show(value)} is not a finite number`);
      return;
    case "text":
      checkText(field.max, value, at);
      return;
    case "flag":
      if (typeof value !== "boolean") throw malformed(at, `${show(value)} is neither true nor false`);
      return;
    case "choice":
      if (typeof value !== "string" || !field.values.includes(value)) {
        throw malformed(at, `${show(value)} is none of the words it can be`);
      }
      return;
    case "payload":
      if (!(value === null && field.optional) && !(value instanceof Uint8Array))
        throw malformed(at, `${show(value)} is not bytes`);
      return;
    case "nullable":
      if (value !== null) checkField(field.of, value, at);
      return;
    case "list":
      checkList(field, value, at);
      return;
    case "record":
      checkRecord(field.fields, value, at, null);
      return;
    case "amounts":
      checkAmounts(field, value, at);
      return;
    case "scalar":
      checkScalar(field.max, value, at);
      return;
    case "bounded":
      checkBounded(field, value, at);
      return;
    case "variants":
      checkVariants(field, value, at);
      return;
    case "plain":
      return;
  }
}

/** Checks every field of a record and that it has no others; `tag` is a further key that is known already. */
export function checkRecord(fields: Fields, value: unknown, at: string, tag: string | null): void {
  const row = asRecord(value, at);
  let known = tag === null ? 0 : 1;
  for (const name in fields) {
    const field = fields[name]!;
    if (!Object.hasOwn(row, name)) throw malformed(`${at}.${name}`, "the field is absent");
    checkField(field, row[name], `${at}.${name}`);
    if (field.kind === "payload") checkPayloadSize(field.size, row, `${at}.${name}`, row[name] as Uint8Array | null);
    known++;
  }
  const keys = Object.keys(row);
  if (keys.length !== known) {
    const unknown = keys.find((key) => key !== tag && !Object.hasOwn(fields, key));
    throw malformed(at, `the field ${show(unknown)} is unknown`);
  }
}

function checkPayloadSize(size: string, row: Record<string, unknown>, at: string, bytes: Uint8Array | null): void {
  if (bytes === null || row[size] === bytes.length) return;
  throw malformed(at, `${bytes.length} bytes came, and ${size} says ${show(row[size])}`);
}

function checkText(max: number, value: unknown, at: string): void {
  if (typeof value !== "string") throw malformed(at, `${show(value)} is not a text`);
  if (value.length > max) throw malformed(at, `the text has ${value.length} characters of ${max}`);
}

function checkScalar(max: number, value: unknown, at: string): void {
  if (value === null || typeof value === "boolean" || Number.isFinite(value)) return;
  checkText(max, value, at);
}

function checkBounded(field: Extract<Field, { kind: "bounded" }>, value: unknown, at: string): void {
  checkField(field.of, value, at);
  const size = field.sizeOf(value);
  if (size > field.max) throw malformed(at, `it takes ${size} of ${field.max}`);
}

function checkList(field: Extract<Field, { kind: "list" }>, value: unknown, at: string): void {
  if (!Array.isArray(value)) throw malformed(at, `${show(value)} is not a list`);
  if (value.length > field.max) throw malformed(at, `the list has ${value.length} elements of ${field.max}`);
  for (let i = 0; i < value.length; i++) checkField(field.of, value[i], `${at}[${i}]`);
}

function checkAmounts(field: Extract<Field, { kind: "amounts" }>, value: unknown, at: string): void {
  const entries = Object.entries(asRecord(value, at));
  if (entries.length > field.max) throw malformed(at, `${entries.length} entries of ${field.max}`);
  for (const [name, amount] of entries) {
    if (name.length === 0 || name.length > 256) throw malformed(at, "a name has not 1 … 256 characters");
    checkField(field.of, amount, `${at}.${name}`);
  }
}

function checkVariants(field: Extract<Field, { kind: "variants" }>, value: unknown, at: string): void {
  const tag = asRecord(value, at)[field.tag];
  const fields = typeof tag === "string" && Object.hasOwn(field.cases, tag) ? field.cases[tag] : undefined;
  if (fields === undefined) throw malformed(`${at}.${field.tag}`, `${show(tag)} is unknown`);
  checkRecord(fields, value, at, field.tag);
}

function asRecord(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) {
    return value as Record<string, unknown>;
  }
  throw malformed(at, `${show(value)} is not a record`);
}

/** A value in an error message: short, whatever came. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return value instanceof Uint8Array ? "bytes" : "a record";
  return String(value);
}
