// Options as a user gave them: unknown names and wrong values are refused with what was meant.

import { inspect } from "node:util";
import { FlockError } from "@taskflock/protocol/words";

/** Returns what the option takes when `value` is not that, else null. */
export type Check = (value: unknown) => string | null;

const MAX_NAME = 512;
/** Of what is said for people to read. */
const MAX_SAID = 4096;
const MAX_AMOUNTS = 64;

export type Checks<O> = { readonly [K in keyof Required<O>]: Check };

/**
 * Checks every option that is given (undefined counts as not given) and returns them. Throws FLOCK_OPTION_INVALID.
 * `where` is the method as the user calls it, e.g. `submit`.
 */
export function checkOptions<O extends object>(where: string, options: O | undefined, checks: Checks<O>): O {
  if (options === undefined) return {} as O;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `${where}: options must be an object, such as { ${Object.keys(checks)[0]}: … }, not ${describe(options)}.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownOption(where, name, Object.keys(checks));
    const takes = value === undefined ? null : checks[name as keyof O](value);
    if (takes !== null) {
      throw new FlockError("FLOCK_OPTION_INVALID", `${where}: ${name} takes ${takes}, not ${describe(value)}.`);
    }
  }
  return options;
}

function unknownOption(where: string, name: string, known: readonly string[]): FlockError {
  const meant = nearest(name, known);
  const hint = meant === null ? `It takes ${known.join(", ")}.` : `Did you mean ${meant}?`;
  return new FlockError("FLOCK_OPTION_INVALID", `${where}: there is no option "${name}". ${hint}`);
}

/** The known name that a misspelt one probably meant: at most a third of its letters differ. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many letters must be added, removed or changed to make `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = previous[j]! + (a[i] === b[j] ? 0 : 1);
      current.push(Math.min(changed, previous[j + 1]! + 1, current[j]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** A value as an error message shows it. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array${inShort(value)}`;
  if (typeof value === "function") return "a function";
  return typeof value === "object" ? `an object${inShort(value)}` : `a ${typeof value}`;
}

/** What a small array or plain object holds: ` ({ GPU: -1 })`. */
function inShort(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  if (!isPlain || Object.keys(value).length === 0) return "";
  const shown = inspect(value, {
    depth: 0,
    breakLength: Number.POSITIVE_INFINITY,
    maxArrayLength: 5,
    maxStringLength: 40,
  });
  return shown.length > 80 ? "" : ` (${shown})`;
}

export function integerFrom(from: number, to: number = Number.MAX_SAFE_INTEGER): Check {
  return (value) => {
    if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return null;
    if (to === Number.MAX_SAFE_INTEGER) return `a whole number from ${from} up`;
    return `a whole number from ${grouped(from)} to ${grouped(to)}`;
  };
}

/** Milliseconds that a timer can hold. */
export const milliseconds: Check = (value) =>
  typeof value === "number" && value >= 0 && value <= 2 ** 31 - 1 ? null : "milliseconds, from 0 to 2,147,483,647";

export const abortSignal: Check = (value) => (value instanceof AbortSignal ? null : "an AbortSignal");

export const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");

export const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a string that is not empty");

/** What travels as a key or a name. */
export const name: Check = (value) =>
  typeof value === "string" && value !== "" && value.length <= MAX_NAME
    ? null
    : `a string of 1 to ${MAX_NAME} characters`;

export const names: Check = (value) =>
  Array.isArray(value) && value.length <= 10_000 && value.every((item) => name(item) === null)
    ? null
    : "an array of names";

export function oneOf(...choices: readonly string[]): Check {
  const takes = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  return (value) => (choices.includes(value as string) ? null : takes);
}

/** An object with options of its own; `takes`: as a message says it. */
export function group<O extends object>(takes: string, checks: Checks<O>): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return takes;
    const entries = Object.entries(value) as [keyof O & string, unknown][];
    const isRight = ([key, each]: [keyof O & string, unknown]): boolean =>
      Object.hasOwn(checks, key) && (each === undefined || checks[key](each) === null);
    return entries.every(isRight) ? null : takes;
  };
}

/** Amounts by name, such as { GPU: 1 }. */
export const amounts: Check = (value) =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length <= MAX_AMOUNTS &&
  Object.keys(value).every((key) => key !== "" && key.length <= 256) &&
  Object.values(value).every((amount) => typeof amount === "number" && amount >= 0 && amount <= 1e6)
    ? null
    : "amounts by name, such as { GPU: 1 }";

/** What a user says for others to read, cut to what travels. Throws FLOCK_ARGUMENT_INVALID: else the scheduler would end the session. */
export function said(where: string, what: string, value: unknown): string {
  if (typeof value === "string") return value.slice(0, MAX_SAID);
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${where} takes a string as the ${what}, not ${describe(value)}.`);
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
