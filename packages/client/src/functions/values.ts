// The captured values of a function that was looked at before.
import { isFuture } from "../future.ts";
import type { Callable, Graph, Target, Watched } from "./graph.ts";
import { type Inspected, inspectFunction, privateStaticsOf } from "./inspect.ts";
import { isSameShape, shapeOf } from "./shape.ts";
import { isNamespace, readMember, readNow } from "./variables.ts";
import { wellKnown } from "./well-known.ts";

/**
 * The values that the function captures now, given those it had before; null when more than values changed. `inspected` is
 * given for another function of the same place.
 */
export function currentValues(
  graph: Graph,
  fn: Callable,
  before: readonly unknown[],
  inspected?: Inspected,
): readonly unknown[] | null {
  const looks: Looks = { fn, inspected, others: null };
  let values = before;
  for (const watched of graph.watched) {
    const { at, target, seen } = watched;
    if ("shape" in at) {
      if (!isSameShape(seen as readonly unknown[], shapeOf(at.of ?? shaped(fn, at.shape)))) return null;
      continue;
    }
    const isOther = inspected !== undefined && "variable" in at && at.owner === null;
    if ("variable" in at && at.constant && !isOther) {
      if (inspected === undefined || dataIndex(target) === undefined) continue;
    }
    const value = look(watched, fn, looks);
    const index = dataIndex(target);
    if (index === undefined) {
      if (!Object.is(value, seen)) return null;
      continue;
    }
    if (!isData(value)) return null;
    if (Object.is(value, values[index])) continue;
    if (values === before) values = [...before];
    (values as unknown[])[index] = value;
  }
  return values;
}

function shaped(fn: Callable, shape: "self" | "prototype"): object {
  return shape === "self" ? fn : fn.prototype;
}

/** What was looked at during one call; most calls look at nothing. */
interface Looks {
  readonly fn: Callable;
  inspected: Inspected | undefined;
  others: Map<Callable, Inspected> | null;
}

function look({ at }: Watched, fn: Callable, looks: Looks): unknown {
  if ("object" in at) return readMember(at.object, at.key);
  if ("shape" in at) return undefined;
  const owner = at.owner ?? fn;
  if ("field" in at) return privateStaticsOf(owner).get(at.field);
  return readNow(inspectedOf(owner, looks), at.variable);
}

function inspectedOf(owner: Callable, looks: Looks): Inspected {
  if (owner === looks.fn) {
    looks.inspected ??= inspectFunction(owner);
    return looks.inspected;
  }
  looks.others ??= new Map();
  const known = looks.others.get(owner) ?? inspectFunction(owner);
  looks.others.set(owner, known);
  return known;
}

function dataIndex(target: Target | null): number | undefined {
  if (target?.kind === "cell") return dataIndex(target.initial);
  return target?.kind === "data" ? target.index : undefined;
}

/** What became of it inside is seen when it is encoded. */
function isData(value: unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null) return true;
  return !isNamespace(value) && !isFuture(value) && wellKnown(value) === undefined;
}
