// Messages that are valid by the validation tables, of every kind there is. Their numbers and names come from small pools, so that they
// meet: with what the sender has, with what others have, with what nobody has.

import type { Field, Fields } from "../../packages/protocol/src/validation/fields.ts";
import { handshakeFields, messageFields } from "../../packages/protocol/src/validation/tables.ts";
import type { Random } from "./random.ts";

export type Direction = keyof typeof messageFields;
export type Row = Record<string, unknown>;

/** What is known of the cluster: numbers and names that a message may hit something with. */
export interface Pools {
  readonly tasks: readonly number[];
  readonly workers: readonly number[];
  /** Names of workers that may be stopped. */
  readonly workerNames: readonly string[];
}

export const NO_POOLS: Pools = { tasks: [], workers: [], workerNames: [] };

/** All names of things that there are. */
export const NAMES: readonly string[] = [
  "a",
  "b",
  "c",
  "d",
  "e",
  "constructor",
  "__proto__",
  "",
  "naïve ☃",
  "x".repeat(64),
];
const KEYS: readonly string[] = ["k1", "k2", "k3", "k4", "a-1-1", "toString"];
const EXTREMES: readonly number[] = [
  0,
  1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  2 ** 47,
  2 ** 53 - 1,
  -1,
  -(2 ** 31),
];

/** Numbers of things that a session counts itself. */
const counted: readonly string[] = ["n", "ns", "deps", "as", "of", "ids", "id"];
const small: Readonly<Record<string, number>> = {
  ...{ fn: 5, functions: 5, options: 4, run: 5, attempt: 4, version: 4, gear: 5, draft: 4, part: 3, parts: 3 },
  ...{ lease: 6, leases: 4, slots: 9, count: 3, copies: 4, candidate: 6, fold: 6, trial: 3, epoch: 6, from: 4 },
  ...{ holder: 6, worker: 6, maxSize: 4, keepMs: 300, timeoutMs: 200, backoffMs: 50, deadlineMs: 500 },
  ...{ noWorkerTimeoutMs: 300, retries: 3, allowedFailures: 3, weight: 4, steps: 9, targetDurationMs: 1_000 },
};

export class Samples {
  readonly #random: Random;
  pools: Pools = NO_POOLS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A valid message of the kind, its payloads as bytes (or null where one is optional). */
  message(direction: Direction, kind: string): Row {
    return { t: kind, ...this.#row(messageFields[direction][kind]!) };
  }

  question(q: string): Row {
    return { t: "ask", id: this.#random.below(40), question: { q, ...this.#row(questionFields()[q]!) } };
  }

  hello(role: string): Row {
    return { role, ...this.#row(helloFields()[role]!) };
  }

  welcome(): Row {
    return this.#of(handshakeFields.welcome, "welcome") as Row;
  }

  #row(fields: Fields): Row {
    const row: Row = {};
    for (const [name, field] of Object.entries(fields)) row[name] = this.#of(field, name);
    // The size that goes with a payload is what the payload has.
    for (const [name, field] of Object.entries(fields)) {
      if (field.kind === "payload" && row[name] !== null) row[field.size] = (row[name] as Uint8Array).length;
    }
    return row;
  }

  // Long: one case per kind of field.
  #of(field: Field, name: string): unknown {
    const random = this.#random;
    switch (field.kind) {
      case "int":
        return Math.min(field.max, Math.max(field.min, this.#integer(name)));
      case "number":
        return random.pick([0, 1, 2, -1, 0.5, random.unit() * 100, 1e9, -1e300, 1e308]);
      case "text":
        return this.#text(name).slice(0, field.max);
      case "flag":
        return random.oneIn(2);
      case "choice":
        return random.pick(field.values);
      case "payload":
        return field.optional && random.oneIn(3) ? null : random.bytes(random.pick([0, 1, 5, 20, 70]));
      case "nullable":
        return random.oneIn(2) ? null : this.#of(field.of, name);
      case "list":
        return Array.from({ length: Math.min(field.max, random.pick([0, 0, 1, 1, 2, 4])) }, () =>
          this.#of(field.of, name),
        );
      case "record":
        return this.#row(field.fields);
      case "amounts":
        return Object.fromEntries(
          Array.from({ length: random.below(3) }, () => [
            random.pick(["GPU", "MEM", "z", "__proto__", "constructor"]),
            this.#of(field.of, name),
          ]),
        );
      case "scalar":
        return random.pick([null, true, 7, -0.5, "text"]);
      case "bounded":
        return this.#of(field.of, name);
      case "variants": {
        const tag = random.pick(Object.keys(field.cases));
        return { [field.tag]: tag, ...this.#row(field.cases[tag]!) };
      }
      case "plain":
        return random.pick([null, 1, "text", [1, { a: null }], { a: [] }]);
    }
  }

  #integer(name: string): number {
    const random = this.#random;
    const { tasks, workers } = this.pools;
    if (random.oneIn(12)) return random.pick(EXTREMES);
    if (name === "task" || name === "tasks" || name === "expects") {
      return tasks.length > 0 && !random.oneIn(4) ? random.pick(tasks) : random.below(40);
    }
    if ((name === "holder" || name === "worker" || name === "from") && workers.length > 0) return random.pick(workers);
    if (counted.includes(name)) return random.between(1, 24);
    if (name === "limit") return random.pick([0, 1, 2, 8, 8, 100]);
    if (name.endsWith("ytes")) return random.pick([0, 1, 8, 100, 5_000, 70_000, 10_000_000]);
    return random.below(small[name] ?? 20);
  }

  #text(name: string): string {
    const random = this.#random;
    if (name === "key") return random.pick(KEYS);
    if (name === "hash" || name === "incarnation" || name === "fingerprint") return `h${random.below(6)}`;
    if (name === "worker" || name === "workers") {
      const { workerNames } = this.pools;
      return workerNames.length > 0 && !random.oneIn(4) ? random.pick(workerNames) : random.pick(NAMES);
    }
    return random.pick(NAMES);
  }
}

/** Every kind of message that goes this way. */
export function kindsOf(direction: Direction): readonly string[] {
  return Object.keys(messageFields[direction]);
}

export function questionFields(): Readonly<Record<string, Fields>> {
  return casesOf(messageFields.client["ask"]!["question"]!);
}

export function helloFields(): Readonly<Record<string, Fields>> {
  return casesOf(handshakeFields.hello);
}

function casesOf(field: Field): Readonly<Record<string, Fields>> {
  if (field.kind !== "variants") throw new Error("the tables have changed: this was a record with variants");
  return field.cases;
}

/** The message as machines see it: its payloads replaced by what `change` makes of them. */
export function mapPayloads(direction: Direction, message: Row, change: (bytes: Uint8Array | null) => number): Row {
  return mapRow(messageFields[direction][message["t"] as string]!, message, change);
}

function mapRow(fields: Fields, row: Row, change: (bytes: Uint8Array | null) => number): Row {
  const out: Row = { ...row };
  for (const [name, field] of Object.entries(fields)) out[name] = mapField(field, row[name], change);
  return out;
}

function mapField(field: Field, value: unknown, change: (bytes: Uint8Array | null) => number): unknown {
  if (field.kind === "payload") return change(value as Uint8Array | null);
  if (value === null) return null;
  if (field.kind === "nullable") return mapField(field.of, value, change);
  if (field.kind === "record") return mapRow(field.fields, value as Row, change);
  if (field.kind === "list") return (value as unknown[]).map((one) => mapField(field.of, one, change));
  if (field.kind !== "variants") return value;
  const row = value as Row;
  return mapRow(field.cases[row[field.tag] as string] ?? {}, row, change);
}
