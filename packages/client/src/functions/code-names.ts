// What things are called in the code that travels: as the user called them, unless that means something else there.
import type { Graph, Target, Unit } from "./graph.ts";

const RESERVED: readonly string[] = `
  $imports $assets $bind $star $default $node $makers require arguments eval undefined NaN Infinity await async of let static yield implements
  interface package private protected public break case catch class const continue debugger default delete do else enum export
  extends false finally for function if import in instanceof new null return super switch this throw true try typeof var void
  while with get set Object Symbol URL
`
  .trim()
  .split(/\s+/);

const PRIVATE = /^\$private\d+$/;

/** What has a name: a unit, or a target of another kind. */
export type Named = Unit | Exclude<Target, { kind: "unit" | "member" }>;

/** What has the name by which the target is reached. */
export function namedOf(target: Target): Named {
  if (target.kind === "member") return target.of;
  return target.kind === "unit" ? target.unit : target;
}

/** What a unit needs besides what its text names. */
export function partsOf({ heritage, parents, replaced, privates, entries, overrides }: Unit): Target[] {
  const ofOverrides = overrides.flatMap(({ key, parts }) => [key, parts?.value, parts?.get, parts?.set]);
  const all = [heritage, ...[...parents, ...privates].map(({ target }) => target), ...replaced.map(({ by }) => by)];
  const ofEntries = entries.flatMap(({ store, value }) => [store, value]);
  return [...all, ...ofEntries, ...ofOverrides].filter((part) => typeof part === "object" && part !== null);
}

/** Where a name is used: by which unit, and as what. */
interface Use {
  readonly unit: Unit;
  readonly as: string;
}

export class CodeNames {
  readonly #taken: Set<string>;
  readonly #names: Map<Named, string> = new Map();

  constructor(graph: Graph) {
    this.#taken = new Set(RESERVED);
    const uses = new Map<Named, Use[]>();
    const add = (target: Target, use?: Use): void => {
      const named = namedOf(target);
      const known = uses.get(named);
      if (known === undefined) uses.set(named, use === undefined ? [] : [use]);
      else if (use !== undefined) known.push(use);
      if (known !== undefined) return;
      if (target.kind === "expression") this.#reserve(target.text);
      if (target.kind === "namespace") for (const member of target.members.values()) add(member);
      if (target.kind === "cell") add(target.initial);
    };
    for (const unit of graph.units) {
      this.#reserveGlobals(unit);
      for (const [as, target] of unit.names) add(target, { unit, as });
    }
    for (const unit of graph.units) {
      add({ kind: "unit", unit, name: unit.name });
      if (unit.form.kind !== "code") add(unit.form);
      for (const target of partsOf(unit)) add(target);
    }
    for (const [named, users] of uses) this.#give(named, users);
  }

  of(target: Target): string {
    const name = this.ofNamed(namedOf(target));
    return target.kind === "member" ? `${name}[${JSON.stringify(target.key)}]` : name;
  }

  ofNamed(named: Named): string {
    const name = this.#names.get(named);
    if (name === undefined) throw new Error("a part of the function has no name");
    return name;
  }

  /** What sets the private static fields of a class. */
  ofPrivates({ index }: Unit): string {
    return `$private${index}`;
  }

  /** Everything that has a name, in the order in which it was met. */
  all(): IterableIterator<Named> {
    return this.#names.keys();
  }

  #reserve(expression: string): void {
    for (const [word] of expression.matchAll(/[\w$]+/g)) this.#taken.add(word);
  }

  #reserveGlobals({ form, names }: Unit): void {
    if (form.kind !== "code") return;
    for (const { name } of form.outside.names) if (!names.has(name)) this.#taken.add(name);
  }

  #give(named: Named, users: readonly Use[]): void {
    const stem = stemOf(named, users);
    for (let count = 0; ; count++) {
      const name = count === 0 ? stem : `${stem}$${count}`;
      if (
        this.#taken.has(name) ||
        PRIVATE.test(name) ||
        users.some((use) => use.as !== name && mentions(use.unit, name))
      )
        continue;
      this.#taken.add(name);
      this.#names.set(named, name);
      return;
    }
  }
}

function stemOf(named: Named, users: readonly Use[]): string {
  const wanted = users[0]?.as ?? named.name;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(wanted) ? wanted : "anonymous";
}

/** The unit's text has the word somewhere, perhaps as a variable of its own. */
function mentions({ form }: Unit, name: string): boolean {
  if (form.kind !== "code") return false;
  const { site } = form;
  return site.module.text.slice(site.start, site.end).includes(name);
}
