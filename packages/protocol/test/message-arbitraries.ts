// Arbitrary messages, derived from the same tables that the validator uses.

import fc from "fast-check";
import type { Direction, PayloadStore } from "../src/index.ts";
import type { Field, Fields } from "../src/validation/fields.ts";
import { messageFields } from "../src/validation/tables.ts";

type Row = Record<string, unknown>;

export const directions = Object.keys(messageFields) as Direction[];

/** Messages whose payload fields hold bytes or null; `intoStore` makes references of them. */
export function messagesOf(direction: Direction): fc.Arbitrary<Row>[] {
  return Object.entries(messageFields[direction]).map(([t, fields]) => rowOf(fields).map((row) => ({ t, ...row })));
}

function rowOf(fields: Fields): fc.Arbitrary<Row> {
  const shape: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(fields)) shape[name] = arbitraryOf(field);
  // The size that goes with a payload is what the payload has.
  return fc.record(shape).map((row) => {
    const fixed: Row = { ...row };
    for (const [name, field] of Object.entries(fields)) {
      if (field.kind !== "payload") continue;
      const bytes = fixed[name] as Uint8Array | null;
      if (bytes !== null) fixed[field.size] = bytes.length;
    }
    return fixed;
  });
}

const bytes = fc.uint8Array({ maxLength: 40 });
const plain = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

function arbitraryOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case "int":
      return fc.oneof(
        fc.integer({ min: Math.max(field.min, -300), max: Math.min(field.max, 300) }),
        fc.maxSafeInteger().map((n) => Math.min(field.max, Math.max(field.min, n))),
        fc.constantFrom(field.min, field.max),
      );
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0 || 0);
    case "text":
      return fc.string({ maxLength: Math.min(field.max, 30), unit: "grapheme" }).filter((s) => s.length <= field.max);
    case "flag":
      return fc.boolean();
    case "choice":
      return fc.constantFrom(...field.values);
    case "payload":
      return field.optional ? fc.option(bytes, { nil: null }) : bytes;
    case "nullable":
      return fc.option(arbitraryOf(field.of), { nil: null });
    case "list":
      return fc.array(arbitraryOf(field.of), { maxLength: 4 });
    case "record":
      return rowOf(field.fields);
    case "amounts":
      return fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), arbitraryOf(field.of), {
        maxKeys: 3,
        noNullPrototype: true,
      });
    case "variants":
      return fc.oneof(
        ...Object.entries(field.cases).map(([tag, fields]) =>
          rowOf(fields).map((row) => ({ [field.tag]: tag, ...row })),
        ),
      );
    case "scalar":
      return fc.oneof(fc.boolean(), fc.constant(null), fc.integer(), fc.string({ maxLength: Math.min(field.max, 30) }));
    case "bounded":
      return arbitraryOf(field.of);
    case "plain":
      return plain;
  }
}

/** Replaces bytes by references of the store, and null by 0 where a payload belongs. */
export function intoStore(direction: Direction, message: Row, store: PayloadStore): Row {
  return mapPayloads(messageFields[direction][message["t"] as string]!, message, (value) =>
    value === null ? 0 : store.put(value as Uint8Array),
  );
}

/** The inverse: references replaced by copies of their bytes. */
export function outOfStore(direction: Direction, message: Row, store: PayloadStore): Row {
  return mapPayloads(messageFields[direction][message["t"] as string]!, message, (value) =>
    value === 0 ? null : Uint8Array.from(store.get(value as never)),
  );
}

function mapPayloads(fields: Fields, row: Row, change: (value: unknown) => unknown): Row {
  const out: Row = { ...row };
  for (const [name, field] of Object.entries(fields)) out[name] = mapField(field, row[name], change);
  return out;
}

function mapField(field: Field, value: unknown, change: (value: unknown) => unknown): unknown {
  if (field.kind === "payload") return change(value);
  if (value === null) return null;
  if (field.kind === "record") return mapPayloads(field.fields, value as Row, change);
  if (field.kind === "list") return (value as unknown[]).map((one) => mapField(field.of, one, change));
  if (field.kind === "variants") {
    const row = value as Row;
    return mapPayloads(field.cases[row[field.tag] as string] ?? {}, row, change);
  }
  return value;
}
