// Options of a call: defaults filled in, and checked.

import { FlockError } from "@taskflock/protocol/words";
import { type Check, checkEach } from "./estimators/parameter-checks.ts";
import { isPlainObject, kindOf } from "./kinds.ts";

/** The options with defaults where none, or undefined, is given. `of` is whose they are. Throws FLOCK_OPTION_INVALID. */
export function resolveOptions<O extends object>(
  of: string,
  given: NoInfer<{ readonly [K in keyof O]?: O[K] | undefined }>,
  defaults: O,
  checks: { readonly [K in keyof O]-?: Check },
): O {
  const known = Object.entries(plainOptions<object>(of, given)).filter(([, value]) => value !== undefined);
  const all = { ...defaults, ...Object.fromEntries(known) } as O;
  const problem = checkEach(all, checks);
  if (problem !== null) throw new FlockError("FLOCK_OPTION_INVALID", `${of}: ${problem}.`);
  return all;
}

/** The options themselves. Throws FLOCK_OPTION_INVALID for what is no object. */
export function plainOptions<O extends object>(of: string, given: O): O {
  if (isPlainObject(given)) return given;
  throw new FlockError("FLOCK_OPTION_INVALID", `${of}: the options are ${kindOf(given)}.`);
}
