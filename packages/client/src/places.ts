// A table of what a call refers to: each has the place at which it was met first.

/** As many are looked for one by one: a Map for each call would cost more than the rest of the call. */
const FEW = 64;

export class Places<T> {
  /** By place; valid until the table is cleared. */
  readonly items: readonly T[];
  readonly #items: T[] = [];
  /** The place of each, once there are more. */
  readonly #many: Map<T, number> = new Map();

  constructor() {
    this.items = this.#items;
  }

  /** The item's place; a new item gets the next one. */
  of(item: T): number {
    const items = this.#items;
    const known = items.length > FEW ? (this.#many.get(item) ?? -1) : items.indexOf(item);
    return known < 0 ? this.#add(item) : known;
  }

  addAll(items: readonly T[]): void {
    for (const item of items) this.of(item);
  }

  clear(): void {
    if (this.#items.length > FEW) {
      this.#many.clear();
      this.#items.length = 0;
    }
    while (this.#items.length > 0) this.#items.pop(); // keeps the room for the next call
  }

  #add(item: T): number {
    const place = this.#items.push(item) - 1;
    if (place > FEW) this.#many.set(item, place);
    else if (place === FEW) for (const [at, each] of this.#items.entries()) this.#many.set(each, at);
    return place;
  }
}
