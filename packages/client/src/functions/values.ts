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
  const looks = new Map<Callable, Inspected>();
  if (inspected !== undefined) looks.set(fn, inspected);
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

function look({ at }: Watched, fn: Callable, looks: Map<Callable, Inspected>): unknown {
  if ("object" in at) return readMember(at.object, at.key);
  if ("shape" in at) return undefined;
  const owner = at.owner ?? fn;
  if ("field" in at) return privateStaticsOf(owner).get(at.field);
  let inspected = looks.get(owner);
  if (inspected === undefined) {
    inspected = inspectFunction(owner);
    looks.set(owner, inspected);
  }
  return readNow(inspected, at.variable);
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
