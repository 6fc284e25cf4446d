// Values that hold others: arrays, plain objects, maps and sets; what stands in them, and copies of them with other things
// in its place.

/** What `replace` says of a container that is to be copied. Anything else that is no container stays as it is. */
export const COPY: unique symbol = Symbol("copy");
/** What `replace` says of what is to be left out of its container. */
export const LEAVE_OUT: unique symbol = Symbol("leave out");

export type Replace = (value: object) => unknown;

/** Every object that is the structure or stands in it, however deep, each once. Without recursion: it may be very deep. */
export function objectsIn(structure: unknown): ReadonlySet<object> {
  const found = new Set<object>();
  const meet = (value: unknown): void => {
    if (typeof value === "object" && value !== null) found.add(value);
  };
  meet(structure);
  for (const object of found) eachPart(object, meet); // a set gives what is added on the way, too
  return found;
}

/** The containers in which something stands that is meant, however deep. */
export function holdersOf(structure: unknown, isMeant: (value: object) => boolean): ReadonlySet<object> {
  const objects = objectsIn(structure);
  const holders = new Set<object>();
  if (!some(objects, isMeant)) return holders;
  const around = new Map<object, object[]>();
  for (const object of objects) {
    eachPart(object, (part) => {
      if (typeof part !== "object" || part === null) return;
      const outer = around.get(part);
      if (outer === undefined) around.set(part, [object]);
      else outer.push(object);
    });
  }
  for (const object of objects) if (isMeant(object)) for (const outer of around.get(object) ?? []) holders.add(outer);
  for (const holder of holders) for (const outer of around.get(holder) ?? []) holders.add(outer);
  return holders;
}

function some(objects: ReadonlySet<object>, isMeant: (value: object) => boolean): boolean {
  for (const object of objects) if (isMeant(object)) return true;
  return false;
}

function eachPart(object: object, visit: (part: unknown) => void): void {
  if (Array.isArray(object)) {
    for (let i = 0; i < object.length; i++) visit(object[i]);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) {
    for (const part of Object.values(object)) visit(part);
  } else if (prototype === Map.prototype) {
    for (const [key, part] of object as ReadonlyMap<unknown, unknown>) {
      visit(key);
      visit(part);
    }
  } else if (prototype === Set.prototype) {
    for (const part of object as ReadonlySet<unknown>) visit(part);
  }
}

/**
 * Copies structures: in place of each object stands what `replace` gives for it, which is the object itself, another value,
 * COPY or LEAVE_OUT. Cycles and shared references survive, also between values that the same rebuilder copies.
 */
export class Rebuilder {
  readonly #replace: Replace;
  readonly #copies: Map<object, object> = new Map();

  constructor(replace: Replace) {
    this.#replace = replace;
  }

  /** The containers that it made. */
  get made(): Iterable<object> {
    return this.#copies.values();
  }

  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const replaced = this.#replace(value);
    if (replaced !== COPY) return replaced;
    const prototype: object | null = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return this.#array(value);
    if (prototype === Object.prototype || prototype === null) return this.#object(value, prototype);
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>);
    return value;
  }

  #array(array: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    this.#copies.set(array, copy);
    for (const item of array) {
      const own = this.copy(item);
      if (own !== LEAVE_OUT) copy.push(own);
    }
    return copy;
  }

  #object(object: object, prototype: object | null): object {
    const copy: Record<string, unknown> = Object.create(prototype);
    this.#copies.set(object, copy);
    for (const [key, item] of Object.entries(object)) {
      const own = this.copy(item);
      if (own === LEAVE_OUT) continue;
      Object.defineProperty(copy, key, { value: own, writable: true, enumerable: true, configurable: true });
    }
    return copy;
  }

  #map(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    this.#copies.set(map, copy);
    for (const [key, item] of map) {
      const own = this.copy(item);
      if (own !== LEAVE_OUT) copy.set(this.copy(key), own);
    }
    return copy;
  }

  #set(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = new Set<unknown>();
    this.#copies.set(set, copy);
    for (const item of set) {
      const own = this.copy(item);
      if (own !== LEAVE_OUT) copy.add(own);
    }
    return copy;
  }
}
