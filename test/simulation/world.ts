// The clock that nobody waits for: what is to happen stands in a heap, and time jumps from one to the next.

interface Happening {
  readonly at: number;
  readonly seq: number;
  readonly act: () => void;
}

export class World {
  /** µs */
  now = 0;
  happened = 0;
  readonly #heap: Happening[] = [];
  #seq = 0;

  /** Does it after so many µs; what is due at the same time happens in the order in which it was asked for. */
  after(delay: number, act: () => void): void {
    const item = { at: this.now + Math.max(0, Math.round(delay)), seq: ++this.#seq, act };
    const heap = this.#heap;
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(item, heap[parent] as Happening)) break;
      heap[place] = heap[parent] as Happening;
      place = parent;
    }
    heap[place] = item;
  }

  /** Goes on until nothing is left to happen, or until the time; false when more than `limit` things happened before. */
  run(until: number, limit: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      if (++this.happened > limit) return false;
      this.#pop();
      this.now = next.at;
      next.act();
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
    return true;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (!before(heap[child] as Happening, last)) break;
      heap[place] = heap[child] as Happening;
      place = child;
    }
    heap[place] = last;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}
