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

/** What a slot needs for batches from now on, besides the batches themselves. */
export interface Supplies {
  /** The worker's name. */
  readonly worker: string;
  /** Functions that the slot has not seen. */
  readonly functions: readonly SentFunction[];
  /** Functions that nothing uses any more. */
  readonly forget: readonly number[];
  /** Segments that the slot has not seen; a process slot gets a copy. */
  readonly segments: readonly { readonly index: number; readonly memory: SharedArrayBuffer | Uint8Array }[];
  /** Segments that a process slot is to let go. */
  readonly drop: readonly number[];
}

export interface Batch {
  /** Which of a thread's outboxes takes its outcomes. */
  readonly outbox: 0 | 1;
  readonly count: number;
  readonly inlineLimitBytes: number;
  /** `columns` numbers (float64), then bytes. */
  readonly memory: ArrayBuffer;
  readonly columns: number;
}

/** A slot's segments by index. */
export type Segments = ReadonlyMap<number, ArrayBufferLike>;

/** One item as the slot reads it. */
export interface SlotItem {
  readonly index: number;
  readonly task: number;
  readonly attempt: number;
  /** Where the key, in UTF-8, and the arguments lie: few tasks ask for their key, and views of tiny arguments would cost more than they. */
  readonly batch: Uint8Array;
  readonly keyStart: number;
  readonly keyBytes: number;
  readonly fn: number;
  readonly functions: readonly number[];
  readonly argsStart: number;
  readonly argsEnd: number;
  readonly inputs: readonly SlotInput[];
  /** Items behind it need its result. */
  handsOn: boolean;
}

export interface SlotInput {
  /** 0 for bytes that are the item's own. */
  readonly serial: number;
  bytes: Uint8Array;
  /** How many bytes are in the file that is named by the serial; -1: `bytes` are there. */
  filed: number;
  /** Place in the batch of the item whose result it is, else -1. */
  readonly from: number;
}

export function keyOf(item: SlotItem): string {
  return Buffer.from(item.batch.subarray(item.keyStart, item.keyStart + item.keyBytes)).toString();
}

/** In the place of a segment's number: the input's bytes lie in the batch. */
export const IN_BATCH = -1;
/** In the place of a segment's number: the input is the result of the item whose place stands for the offset. */
export const FROM_ITEM = -2;
/** In the place of a segment's number: the bytes are in the file that is named by their serial. */
export const IN_FILE = -3;
const EMPTY: readonly never[] = [];
const NO_BYTES = new Uint8Array(0);

/** Reads the items; `segments` are the arena's, by index. */
export function unpackItems(batch: Batch, segments: Segments): SlotItem[] {
  const { memory, columns, count } = batch;
  const numbers = new Float64Array(memory, 0, columns);
  const base = columns * 8;
  const bytes = new Uint8Array(memory);
  const items: SlotItem[] = new Array(count);
  let at = 0;
  // Plainer and longer than the rest: this loop carries tiny tasks.
  for (let index = 0; index < count; index++) {
    const task = numbers[at++]!;
    const attempt = numbers[at++]!;
    const fn = numbers[at++]!;
    const argsStart = base + numbers[at++]!;
    const argsEnd = argsStart + numbers[at++]!;
    const keyStart = base + numbers[at++]!;
    const keyBytes = numbers[at++]!;
    const functionCount = numbers[at++]!;
    const functions = functionCount === 0 ? EMPTY : [...numbers.subarray(at, at + functionCount)];
    at += functionCount;
    const inputCount = numbers[at++]!;
    const inputs = inputCount === 0 ? EMPTY : readInputs(numbers, at, inputCount, batch, segments);
    at += inputCount * 4;
    items[index] = {
      index,
      task,
      attempt,
      batch: bytes,
      keyStart,
      keyBytes,
      fn,
      functions,
      argsStart,
      argsEnd,
      inputs,
      handsOn: false,
    };
    for (let i = 0; i < inputCount; i++) if (inputs[i]!.from >= 0) items[inputs[i]!.from]!.handsOn = true;
  }
  return items;
}

function readInputs(
  numbers: Float64Array,
  from: number,
  count: number,
  { memory, columns }: Batch,
  segments: Segments,
): SlotInput[] {
  const inputs: SlotInput[] = [];
  for (let at = from; at < from + count * 4; at += 4) {
    const serial = numbers[at]!;
    const segment = numbers[at + 1]!;
    const offset = numbers[at + 2]!;
    const length = numbers[at + 3]!;
    if (segment === IN_BATCH) {
      inputs.push({ serial, bytes: new Uint8Array(memory, columns * 8 + offset, length), filed: -1, from: -1 });
      continue;
    }
    if (segment === FROM_ITEM) {
      inputs.push({ serial, bytes: NO_BYTES, filed: -1, from: offset });
      continue;
    }
    if (segment === IN_FILE) {
      inputs.push({ serial, bytes: NO_BYTES, filed: length, from: -1 });
      continue;
    }
    const shared = segments.get(segment);
    if (shared === undefined) throw new RangeError(`This slot was not given segment ${segment}.`);
    inputs.push({ serial, bytes: new Uint8Array(shared, offset, length), filed: -1, from: -1 });
  }
  return inputs;
}
