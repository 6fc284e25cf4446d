// What happens one after another, as much as a report may have; when there is more, the oldest go.

export class KeptLines<T> {
  readonly #most: number;
  readonly #units: number;
  readonly #unitsOf: (item: T) => number;
  #items: T[] = [];
  #sum = 0;
  #left = 0;

  /** `units`: UTF-16 units of all together, as `unitsOf` counts them. */
  constructor(most: number, units: number, unitsOf: (item: T) => number) {
    this.#most = most;
    this.#units = units;
    this.#unitsOf = unitsOf;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** How many are not there. */
  get left(): number {
    return this.#left;
  }

  add(items: readonly T[], missed: number): void {
    this.#left += missed;
    for (const item of items) {
      this.#items.push(item);
      this.#sum += this.#unitsOf(item);
    }
    let old = 0;
    while (this.#items.length - old > this.#most || (this.#sum > this.#units && old < this.#items.length)) {
      this.#sum -= this.#unitsOf(this.#items[old] as T);
      old++;
    }
    this.#items.splice(0, old);
    this.#left += old;
  }
}
