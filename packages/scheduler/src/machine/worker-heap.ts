// The workers that have room: those that rest, and the others, the least loaded first; and those with a free slot. A worker's places are
// kept in its record.

import type { Worker } from "./worker-record.ts";

/** Those with a free slot, in no order. */
export class IdleWorkers {
  readonly items: Worker[] = [];

  put(worker: Worker, belongs: boolean): void {
    const at = worker.idleAt;
    if (belongs === at >= 0) return;
    if (belongs) {
      worker.idleAt = this.items.length;
      this.items.push(worker);
      return;
    }
    worker.idleAt = -1;
    const last = this.items.pop()!;
    if (last === worker) return;
    this.items[at] = last;
    last.idleAt = at;
  }
}

/**
 * Those that have room and nothing to begin, the one that rested last on top: what it needs is still in its caches. Who has not worked
 * yet stands at the bottom.
 */
export class RestingWorkers {
  #top: Worker | null = null;
  #bottom: Worker | null = null;

  top(): Worker | null {
    return this.#top;
  }

  put(worker: Worker): void {
    if (worker.resting) return;
    worker.resting = true;
    if (this.#top === null || this.#bottom === null) {
      this.#top = worker;
      this.#bottom = worker;
    } else if (worker.finished === 0) {
      worker.above = this.#bottom;
      this.#bottom.below = worker;
      this.#bottom = worker;
    } else {
      worker.below = this.#top;
      this.#top.above = worker;
      this.#top = worker;
    }
  }

  remove(worker: Worker): void {
    if (!worker.resting) return;
    const { above, below } = worker;
    worker.resting = false;
    worker.above = null;
    worker.below = null;
    if (above === null) this.#top = below;
    else above.below = below;
    if (below === null) this.#bottom = above;
    else below.above = above;
  }
}

export class WorkerHeap {
  readonly #items: Worker[] = [];

  top(): Worker | null {
    return this.#items[0] ?? null;
  }

  /** Puts the worker in, or moves it, by a new key. */
  set(worker: Worker, key: number): void {
    if (worker.heapAt < 0) {
      worker.heapKey = key;
      worker.heapAt = this.#items.length;
      this.#items.push(worker);
      this.#up(worker);
      return;
    }
    const before = worker.heapKey;
    if (before === key) return;
    worker.heapKey = key;
    if (key < before) this.#up(worker);
    else this.#down(worker);
  }

  remove(worker: Worker): void {
    const at = worker.heapAt;
    if (at < 0) return;
    worker.heapAt = -1;
    const last = this.#items.pop()!;
    if (last === worker) return;
    last.heapAt = at;
    this.#up(last);
    this.#down(last);
  }

  #up(worker: Worker): void {
    const items = this.#items;
    let at = worker.heapAt;
    while (at > 0) {
      const above = items[(at - 1) >> 1]!;
      if (!before(worker, above)) break;
      items[at] = above;
      above.heapAt = at;
      at = (at - 1) >> 1;
    }
    items[at] = worker;
    worker.heapAt = at;
  }

  #down(worker: Worker): void {
    const items = this.#items;
    const size = items.length;
    let at = worker.heapAt;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      let below = items[child]!;
      if (child + 1 < size && before(items[child + 1]!, below)) below = items[++child]!;
      if (!before(below, worker)) break;
      items[at] = below;
      below.heapAt = at;
      at = child;
    }
    items[at] = worker;
    worker.heapAt = at;
  }
}

function before(a: Worker, b: Worker): boolean {
  return a.heapKey < b.heapKey;
}
