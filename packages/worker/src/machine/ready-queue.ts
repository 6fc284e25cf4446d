// Attempts that wait for a slot, the most urgent first.

import { IndexedHeap } from "./heap.ts";
import type { TaskRecord } from "./records.ts";

/** Entries of the run that may be used up before their places are given back. */
const KEPT_PLACES = 1024;

/** Nearly all come in the order in which they leave: they stand in a row, and cost no heap. The others are in the heap. */
export class ReadyQueue {
  /** In order; null where one was taken out. */
  #row: (TaskRecord | null)[] = [];
  #head = 0;
  /** Number of the first place of the row. A place is kept in the record as `-2 - number`; those of the heap are positive. */
  #base = 0;
  #inRow = 0;
  /** The one that was added to the row last. */
  #last: TaskRecord | null = null;
  readonly #heap: IndexedHeap<TaskRecord> = new IndexedHeap({
    before,
    placeOf: (item) => item.readyPlace,
    setPlace: (item, place) => {
      item.readyPlace = place;
    },
  });

  get size(): number {
    return this.#inRow + this.#heap.size;
  }

  push(task: TaskRecord): void {
    if (this.#last !== null && before(task, this.#last)) {
      this.#heap.push(task);
      return;
    }
    task.readyPlace = -2 - (this.#base + this.#row.length);
    this.#row.push(task);
    this.#inRow++;
    this.#last = task;
  }

  peek(): TaskRecord | undefined {
    const top = this.#heap.peek();
    if (this.#inRow === 0) return top;
    while (this.#row[this.#head] === null) this.#head++;
    const first = this.#row[this.#head] as TaskRecord;
    return top === undefined || before(first, top) ? first : top;
  }

  pop(): TaskRecord | undefined {
    const first = this.peek();
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** False when it was not here. */
  remove(task: TaskRecord): boolean {
    const place = task.readyPlace;
    if (place >= -1) return this.#heap.remove(task);
    task.readyPlace = -1;
    this.#row[-2 - place - this.#base] = null;
    if (--this.#inRow === 0) this.#clear();
    else if (this.#head > KEPT_PLACES && this.#head * 2 > this.#row.length) this.#shorten();
    return true;
  }

  #clear(): void {
    this.#base = 0;
    this.#head = 0;
    this.#row.length = 0;
    this.#last = null;
  }

  #shorten(): void {
    this.#row = this.#row.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }
}

function before(a: TaskRecord, b: TaskRecord): boolean {
  return a.order < b.order || (a.order === b.order && a.seq < b.seq);
}
