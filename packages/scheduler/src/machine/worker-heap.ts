// The workers that have room, the least loaded first, and those with a free slot; a worker's places are kept in its record.

import type { Worker } from "./records.ts";

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
  return a.heapKey === b.heapKey ? a.id < b.id : a.heapKey < b.heapKey;
}
