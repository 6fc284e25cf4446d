// Memory for copies of what users send, used again. Pages that the operating system must provide first cost ten times what copying
// into them does.

/** What is smaller is made anew: it costs little. */
const LEAST_BYTES = 1024 * 1024;
/** Kept at the same time, all together. */
const MOST_BYTES = 64 * 1024 * 1024;
/** How long after its last use memory is kept. */
const KEPT_MS = 10_000;

export class SpareMemory {
  /** The longest kept first. */
  readonly #kept: ArrayBuffer[] = [];
  /** What may come back: memory of others is never kept. */
  readonly #lent: WeakSet<ArrayBufferLike> = new WeakSet();
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes, holding anything. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes < LEAST_BYTES) return new Uint8Array(bytes);
    const index = this.#kept.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes);
    const buffer = index < 0 ? new ArrayBuffer(bytes) : this.#remove(index);
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, bytes);
  }

  /** Nobody reads `memory` any more. What did not come from here is left alone. */
  give({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    this.#kept.push(buffer as ArrayBuffer);
    this.#bytes += buffer.byteLength;
    while (this.#bytes > MOST_BYTES) this.#remove(0);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), KEPT_MS).unref();
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kept.length = 0;
    this.#bytes = 0;
  }

  #remove(index: number): ArrayBuffer {
    const [buffer] = this.#kept.splice(index, 1);
    this.#bytes -= buffer!.byteLength;
    return buffer!;
  }
}
