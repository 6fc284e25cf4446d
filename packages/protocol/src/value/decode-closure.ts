// The host, or code that travelled, makes functions, and the decoder does not trust them to do so as they should.
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

/** Under this symbol a class may have an object with a method for each function that it makes for its instances. */
export const MAKERS: unique symbol = Symbol.for("taskflock.makers");

/** The function in a field of an instance whose class makes it: `handle = (x) => x + this.count`. */
export function makeField(host: DecodeHost | undefined, type: unknown, key: string, instance: object): object {
  const made: unknown = host?.made ? host.made(type, key, instance) : fieldOfClass(type, key, instance);
  if (typeof made === "function") return made;
  throw malformed(`no class makes the field ${JSON.stringify(key)} of an instance`);
}

function fieldOfClass(type: unknown, key: string, instance: object): unknown {
  for (let at = type; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    const makers: unknown = Object.getOwnPropertyDescriptor(at, MAKERS)?.value;
    if (typeof makers !== "object" || makers === null || !Object.hasOwn(makers, key)) continue;
    const make: unknown = Reflect.get(makers, key);
    return typeof make === "function" ? Reflect.apply(make, instance, []) : undefined;
  }
  return undefined;
}
