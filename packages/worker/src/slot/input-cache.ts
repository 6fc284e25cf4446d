// Decoded arena inputs that a slot keeps for later tasks, so that 54 folds decode X once per thread.

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** As many inputs that were used once wait for a second use. */
const MAX_FRESH = 8;
/** Of as many that did not have one in time it is remembered that they were used. */
const MAX_REMEMBERED = 1024;

/**
 * Least recently used first out; bounded by encoded bytes. Keys are serials, which name the very bytes.
 *
 * Most inputs are used once, and decoded they can take ten times their bytes. So one that was not used again while several
 * others were decoded goes, too. One that comes back is used twice: else tasks that share many inputs would find none of them.
 */
export class InputCache {
  readonly #limitBytes: number;
  readonly #entries: Map<number, Entry> = new Map();
  /** Serials of the entries that were used once, the oldest first. */
  readonly #fresh: Set<number> = new Set();
  /** Serials of those that went because they were used once, the oldest first. */
  readonly #remembered: Set<number> = new Set();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is kept under the serial, or what `decode` makes: frozen (frozen.ts), because later tasks see the same objects. */
  get(serial: number, bytes: number, decode: () => unknown): unknown {
    const known = this.#entries.get(serial);
    if (known !== undefined) {
      this.#fresh.delete(serial);
      this.#entries.delete(serial);
      this.#entries.set(serial, known);
      return known.value;
    }
    const value = decode();
    if (bytes <= this.#limitBytes) this.#keep(serial, { value, bytes });
    return value;
  }

  #keep(serial: number, entry: Entry): void {
    this.#entries.set(serial, entry);
    this.#bytes += entry.bytes;
    if (!this.#remembered.delete(serial)) this.#fresh.add(serial);
    for (const oldest of this.#fresh) {
      if (this.#fresh.size <= MAX_FRESH) break;
      this.#drop(oldest);
      this.#remember(oldest);
    }
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#drop(oldest);
    }
  }

  #remember(serial: number): void {
    this.#remembered.add(serial);
    for (const oldest of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
  }

  #drop(serial: number): void {
    this.#bytes -= this.#entries.get(serial)!.bytes;
    this.#entries.delete(serial);
    this.#fresh.delete(serial);
  }
}
