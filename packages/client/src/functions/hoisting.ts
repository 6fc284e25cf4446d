// In sloppy code a function that is declared in a block is a variable of the whole function around, too: the language has that
// for old programs, and scope analysis leaves it out.
import type { Scope } from "eslint-scope";

/** The names that scopes of functions get so. */
export type Hoisted = ReadonlyMap<Scope, ReadonlySet<string>>;

export function hoistedNames(scopes: readonly Scope[]): Hoisted {
  const hoisted = new Map<Scope, Set<string>>();
  for (const scope of scopes) {
    if (scope.isStrict || (scope.type !== "block" && scope.type !== "switch")) continue;
    for (const { name, defs } of scope.variables) {
      const isPlain = defs.some(({ type, node }) => type === "FunctionName" && !node.async && !node.generator);
      if (!isPlain || !reaches(scope, name)) continue;
      const { variableScope } = scope;
      const names = hoisted.get(variableScope) ?? new Set();
      hoisted.set(variableScope, names.add(name));
    }
  }
  return hoisted;
}

/** No block in between has a variable of this name. */
function reaches(from: Scope, name: string): boolean {
  for (let scope = from.upper; scope !== null && scope !== from.variableScope; scope = scope.upper) {
    if (scope.set.has(name)) return false;
  }
  return true;
}

/** The name means such a variable where it stands: of a function that begins at or behind `start`. */
export function isHoisted(hoisted: Hoisted, name: string, from: Scope, start: number): boolean {
  if (hoisted.size === 0) return false;
  for (let scope: Scope | null = from; scope !== null; scope = scope.upper) {
    const [begin = 0] = scope.block.range ?? [];
    if (begin < start) return false;
    if (hoisted.get(scope)?.has(name)) return true;
  }
  return false;
}
