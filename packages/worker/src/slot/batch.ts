// How a batch of items travels to a slot: a column of numbers and one stretch of bytes, because cloning an object per tiny
// task would cost more than the task.

/** An input that is shared with other tasks. `serial` names these very bytes for as long as the worker lives. */
export interface StoredInput {
  readonly serial: number;
  /** Of the arena; in a process slot each shared input is a segment of its own, numbered by its serial. */
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

/** One item as the main thread packs it. */
export interface PackItem {
  readonly assign: { readonly task: number; readonly attempt: number; readonly key: string };
  /** The worker's own numbers of functions (function-library.ts): the task's, and those inside its arguments. */
  readonly fn: { readonly number: number };
  readonly functions: readonly { readonly number: number }[];
  readonly args: Uint8Array;
  /** Bytes come along and are the item's own; or a place in the arena. */
  readonly inputs: readonly (Uint8Array | StoredInput)[];
}

export interface SentFunction {
  readonly fn: number;
  readonly name: string;
  /** An encoded function description. */
  readonly code: Uint8Array;
}

/** What holds for all items of a batch. */
export interface BatchTerms {
  /** The worker's name. */
  readonly worker: string;
  /** Results up to this size go into the outbox, larger ones into the arena. */
  readonly inlineLimitBytes: number;
}

export interface Batch extends BatchTerms {
  readonly count: number;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Functions that the slot has not seen. */
  readonly functions: readonly SentFunction[];
  /** Functions that nothing uses any more. */
  readonly forget: readonly number[];
  /** Segments that the slot has not seen; a process slot gets a copy. */
  readonly segments: readonly { readonly index: number; readonly memory: SharedArrayBuffer | Uint8Array }[];
  /** Segments that a process slot is to let go. */
  readonly drop: readonly number[];
}

/** A slot's segments by index. */
export type Segments = ReadonlyMap<number, ArrayBufferLike>;

/** One item as the slot reads it. */
export interface SlotItem {
  readonly index: number;
  readonly task: number;
  readonly attempt: number;
  /** The key in UTF-8 lies in the batch's bytes; few tasks ask for it. */
  readonly batch: Uint8Array;
  readonly keyStart: number;
  readonly keyBytes: number;
  readonly fn: number;
  readonly functions: readonly number[];
  readonly args: Uint8Array;
  readonly inputs: readonly SlotInput[];
}

export interface SlotInput {
  /** 0 for bytes that came along. */
  readonly serial: number;
  readonly bytes: Uint8Array;
}

export function keyOf(item: SlotItem): string {
  return Buffer.from(item.batch.subarray(item.keyStart, item.keyStart + item.keyBytes)).toString();
}

/** The codec decodes without copying where a value begins at a multiple of this. */
const ALIGNMENT = 8;
const IN_BATCH = -1;
/** Bytes of UTF-8 that a character of a string takes at most. */
const MAX_UTF8 = 3;
const UTF8 = new TextEncoder();
const EMPTY: readonly never[] = [];

export function packItems(items: readonly PackItem[]): Pick<Batch, "count" | "numbers" | "bytes"> {
  let columns = 0;
  let size = 0;
  for (const item of items) {
    columns += 9 + item.functions.length + item.inputs.length * 4;
    size += aligned(item.args.length) + aligned(item.assign.key.length * MAX_UTF8);
    for (const input of item.inputs) if (input instanceof Uint8Array) size += aligned(input.length);
  }
  const packer = new Packer(columns, size);
  for (const item of items) packer.add(item);
  return { count: items.length, numbers: packer.numbers, bytes: packer.bytes };
}

class Packer {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  #at = 0;
  #end = 0;

  constructor(columns: number, size: number) {
    this.numbers = new Float64Array(columns);
    this.bytes = new Uint8Array(size);
  }

  add(item: PackItem): void {
    this.#push(item.assign.task);
    this.#push(item.assign.attempt);
    this.#push(item.fn.number);
    this.#push(item.args.length);
    this.#push(this.#copy(item.args));
    this.#push(this.#end);
    this.#push(this.#writeKey(item.assign.key));
    this.#push(item.functions.length);
    for (const fn of item.functions) this.#push(fn.number);
    this.#push(item.inputs.length);
    for (const input of item.inputs) {
      const own = input instanceof Uint8Array;
      this.#push(own ? 0 : input.serial);
      this.#push(own ? IN_BATCH : input.segment);
      this.#push(own ? this.#copy(input) : input.offset);
      this.#push(own ? input.length : input.bytes);
    }
  }

  /** Returns its length in bytes. */
  #writeKey(key: string): number {
    const start = this.#end;
    const { bytes } = this;
    let length = 0;
    while (length < key.length) {
      const code = key.charCodeAt(length);
      if (code > 0x7f) {
        length = UTF8.encodeInto(key, bytes.subarray(start)).written;
        break;
      }
      bytes[start + length++] = code;
    }
    this.#end += aligned(length);
    return length;
  }

  #push(value: number): void {
    this.numbers[this.#at++] = value;
  }

  #copy(bytes: Uint8Array): number {
    const offset = this.#end;
    if (bytes.length > 0) this.bytes.set(bytes, offset);
    this.#end += aligned(bytes.length);
    return offset;
  }
}

/** Reads the items; `segments` are the arena's, by index. */
export function unpackItems(batch: Batch, segments: Segments): SlotItem[] {
  const { numbers } = batch;
  const items: SlotItem[] = [];
  let at = 0;
  const next = (): number => numbers[at++]!;
  const view = (segment: number, offset: number, length: number): Uint8Array => {
    if (segment === IN_BATCH) return new Uint8Array(batch.bytes.buffer, batch.bytes.byteOffset + offset, length);
    const memory = segments.get(segment);
    if (memory === undefined) throw new RangeError(`This slot was not given segment ${segment}.`);
    return new Uint8Array(memory, offset, length);
  };
  for (let index = 0; index < batch.count; index++) {
    const task = next();
    const attempt = next();
    const fn = next();
    const argsBytes = next();
    const args = view(IN_BATCH, next(), argsBytes);
    const keyStart = next();
    const keyBytes = next();
    const functions = take(next(), next);
    const inputs = take(next(), (): SlotInput => {
      const serial = next();
      const segment = next();
      const offset = next();
      return { serial, bytes: view(segment, offset, next()) };
    });
    items.push({ index, task, attempt, batch: batch.bytes, keyStart, keyBytes, fn, functions, args, inputs });
  }
  return items;
}

function take<T>(count: number, next: () => T): readonly T[] {
  if (count === 0) return EMPTY;
  const taken: T[] = [];
  for (let i = 0; i < count; i++) taken.push(next());
  return taken;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
