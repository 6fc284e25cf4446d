// All other kinds travel as objects, their payloads as bytes in place.

import type { PayloadSink, PayloadSource } from "../payload-store.ts";
import { checkRecord, type Field, type Fields, malformed, show } from "../validation/fields.ts";
import { NO_PAYLOAD, type PayloadRef } from "../words/index.ts";

type Row = Record<string, unknown>;
export type MessageTable = Readonly<Record<string, Fields>>;

/** The message as it travels: payload references replaced by the bytes. */
export function toWire(message: Row, table: MessageTable, payloads: PayloadSource): Row {
  const fields = table[message["t"] as string];
  return fields === undefined ? message : replace(fields, message, (value) => bytesOf(value as PayloadRef, payloads));
}

function bytesOf(ref: PayloadRef, payloads: PayloadSource): Uint8Array | null {
  if (ref === NO_PAYLOAD) return null;
  const bytes = new Uint8Array(payloads.sizeOf(ref));
  payloads.copyInto(ref, bytes, 0);
  return bytes;
}

/** Checks a message as it travels. Throws FLOCK_PROTOCOL. */
export function checkWire(wire: unknown, table: MessageTable): Row {
  if (typeof wire !== "object" || wire === null || Array.isArray(wire) || ArrayBuffer.isView(wire)) {
    throw malformed("message", `${show(wire)} is not a record`);
  }
  const kind = (wire as Row)["t"];
  const fields = typeof kind === "string" && Object.hasOwn(table, kind) ? table[kind] : undefined;
  if (fields === undefined) throw malformed("message", `the kind ${show(kind)} is unknown here`);
  checkRecord(fields, wire, kind as string, "t");
  return wire as Row;
}

/** The message as machines see it; to be called for what was checked. */
export function fromWire(wire: Row, table: MessageTable, sink: PayloadSink): Row {
  return replace(table[wire["t"] as string]!, wire, (value) => {
    const bytes = value as Uint8Array | null;
    return bytes === null ? NO_PAYLOAD : sink.putSlice(bytes, 0, bytes.length);
  });
}

/** Says how many bytes the payloads of a message have. */
export type Sizer = (message: Row, payloads: PayloadSource) => number;

/** One for each kind that has payloads. Called for every message that is sent, so the common case, payloads at the top only, is plain. */
export function sizersOf(table: MessageTable): ReadonlyMap<string, Sizer> {
  const sizers = new Map<string, Sizer>();
  for (const [kind, fields] of Object.entries(table)) {
    if (!holdsPayload({ kind: "record", fields })) continue;
    const top = Object.keys(fields).filter((name) => fields[name]!.kind === "payload");
    const deep = Object.keys(fields).filter((name) => !top.includes(name) && holdsPayload(fields[name]!));
    sizers.set(kind, (message, payloads) => {
      let total = 0;
      const count = (value: unknown): unknown => {
        if (value !== NO_PAYLOAD) total += payloads.sizeOf(value as PayloadRef);
        return value;
      };
      for (let i = 0; i < top.length; i++) count(message[top[i]!]);
      for (let i = 0; i < deep.length; i++) {
        const value = message[deep[i]!];
        if (!Array.isArray(value) || value.length > 0) replaceField(fields[deep[i]!]!, value, count);
      }
      return total;
    });
  }
  return sizers;
}

function replace(fields: Fields, row: Row, change: (value: unknown) => unknown): Row {
  if (!holdsPayload({ kind: "record", fields })) return row;
  const out: Row = { ...row };
  for (const name in fields) out[name] = replaceField(fields[name]!, row[name], change);
  return out;
}

function replaceField(field: Field, value: unknown, change: (value: unknown) => unknown): unknown {
  if (field.kind === "payload") return change(value);
  if (!holdsPayload(field) || value === null) return value;
  if (field.kind === "record") return replace(field.fields, value as Row, change);
  if (field.kind === "list") return (value as unknown[]).map((one) => replaceField(field.of, one, change));
  if (field.kind === "nullable") return replaceField(field.of, value, change);
  if (field.kind === "variants") return replace(fieldsOf(field, value as Row), value as Row, change);
  return value;
}

/** Of what was checked, or made here. What has another tag is refused by whoever receives it. */
function fieldsOf(field: Extract<Field, { kind: "variants" }>, value: Row): Fields {
  return field.cases[value[field.tag] as string] ?? {};
}

const known = new WeakMap<object, boolean>();

function holdsPayload(field: Field): boolean {
  const identity = field.kind === "record" ? field.fields : field;
  const before = known.get(identity);
  if (before !== undefined) return before;
  const holds =
    field.kind === "payload" ||
    (field.kind === "record" && Object.values(field.fields).some(holdsPayload)) ||
    (field.kind === "variants" &&
      Object.values(field.cases).some((fields) => holdsPayload({ kind: "record", fields }))) ||
    ((field.kind === "list" || field.kind === "nullable") && holdsPayload(field.of));
  known.set(identity, holds);
  return holds;
}
