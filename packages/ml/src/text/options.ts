// Options of what works on texts: defaults filled in, and checked.

import { FlockError } from "@taskflock/protocol/words";
import { type Check, checkEach } from "../estimators/parameter-checks.ts";
import { isPlainObject, kindOf } from "../kinds.ts";

/** The options with defaults where none, or undefined, is given. Throws FLOCK_OPTION_INVALID. */
export function resolveOptions<O extends object>(
  of: string,
  given: Partial<O>,
  defaults: O,
  checks: { readonly [K in keyof O]-?: Check },
): O {
  if (!isPlainObject(given)) throw new FlockError("FLOCK_OPTION_INVALID", `${of}: the options are ${kindOf(given)}.`);
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const all: O = { ...defaults, ...Object.fromEntries(known) };
  const problem = checkEach(all, checks);
  if (problem !== null) throw new FlockError("FLOCK_OPTION_INVALID", `${of}: ${problem}.`);
  return all;
}
