// The host makes closures, and the decoder does not trust it to do so as it should: see `DecodeHost`.
import { malformed } from "./byte-reader.ts";
import type { DecodeHost } from "./leaf.ts";

/** Has the host make a closure; `read` reads its captured values from the bytes, where the decoder stands. */
export function makeClosure(
  host: DecodeHost | undefined,
  index: number,
  read: (units: readonly unknown[]) => unknown,
): unknown {
  if (host?.closure === undefined) throw malformed("there is no table of closures here");
  const told: { state: "waiting" | "reading" | "bound" | "over"; failure?: unknown } = { state: "waiting" };
  const bind = (units: readonly unknown[]): readonly unknown[] => {
    if (told.state !== "waiting") throw malformed("a closure asks twice, or too late, for what it captured");
    told.state = "reading";
    try {
      const captured = read(units);
      if (!Array.isArray(captured)) throw malformed("what a closure captured is no array");
      told.state = "bound";
      return captured;
    } catch (error) {
      told.failure = error; // also when the host swallows it: where the decoder stands is not known any more
      throw error;
    }
  };
  const closure = host.closure(index, bind);
  const { state } = told;
  told.state = "over";
  if (state === "reading") throw told.failure;
  if (state !== "bound") throw malformed("a closure does not ask for what it captured");
  return closure;
}

/** The class of an instance that travels with its class. */
export function prototypeOf(type: unknown): object {
  const prototype: unknown = typeof type === "function" ? Reflect.get(type, "prototype") : undefined;
  if (typeof prototype !== "object" || prototype === null) throw malformed("the class of an instance is no class");
  return prototype;
}
