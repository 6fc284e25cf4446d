// What clients told of their runs, for people who look: bounded by its size, of one run and of all. Runs that closed are forgotten first,
// the first to close first; then the oldest entries of the largest run. Nothing is decided by it.

import { type DetailEntry, detailUnits, type PageDetails, type RunId } from "@taskflock/protocol/words";

type Told = PageDetails["items"][number];

interface Kept extends Told {
  readonly units: number;
  isForgotten: boolean;
}

/** Of one run. `entries` before `head` are forgotten; its header, once it would be, stands in `header` alone. */
interface Book {
  readonly run: RunId;
  header: Kept | null;
  entries: Kept[];
  head: number;
  units: number;
  isSearch: boolean;
  isTraining: boolean;
  readonly dropped: Dropped;
}

/** How many are forgotten, and the number of the last of them. */
interface Dropped {
  count: number;
  last: number;
}

/** What a run costs beside its entries, and an entry beside what it says, UTF-16 units. */
const BOOK_UNITS = 256;
const ENTRY_UNITS = 64;

export class DetailStore {
  readonly #maxOfRun: number;
  readonly #max: number;
  readonly #books: Map<RunId, Book> = new Map();
  /** Those of closed runs, in the order in which they closed. */
  readonly #closed: Set<Book> = new Set();
  /** All entries in the order of their numbers, forgotten ones among them. */
  #all: Kept[] = [];
  #forgotten = 0;
  readonly #dropped: Dropped = { count: 0, last: 0 };
  #units = 0;
  #last = 0;

  /** UTF-16 units, of one run and of all. */
  constructor(maxOfRun: number, max: number) {
    this.#maxOfRun = maxOfRun;
    this.#max = max;
  }

  /** The number of the last entry, over all runs; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  get units(): number {
    return this.#units;
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#all.length - this.#forgotten;
  }

  add(run: RunId, at: number, entry: DetailEntry): void {
    const book = this.#bookOf(run);
    const kept: Kept = {
      seq: ++this.#last,
      at,
      run,
      entry,
      units: ENTRY_UNITS + detailUnits(entry),
      isForgotten: false,
    };
    if (entry.e === "search") book.isSearch = true;
    else if (entry.e === "training") book.isTraining = true;
    book.entries.push(kept);
    this.#all.push(kept);
    this.#count(book, kept.units);
    while (book.units > this.#maxOfRun && this.#forgetOldest(book));
    if (this.#units > this.#max) this.#makeRoom();
    this.#sweep();
  }

  /** The run is over: others go before its details do, until room is short. */
  closed(run: RunId): void {
    const book = this.#books.get(run);
    if (book !== undefined) this.#closed.add(book);
  }

  /** What a run's details are about; "" when it has none. */
  kindOf(run: RunId): string {
    const book = this.#books.get(run);
    if (book === undefined || !(book.isSearch || book.isTraining)) return "";
    if (!book.isSearch) return "training";
    return book.isTraining ? "search of trainings" : "search";
  }

  /** The entries after number `since`, of a run or (0) of all, oldest first: at most `limit`, and about `maxUnits` in all. */
  since(run: RunId | 0, since: number, limit: number, maxUnits: number): Told[] {
    const found: Told[] = [];
    let units = 0;
    for (const kept of this.#after(run, since)) {
      if (found.length >= limit || (units + kept.units > maxUnits && found.length > 0)) break;
      units += kept.units;
      const { seq, at, run: of, entry } = kept;
      found.push({ seq, at, run: of, entry });
    }
    return found;
  }

  hasAfter(run: RunId | 0, since: number): boolean {
    return this.#after(run, since).next().done !== true;
  }

  /** How many entries after number `since` are forgotten: exact from the start on, at most so many from elsewhere. */
  missedSince(run: RunId | 0, since: number): number {
    const dropped = run === 0 ? this.#dropped : this.#books.get(run)?.dropped;
    if (dropped === undefined) return 0;
    return Math.max(0, Math.min(dropped.count, dropped.last - since));
  }

  /** Returns what does not hold, or null. */
  check(known: ReadonlySet<RunId>): string | null {
    let units = 0;
    let size = 0;
    for (const book of this.#books.values()) {
      const entries = [...(book.header === null ? [] : [book.header]), ...book.entries.slice(book.head)];
      const own = entries.reduce((sum, kept) => sum + kept.units, BOOK_UNITS);
      if (own !== book.units) return `the details of run ${book.run} take ${own} units, and ${book.units} are counted`;
      if (own > this.#maxOfRun && entries.length > 2) return `the details of run ${book.run} take ${own} units`;
      if (entries.some((kept) => kept.isForgotten)) return `run ${book.run} has details that are forgotten`;
      if (!this.#closed.has(book) && !known.has(book.run))
        return `run ${book.run} is over, and its details do not know`;
      units += own;
      size += entries.length;
    }
    if (units !== this.#units) return `details take ${units} units, and ${this.#units} are counted`;
    if (units > this.#max) return `details take ${units} units of ${this.#max}`;
    if (size !== this.size) return `${this.size} details are known, and runs have ${size}`;
    for (const book of this.#closed) if (this.#books.get(book.run) !== book) return "details of a closed run are gone";
    return null;
  }

  *#after(run: RunId | 0, since: number): Generator<Kept> {
    if (run === 0) {
      for (let i = firstAfter(this.#all, 0, since); i < this.#all.length; i++) {
        const kept = this.#all[i]!;
        if (!kept.isForgotten) yield kept;
      }
      return;
    }
    const book = this.#books.get(run);
    if (book === undefined) return;
    if (book.header !== null && book.header.seq > since) yield book.header;
    for (let i = firstAfter(book.entries, book.head, since); i < book.entries.length; i++) yield book.entries[i]!;
  }

  #bookOf(run: RunId): Book {
    const known = this.#books.get(run);
    if (known !== undefined) return known;
    const dropped = { count: 0, last: 0 };
    const what = { isSearch: false, isTraining: false };
    const book: Book = { run, header: null, entries: [], head: 0, units: 0, ...what, dropped };
    this.#books.set(run, book);
    this.#count(book, BOOK_UNITS);
    return book;
  }

  #count(book: Book, units: number): void {
    book.units += units;
    this.#units += units;
  }

  #makeRoom(): void {
    for (const book of this.#closed) {
      if (this.#units <= this.#max) return;
      this.#forgetRun(book);
    }
    while (this.#units > this.#max) {
      const largest = this.#largest();
      if (largest === null) return;
      // Down to a half of it, so that the next entries do not have to look for the largest again.
      const half = largest.units / 2;
      let gave = false;
      while ((largest.units > half || !gave) && this.#forgetOldest(largest)) gave = true;
      if (!gave) this.#forgetRun(largest);
    }
  }

  #largest(): Book | null {
    let largest: Book | null = null;
    for (const book of this.#books.values()) if (largest === null || book.units > largest.units) largest = book;
    return largest;
  }

  /** The newest and the header stay: false when there are no others. */
  #forgetOldest(book: Book): boolean {
    if (book.head >= book.entries.length - 1) return false;
    const oldest = book.entries[book.head]!;
    book.head++;
    if (book.head > 64 && book.head * 2 > book.entries.length) {
      book.entries = book.entries.slice(book.head);
      book.head = 0;
    }
    const { e } = oldest.entry;
    if (book.header === null && (e === "search" || e === "training")) {
      book.header = oldest;
      return this.#forgetOldest(book);
    }
    this.#forget(book, oldest);
    return true;
  }

  #forget(book: Book, kept: Kept): void {
    kept.isForgotten = true;
    this.#forgotten++;
    this.#count(book, -kept.units);
    for (const dropped of [book.dropped, this.#dropped]) {
      dropped.count++;
      dropped.last = Math.max(dropped.last, kept.seq);
    }
  }

  #forgetRun(book: Book): void {
    if (book.header !== null) this.#forget(book, book.header);
    for (let i = book.head; i < book.entries.length; i++) this.#forget(book, book.entries[i]!);
    this.#count(book, -book.units);
    this.#books.delete(book.run);
    this.#closed.delete(book);
  }

  /** Forgotten entries do not stay in the list for long. */
  #sweep(): void {
    if (this.#forgotten < 64 || this.#forgotten * 2 < this.#all.length) return;
    this.#all = this.#all.filter((kept) => !kept.isForgotten);
    this.#forgotten = 0;
  }
}

/** Index of the first entry whose number is above `since`. */
function firstAfter(entries: readonly Kept[], head: number, since: number): number {
  let low = head;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.seq > since) high = middle;
    else low = middle + 1;
  }
  return low;
}
