// Numbers for the objects, or the keys, of a value: 0, 1, 2 … in the order in which they are met.

/** As many are looked for one by one: a Map, and a hash for each object in it, would cost more than a tiny value. */
const FEW = 32;

export class Numbers<T> {
  /** The first of them, by number. */
  readonly #few: (T | undefined)[] = new Array<T | undefined>(FEW).fill(undefined);
  /** All of them, once they are more. */
  readonly #many: Map<T, number> = new Map();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** -1 when it has none; the last one when it was given several. */
  of(item: T): number {
    if (this.#size > FEW) return this.#many.get(item) ?? -1;
    let at = this.#size - 1;
    while (at >= 0 && this.#few[at] !== item) at--;
    return at;
  }

  /** Gives it the next number. */
  add(item: T): void {
    const number = this.#size++;
    if (number < FEW) {
      this.#few[number] = item;
      return;
    }
    if (number === FEW) for (let at = 0; at < FEW; at++) this.#many.set(this.#few[at]!, at);
    this.#many.set(item, number);
  }

  /** Takes back the numbers from `size` on. */
  truncate(size: number): void {
    if (this.#size > FEW) {
      if (size <= FEW) this.#many.clear();
      else for (const [item, number] of this.#many) if (number >= size) this.#many.delete(item);
    }
    for (let at = Math.min(this.#size, FEW) - 1; at >= size; at--) this.#few[at] = undefined;
    this.#size = size;
  }
}
