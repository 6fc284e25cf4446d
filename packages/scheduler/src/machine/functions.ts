// Functions, one per hash of their code while anybody uses it.

import type { DefineFunction, FunctionId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { Durations } from "./durations.ts";
import type { Definition, FunctionRecord, Session } from "./records.ts";
import { STATE_COUNT } from "./states.ts";
import type { Worker } from "./worker-record.ts";

export function defineFunction(core: Core, session: Session, message: DefineFunction): void {
  const known = core.functions.get(message.hash);
  const record = known ?? newFunction(core, message);
  if (known !== undefined) core.port.free(message.code);
  record.uses++;
  const before = session.functions.get(message.fn);
  session.functions.set(message.fn, { name: message.name, record });
  if (before !== undefined) unuseFunction(core, before.record);
}

export function useFunctions(own: Definition, nested: readonly Definition[]): void {
  own.record.uses++;
  if (nested.length > 0) for (const { record } of nested) record.uses++;
}

export function unuseFunction(core: Core, record: FunctionRecord): void {
  record.uses--;
  if (record.uses > 0) return;
  core.functions.delete(record.hash);
  core.functionsById.delete(record.id);
  core.spans.nameStays(record);
  for (const worker of core.workers.values()) {
    if (worker.functions.delete(record)) core.send(worker, { t: "forgetFunction", fn: record.id });
  }
  core.port.free(record.code);
}

/** Sends the function if the worker does not have it yet. */
export function ensureFunction(core: Core, worker: Worker, record: FunctionRecord): void {
  if (worker.functions.has(record)) return;
  worker.functions.add(record);
  const { id, hash, name, code, codeBytes } = record;
  core.send(worker, { t: "function", fn: id, hash, name, code, codeBytes });
}

/** Moving averages that follow quickly: one slow first call must not hold the supply back for long. */
export function measure(record: FunctionRecord, durationUs: number, travelUs: number): void {
  const sample = Math.max(1, durationUs);
  const share = record.durationUs === 0 ? 1 : 1 / 4;
  record.durationUs += (sample - record.durationUs) * share;
  record.travelUs += (travelUs - record.travelUs) * share;
  record.calls++;
  record.spentUs += sample;
  record.durations.add(sample);
  record.expectedUs = Math.max(1, Math.round(record.durationUs));
}

function newFunction(core: Core, message: DefineFunction): FunctionRecord {
  const id = (core.lastFunction + 1) as FunctionId;
  core.lastFunction = id;
  const { hash, name, code, codeBytes } = message;
  const record: FunctionRecord = {
    id,
    hash,
    name,
    code,
    codeBytes,
    uses: 0,
    durationUs: 0,
    calls: 0,
    spentUs: 0,
    travelUs: 0,
    expectedUs: 0,
    durations: new Durations(),
    counts: new Array<number>(STATE_COUNT).fill(0),
    ...{ done: 0, failed: 0, cancelled: 0, lastEnded: 0 },
  };
  core.functions.set(hash, record);
  core.functionsById.set(id, record);
  return record;
}
