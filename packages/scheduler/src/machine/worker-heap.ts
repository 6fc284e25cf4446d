// The workers that have room, the least loaded first; a worker's place is kept in its record.

import type { Worker } from "./records.ts";

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
    this.#put(last, at);
    this.#up(last);
    this.#down(last);
  }

  #up(worker: Worker): void {
    let at = worker.heapAt;
    while (at > 0) {
      const above = this.#items[(at - 1) >> 1]!;
      if (!before(worker, above)) break;
      this.#put(above, at);
      at = (at - 1) >> 1;
    }
    this.#put(worker, at);
  }

  #down(worker: Worker): void {
    const size = this.#items.length;
    let at = worker.heapAt;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(this.#items[child + 1]!, this.#items[child]!)) child++;
      const below = this.#items[child]!;
      if (!before(below, worker)) break;
      this.#put(below, at);
      at = child;
    }
    this.#put(worker, at);
  }

  #put(worker: Worker, at: number): void {
    this.#items[at] = worker;
    worker.heapAt = at;
  }
}

function before(a: Worker, b: Worker): boolean {
  return a.heapKey === b.heapKey ? a.id < b.id : a.heapKey < b.heapKey;
}
