// Which live scope a variable is in: code that ran twice has its variables twice.
import type { Scope, Variable } from "eslint-scope";
import type { Inspected, Variables } from "./inspect.ts";
import { readMember, scopeWith } from "./variables.ts";

/**
 * The engine shows the scope of each function anew. Two that hold the same are taken to be one: of code that is written once, and
 * mostly runs once.
 */
export class LiveScopes {
  readonly #known: Map<Scope, Variables[]> = new Map();
  readonly #same: WeakMap<Variables, Variables> = new WeakMap();

  /** The same object for all functions around which it is the same scope; undefined for a scope that the engine left out. */
  of({ name, scope }: Variable, { scopes }: Inspected): Variables | undefined {
    const shown = scopeWith(scopes, name);
    if (shown === undefined) return undefined;
    const seen = this.#same.get(shown);
    if (seen !== undefined) return seen;
    const known = this.#known.get(scope) ?? [];
    this.#known.set(scope, known);
    let found = known.find((other) => holdSame(shown, other));
    if (found === undefined) {
      found = shown;
      known.push(found);
    }
    this.#same.set(shown, found);
    return found;
  }
}

export function holdSame(one: Variables, other: Variables): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && Object.is(readMember(one, name), readMember(other, name)));
}
