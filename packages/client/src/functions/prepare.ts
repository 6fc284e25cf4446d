import type { FunctionDescription } from "@taskflock/protocol";
import { describeCode } from "./code.ts";
import { findExport, type Origin, originOf } from "./package-export.ts";
import { refuseFunction } from "./refusal.ts";

type Callable = (...args: never[]) => unknown;
type Preparation = FunctionDescription | Promise<FunctionDescription>;

const prepared = new WeakMap<Callable, Preparation>();

/**
 * Says how a function travels. At once for a function that uses only its arguments and globals, and for one that was seen
 * before; as a promise, the first time, for an export of an installed package. The user's own modules are never imported.
 *
 * Throws `FLOCK_FUNCTION_NOT_SERIALIZABLE` at once for a function of the user's own that cannot travel; the promise
 * rejects with it for a function of a package that the package does not export. `path` is where the function stands
 * (`args[0].scorer`), for the message.
 */
export function prepareFunction(fn: Callable, path?: string): Preparation {
  const known = prepared.get(fn);
  if (known !== undefined) return known;
  const subject = `The function ${fn.name === "" ? "(anonymous)" : fn.name}${path === undefined ? "" : ` at ${path}`}`;
  const preparation = prepareNew(fn, subject);
  prepared.set(fn, preparation);
  return preparation;
}

function prepareNew(fn: Callable, subject: string): Preparation {
  const outcome = describeCode(fn);
  const properties = Object.keys(fn);
  if ("code" in outcome && properties.length === 0) return outcome.code;
  const refusal =
    "refusal" in outcome
      ? outcome.refusal(subject)
      : refuseFunction(
          subject,
          `its own properties (${properties.join(", ")}) do not travel with its code; pass them as arguments, or export it from an installed package.`,
        );
  const origin = originOf(fn);
  if (origin === undefined) throw refusal;
  const found = prepareExport(fn, origin, refusal);
  found.catch(() => prepared.delete(fn)); // whoever asked sees the rejection; the next one asks anew
  return found;
}

async function prepareExport(fn: Callable, origin: Origin, refusal: Error): Promise<FunctionDescription> {
  const { home } = origin;
  const found = await findExport(fn, origin);
  if (found === undefined) {
    const why = `it is defined in the package ${home.name}, which does not export it. ${refusal.message}`;
    throw refuseFunction(`The function ${fn.name || "(anonymous)"}`, why);
  }
  prepared.set(fn, found);
  return found;
}
