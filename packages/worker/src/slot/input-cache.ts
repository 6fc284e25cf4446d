// Decoded arena inputs that a slot keeps for later tasks, so that 54 folds do not decode X each time.

import { deepFreeze } from "./deep-freeze.ts";

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** As many inputs that were used once are remembered. */
const MAX_USED_ONCE = 4096;

/**
 * Least recently used first out; bounded by encoded bytes. Keys are serials, which name the very bytes.
 *
 * Most inputs are used once, and freezing and keeping one can cost more than decoding it. So the first task gets a value
 * of its own, as it does of inline arguments; from the second on they share one that is deep-frozen.
 */
export class InputCache {
  readonly #limitBytes: number;
  readonly #strict: boolean;
  readonly #entries: Map<number, Entry> = new Map();
  readonly #usedOnce: Set<number> = new Set();
  #bytes = 0;

  /** `strict`: what the first task gets is frozen, too, so that one that changes its arguments is found at once. */
  constructor(limitBytes: number, strict = false) {
    this.#limitBytes = limitBytes;
    this.#strict = strict;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is kept under the serial, or what `decode` makes. */
  get(serial: number, bytes: number, decode: () => unknown): unknown {
    const known = this.#entries.get(serial);
    if (known !== undefined) {
      this.#entries.delete(serial);
      this.#entries.set(serial, known);
      return known.value;
    }
    if (!this.#strict && !this.#usedOnce.delete(serial)) {
      this.#noteUse(serial);
      return decode();
    }
    const value = deepFreeze(decode());
    if (bytes <= this.#limitBytes) this.#keep(serial, { value, bytes });
    return value;
  }

  #noteUse(serial: number): void {
    this.#usedOnce.add(serial);
    if (this.#usedOnce.size <= MAX_USED_ONCE) return;
    for (const oldest of this.#usedOnce) {
      this.#usedOnce.delete(oldest);
      return;
    }
  }

  #keep(serial: number, entry: Entry): void {
    this.#entries.set(serial, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
