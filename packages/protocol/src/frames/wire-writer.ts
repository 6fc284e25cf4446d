// The growing buffer that frames are written to.

const INITIAL_BYTES = 4096;
/** A buffer that grew beyond this is not kept for the next frame. */
const KEPT_BYTES = 1024 * 1024;

export class WireWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  /** Takes back what was written from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Makes room for `count` bytes, and says where they go: `target` from `length` on. The caller fills them all. */
  extend(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }

  /** Valid until the next `extend`. */
  get target(): Buffer {
    return this.#bytes;
  }

  u8(value: number): void {
    const at = this.extend(1); // may replace the buffer
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.extend(4);
    this.#bytes.writeUInt32LE(value, at);
  }

  f64(value: number): void {
    const at = this.extend(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  bytes(source: Uint8Array): void {
    const at = this.extend(source.length);
    this.#bytes.set(source, at);
  }

  /** Appends what another writer holds. */
  append(other: WireWriter): void {
    const at = this.extend(other.#length);
    other.#bytes.copy(this.#bytes, at, 0, other.#length);
  }

  /** UTF-8, without its length. */
  text(value: string): void {
    if (value === "") return;
    const size = Buffer.byteLength(value);
    const at = this.extend(size);
    this.#bytes.write(value, at, size, "utf8");
  }

  /** A copy of all that was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }
}
