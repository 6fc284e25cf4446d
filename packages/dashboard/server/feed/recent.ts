// The last of what happens one after another (events, lines, details): for a page that follows, what is new; for one that opens, what
// was last. Each thing is encoded once.

import { bytesOf, listOfLast } from "./budget.ts";

interface Kept {
  readonly run: number;
  readonly text: string;
}

export class Recent<T> {
  readonly #encode: (item: T) => string;
  readonly #runOf: (item: T) => number;
  readonly #bytes: number;
  #kept: Kept[] = [];
  #keptBytes = 0;
  /** How many of the last of `#kept` are new in this round; and those that are not among them. */
  #new = 0;
  #missed = 0;

  /** `bytes`: what one message may take of it. So much is kept, twice. */
  constructor(bytes: number, encode: (item: T) => string, runOf: (item: T) => number = () => 0) {
    this.#bytes = bytes;
    this.#encode = encode;
    this.#runOf = runOf;
  }

  get hasNews(): boolean {
    return this.#new > 0 || this.#missed > 0;
  }

  add(items: readonly T[], missed: number): void {
    this.#missed += missed;
    for (const item of items) {
      const text = this.#encode(item);
      this.#kept.push({ run: this.#runOf(item), text });
      this.#keptBytes += bytesOf(text) + 1;
    }
    this.#new += items.length;
    let old = 0;
    while (this.#keptBytes > 2 * this.#bytes && old < this.#kept.length) {
      this.#keptBytes -= bytesOf(this.#kept[old]!.text) + 1;
      old++;
    }
    this.#kept.splice(0, old);
    if (this.#new > this.#kept.length) {
      this.#missed += this.#new - this.#kept.length;
      this.#new = this.#kept.length;
    }
  }

  /** What was new has been sent. */
  settle(): void {
    this.#new = 0;
    this.#missed = 0;
  }

  clear(): void {
    this.#kept = [];
    this.#keptBytes = 0;
    this.settle();
  }

  /** `run`: only of this one; 0: of all. Null: nothing new. */
  part(isFresh: boolean, run = 0): string | null {
    if (!isFresh && !this.hasNews) return null;
    const kept = isFresh ? this.#kept : this.#kept.slice(this.#kept.length - this.#new);
    const texts = kept.filter((one) => run === 0 || one.run === run).map(({ text }) => text);
    const list = listOfLast(texts, this.#bytes - 64);
    const missed = isFresh ? 0 : this.#missed + list.left;
    return `{"items":${list.text},"missed":${missed}}`;
  }
}
