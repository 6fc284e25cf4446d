// What is to happen at a later time: retries, the trailing progress of runs, the rest of what a client is due. A heap, so that one alarm serves all.

import type { Attempt, Micros } from "@taskflock/protocol/words";
import type { Run, Session, Task } from "./records.ts";
import type { Wait } from "./shared-objects.ts";

/** A retry counts only while the task is delayed after that attempt. */
export type Due =
  | { readonly what: "retry"; readonly task: Task; readonly attempt: Attempt }
  | { readonly what: "progress"; readonly run: Run }
  | { readonly what: "due"; readonly session: Session }
  /** Of one who waits for a shared object; and of the first of all of them. */
  | { readonly what: "wait"; readonly wait: Wait }
  | { readonly what: "waits" };

interface Timer {
  readonly at: Micros;
  readonly seq: number;
  readonly due: Due;
}

export class Timers {
  readonly #heap: Timer[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  next(): Micros | null {
    return this.#heap[0]?.at ?? null;
  }

  set(at: Micros, due: Due): void {
    const timer = { at, seq: this.#seq++, due };
    const heap = this.#heap;
    let place = heap.length;
    heap.push(timer);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (before(heap[parent]!, timer)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = timer;
  }

  /** Takes out the earliest one that is due at `now`. */
  take(now: Micros): Due | null {
    const top = this.#heap[0];
    if (top === undefined || top.at > now) return null;
    this.#removeTop();
    return top.due;
  }

  #removeTop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at === b.at ? a.seq < b.seq : a.at < b.at;
}
