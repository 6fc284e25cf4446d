// Records by their number. Numbers only grow, so pages of an array take a tenth of a map's time.

import type { TaskNumber } from "@taskflock/protocol";
import type { TaskRecord } from "./record.ts";

const PAGE = 1024;

interface Page {
  readonly records: (TaskRecord | undefined)[];
  count: number;
}

export class RecordPages {
  readonly #pages: Map<number, Page> = new Map();
  /** The page of the latest number: it stays when it is empty, as one task after the other may come and go. */
  #newest = -1;
  #lastIndex = -1;
  #lastPage: Page | undefined;

  set(record: TaskRecord): void {
    const index = Math.floor(record.n / PAGE);
    const page = this.#page(index) ?? this.#begin(index);
    page.records[record.n % PAGE] = record;
    page.count++;
  }

  get(n: TaskNumber): TaskRecord | undefined {
    return this.#page(Math.floor(n / PAGE))?.records[n % PAGE];
  }

  delete(n: TaskNumber): void {
    const index = Math.floor(n / PAGE);
    const page = this.#page(index);
    if (page?.records[n % PAGE] === undefined) return;
    page.records[n % PAGE] = undefined;
    if (--page.count === 0 && index !== this.#newest) this.#drop(index);
  }

  *values(): Generator<TaskRecord, void, undefined> {
    for (const { records } of this.#pages.values())
      for (const record of records) if (record !== undefined) yield record;
  }

  #begin(index: number): Page {
    const page: Page = { records: new Array(PAGE).fill(undefined), count: 0 };
    if (this.#pages.get(this.#newest)?.count === 0) this.#drop(this.#newest);
    this.#pages.set(index, page);
    this.#newest = index;
    this.#lastIndex = index;
    this.#lastPage = page;
    return page;
  }

  #drop(index: number): void {
    this.#pages.delete(index);
    if (index !== this.#lastIndex) return;
    this.#lastIndex = -1;
    this.#lastPage = undefined;
  }

  #page(index: number): Page | undefined {
    if (index === this.#lastIndex) return this.#lastPage;
    const page = this.#pages.get(index);
    if (page !== undefined) {
      this.#lastIndex = index;
      this.#lastPage = page;
    }
    return page;
  }
}
