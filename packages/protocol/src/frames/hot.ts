// The hot kinds, by columns. Each has a class that collects messages into columns, and a function that reads them back: plain,
// long, and with one literal per message, so that every message of a kind has the same shape.
//
// Reading has two steps: first all columns are read and checked, then (nothing can fail any more) the messages are built
// and their payloads put into the sink.

import type { PayloadSink, PayloadSource } from "../payload-store.ts";
import type { IntField } from "../validation/fields.ts";
import { hotFields } from "../validation/tables.ts";
import type { Attempt, Done, Drop, Finished, Release, Started, Submit, TaskId, TaskNumber } from "../words/index.ts";
import { NO_PAYLOAD, type PayloadRef } from "../words/index.ts";
import {
  type Column,
  checkSizes,
  checkThere,
  IntColumn,
  PayloadColumn,
  type PayloadSlices,
  readCounts,
  readInts,
  readNullableTexts,
  readPayloads,
  TextColumn,
} from "./columns.ts";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Collects messages of one kind. */
export interface Collector<M> {
  /** Copies what it needs; says about how many bytes it added to the frame. */
  add(message: M, payloads: PayloadSource): number;
  /** Appends the columns to the frame, and empties them. */
  write(out: WireWriter): void;
}

export type Build<M> = (sink: PayloadSink) => M[];

export interface HotKind<M> {
  /** Bytes of the payloads that the message refers to. */
  readonly payloadBytes: (message: M, payloads: PayloadSource) => number;
  readonly collector: () => Collector<M>;
  readonly read: (reader: WireReader, count: number) => Build<M>;
}

const positive = hotFields.ids.positive;
const natural = hotFields.ids.natural;
const taskId = hotFields.ids.taskId;
const sizeField = hotFields.sizes.bytes;
const name = hotFields.texts.name;
const hash = hotFields.texts.hash;
/** Shared by all messages without: most have none. */
export const none: readonly never[] = Object.freeze([]);

export function payloadBytes(ref: PayloadRef, payloads: PayloadSource): number {
  return ref === NO_PAYLOAD ? 0 : payloads.sizeOf(ref);
}

function noPayload(): number {
  return 0;
}

export function writeAll(columns: readonly Column[], out: WireWriter): void {
  for (let i = 0; i < columns.length; i++) columns[i]!.write(out);
}

/** Hands out a column's payloads, in order. */
export class Taker {
  readonly #sizes: number[];
  readonly #frame: Buffer;
  readonly #sink: PayloadSink;
  #at: number;

  constructor(slices: PayloadSlices, frame: Buffer, sink: PayloadSink) {
    this.#sizes = slices.sizes;
    this.#at = slices.start;
    this.#frame = frame;
    this.#sink = sink;
  }

  take(i: number): PayloadRef {
    const size = this.#sizes[i]!;
    if (size < 0) return NO_PAYLOAD;
    const start = this.#at;
    this.#at = start + size;
    return this.#sink.putSlice(this.#frame, start, start + size);
  }
}

/** Hands out lists of integers from one flat column, in order. */
export class ListTaker {
  readonly #flat: number[];
  #at = 0;
  constructor(flat: number[]) {
    this.#flat = flat;
  }

  take<T>(count: number): readonly T[] {
    if (count === 0) return none;
    const start = this.#at;
    this.#at = start + count;
    return this.#flat.slice(start, this.#at) as T[];
  }
}

/** Lists of integers: their lengths, and all elements. */
export class ListColumn implements Column {
  readonly #counts: IntColumn = new IntColumn();
  readonly #flat: IntColumn = new IntColumn();

  push(list: readonly number[]): void {
    this.#counts.push(list.length);
    for (let i = 0; i < list.length; i++) this.#flat.push(list[i]!);
  }

  write(out: WireWriter): void {
    this.#counts.write(out);
    this.#flat.write(out);
  }
}

export interface Lists {
  readonly counts: number[];
  readonly flat: number[];
}

export function readLists(reader: WireReader, count: number, max: number, field: IntField, at: string): Lists {
  const { counts, total } = readCounts(reader, count, max, at);
  return { counts, flat: readInts(reader, total, field, at) };
}

/** Longest list that a frame can hold; the reader's budget of elements bounds them all together. */
export const ANY_COUNT = 0x7fffffff;

class SubmitColumns implements Collector<Submit> {
  readonly #n = new IntColumn();
  readonly #fn = new IntColumn();
  readonly #functions = new ListColumn();
  readonly #args = new PayloadColumn();
  readonly #deps = new ListColumn();
  readonly #options = new IntColumn();
  readonly #run = new IntColumn();
  readonly #key = new TextColumn();
  readonly #fingerprint = new TextColumn();
  readonly #all: readonly Column[] = [
    this.#n,
    this.#fn,
    this.#functions,
    this.#args,
    this.#deps,
    this.#options,
    this.#run,
    this.#key,
    this.#fingerprint,
  ];

  add(m: Submit, payloads: PayloadSource): number {
    const size = this.#args.push(m.args, payloads);
    this.#n.push(m.n);
    this.#fn.push(m.fn);
    this.#functions.push(m.functions);
    this.#deps.push(m.deps);
    this.#options.push(m.options);
    this.#run.push(m.run);
    this.#key.push(m.key);
    this.#fingerprint.push(m.fingerprint);
    const texts = (m.key?.length ?? 0) + (m.fingerprint?.length ?? 0);
    return 16 + size + 3 * texts + 8 * (m.functions.length + m.deps.length);
  }

  write(out: WireWriter): void {
    writeAll(this.#all, out);
  }
}

function readSubmits(reader: WireReader, count: number): Build<Submit> {
  const n = readInts(reader, count, positive, "submit.n");
  const fn = readInts(reader, count, positive, "submit.fn");
  const functions = readLists(reader, count, ANY_COUNT, positive, "submit.functions");
  const args = readPayloads(reader, count, "submit.args");
  checkThere(args, "submit.args");
  const deps = readLists(reader, count, ANY_COUNT, positive, "submit.deps");
  const options = readInts(reader, count, natural, "submit.options");
  const run = readInts(reader, count, natural, "submit.run");
  const key = readNullableTexts(reader, count, name, "submit.key");
  const fingerprint = readNullableTexts(reader, count, hash, "submit.fingerprint");
  return (sink) => {
    const payloads = new Taker(args, reader.frame, sink);
    const functionLists = new ListTaker(functions.flat);
    const depLists = new ListTaker(deps.flat);
    const out: Submit[] = new Array(count);
    for (let i = 0; i < count; i++) {
      out[i] = {
        t: "submit",
        n: n[i]! as TaskNumber,
        fn: fn[i]! as Submit["fn"],
        functions: functionLists.take(functions.counts[i]!),
        args: payloads.take(i),
        argsBytes: args.sizes[i]!,
        deps: depLists.take(deps.counts[i]!),
        options: options[i]! as Submit["options"],
        run: run[i]! as Submit["run"],
        key: key[i]!,
        fingerprint: fingerprint[i]!,
      };
    }
    return out;
  };
}

class FinishedColumns implements Collector<Finished> {
  readonly #task = new IntColumn();
  readonly #attempt = new IntColumn();
  readonly #bytes = new IntColumn();
  readonly #result = new PayloadColumn();
  readonly #version = new IntColumn();
  readonly #duration = new IntColumn();
  readonly #all: readonly Column[] = [
    this.#task,
    this.#attempt,
    this.#bytes,
    this.#result,
    this.#version,
    this.#duration,
  ];

  add(m: Finished, payloads: PayloadSource): number {
    const size = this.#result.push(m.result, payloads);
    this.#task.push(m.task);
    this.#attempt.push(m.attempt);
    this.#bytes.push(m.bytes);
    this.#version.push(m.version);
    this.#duration.push(m.durationUs);
    return 16 + size;
  }

  write(out: WireWriter): void {
    writeAll(this.#all, out);
  }
}

function readFinished(reader: WireReader, count: number): Build<Finished> {
  const task = readInts(reader, count, taskId, "finished.task");
  const attempt = readInts(reader, count, positive, "finished.attempt");
  const bytes = readInts(reader, count, sizeField, "finished.bytes");
  const result = readPayloads(reader, count, "finished.result");
  checkSizes(result, bytes, "finished.result");
  const version = readInts(reader, count, natural, "finished.version");
  const durationUs = readInts(reader, count, natural, "finished.durationUs");
  return (sink) => {
    const payloads = new Taker(result, reader.frame, sink);
    const out: Finished[] = new Array(count);
    for (let i = 0; i < count; i++) {
      out[i] = {
        t: "finished",
        task: task[i]! as TaskId,
        attempt: attempt[i]! as Attempt,
        bytes: bytes[i]!,
        result: payloads.take(i),
        version: version[i]!,
        durationUs: durationUs[i]!,
      };
    }
    return out;
  };
}

class DoneColumns implements Collector<Done> {
  readonly #n = new IntColumn();
  readonly #bytes = new IntColumn();
  readonly #result = new PayloadColumn();

  add(m: Done, payloads: PayloadSource): number {
    const size = this.#result.push(m.result, payloads);
    this.#n.push(m.n);
    this.#bytes.push(m.bytes);
    return 8 + size;
  }

  write(out: WireWriter): void {
    this.#n.write(out);
    this.#bytes.write(out);
    this.#result.write(out);
  }
}

function readDone(reader: WireReader, count: number): Build<Done> {
  const n = readInts(reader, count, positive, "done.n");
  const bytes = readInts(reader, count, sizeField, "done.bytes");
  const result = readPayloads(reader, count, "done.result");
  checkSizes(result, bytes, "done.result");
  return (sink) => {
    const payloads = new Taker(result, reader.frame, sink);
    const out: Done[] = new Array(count);
    for (let i = 0; i < count; i++) {
      out[i] = { t: "done", n: n[i]! as TaskNumber, bytes: bytes[i]!, result: payloads.take(i) };
    }
    return out;
  };
}

/** Kinds whose fields are all integers of one or two names. */
class PlainColumns<M> implements Collector<M> {
  readonly #columns: readonly IntColumn[];
  readonly #push: (message: M, columns: readonly IntColumn[]) => void;

  constructor(width: number, push: (message: M, columns: readonly IntColumn[]) => void) {
    this.#columns = Array.from({ length: width }, () => new IntColumn());
    this.#push = push;
  }

  add(m: M): number {
    this.#push(m, this.#columns);
    return 8;
  }

  write(out: WireWriter): void {
    writeAll(this.#columns, out);
  }
}

export const submitKind: HotKind<Submit> = {
  payloadBytes: ({ args }, payloads) => payloadBytes(args, payloads),
  collector: () => new SubmitColumns(),
  read: readSubmits,
};
export const finishedKind: HotKind<Finished> = {
  payloadBytes: ({ result }, payloads) => payloadBytes(result, payloads),
  collector: () => new FinishedColumns(),
  read: readFinished,
};
export const doneKind: HotKind<Done> = {
  payloadBytes: ({ result }, payloads) => payloadBytes(result, payloads),
  collector: () => new DoneColumns(),
  read: readDone,
};

export const releaseKind: HotKind<Release> = {
  payloadBytes: noPayload,
  collector: () => new PlainColumns<Release>(1, (m, columns) => columns[0]!.push(m.n)),
  read(reader, count) {
    const n = readInts(reader, count, positive, "release.n");
    return () => n.map((value) => ({ t: "release", n: value as TaskNumber }));
  },
};

export const dropKind: HotKind<Drop> = {
  payloadBytes: noPayload,
  collector: () => new PlainColumns<Drop>(1, (m, columns) => columns[0]!.push(m.task)),
  read(reader, count) {
    const task = readInts(reader, count, taskId, "drop.task");
    return () => task.map((value) => ({ t: "drop", task: value as TaskId }));
  },
};

export const startedKind: HotKind<Started> = {
  payloadBytes: noPayload,
  collector: () =>
    new PlainColumns<Started>(2, (m, columns) => {
      columns[0]!.push(m.task);
      columns[1]!.push(m.attempt);
    }),
  read(reader, count) {
    const task = readInts(reader, count, taskId, "started.task");
    const attempt = readInts(reader, count, positive, "started.attempt");
    return () => task.map((value, i) => ({ t: "started", task: value as TaskId, attempt: attempt[i]! as Attempt }));
  },
};
