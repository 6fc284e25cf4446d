// The decoder's side of `regions.ts`: views over the value's own memory where that is aligned, over copies elsewhere.
import { ByteReader, malformed } from "./byte-reader.ts";
import {
  align,
  REGION_IS_BUFFER,
  REGION_PHASE_SHIFT,
  VIEW_ELEMENT_BYTES,
  VIEW_KINDS,
  type ViewKind,
} from "./format.ts";

interface Region {
  /** Where the region lies, or undefined until it is first looked at. */
  memory: { readonly buffer: ArrayBufferLike; readonly start: number } | undefined;
  readonly offset: number;
  readonly bytes: number;
  readonly phase: number;
  readonly whole: boolean;
}

interface Row {
  readonly region: Region;
  readonly offset: number;
}

export class ViewReader {
  readonly #bytes: Uint8Array;
  readonly #copy: boolean;
  readonly #rows: readonly Row[];
  #next = 0;

  /** Reads the table that begins at `table`. The regions must fill the bytes to their end. */
  constructor(bytes: Uint8Array, table: number, copy: boolean) {
    this.#bytes = bytes;
    this.#copy = copy;
    const reader = new ByteReader();
    reader.begin(bytes, table, bytes.length);
    const sizes = Array.from({ length: reader.count(2) }, () => ({ bytes: reader.varint(), flags: reader.byte() }));
    const rows = Array.from({ length: reader.count(2) }, () => ({ region: reader.varint(), offset: reader.varint() }));
    let end = reader.position;
    const regions = sizes.map(({ bytes: size, flags }): Region => {
      const whole = (flags & REGION_IS_BUFFER) !== 0;
      const phase = flags >> REGION_PHASE_SHIFT;
      if (phase > 7 || (whole && phase !== 0)) throw malformed("a region's flags are unknown");
      const offset = align(end) + phase;
      end = offset + size;
      if (end > bytes.length) throw malformed("a typed array ends behind them");
      return { memory: undefined, offset, bytes: size, phase, whole };
    });
    if (end !== bytes.length) throw malformed("something follows the value");
    this.#rows = rows.map(({ region, offset }) => {
      const found = regions[region];
      if (found === undefined) throw malformed("a view lies in no region");
      return { region: found, offset };
    });
  }

  /** The next view of the body. */
  read(kindIndex: number, count: number): object {
    const kind = VIEW_KINDS[kindIndex];
    const row = this.#rows[this.#next++];
    if (kind === undefined || row === undefined) throw malformed("a view is of no known kind, or not in the table");
    const bytes = count * VIEW_ELEMENT_BYTES[kindIndex]!;
    const { region, offset } = row;
    if (offset + bytes > region.bytes) throw malformed("a typed array ends behind its region");
    const memory = this.#memory(region);
    if (kind === "ArrayBuffer") {
      if (!region.whole || offset !== 0 || bytes !== region.bytes) throw malformed("an ArrayBuffer is not a region");
      return memory.buffer;
    }
    const start = memory.start + offset;
    if (start % VIEW_ELEMENT_BYTES[kindIndex]! !== 0) throw malformed("a typed array is not aligned");
    return makeView(kind, memory.buffer, start, count);
  }

  /** Every row must have been asked for. */
  finish(): void {
    if (this.#next !== this.#rows.length) throw malformed("the view table has rows that nothing refers to");
  }

  #memory(region: Region): { readonly buffer: ArrayBufferLike; readonly start: number } {
    region.memory ??= this.#locate(region);
    return region.memory;
  }

  #locate({ offset, bytes, phase, whole }: Region): { buffer: ArrayBufferLike; start: number } {
    const { buffer, byteOffset } = this.#bytes;
    const start = byteOffset + offset;
    if (!this.#copy && !whole && start % 8 === phase) return { buffer, start };
    const own = new Uint8Array(phase + bytes);
    own.set(this.#bytes.subarray(offset, offset + bytes), phase);
    return { buffer: own.buffer, start: phase };
  }
}

type ViewConstructor = new (buffer: ArrayBufferLike, start: number, length: number) => object;

function makeView(kind: ViewKind, buffer: ArrayBufferLike, start: number, count: number): object {
  if (kind === "Buffer") return Buffer.from(buffer as ArrayBuffer, start, count);
  const type: unknown = Reflect.get(globalThis, kind);
  if (typeof type !== "function") throw malformed(`this Node has no ${kind}`);
  return new (type as ViewConstructor)(buffer, start, count);
}
