// Closures without any code: what a function captures stands in a table, so that the codec can be tested alone.
import { type DecodeHost, encodeValue, type LeafOf, type ValueLeaf } from "../src/value/index.ts";

// biome-ignore lint/complexity/noBannedTypes: any function
export type AnyFunction = Function;

export interface Closure {
  /** Its code's place in the host's table. */
  readonly index: number;
  captured: readonly unknown[];
  /** Functions that belong to the closure; the first is the closure itself. */
  readonly units: readonly AnyFunction[];
}

const closures = new WeakMap<AnyFunction, Closure>();

/** A class, because a class is a function too. It refers to itself, and to `more`, by its own names. */
export function closure(index: number, captured: readonly unknown[], more: readonly AnyFunction[] = []): AnyFunction {
  const made = class {};
  closures.set(made, { index, captured, units: [made, ...more] });
  return made;
}

export function closureOf(value: unknown): Closure {
  const found = typeof value === "function" ? closures.get(value) : undefined;
  if (found === undefined) throw new Error(`${String(value)} is no closure`);
  return found;
}

/** The encoder's host. */
export class ClosureHost {
  /** Of the closures whose captured values are being written, the innermost last. */
  readonly open: Closure[] = [];
  readonly paths: string[] = [];
  ends = 0;

  readonly leaf: LeafOf = (value, path) => {
    this.paths.push(path());
    if (typeof value === "function") return this.#function(value);
    const type: unknown = Reflect.get(value, "constructor");
    return typeof type === "function" && closures.has(type) ? { kind: "instance", type } : undefined;
  };

  #function(value: AnyFunction): ValueLeaf | undefined {
    for (const [outer, { units }] of [...this.open].reverse().entries()) {
      const index = units.indexOf(value);
      if (index >= 0) return { kind: "unit", index, outer };
    }
    const found = closures.get(value);
    if (found === undefined) return { kind: "function", index: 0 };
    this.open.push(found);
    const { index, captured } = found;
    const end = (): void => {
      this.ends++;
      this.open.pop();
    };
    return { kind: "closure", index, captured, end };
  }
}

export const plainFunction = function plain(): void {};

export function encodeClosures(value: unknown): Uint8Array {
  const host = new ClosureHost();
  const bytes = encodeValue(value, { leaf: host.leaf }).toBytes();
  if (host.open.length > 0) throw new Error("a closure was not ended");
  return bytes;
}

/** The decoder's host. */
export const decodeHost: Required<Pick<DecodeHost, "leaf" | "closure">> = {
  leaf: () => plainFunction,
  closure: (index, bind) => {
    const more = [function first(): void {}, function second(): void {}];
    const made = closure(index, [], more);
    closureOf(made).captured = bind(closureOf(made).units);
    return made;
  },
};
