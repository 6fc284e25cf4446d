// What a run tells those who watch it (run-details.ts of the protocol): collected, and sent a few times a second. It costs the run little
// and never ends it: what cannot be told, or is too much, is left out.

import { DETAIL_ENTRIES, DETAIL_UNITS, type DetailEntry, detailUnits, isDetailEntry } from "@taskflock/protocol/code";

/** Between two messages, milliseconds. */
const PAUSE_MS = 100;
/** What waits to be sent, UTF-16 units; the oldest is left out when there is more. */
const MAX_WAITING = 4 * 1024 * 1024;
/** A message's list itself. */
const LIST_UNITS = 16;

interface Waiting {
  readonly entry: DetailEntry;
  readonly units: number;
}

export class RunDetailSender {
  readonly #send: (entries: readonly DetailEntry[]) => void;
  #waiting: Waiting[] = [];
  #units = 0;
  #timer: NodeJS.Timeout | null = null;
  #lastSent: number = Number.NEGATIVE_INFINITY;

  constructor(send: (entries: readonly DetailEntry[]) => void) {
    this.#send = send;
  }

  tell(entries: readonly DetailEntry[]): void {
    for (const entry of entries) {
      if (!isDetailEntry(entry)) continue;
      const units = detailUnits(entry);
      this.#waiting.push({ entry, units });
      this.#units += units;
    }
    this.#makeRoom();
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** All that waits, at once. */
  flush(): void {
    while (this.#waiting.length > 0) this.#sendSome();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#timer !== null) return;
    const pauseMs = Math.max(0, this.#lastSent + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#sendSome();
      if (this.#waiting.length > 0) this.#schedule();
    }, pauseMs);
    // A program that is done does not wait for it: a run that closes sends the rest.
    this.#timer.unref();
  }

  #sendSome(): void {
    let units = LIST_UNITS;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count === DETAIL_ENTRIES || units + waiting.units > DETAIL_UNITS) break;
      units += waiting.units;
      count++;
    }
    const some = this.#waiting.splice(0, count);
    this.#units -= units - LIST_UNITS;
    this.#lastSent = performance.now();
    try {
      this.#send(some.map(({ entry }) => entry));
    } catch {
      // The connection does not take it: the run goes on without.
    }
  }

  /** The first, which says what it is all about, stays. */
  #makeRoom(): void {
    if (this.#units <= MAX_WAITING) return;
    let drop = 1;
    while (this.#units > MAX_WAITING / 2 && drop < this.#waiting.length) this.#units -= this.#waiting[drop++]!.units;
    this.#waiting.splice(1, drop - 1);
  }
}
