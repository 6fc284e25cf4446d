/** A map that keeps the most recently used entries. */
export class Kept<T> {
  readonly #entries: Map<string, T> = new Map();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry, made when there is none. */
  get(key: string, make: () => T): T {
    const known = this.#entries.get(key);
    const entry = known ?? make();
    this.#entries.delete(key); // and behind the others: the first of the map is the one not used for longest
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value ?? key);
    return entry;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
