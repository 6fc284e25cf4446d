// `assign` by columns: the widest of the hot kinds, with lists of inputs that have lists of holders.

import type { PayloadSink, PayloadSource } from "../payload-store.ts";
import { hotFields } from "../validation/tables.ts";
import {
  type Assign,
  type Attempt,
  type FunctionId,
  type Holder,
  type Input,
  isolations,
  type TaskId,
  type WorkerId,
} from "../words/index.ts";
import {
  type Column,
  checkSizes,
  checkThere,
  IntColumn,
  PayloadColumn,
  readCounts,
  readInts,
  readPayloads,
  readTexts,
  TextColumn,
} from "./columns.ts";
import {
  ANY_COUNT,
  type Build,
  type Collector,
  type HotKind,
  ListColumn,
  ListTaker,
  none,
  payloadBytes,
  readLists,
  Taker,
  writeAll,
} from "./hot.ts";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

const { positive, natural, taskId } = hotFields.ids;
const { bytes: sizeField, millis, order: orderField } = hotFields.sizes;
const { name, key: keyField } = hotFields.texts;
const oneBit = { kind: "int", min: 0, max: 1 } as const;
const isolationField = { kind: "int", min: 0, max: isolations.length - 1 } as const;

class InputColumns implements Column {
  readonly #counts = new IntColumn();
  readonly #task = new IntColumn();
  readonly #bytes = new IntColumn();
  readonly #inline = new PayloadColumn();
  readonly #holderCounts = new IntColumn();
  readonly #worker = new IntColumn();
  readonly #address = new TextColumn();
  readonly #version = new IntColumn();
  readonly #all: readonly Column[] = [
    this.#counts,
    this.#task,
    this.#bytes,
    this.#inline,
    this.#holderCounts,
    this.#worker,
    this.#address,
    this.#version,
  ];

  /** Says about how many bytes it added. */
  push(inputs: readonly Input[], payloads: PayloadSource): number {
    let size = 0;
    this.#counts.push(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const one = inputs[i]!;
      this.#task.push(one.task);
      this.#bytes.push(one.bytes);
      size += 16 + this.#inline.push(one.inline, payloads);
      this.#holderCounts.push(one.holders.length);
      for (let j = 0; j < one.holders.length; j++) {
        const holder = one.holders[j]!;
        this.#worker.push(holder.worker);
        this.#address.push(holder.address);
        this.#version.push(holder.version);
        size += 16 + holder.address.length;
      }
    }
    return size;
  }

  write(out: WireWriter): void {
    writeAll(this.#all, out);
  }
}

class AssignColumns implements Collector<Assign> {
  readonly #task = new IntColumn();
  readonly #attempt = new IntColumn();
  readonly #key = new TextColumn();
  readonly #fn = new IntColumn();
  readonly #functions = new ListColumn();
  readonly #args = new PayloadColumn();
  readonly #inputs = new InputColumns();
  readonly #order = new IntColumn();
  readonly #timeoutMs = new IntColumn();
  readonly #cancelGraceMs = new IntColumn();
  readonly #isolation = new IntColumn();
  readonly #solo = new IntColumn();
  readonly #expectedUs = new IntColumn();
  readonly #gpu = new IntColumn();
  readonly #all: readonly Column[] = [
    this.#task,
    this.#attempt,
    this.#key,
    this.#fn,
    this.#functions,
    this.#args,
    this.#inputs,
    this.#order,
    this.#timeoutMs,
    this.#cancelGraceMs,
    this.#isolation,
    this.#solo,
    this.#expectedUs,
    this.#gpu,
  ];

  add(m: Assign, payloads: PayloadSource): number {
    const size = this.#args.push(m.args, payloads) + this.#inputs.push(m.inputs, payloads);
    this.#task.push(m.task);
    this.#attempt.push(m.attempt);
    this.#key.push(m.key);
    this.#fn.push(m.fn);
    this.#functions.push(m.functions);
    this.#order.push(m.order);
    this.#timeoutMs.push(m.timeoutMs);
    this.#cancelGraceMs.push(m.cancelGraceMs);
    this.#isolation.push(isolations.indexOf(m.isolation));
    this.#solo.push(m.solo ? 1 : 0);
    this.#expectedUs.push(m.expectedUs);
    this.#gpu.push(m.gpu);
    return 24 + size + m.key.length + 8 * m.functions.length;
  }

  write(out: WireWriter): void {
    writeAll(this.#all, out);
  }
}

/** All lists of inputs of the frame; called once per message, in order. */
type TakeInputs = () => readonly Input[];

function readInputs(reader: WireReader, count: number): (sink: PayloadSink) => TakeInputs {
  const { counts, total } = readCounts(reader, count, ANY_COUNT, "assign.inputs");
  const task = readInts(reader, total, taskId, "assign.inputs.task");
  const bytes = readInts(reader, total, sizeField, "assign.inputs.bytes");
  const inline = readPayloads(reader, total, "assign.inputs.inline");
  checkSizes(inline, bytes, "assign.inputs.inline");
  const holders = readCounts(reader, total, 10_000, "assign.inputs.holders");
  const worker = readInts(reader, holders.total, positive, "assign.inputs.holders.worker");
  const address = readTexts(reader, holders.total, name, "assign.inputs.holders.address");
  const version = readInts(reader, holders.total, natural, "assign.inputs.holders.version");
  if (total === 0) return withoutInputs;
  return (sink) => {
    const payloads = new Taker(inline, reader.frame, sink);
    let row = 0;
    let at = 0;
    let h = 0;
    const takeHolders = (many: number): readonly Holder[] => {
      if (many === 0) return none;
      const out: Holder[] = new Array(many);
      for (let i = 0; i < many; i++, h++) {
        out[i] = { worker: worker[h]! as WorkerId, address: address[h]!, version: version[h]! };
      }
      return out;
    };
    return () => {
      const many = counts[row++]!;
      if (many === 0) return none;
      const out: Input[] = new Array(many);
      for (let i = 0; i < many; i++, at++) {
        out[i] = {
          task: task[at]! as TaskId,
          bytes: bytes[at]!,
          inline: payloads.take(at),
          holders: takeHolders(holders.counts[at]!),
        };
      }
      return out;
    };
  };
}

const noInputs: TakeInputs = () => none;
const withoutInputs = (): TakeInputs => noInputs;

function readAssigns(reader: WireReader, count: number): Build<Assign> {
  const task = readInts(reader, count, taskId, "assign.task");
  const attempt = readInts(reader, count, positive, "assign.attempt");
  const key = readTexts(reader, count, keyField, "assign.key");
  const fn = readInts(reader, count, natural, "assign.fn");
  const functions = readLists(reader, count, ANY_COUNT, natural, "assign.functions");
  const args = readPayloads(reader, count, "assign.args");
  checkThere(args, "assign.args");
  const inputs = readInputs(reader, count);
  const order = readInts(reader, count, orderField, "assign.order");
  const timeoutMs = readInts(reader, count, millis, "assign.timeoutMs");
  const cancelGraceMs = readInts(reader, count, millis, "assign.cancelGraceMs");
  const isolation = readInts(reader, count, isolationField, "assign.isolation");
  const solo = readInts(reader, count, oneBit, "assign.solo");
  const expectedUs = readInts(reader, count, natural, "assign.expectedUs");
  const gpu = readInts(reader, count, natural, "assign.gpu");
  return (sink) => {
    const payloads = new Taker(args, reader.frame, sink);
    const functionLists = new ListTaker(functions.flat);
    const takeInputs = inputs(sink);
    const out: Assign[] = new Array(count);
    for (let i = 0; i < count; i++) {
      out[i] = {
        t: "assign",
        task: task[i]! as TaskId,
        attempt: attempt[i]! as Attempt,
        key: key[i]!,
        fn: fn[i]! as FunctionId,
        functions: functionLists.take(functions.counts[i]!),
        args: payloads.take(i),
        argsBytes: args.sizes[i]!,
        inputs: takeInputs(),
        order: order[i]!,
        timeoutMs: timeoutMs[i]!,
        cancelGraceMs: cancelGraceMs[i]!,
        isolation: isolations[isolation[i]!]!,
        solo: solo[i] === 1,
        expectedUs: expectedUs[i]!,
        gpu: gpu[i]!,
      };
    }
    return out;
  };
}

function payloadBytesOf({ args, inputs }: Assign, payloads: PayloadSource): number {
  let total = payloadBytes(args, payloads);
  for (let i = 0; i < inputs.length; i++) total += payloadBytes(inputs[i]!.inline, payloads);
  return total;
}

export const assignKind: HotKind<Assign> = {
  payloadBytes: payloadBytesOf,
  collector: () => new AssignColumns(),
  read: readAssigns,
};
