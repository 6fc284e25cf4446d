// Decoded arena inputs that a slot keeps for later tasks, so that 54 folds decode X once per thread.

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** Least recently used first out; bounded by encoded bytes. Keys are serials, which name the very bytes. */
export class InputCache {
  readonly #limitBytes: number;
  readonly #entries: Map<number, Entry> = new Map();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is kept under the serial, or what `decode` makes: deep-frozen, because later tasks see the same objects. */
  get(serial: number, bytes: number, decode: () => unknown): unknown {
    const known = this.#entries.get(serial);
    if (known !== undefined) {
      this.#entries.delete(serial);
      this.#entries.set(serial, known);
      return known.value;
    }
    const value = deepFreeze(decode());
    if (bytes <= this.#limitBytes) this.#keep(serial, { value, bytes });
    return value;
  }

  #keep(serial: number, entry: Entry): void {
    this.#entries.set(serial, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

/** Freezes every object that can be reached. Typed arrays, Maps, Sets and Dates cannot be frozen; what they hold is. */
function deepFreeze<T>(root: T): T {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) continue;
    Object.freeze(value);
    if (value instanceof Map) for (const [key, held] of value) open.push(key, held);
    else if (value instanceof Set) for (const held of value) open.push(held);
    for (const key of Object.keys(value)) open.push((value as Record<string, unknown>)[key]);
  }
  return root;
}
