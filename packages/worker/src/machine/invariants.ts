// What must hold after every step. Called by tests and the simulation, never in production.

import type { WorkerId } from "@taskflock/protocol/words";
import { willBeMade } from "./data.ts";
import { checkDevices } from "./devices.ts";
import { checkEquipment } from "./equipment.ts";
import type { Datum, TaskRecord } from "./records.ts";
import {
  BATCHED,
  DOOMED,
  GONE,
  isFree,
  isHere,
  itemsOf,
  READY,
  RUNNING,
  STOPPING,
  stateNames,
  WAITING,
} from "./records.ts";
import type { WorkerState } from "./state.ts";
import { broken } from "./state.ts";

export function checkTouched(s: WorkerState): void {
  for (const task of s.touched) checkTask(s, task);
}

export function checkEverything(s: WorkerState): void {
  const counts = new Array<number>(stateNames.length).fill(0);
  const leases = new Map<Datum, number>();
  for (const task of everyTask(s)) {
    checkTask(s, task);
    counts[task.state] = (counts[task.state] as number) + 1;
    for (const datum of task.inputs) if (datum !== null) leases.set(datum, (leases.get(datum) ?? 0) + 1);
  }
  for (const [state, count] of counts.entries()) {
    expect(s, 0, s.counts[state] === count, `${s.counts[state]} counted ${stateNames[state]}, ${count} found`);
  }
  let fetching = 0;
  let fetchingBytes = 0;
  const from = new Map<number, number>();
  for (const datum of s.data.values()) {
    checkDatum(s, datum, leases.get(datum) ?? 0);
    if (datum.state !== "fetching") continue;
    const holder = datum.holders[0]?.worker ?? 0;
    fetching++;
    fetchingBytes += datum.bytes;
    from.set(holder, (from.get(holder) ?? 0) + 1);
  }
  expect(s, 0, s.fetching === fetching, `${s.fetching} fetches counted, ${fetching} found`);
  expect(s, 0, fetching <= s.config.maxFetches, `${fetching} fetches at once`);
  expect(s, 0, s.fetchingBytes === fetchingBytes, `${s.fetchingBytes} bytes to come counted, ${fetchingBytes} found`);
  expect(s, 0, fetching <= 1 || fetchingBytes <= s.config.maxFetchBytes, `${fetchingBytes} bytes to come`);
  expect(s, 0, s.fetchingFrom.size === from.size, "fetches from a holder that gives nothing");
  for (const [holder, count] of from) {
    const counted = s.fetchingFrom.get(holder as WorkerId);
    expect(s, 0, counted === count, `${counted} fetches from ${holder} counted, ${count} found`);
    expect(s, 0, count <= s.config.maxFetchesPerHolder, `${count} fetches from ${holder}`);
  }
  checkSlots(s);
}

function everyTask(s: WorkerState): TaskRecord[] {
  const all = [...s.tasks.values()];
  for (const slot of s.everySlot())
    for (const item of itemsOf(slot)) if (s.tasks.get(item.assign.task) !== item) all.push(item);
  return all;
}

function checkTask(s: WorkerState, task: TaskRecord): void {
  const { state, slot, stop } = task;
  const id = task.assign.task;
  const current = s.tasks.get(id) === task;
  expect(
    s,
    id,
    (task.readyPlace !== -1) === (state === READY),
    `${stateNames[state]} at place ${task.readyPlace} of the queue`,
  );
  if (state === GONE) {
    expect(s, id, !current && slot < 0 && task.timerPlace < 0, "gone, and not forgotten");
    return;
  }
  expect(s, id, current || stop === "abandoned", "not current, and not abandoned");
  const missing = task.inputs.filter((datum) => datum?.waiters.has(task)).length;
  expect(s, id, task.missing === missing, `${task.missing} inputs missing, waits for ${missing}`);
  expect(s, id, state !== WAITING || missing > 0, "waiting for nothing");
  expect(s, id, state !== READY || missing === 0, `ready with ${missing} inputs missing`);
  expect(s, id, task.linked === 0, "still counted for a batch");
  expect(s, id, state >= BATCHED === slot >= 0, `${stateNames[state]} in slot ${slot}`);
  if (slot >= 0)
    expect(
      s,
      id,
      s.slot(slot).batches.some((batch) => batch === task.batch && batch.items.includes(task)),
      `not in its slot ${slot}`,
    );
  const returns = stop === "predecessor" || stop === "input";
  expect(s, id, (stop !== null) === state > RUNNING || (returns && slot >= 0), `${stateNames[state]}, stop is ${stop}`);
  const watched = state === STOPPING || (state === RUNNING && task.assign.timeoutMs > 0);
  expect(s, id, task.timerPlace >= 0 === watched, `${stateNames[state]} and timer at ${task.timerPlace}`);
}

function checkDatum(s: WorkerState, datum: Datum, leases: number): void {
  const { task, state } = datum;
  expect(s, task, datum.leases === leases, `data with ${datum.leases} leases, ${leases} found`);
  expect(
    s,
    task,
    isHere(datum) ? datum.waiters.size === 0 : datum.waiters.size === leases,
    "wrong waiters for its data",
  );
  expect(s, task, datum.fetchPlace >= 0 === (state === "wanted"), `data ${state} at place ${datum.fetchPlace}`);
  expect(s, task, state !== "stored" || datum.version > 0 !== datum.dropping, "stored without a version");
  if (state === "promised") {
    const told = [...datum.waiters].every(({ stop }) => stop !== null);
    expect(s, task, leases > 0 && (told || willBeMade(s, task)), "promised, and nobody makes it");
  }
  if (state === "wanted" || state === "fetching") {
    expect(s, task, datum.holders.length > 0, "to be fetched from nobody");
    expect(s, task, leases > 0 || datum.acquire, "fetched for nobody");
  }
  if (state === "inline") expect(s, task, leases > 0 && datum.inline !== 0, "kept inline for nobody");
  if (datum.dropping) expect(s, task, leases > 0, "should be dropped by now");
}

function checkSlots(s: WorkerState): void {
  for (const [index, slot] of s.slots.entries()) {
    const items = itemsOf(slot);
    const open = slot.batches.reduce((sum, batch) => sum + batch.open, 0);
    expect(s, 0, open === items.length, `slot ${index} counts ${open} items, ${items.length} found`);
    expect(s, 0, slot.batches.length <= 2, `slot ${index} has ${slot.batches.length} batches`);
    const idle = isFree(slot) && !s.left;
    expect(s, 0, !idle || s.ready.size === 0 || s.paused !== null, `slot ${index} is idle, ${s.ready.size} are ready`);
    for (const item of items) expect(s, item.assign.task, item.state >= BATCHED, "in a slot");
    expect(s, items[0]?.assign.task ?? 0, items[0]?.state !== DOOMED, "it runs, and its stop is not watched");
  }
  checkActors(s);
  const devices = checkDevices(s);
  expect(s, 0, devices === null, devices ?? "");
  expect(s, 0, !s.retiring || s.ready.size + s.devicesWanted.size === 0, "retiring with a queue");
  expect(s, 0, s.lost.length === 0, "losses not settled");
  const equipment = checkEquipment(s);
  expect(s, 0, equipment === null, equipment ?? "");
}

function checkActors(s: WorkerState): void {
  for (const [id, { task, slot, ready }] of s.actors) {
    expect(s, id, id === task && s.actorSlots.get(slot.index)?.task === task, "an actor without its slot");
    const lives = s.data.get(task)?.state === "stored";
    expect(s, id, lives || s.tasks.has(task) || !isFree(slot), "an actor that nobody makes");
    const open = slot.batches.reduce((sum, batch) => sum + batch.open, 0);
    expect(s, id, open <= 1 && slot.batches.length <= 1, `an actor runs ${open} calls at once`);
    const waits = slot.shares.length === 0 && s.wantsDevices(ready.peek()?.assign ?? { gpu: 0 });
    expect(
      s,
      id,
      s.left || waits || !isFree(slot) || ready.size === 0,
      `an actor is idle, ${ready.size} calls are ready`,
    );
  }
  expect(s, 0, s.actorSlots.size >= s.actors.size, "slots of actors that are gone");
}

function expect(s: WorkerState, task: number, holds: boolean, what: string): void {
  if (!holds) throw broken(s, task as TaskRecord["assign"]["task"], what);
}
