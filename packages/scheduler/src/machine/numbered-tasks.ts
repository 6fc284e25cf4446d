// A session's tasks by the numbers that its client gave them. Clients count upwards, so tasks stand in pages of neighbouring numbers:
// one hash of a whole page instead of one for each of a million tasks, each somewhere else in memory.

import type { TaskNumber } from "@taskflock/protocol/words";
import type { Task } from "./records.ts";

/** Small enough that a client which leaves gaps between its numbers costs no more than its tasks. */
const PAGE = 64;

interface Page {
  readonly number: number;
  readonly tasks: (Task | null)[];
  count: number;
}

export class NumberedTasks {
  readonly #pages: Map<number, Page> = new Map();
  /** The page used last, which may be empty: the next number is nearly always in it. */
  #last: Page | null = null;

  get(n: TaskNumber): Task | undefined {
    return this.#find(n)?.tasks[n & (PAGE - 1)] ?? undefined;
  }

  has(n: TaskNumber): boolean {
    return this.get(n) !== undefined;
  }

  set(n: TaskNumber, task: Task): void {
    const page = this.#find(n) ?? this.#open(n);
    const at = n & (PAGE - 1);
    if (page.tasks[at] === null) page.count++;
    page.tasks[at] = task;
  }

  delete(n: TaskNumber): void {
    const page = this.#find(n);
    const at = n & (PAGE - 1);
    if (page === undefined || page.tasks[at] === null) return;
    page.tasks[at] = null;
    page.count--;
  }

  *[Symbol.iterator](): Generator<[TaskNumber, Task]> {
    for (const { number, tasks } of this.#pages.values()) {
      for (const [at, task] of tasks.entries()) if (task !== null) yield [(number * PAGE + at) as TaskNumber, task];
    }
  }

  /** Those with higher numbers, in their order: looks only at them, however many there are before. */
  *after(n: number): Generator<[TaskNumber, Task]> {
    const later = [...this.#pages.values()].filter(({ number }) => number >= Math.floor((n + 1) / PAGE));
    later.sort((a, b) => a.number - b.number);
    for (const { number, tasks } of later) {
      for (const [at, task] of tasks.entries()) {
        const own = number * PAGE + at;
        if (task !== null && own > n) yield [own as TaskNumber, task];
      }
    }
  }

  #find(n: number): Page | undefined {
    const number = Math.floor(n / PAGE);
    if (this.#last !== null && this.#last.number === number) return this.#last;
    const page = this.#pages.get(number);
    if (page !== undefined) this.#use(page);
    return page;
  }

  #open(n: number): Page {
    const page = { number: Math.floor(n / PAGE), tasks: new Array<Task | null>(PAGE).fill(null), count: 0 };
    this.#pages.set(page.number, page);
    this.#use(page);
    return page;
  }

  #use(page: Page): void {
    if (this.#last?.count === 0) this.#pages.delete(this.#last.number);
    this.#last = page;
  }
}
