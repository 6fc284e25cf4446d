// Variables that the captured code changes: one for all that share it.
import type { Scope, Variable } from "eslint-scope";
import { isConstant } from "./binding.ts";
import type { Bound, Capture } from "./capture.ts";
import type { Target, Unit } from "./graph.ts";
import type { Variables } from "./inspect.ts";
import { holdSame } from "./live-scopes.ts";
import { readVariable } from "./variables.ts";

/**
 * Gives each variable that a unit changes a place of its own in the code that travels. True when there is any: then each call
 * needs an instance of its own.
 */
export function splitCells(capture: Capture): boolean {
  let stateful = false;
  for (const sharing of grouped(capture.bound, ({ place }) => place).values()) {
    if (!sharing.some(({ name }) => name.uses.some(({ write }) => write))) continue;
    stateful = true;
    const owners = sharing[0]!.single ? [sharing] : ownersOf(capture, sharing);
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

/**
 * Those that name one variable of a function around, by which of these variables it is. Functions that know each other by the
 * names of their declarations were made by the same call; so were those that know the same function of that call.
 */
function ownersOf({ bound }: Capture, sharing: readonly Bound[]): Bound[][] {
  const variable = sharing[0]!.name.variable;
  const above = new Map<unknown, unknown>();
  const leader = (one: unknown): unknown => (above.has(one) ? leader(above.get(one)) : one);
  const join = (one: unknown, other: unknown): void => {
    if (leader(one) !== leader(other)) above.set(leader(one), leader(other));
  };
  for (const { unit, name, target } of bound) {
    if (target.kind !== "unit" || target.unit.form.kind !== "code" || name.variable === null) continue;
    if (!isWithin(name.variable.scope, variable?.scope)) continue;
    if (declaredFunction(name.variable) === target.unit.form.site.node) join(unit, target.unit);
  }
  const declared = variable?.scope.variables.filter((other) => declaredFunction(other) !== undefined) ?? [];
  for (const { unit, scope } of sharing) {
    for (const { name } of declared) {
      const fn = scope === undefined ? undefined : readVariable([scope], name);
      if (typeof fn === "function") join(unit, fn);
    }
  }
  return [...grouped(sharing, ({ unit }) => leader(unit)).values()];
}

function isWithin(inner: Scope | null, outer: Scope | undefined): boolean {
  for (let scope = inner; scope !== null; scope = scope.upper) if (scope === outer) return true;
  return false;
}

/** The function that is written in the variable's declaration, when it never holds another. */
function declaredFunction(variable: Variable): unknown {
  const [definition] = variable.defs;
  if (definition === undefined || !isConstant(variable)) return undefined;
  if (definition.type === "FunctionName" || definition.type === "ClassName") return definition.node;
  const { init } = definition.node as { init?: { type: string } | null };
  return init && /Function|Class/.test(init.type) ? init : undefined;
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
    if (
      unit.privates.length + unit.entries.length > 0 ||
      (unit.form.kind === "code" && unit.form.outside.changesItself)
    )
      unit.changed = true;
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
