// The growing buffer that frames are written to.

const INITIAL_BYTES = 4096;
/** A buffer that grew beyond this is not kept for the next frame. */
const KEPT_BYTES = 1024 * 1024;
const SHORT_BYTES = 64;
const SHORT_FRAME_BYTES = 128;

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

  /** The first `count` bytes; a loop beats a native call for what is short. */
  bytes(source: Uint8Array, count: number): void {
    const at = this.extend(count);
    const target = this.#bytes;
    if (count > SHORT_BYTES) target.set(count === source.length ? source : source.subarray(0, count), at);
    else for (let i = 0; i < count; i++) target[at + i] = source[i]!;
  }

  /** Appends what another writer holds. */
  append(other: WireWriter): void {
    this.bytes(other.#bytes, other.#length);
  }

  /** Bytes in UTF-8, then these. */
  text(value: string): void {
    if (value.length <= SHORT_BYTES && this.#ascii(value)) return;
    const size = Buffer.byteLength(value);
    this.u32(size);
    const at = this.extend(size);
    this.#bytes.write(value, at, size, "utf8");
  }

  /** Writes the text and says so, if all of it is ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    for (let i = 0; i < length; i++) if (value.charCodeAt(i) > 0x7f) return false;
    this.u32(length);
    const at = this.extend(length);
    const target = this.#bytes;
    for (let i = 0; i < length; i++) target[at + i] = value.charCodeAt(i);
    return true;
  }

  /** A copy of all that was written, behind `room` bytes that the caller fills. */
  finish(room = 0): Buffer {
    const length = this.#length;
    const source = this.#bytes;
    const copy = Buffer.allocUnsafe(room + length);
    // A native copy makes a view of its own.
    if (length > SHORT_FRAME_BYTES) source.copy(copy, room, 0, length);
    else for (let i = 0; i < length; i++) copy[room + i] = source[i]!;
    return copy;
  }
}
