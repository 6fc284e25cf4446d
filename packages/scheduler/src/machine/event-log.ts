// What happened, for people: a bounded list of events, the oldest forgotten first. Nothing is decided by it.

import type { Cause, ClusterEvent, EventKind, Micros } from "@taskflock/protocol/words";

export class EventLog {
  readonly #size: number;
  /** As a ring, once it is full. */
  readonly #events: ClusterEvent[] = [];
  #last = 0;

  constructor(size: number) {
    this.#size = Math.max(1, size);
  }

  /** The number of the last event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  add(at: Micros, cause: Cause, kind: EventKind, who: string, text: string, key = ""): void {
    const seq = ++this.#last;
    this.#events[(seq - 1) % this.#size] = { seq, at, cause, kind, who, key, text };
  }

  /** How many events after number `seq` are forgotten. */
  missedSince(seq: number): number {
    return Math.max(0, this.#last - this.#size - seq);
  }

  /** Those after number `seq` that are still known, oldest first, at most `limit`. */
  since(seq: number, limit: number): ClusterEvent[] {
    const first = Math.max(seq + 1, this.#last - this.#size + 1, 1);
    const events: ClusterEvent[] = [];
    for (let n = first; n <= this.#last && events.length < limit; n++) events.push(this.#events[(n - 1) % this.#size]!);
    return events;
  }
}
