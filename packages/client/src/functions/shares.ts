// What must be one thing for all the code of a call: classes, functions and variables that change.
import type { Bound } from "./capture.ts";
import type { Unit } from "./graph.ts";

/** Functions, classes and variables, by identity; false: two codes may each have one of their own, unless one changes it. */
export type Shares = ReadonlyMap<object, boolean>;

export function sharesOf(units: ReadonlyMap<object, Unit>, bound: readonly Bound[]): Shares {
  const shares = new Map<object, boolean>();
  for (const [fn, { form, changed }] of units) {
    if (form.kind === "code") shares.set(fn, changed || /^Class/.test(form.site.node.type));
  }
  for (const { place, name, target } of bound) {
    if (typeof place !== "object" || place === null || target.kind === "import") continue;
    const written = name.uses.some(({ write }) => write);
    shares.set(place, written || shares.get(place) === true);
  }
  return shares;
}

/** The same thing must be there for both. */
export function meet(one: Shares, other: Shares): boolean {
  const [fewer, more] = one.size < other.size ? [one, other] : [other, one];
  for (const [thing, strict] of fewer) {
    const there = more.get(thing);
    if (there !== undefined && (strict || there)) return true;
  }
  return false;
}
