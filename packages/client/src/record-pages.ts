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
  #lastIndex = -1;
  #lastPage: Page | undefined;

  set(record: TaskRecord): void {
    const index = Math.floor(record.n / PAGE);
    let page = this.#page(index);
    if (page === undefined) {
      page = { records: new Array(PAGE).fill(undefined), count: 0 };
      this.#pages.set(index, page);
      this.#lastIndex = index;
      this.#lastPage = page;
    }
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
    if (--page.count > 0) return;
    this.#pages.delete(index);
    this.#lastIndex = -1;
    this.#lastPage = undefined;
  }

  *values(): Generator<TaskRecord, void, undefined> {
    for (const { records } of this.#pages.values())
      for (const record of records) if (record !== undefined) yield record;
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
