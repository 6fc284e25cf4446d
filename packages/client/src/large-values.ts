// Which parts of an argument are large enough to travel on their own, and the argument with those parts replaced.

/** Leaves above this many bytes become data of the cluster: sent once, and fetched by workers from each other. */
export const LARGE_LEAF_BYTES: number = 64 * 1024;

export type LargeValue = string | ArrayBuffer | ArrayBufferView;

function isLarge(value: unknown): value is LargeValue {
  if (typeof value === "string") return value.length > LARGE_LEAF_BYTES;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength > LARGE_LEAF_BYTES;
  return false;
}

/**
 * Copies values with every large string, typed array and buffer replaced by what `replace` gives for it; the arrays, plain
 * objects, maps and sets around them are copied, and instances for which `isFields` says that they are no more than their
 * fields. Cycles and shared references survive, also between values that the same replacer copies; two large views of one
 * buffer become independent of each other.
 */
export class LargeReplacer {
  readonly #replace: (large: LargeValue) => unknown;
  readonly #isFields: (value: object) => boolean;
  readonly #copied: (copy: object, instance: object) => void;
  readonly #copies: Map<object, unknown> = new Map();

  /** `copied` is told of each copy of an instance. */
  constructor(
    replace: (large: LargeValue) => unknown,
    isFields: (value: object) => boolean,
    copied: (copy: object, instance: object) => void,
  ) {
    this.#replace = replace;
    this.#isFields = isFields;
    this.#copied = copied;
  }

  copy(value: unknown): unknown {
    if (isLarge(value)) return this.#replace(value);
    if (typeof value !== "object" || value === null) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (Array.isArray(value)) return this.#array(value);
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#object(value, prototype);
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>);
    if (!this.#isFields(value)) return value;
    const copy = this.#object(value, prototype);
    this.#copied(copy, value);
    return copy;
  }

  #array(array: readonly unknown[]): unknown[] {
    if (array.every((item) => typeof item === "number")) return array as unknown[]; // the usual large array
    const copy: unknown[] = new Array(array.length);
    this.#copies.set(array, copy);
    for (const key of Object.keys(array)) copy[key as unknown as number] = this.copy(array[key as unknown as number]);
    return copy;
  }

  #map(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    this.#copies.set(map, copy);
    for (const [key, item] of map) copy.set(this.copy(key), this.copy(item));
    return copy;
  }

  #set(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = new Set<unknown>();
    this.#copies.set(set, copy);
    for (const item of set) copy.add(this.copy(item));
    return copy;
  }

  #object(object: object, prototype: object | null): object {
    const copy: Record<string, unknown> = Object.create(prototype);
    this.#copies.set(object, copy);
    for (const [key, item] of Object.entries(object)) {
      Object.defineProperty(copy, key, {
        value: this.copy(item),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return copy;
  }
}
