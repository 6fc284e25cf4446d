// Where a slot leaves outcomes: shared memory for a thread, so that nothing that was finished is lost when the thread is
// ended, and so that a batch of tiny tasks costs one message. One record per outcome:
//   index in the batch, kind, bytes (two halves), duration in µs (two halves), each an int32; then a payload padded to 8 bytes.
// Integers in halves, because the engine makes an object of every float64 that it reads.
import { encodeInto } from "@taskflock/protocol/code";

export const OUTCOME = {
  /** The payload is the encoded result, `bytes` long. */
  small: 0,
  /** The result lies in the arena, `bytes` long; no payload. */
  stored: 1,
  /** The payload is an encoded failure (failure.ts), `bytes` long. */
  failed: 2,
  /** It was not run, because an item that makes one of its inputs gave no result to hand on; no payload. */
  returned: 3,
  /** It was not run, because an input cannot be read any more: which one stands for `bytes`; no payload. */
  spoiled: 4,
} as const;

/** Holds during the call that it is given to; the next one may be told in the same object. */
export interface OutcomeRecord {
  index: number;
  kind: number;
  bytes: number;
  durationUs: number;
  /** Where the payload lies. */
  readonly source: Uint8Array;
  start: number;
  end: number;
}

/** A view over the outbox: copy what is kept. */
export function payloadOf({ source, start, end }: OutcomeRecord): Uint8Array {
  return source.subarray(start, end);
}

const OUTBOX_BYTES = 1024 * 1024;
const HEADER_BYTES = 24;
const HALF = 2 ** 30;
/** A refusal says `result.x is …`. */
export const RESULT_OPTIONS = { path: "result" } as const;
/**
 * Places in the control array: items begun, bytes of whole records, 1 + the item that asked for its AbortSignal last; then one per item
 * that says not to begin it.
 */
const BEGUN = 0;
const END = 1;
const HEEDING = 2;
const SKIPS = 3;
/** Items of one batch that can be taken back before they begin. */
const MAX_SKIPS = 1024;
const CONTROL_FIELDS: number = SKIPS + MAX_SKIPS;

/** The memory of an outbox, given to a thread at its start. */
export interface OutboxMemory {
  readonly control: Int32Array;
  readonly bytes: Uint8Array;
}

/** Of threads that have ended. V8 neither counts nor frees shared memory in time, and actors' threads come and go. */
const spare: OutboxMemory[] = [];

/** Nobody reads or writes it any more. */
export function reuseOutboxMemory(memory: OutboxMemory): void {
  spare.push(memory);
}

export function sharedOutboxMemory(): OutboxMemory {
  const used = spare.pop();
  if (used !== undefined) {
    used.control.fill(0);
    return used;
  }
  return {
    control: new Int32Array(new SharedArrayBuffer(CONTROL_FIELDS * Int32Array.BYTES_PER_ELEMENT)),
    bytes: new Uint8Array(new SharedArrayBuffer(OUTBOX_BYTES)),
  };
}

export function privateOutboxMemory(): OutboxMemory {
  return { control: new Int32Array(CONTROL_FIELDS), bytes: new Uint8Array(OUTBOX_BYTES) };
}

/** The slot's end. */
export class OutboxWriter {
  readonly #memory: OutboxMemory;
  readonly #view: DataView;
  #end = 0;
  #lastStart = 0;
  #lastLength = 0;
  /** Takes records that do not fit any more; the bytes are its own. */
  readonly #overflow: (records: Uint8Array) => void;

  constructor(memory: OutboxMemory, overflow: (records: Uint8Array) => void) {
    this.#memory = memory;
    this.#overflow = overflow;
    this.#view = viewOf(memory.bytes);
  }

  /** A new batch begins; the reader has taken all there was, and cleared the control array. */
  reset(): void {
    this.#end = 0;
  }

  /** Marks the item as begun; false when it was taken back before. */
  begin(index: number): boolean {
    Atomics.store(this.#memory.control, BEGUN, index + 1);
    return index >= MAX_SKIPS || Atomics.load(this.#memory.control, SKIPS + index) === 0;
  }

  /** The item listens to its AbortSignal. */
  heed(index: number): void {
    Atomics.store(this.#memory.control, HEEDING, index + 1);
  }

  /** Encodes a result straight into the outbox; false when it takes more than `limitBytes`, or more than is left. */
  writeSmall(index: number, value: unknown, limitBytes: number, durationUs: number): boolean {
    const { bytes } = this.#memory;
    const start = this.#end + HEADER_BYTES;
    if (start >= bytes.length) return false;
    const length = encodeInto(value, bytes, start, RESULT_OPTIONS, start + limitBytes);
    if (length < 0) return false;
    this.#lastStart = start;
    this.#lastLength = length;
    this.#publish(index, OUTCOME.small, length, length, durationUs);
    return true;
  }

  /** A copy of the payload that was written last by `writeSmall`. */
  lastPayload(): Uint8Array {
    return this.#memory.bytes.slice(this.#lastStart, this.#lastStart + this.#lastLength);
  }

  write(index: number, kind: number, bytes: number, durationUs: number, payload: Uint8Array | null): void {
    const length = payload?.length ?? 0;
    const end = this.#end + recordBytes(length);
    if (end > this.#memory.bytes.length) {
      this.#overflow(singleRecord(index, kind, bytes, durationUs, payload));
      return;
    }
    if (payload !== null) this.#memory.bytes.set(payload, this.#end + HEADER_BYTES);
    this.#publish(index, kind, bytes, length, durationUs);
  }

  /** A copy of all records, which are forgotten here. For slots that share no memory. */
  drain(): Uint8Array<ArrayBuffer> {
    const records = this.#memory.bytes.slice(0, this.#end) as Uint8Array<ArrayBuffer>;
    this.#end = 0;
    return records;
  }

  #publish(index: number, kind: number, bytes: number, length: number, durationUs: number): void {
    writeHeader(this.#view, this.#end, index, kind, bytes, durationUs);
    this.#end += recordBytes(length);
    Atomics.store(this.#memory.control, END, this.#end);
  }
}

/** The main thread's end. */
export class OutboxReader {
  readonly #memory: OutboxMemory;
  readonly #view: DataView;
  #position = 0;

  constructor(memory: OutboxMemory) {
    this.#memory = memory;
    this.#view = viewOf(memory.bytes);
  }

  /** Index of the item that was begun last, or -1. */
  get begun(): number {
    return Atomics.load(this.#memory.control, BEGUN) - 1;
  }

  /** Index of the item that asked for its AbortSignal last, or -1. */
  get heeding(): number {
    return Atomics.load(this.#memory.control, HEEDING) - 1;
  }

  /** Before a batch is given to the slot. */
  reset(): void {
    this.#position = 0;
    this.#memory.control.fill(0);
  }

  /** The item does not begin any more, unless it has. */
  skip(index: number): void {
    if (index < MAX_SKIPS) Atomics.store(this.#memory.control, SKIPS + index, 1);
  }

  /** Records that were written since the last call; false when there are none. */
  read(take: (record: OutcomeRecord) => void): boolean {
    const end = Atomics.load(this.#memory.control, END);
    if (end <= this.#position) return false;
    const from = this.#position;
    this.#position = end;
    readBetween(this.#memory.bytes, this.#view, from, end, take);
    return true;
  }
}

export function readRecords(bytes: Uint8Array, take: (record: OutcomeRecord) => void): void {
  readBetween(bytes, viewOf(bytes), 0, bytes.length, take);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function readBetween(
  source: Uint8Array,
  view: DataView,
  from: number,
  end: number,
  take: (record: OutcomeRecord) => void,
): void {
  const record: OutcomeRecord = { index: 0, kind: 0, bytes: 0, durationUs: 0, source, start: 0, end: 0 };
  let at = from;
  while (at < end) {
    record.index = view.getInt32(at, true);
    record.kind = view.getInt32(at + 4, true);
    record.bytes = readHalves(view, at + 8);
    record.durationUs = readHalves(view, at + 16);
    const length = record.kind === OUTCOME.small || record.kind === OUTCOME.failed ? record.bytes : 0;
    record.start = at + HEADER_BYTES;
    record.end = record.start + length;
    at += recordBytes(length);
    take(record);
  }
}

function readHalves(view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true);
  const low = view.getInt32(at, true);
  return high === 0 ? low : high * HALF + low;
}

function writeHalves(view: DataView, at: number, value: number): void {
  view.setInt32(at, value % HALF, true);
  view.setInt32(at + 4, value < HALF ? 0 : Math.floor(value / HALF), true);
}

function singleRecord(
  index: number,
  kind: number,
  bytes: number,
  durationUs: number,
  payload: Uint8Array | null,
): Uint8Array {
  const record = new Uint8Array(recordBytes(payload?.length ?? 0));
  writeHeader(new DataView(record.buffer), 0, index, kind, bytes, durationUs);
  if (payload !== null) record.set(payload, HEADER_BYTES);
  return record;
}

function writeHeader(view: DataView, at: number, index: number, kind: number, bytes: number, durationUs: number): void {
  view.setInt32(at, index, true);
  view.setInt32(at + 4, kind, true);
  writeHalves(view, at + 8, bytes);
  writeHalves(view, at + 16, durationUs);
}

function recordBytes(length: number): number {
  return HEADER_BYTES + Math.ceil(length / 8) * 8;
}
