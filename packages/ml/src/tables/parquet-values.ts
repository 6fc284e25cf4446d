// Values as users get them: null for what is absent, whole numbers of 64 bits as they asked for.
import { FlockError } from "@taskflock/protocol/words";

/** Changes the array in place, and lists and records inside it. */
export function plainValues(values: unknown[], bigint: boolean, where: string): unknown[] {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === undefined) values[index] = null;
    else if (typeof value === "bigint" && !bigint) values[index] = exactNumber(value, where);
    else if (typeof value === "object") values[index] = plainInside(value, bigint, where);
  }
  return values;
}

function plainInside(value: object | null, bigint: boolean, where: string): unknown {
  if (Array.isArray(value)) return plainValues(value, bigint, where);
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const record = value as Record<string, unknown>;
  const names = Object.keys(record);
  const inside = plainValues(Object.values(record), bigint, where);
  return Object.fromEntries(names.map((name, index) => [name, inside[index]]));
}

function exactNumber(value: bigint, where: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new FlockError(
    "FLOCK_TABLE_TYPE",
    `${where} has ${value}, which a number cannot hold exactly. Read it with { int64: "bigint" }.`,
  );
}
