// Variables that the captured code changes: one for all that share it.
import type { Variable } from "eslint-scope";
import type { Bound, Capture } from "./capture.ts";
import type { Target, Unit } from "./graph.ts";
import type { Variables } from "./inspect.ts";
import { holdSame } from "./live-scopes.ts";

/**
 * Gives each variable that a unit changes a place of its own in the code that travels. True when there is any: then each call
 * needs an instance of its own.
 */
export function splitCells(capture: Capture): boolean {
  let stateful = false;
  for (const sharing of grouped(capture.bound, ({ place }) => place).values()) {
    if (!sharing.some(({ name }) => name.uses.some(({ write }) => write))) continue;
    stateful = true;
    const owners = sharing[0]!.single ? [sharing] : [...grouped(sharing, ({ fn }) => fn).values()];
    if (owners.length > 1) {
      refuseShared(capture, owners);
      capture.separate = true;
    }
    for (const group of owners) {
      const { target, name } = group[0]!;
      const cell: Target = { kind: "cell", initial: target, name: name.name };
      if (sharing[0]!.single && name.variable !== null) keepCell(capture, name.variable, group[0]!, cell);
      for (const { unit } of group) unit.names.set(name.name, cell);
    }
  }
  return stateful;
}

function keepCell({ cells }: Capture, variable: Variable, { unit }: Bound, target: Target): void {
  if (unit.form.kind === "code") cells.set(variable, { target, module: unit.form.site.module });
}

/** Finds the functions and classes to whose members a unit assigns. True when there is any. */
export function markChanged({ bound }: Capture, units: Iterable<Unit>): boolean {
  let changed = false;
  for (const { name, target } of bound) {
    if (!name.changed) continue;
    if (target.kind === "unit") target.unit.changed = true;
    if (target.kind !== "namespace") continue;
    target.changed = true;
    changed = true;
  }
  for (const unit of units) {
    if (unit.privates.length > 0 || (unit.form.kind === "code" && unit.form.outside.changesItself)) unit.changed = true;
    changed ||= unit.changed;
  }
  return changed;
}

/**
 * Two functions that were made inside another one may share its variable, or each have one from another call. The engine does
 * not tell, unless something in the scopes differs.
 */
function refuseShared(capture: Capture, owners: readonly (readonly Bound[])[]): void {
  const scopes = owners.map(([first]) => first?.scope);
  const mayBeOne = (one: Variables | undefined, other: Variables | undefined): boolean =>
    one === undefined || other === undefined || holdSame(one, other);
  if (!scopes.some((scope, index) => scopes.slice(0, index).some((other) => mayBeOne(scope, other)))) return;
  const name = owners[0]?.[0]?.name.name;
  throw capture.refuse(
    `several functions that it uses share the variable ${name} of the function they were made in, and change it; keep what ` +
      `changes in an object (state.${name}), or in a variable of the module.`,
  );
}

function grouped<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
