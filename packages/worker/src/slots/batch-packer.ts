// The main thread's end of a batch: items become columns of numbers and one stretch of bytes (slot/batch.ts).
import { NO_PAYLOAD, type PayloadRef, type PayloadSource } from "@taskflock/protocol";
import { type Batch, FROM_ITEM, IN_BATCH, type StoredInput } from "../slot/batch.ts";

/** An input that is the result of an item before it in the batch. */
export interface LinkedInput {
  readonly item: number;
}

/** What stands for an input's bytes: a payload, a place in the arena, or another item. */
export type PackInput = PayloadRef | StoredInput | LinkedInput;

/** One item to be packed. Bytes that come along are named by their payload. */
export interface PackItem {
  readonly assign: {
    readonly task: number;
    readonly attempt: number;
    readonly key: string;
    readonly args: PayloadRef;
  };
  /** The worker's own numbers of functions (function-library.ts): the task's, and those inside its arguments. */
  readonly fn: { readonly number: number };
  readonly functions: readonly { readonly number: number }[];
}

/** The codec decodes without copying where a value begins at a multiple of this. */
const ALIGNMENT = 8;
/** Bytes of UTF-8 that a character of a string takes at most. */
const MAX_UTF8 = 3;
const UTF8 = new TextEncoder();
/** Numbers of an item, besides those of its functions and inputs. */
const COLUMNS = 9;
const INPUT_COLUMNS = 4;
const FIRST_COLUMNS = 4096;
const FIRST_BYTES = 64 * 1024;
const SHORT_BYTES = 128;
/** Scratch memory beyond this is not kept: one huge argument is not to hold its room for good. */
const MOST_KEPT_BYTES = 4 * 1024 * 1024;

/** Packs batches. Its own memory is used again for each, so that one costs a single copy of what is needed. */
export class BatchPacker {
  readonly #payloads: PayloadSource;
  #numbers: Float64Array = new Float64Array(FIRST_COLUMNS);
  #numberBytes: Uint8Array = new Uint8Array(this.#numbers.buffer);
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #columns = 0;
  #end = 0;
  #count = 0;

  constructor(payloads: PayloadSource) {
    this.#payloads = payloads;
  }

  add(item: PackItem, inputs: readonly PackInput[]): void {
    const { assign, fn, functions } = item;
    this.#room(COLUMNS + functions.length + inputs.length * INPUT_COLUMNS);
    this.#push(assign.task);
    this.#push(assign.attempt);
    this.#push(fn.number);
    this.#copy(assign.args);
    this.#writeKey(assign.key);
    this.#push(functions.length);
    for (let i = 0; i < functions.length; i++) this.#push(functions[i]!.number);
    this.#push(inputs.length);
    for (let i = 0; i < inputs.length; i++) this.#addInput(inputs[i]!);
    this.#count++;
  }

  /** What was added, and begins anew. Byte offsets count from the end of the columns. */
  take(inlineLimitBytes: number, outbox: 0 | 1 = 0): Batch {
    const columns = this.#columns;
    const memory = new ArrayBuffer(columns * 8 + this.#end);
    const packed = new Uint8Array(memory);
    copyFirst(this.#numberBytes, columns * 8, packed, 0);
    copyFirst(this.#bytes, this.#end, packed, columns * 8);
    const batch = { outbox, count: this.#count, inlineLimitBytes, memory, columns };
    this.#columns = 0;
    this.#end = 0;
    this.#count = 0;
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
    return batch;
  }

  #addInput(input: PackInput): void {
    if (typeof input === "number") {
      this.#push(0);
      this.#push(IN_BATCH);
      this.#copy(input);
    } else if ("item" in input) this.#four(0, FROM_ITEM, input.item, 0);
    else this.#four(input.serial, input.segment, input.offset, input.bytes);
  }

  #four(serial: number, segment: number, offset: number, bytes: number): void {
    this.#push(serial);
    this.#push(segment);
    this.#push(offset);
    this.#push(bytes);
  }

  /** Two columns: where the bytes are, and how many. */
  #copy(payload: PayloadRef): void {
    const offset = this.#end;
    const length = payload === NO_PAYLOAD ? 0 : this.#payloads.sizeOf(payload);
    this.#push(offset);
    this.#push(length);
    if (length === 0) return;
    this.#need(length);
    this.#payloads.copyInto(payload, this.#bytes, offset);
    this.#end += aligned(length);
  }

  /** Two columns, as for other bytes. */
  #writeKey(key: string): void {
    const start = this.#end;
    this.#need(key.length * MAX_UTF8);
    const bytes = this.#bytes;
    let length = 0;
    while (length < key.length) {
      const code = key.charCodeAt(length);
      if (code > 0x7f) {
        length = UTF8.encodeInto(key, bytes.subarray(start)).written;
        break;
      }
      bytes[start + length++] = code;
    }
    this.#push(start);
    this.#push(length);
    this.#end += aligned(length);
  }

  #push(value: number): void {
    this.#numbers[this.#columns++] = value;
  }

  #room(columns: number): void {
    const wanted = this.#columns + columns;
    if (wanted <= this.#numbers.length) return;
    const grown = new Float64Array(Math.max(wanted, this.#numbers.length * 2));
    grown.set(this.#numbers);
    this.#numbers = grown;
    this.#numberBytes = new Uint8Array(grown.buffer);
  }

  #need(length: number): void {
    const wanted = this.#end + aligned(length);
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** A view of few bytes costs more than they do. */
function copyFirst(source: Uint8Array, length: number, target: Uint8Array, at: number): void {
  if (length > SHORT_BYTES) target.set(source.subarray(0, length), at);
  else for (let i = 0; i < length; i++) target[at + i] = source[i]!;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
