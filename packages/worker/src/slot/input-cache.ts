// Decoded arena inputs that a slot keeps for later tasks, so that 54 folds decode X once per thread.

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** Least recently used first out; bounded by encoded bytes. Keys are serials, which name the very bytes. */
export class InputCache {
  readonly #limitBytes: number;
  readonly #entries: Map<number, Entry> = new Map();
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
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
