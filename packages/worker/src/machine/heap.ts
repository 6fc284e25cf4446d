/** Where a heap keeps an item's place in it, and how it orders items. */
export interface HeapOrder<T> {
  before(a: T, b: T): boolean;
  placeOf(item: T): number;
  setPlace(item: T, place: number): void;
}

/** A binary heap from which any item can be removed: each item knows its place (-1: it is not in the heap). */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #order: HeapOrder<T>;

  constructor(order: HeapOrder<T>) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#up(this.#items.length - 1, item);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes the item; false when it was not in the heap. */
  remove(item: T): boolean {
    const place = this.#order.placeOf(item);
    if (place < 0) return false;
    this.#order.setPlace(item, -1);
    const last = this.#items.pop() as T;
    if (last === item) return true;
    if (place > 0 && this.#order.before(last, this.#items[(place - 1) >> 1] as T)) this.#up(place, last);
    else this.#down(place, last);
    return true;
  }

  #set(place: number, item: T): void {
    this.#items[place] = item;
    this.#order.setPlace(item, place);
  }

  #up(start: number, item: T): void {
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#items[parent] as T;
      if (!this.#order.before(item, above)) break;
      this.#set(place, above);
      place = parent;
    }
    this.#set(place, item);
  }

  #down(start: number, item: T): void {
    let place = start;
    const size = this.#items.length;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#order.before(this.#items[child + 1] as T, this.#items[child] as T)) child++;
      const below = this.#items[child] as T;
      if (!this.#order.before(below, item)) break;
      this.#set(place, below);
      place = child;
    }
    this.#set(place, item);
  }
}
