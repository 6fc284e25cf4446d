// Options of callbacks, checked where the callback is made: on the client, before anything runs.
import { FlockError } from "@taskflock/protocol/words";
import { type Check, checkEach } from "../../estimators/parameter-checks.ts";

export const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a text");
export const atLeastZero: Check = (value) =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? null : "a number, 0 or above";
export const numberOrNull: Check = (value) => (value === null || typeof value === "number" ? null : "a number or null");

/** The options with their defaults, checked. Errors: FLOCK_OPTION_INVALID. */
export function complete<P extends object>(
  callback: string,
  defaults: P,
  given: { readonly [K in keyof P]?: P[K] | undefined },
  checks: { readonly [K in keyof P]-?: Check },
): P {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const options = { ...defaults, ...Object.fromEntries(known) } as P;
  const problem = checkEach(options, checks);
  if (problem !== null) throw new FlockError("FLOCK_OPTION_INVALID", `${callback}: ${problem}.`);
  return options;
}
