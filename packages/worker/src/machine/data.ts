// Data that attempts here need: leased from assignment to the attempt's end, fetched once for all, dropped when nobody wants it.

import type { Holder, Input, PayloadRef, TaskId } from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Datum, TaskRecord } from "./records.ts";
import { isHere, newDatum, READY, WAITING } from "./records.ts";
import type { WorkerState } from "./state.ts";
import { move } from "./transitions.ts";

/** So many that wait for a busy holder let others pass: each step would look at all of them else. */
const LOOK_AHEAD = 16;

/** True when an attempt here will give this task's result, as far as is known. */
export function willBeMade(s: WorkerState, task: TaskId): boolean {
  const maker = s.tasks.get(task);
  return maker !== undefined && maker.stop === null;
}

/**
 * Leases the input for the attempt, and sees that it comes here. Null: it is not here, nobody holds it, and no attempt here makes it.
 */
export function lease(s: WorkerState, task: TaskRecord, input: Input): Datum | null {
  let datum = s.data.get(input.task);
  if (datum === undefined) {
    if (input.holders.length === 0 && !willBeMade(s, input.task)) return null;
    datum = newDatum(input.task, "promised", input.bytes);
    s.data.set(input.task, datum);
    datum.leases = 1;
    seekFrom(s, datum, input.holders, task.assign.order);
  } else {
    datum.leases++;
    if (!isHere(datum)) seekFrom(s, datum, input.holders, task.assign.order);
  }
  if (!isHere(datum)) datum.waiters.add(task);
  return datum;
}

/** The attempt needs the datum no more. */
export function unlease(s: WorkerState, task: TaskRecord, datum: Datum): void {
  datum.leases--;
  datum.waiters.delete(task);
  tidy(s, datum);
}

/** Adds places to fetch from; begins to want it unless something better is under way. */
export function seekFrom(s: WorkerState, datum: Datum, holders: readonly Holder[], order: number): void {
  for (const holder of holders) {
    if (!datum.holders.some((known) => isSame(known, holder))) datum.holders.push(holder);
  }
  const before = datum.order;
  datum.order = Math.min(order, before);
  if (datum.state === "wanted" && datum.order !== before) {
    s.fetchQueue.remove(datum);
    s.fetchQueue.push(datum);
  } else if (datum.state === "promised" && datum.holders.length > 0 && (datum.acquire || !willBeMade(s, datum.task))) {
    want(s, datum);
  }
}

/** One that is reached another way is to be tried as well. */
function isSame(a: Holder, b: Holder): boolean {
  return a.worker === b.worker && a.version === b.version && a.address === b.address;
}

function want(s: WorkerState, datum: Datum): void {
  datum.state = "wanted";
  s.fetchQueue.push(datum);
}

/** Starts as many fetches as may run at once. One that could only come from a busy holder lets others pass. */
export function startFetches(s: WorkerState): void {
  if (s.fetchQueue.size === 0) return;
  const { maxFetches, maxFetchBytes } = s.config;
  const passed: Datum[] = [];
  while (s.fetching < maxFetches && passed.length < LOOK_AHEAD) {
    const datum = s.fetchQueue.peek();
    // Nothing smaller passes it: it would wait for ever.
    if (datum === undefined || (s.fetching > 0 && s.fetchingBytes + datum.bytes > maxFetchBytes)) break;
    s.fetchQueue.remove(datum);
    if (chooseHolder(s, datum)) startFetch(s, datum);
    else passed.push(datum);
  }
  for (const datum of passed) s.fetchQueue.push(datum);
}

/** Puts the first holder first that is not busy with fetches of this worker; false: all are. */
function chooseHolder(s: WorkerState, { holders }: Datum): boolean {
  const at = holders.findIndex(({ worker }) => (s.fetchingFrom.get(worker) ?? 0) < s.config.maxFetchesPerHolder);
  if (at > 0) holders.unshift(...holders.splice(at, 1));
  return at >= 0;
}

function startFetch(s: WorkerState, datum: Datum): void {
  const holder = datum.holders[0] as Holder;
  datum.state = "fetching";
  s.fetching++;
  s.fetchingBytes += datum.bytes;
  s.fetchingFrom.set(holder.worker, (s.fetchingFrom.get(holder.worker) ?? 0) + 1);
  s.port.fetch(datum.task, datum.bytes, holder);
}

/** Whatever came of it. Its holder is the first still. */
export function fetchEnded(s: WorkerState, datum: Datum): void {
  const { worker } = datum.holders[0] as Holder;
  s.fetching--;
  s.fetchingBytes -= datum.bytes;
  const left = (s.fetchingFrom.get(worker) ?? 0) - 1;
  if (left > 0) s.fetchingFrom.set(worker, left);
  else s.fetchingFrom.delete(worker);
}

/** Ends a fetch that runs or waits for its turn, without an answer. */
export function stopSeeking(s: WorkerState, datum: Datum): void {
  s.fetchQueue.remove(datum);
  if (datum.state === "fetching") {
    fetchEnded(s, datum);
    s.port.stopFetch(datum.task);
    // said once: an item of a batch may still lease it, and lets go later
    datum.state = "promised";
  }
  datum.holders = [];
}

/** The bytes are in the arena under the task. Returns the version to tell. */
export function becameStored(s: WorkerState, task: TaskId, bytes: number): Datum {
  let datum = s.data.get(task);
  if (datum === undefined) {
    datum = newDatum(task, "stored", bytes);
    s.data.set(task, datum);
  } else {
    // a payload of an earlier attempt's stays until those who read it have ended
    stopSeeking(s, datum);
  }
  datum.state = "stored";
  datum.bytes = bytes;
  datum.version = ++s.version;
  datum.acquire = false;
  datum.dropping = false;
  wakeWaiters(s, datum);
  return datum;
}

/** What is stored cannot be read: the scheduler drops it, and has it made again or fetched from elsewhere. */
export function saySpoiled(s: WorkerState, task: TaskId): void {
  const datum = s.data.get(task);
  if (datum?.state === "stored" && !datum.dropping) s.send({ t: "spoiled", task, version: datum.version });
}

/** A small result stays as long as attempts here need it. Returns false when none does; the payload is then the caller's to free. */
export function keepInline(s: WorkerState, task: TaskId, bytes: number, payload: PayloadRef): boolean {
  const datum = s.data.get(task);
  if (datum === undefined || isHere(datum) || datum.acquire || datum.state === "expected") return false;
  stopSeeking(s, datum);
  datum.state = "inline";
  datum.inline = payload;
  datum.bytes = bytes;
  wakeWaiters(s, datum);
  return true;
}

function wakeWaiters(s: WorkerState, datum: Datum): void {
  for (const task of datum.waiters) {
    // one that is in a batch has it from the item before it
    if (--task.missing === 0 && task.state === WAITING) move(s, task, READY);
  }
  datum.waiters.clear();
}

/**
 * The source at hand failed: tries the next holder, then an attempt here that makes it. False: there is none left.
 */
export function seekElsewhere(s: WorkerState, datum: Datum): boolean {
  if (datum.holders.length > 0 && (datum.leases > 0 || datum.acquire)) {
    want(s, datum);
    return true;
  }
  datum.state = "promised";
  if (datum.acquire) {
    datum.acquire = false;
    s.send({ t: "notHeld", task: datum.task, message: "no holder could be reached", code: null });
  }
  return datum.leases > 0 && willBeMade(s, datum.task);
}

/** The attempts that wait for the datum, in the order in which they came. */
export function waitersOf(datum: Datum): TaskRecord[] {
  return [...datum.waiters];
}

/** Lets the datum go when nobody wants it any more. */
export function tidy(s: WorkerState, datum: Datum): void {
  if (datum.leases > 0) return;
  s.free(datum.inline);
  datum.inline = NO_PAYLOAD;
  switch (datum.state) {
    case "wanted":
    case "fetching":
      if (datum.acquire) return;
      stopSeeking(s, datum);
      break;
    case "expected":
      return;
    case "stored":
      if (!datum.dropping) return;
      datum.dropping = false;
      if (s.actors.has(datum.task)) s.closeActor(s.actors.get(datum.task));
      else s.port.dropStored(datum.task);
      break;
    case "inline":
    case "promised":
      break;
  }
  if (s.data.get(datum.task) === datum) s.data.delete(datum.task);
}
