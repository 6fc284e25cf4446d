// What parameters may be, in words: a check says what is expected, or null when the value is right.

import { inspect } from "node:util";

export type Check = (value: unknown) => string | null;

const finite = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export const positive: Check = (value) => (finite(value) && value > 0 ? null : "a number above 0");
export const real: Check = (value) => (finite(value) ? null : "a number");
export const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
export const count: Check = (value) =>
  Number.isInteger(value) && (value as number) > 0 ? null : "a whole number above 0";
export const naturalNumber: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? null : "a whole number, 0 or above";
export const iterationLimit: Check = (value) =>
  value === -1 || count(value) === null ? null : "a whole number above 0, or -1 for no limit";

export function oneOf(...allowed: readonly (string | null)[]): Check {
  const words = allowed.map((value) => (value === null ? "null" : `"${value}"`)).join(", ");
  return (value) => (allowed.includes(value as string | null) ? null : `one of ${words}`);
}

export function either(first: Check, second: Check): Check {
  return (value) => {
    const problem = first(value);
    const other = second(value);
    return problem === null || other === null ? null : `${problem}, or ${other}`;
  };
}

/** A record of positive weights by class label. */
const weightRecord: Check = (value) =>
  typeof value === "object" && value !== null && Object.values(value).every((weight) => positive(weight) === null)
    ? null
    : "an object of class labels and weights above 0";

export const classWeights: Check = either(oneOf(null, "balanced"), weightRecord);

/** Applies one check per parameter; the first problem as "C must be …, but is …", or null. */
export function checkEach<P extends object>(params: P, checks: { readonly [K in keyof P]-?: Check }): string | null {
  const unknown = Object.keys(params).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) return `there is no parameter "${unknown}"; it has ${Object.keys(checks).join(", ")}`;
  for (const name of Object.keys(checks) as (keyof P & string)[]) {
    const expected = checks[name](params[name]);
    if (expected !== null) return `${name} must be ${expected}, but is ${show(params[name])}`;
  }
  return null;
}

/** A parameter's value as it is shown to people: texts in double quotes, functions by their names, the rest as in a console. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  return inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 6, maxStringLength: 100 });
}
