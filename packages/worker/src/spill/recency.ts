// Entries by how recently they were used, as a list within the entries: taking one out and putting it at the end cost a few writes each.

/** What can be in such a list. */
export interface Listed<T> {
  older: T | null;
  newer: T | null;
  listed: boolean;
}

export class Recency<T extends Listed<T>> {
  #oldest: T | null = null;
  #newest: T | null = null;

  /** The one that was used longest ago. */
  get oldest(): T | null {
    return this.#oldest;
  }

  /** It was used now. */
  add(entry: T): void {
    entry.older = this.#newest;
    entry.newer = null;
    entry.listed = true;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  remove(entry: T): void {
    if (!entry.listed) return;
    entry.listed = false;
    if (entry.older === null) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === null) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = null;
    entry.newer = null;
  }
}
