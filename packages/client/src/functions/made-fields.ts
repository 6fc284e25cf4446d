// Which fields of an instance hold functions that its class makes: these do not travel, their class makes them there.
import type { InstanceLeaf } from "@taskflock/protocol";
import type { Callable } from "./graph.ts";
import { inspectFunction } from "./inspect.ts";
import { isFunctionPrototype, isNative, sourceOf } from "./instances.ts";
import { makersOf } from "./makers.ts";
import { siteOf } from "./module-source.ts";
import { packageFileOf } from "./package-export.ts";

/** Of the text of a class. */
interface Place {
  readonly scriptId: string;
  readonly start: number;
}

/** Of a class and those above it, by the names of fields; null where there are none. */
const makers = new WeakMap<Callable, ReadonlyMap<string, Place> | null>();
/** The engine does not tell whose `this` a function has: it is taken for that of the first instance that has the function. */
const owners = new WeakMap<object, { readonly instance: object; readonly key: string }>();

/** Copies of instances, which travel in their place. */
const originals = new WeakMap<object, object>();

/** What the class makes for the instance is the copy's, too. */
export function noteCopy(copy: object, instance: object): void {
  originals.set(copy, instance);
}

/** Of an instance of a class that has no `instanceProblem`. */
export function instanceLeaf(instance: object, type: Callable): InstanceLeaf {
  const made = madeFields(instance, type);
  return made === undefined ? { kind: "instance", type } : { kind: "instance", type, made };
}

function madeFields(instance: object, type: Callable): ReadonlySet<string> | undefined {
  const places = placesOf(type);
  if (places === null) return undefined;
  const owner = originals.get(instance) ?? instance;
  let made: Set<string> | undefined;
  for (const [key, place] of places) {
    const fn: unknown = Object.getOwnPropertyDescriptor(instance, key)?.value;
    if (typeof fn !== "function" || !isMade(fn as Callable, owner, key, place)) continue;
    made ??= new Set();
    made.add(key);
  }
  return made;
}

function isMade(fn: Callable, instance: object, key: string, { scriptId, start }: Place): boolean {
  const owner = owners.get(fn);
  if (owner !== undefined) return owner.instance === instance && owner.key === key;
  const source = sourceOf(fn);
  if (isNative(source)) return false;
  const inspected = inspectFunction(fn);
  if (inspected.scriptId !== scriptId || siteOf(inspected, source).node.start !== start) return false;
  owners.set(fn, { instance, key });
  return true;
}

function placesOf(type: Callable): ReadonlyMap<string, Place> | null {
  let places = makers.get(type);
  if (places === undefined) {
    places = findPlaces(type);
    makers.set(type, places);
  }
  return places;
}

function findPlaces(type: Callable): ReadonlyMap<string, Place> | null {
  const places = new Map<string, Place>();
  for (let at: unknown = type; typeof at === "function" && !isFunctionPrototype(at); at = Object.getPrototypeOf(at)) {
    const source = sourceOf(at as Callable);
    // Classes of packages are there as they are, without what would make the fields.
    if (isNative(source) || packageFileOf(at) !== undefined) continue;
    const { module, node } = siteOf(inspectFunction(at), source);
    for (const [key, { fn }] of makersOf(module, node)) {
      if (!places.has(key)) places.set(key, { scriptId: module.script.id, start: fn.start });
    }
  }
  return places.size === 0 ? null : places;
}
