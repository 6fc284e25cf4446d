// What must be one thing for all the code of a call: classes, functions and variables that change.
import type { Capture } from "./capture.ts";
import type { Unit } from "./graph.ts";
import { importedNames, importedThing } from "./live-exports.ts";

export interface Shares {
  /** Functions, classes and variables, by identity; false: two codes may each have one of their own, unless one changes it. */
  readonly things: ReadonlyMap<object, boolean>;
  /** Variables of other modules, and objects that have them as members. Found out when it is asked for. */
  imported(): ReadonlySet<object>;
}

export const NO_SHARES: Shares = { things: new Map(), imported: () => new Set() };

export function sharesOf(capture: Capture, units: ReadonlyMap<object, Unit>): Shares {
  const things = new Map<object, boolean>();
  for (const [fn, { form, changed }] of units) {
    if (form.kind === "code") things.set(fn, changed || /^Class/.test(form.site.node.type));
  }
  for (const { place, name, target } of capture.bound) {
    if (typeof place !== "object" || place === null || target.kind === "import") continue;
    const written = name.uses.some(({ write }) => write);
    things.set(place, written || things.get(place) === true);
  }
  for (const [namespace, { changed }] of capture.names.namespaces) things.set(namespace, changed);
  return { things, imported: importedOf(capture) };
}

/** Keeps nothing of the capture but the names. */
function importedOf(capture: Capture): () => ReadonlySet<object> {
  const names = importedNames(capture);
  let found: Set<object> | undefined;
  return () => {
    found ??= new Set(names.flatMap((name) => importedThing(name) ?? []));
    return found;
  };
}

/** The same thing must be there for both. */
export function meet(one: Shares, other: Shares): boolean {
  const [fewer, more] = one.things.size < other.things.size ? [one, other] : [other, one];
  for (const [thing, strict] of fewer.things) {
    const there = more.things.get(thing);
    if (there !== undefined && (strict || there)) return true;
  }
  return changesImport(one, other) || changesImport(other, one);
}

function changesImport({ things }: Shares, other: Shares): boolean {
  for (const [thing, strict] of things)
    if (strict && typeof thing !== "function" && other.imported().has(thing)) return true;
  return false;
}
