// What is to happen at a later time: retries, limits of tasks, the trailing progress of runs, the rest of what a client is due. A heap, so that
// one alarm serves all; each timer knows its place there, so that the limit of a task that has ended is gone at once.

import type { Attempt, Micros } from "@taskflock/protocol/words";
import type { Run, Session, Task } from "./records.ts";
import type { Wait } from "./shared-objects.ts";

/** A retry counts only while the task is delayed after that attempt. */
export type Due =
  | { readonly what: "retry"; readonly task: Task; readonly attempt: Attempt }
  | { readonly what: "progress" | "keep"; readonly run: Run }
  | { readonly what: "due"; readonly session: Session }
  | { readonly what: "stragglers" }
  /** Of one who waits for a shared object; and of the first of all of them. */
  | { readonly what: "wait"; readonly wait: Wait }
  | { readonly what: "waits" }
  | { readonly what: "deadline" | "noWorker" | "upload"; readonly task: Task };

export interface Timer {
  readonly at: Micros;
  readonly seq: number;
  readonly due: Due;
  /** In the heap, or -1 when it is over. */
  place: number;
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

  set(at: Micros, due: Due): Timer {
    const timer = { at, seq: this.#seq++, due, place: this.#heap.length };
    this.#heap.push(timer);
    this.#up(timer);
    return timer;
  }

  /** Takes out the earliest one that is due at `now`. */
  take(now: Micros): Due | null {
    const top = this.#heap[0];
    if (top === undefined || top.at > now) return null;
    this.drop(top);
    return top.due;
  }

  /** It is not to happen: nothing is left of it, however far away it was. */
  drop(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    last.place = place;
    this.#heap[place] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(timer: Timer): void {
    const heap = this.#heap;
    let { place } = timer;
    while (place > 0) {
      const parent = heap[(place - 1) >> 1]!;
      if (before(parent, timer)) break;
      heap[place] = parent;
      parent.place = place;
      place = (place - 1) >> 1;
    }
    heap[place] = timer;
    timer.place = place;
  }

  #down(timer: Timer): void {
    const heap = this.#heap;
    let { place } = timer;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      const other = heap[child]!;
      if (before(timer, other)) break;
      heap[place] = other;
      other.place = place;
      place = child;
    }
    heap[place] = timer;
    timer.place = place;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at === b.at ? a.seq < b.seq : a.at < b.at;
}
