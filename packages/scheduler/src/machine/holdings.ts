// Which workers hold which results.

import type { Holder, TaskId } from "@taskflock/protocol/words";
import { actorLeft } from "./actors.ts";
import type { Core } from "./core.ts";
import { ACTOR, type Holding, noHoldings, type Session, type Task } from "./records.ts";
import { addressFor } from "./relays.ts";
import { RETIRING, Worker } from "./worker-record.ts";

/** As many holders as a message names, so that an input that everybody holds does not make every message long. */
const MAX_NAMED_HOLDERS = 8;

export function addHolder(task: Task, worker: Worker, version: number): void {
  const known = worker.holds.get(task);
  worker.incoming.delete(task);
  if (known !== undefined) {
    known.version = Math.max(known.version, version);
    return;
  }
  const holding: Holding = { worker, version, at: task.holders.length };
  if (task.holders === noHoldings) task.holders = [holding];
  else task.holders.push(holding);
  worker.holds.set(task, holding);
  worker.storedBytes += task.bytes;
}

/** The worker has the bytes no more; whether they are wanted is looked at later. */
export function removeHolder(core: Core, task: Task, worker: Worker): void {
  const holding = worker.holds.get(task);
  if (holding === undefined) return;
  clearHolding(core, task, worker);
  const last = task.holders.pop()!;
  if (last !== holding) {
    task.holders[holding.at] = last;
    last.at = holding.at;
  }
  if (task.holders.length === 0) {
    task.holders = noHoldings;
    core.lost.push(task);
    if (core.transfers.has(task)) core.stranded.push(task);
  }
}

/** One copy of several goes. */
export function dropCopy(core: Core, task: Task, worker: Worker): void {
  removeHolder(core, task, worker);
  core.send(worker, { t: "drop", task: task.id });
}

function clearHolding(core: Core, task: Task, worker: Worker): void {
  if ((task.flags & ACTOR) !== 0) actorLeft(core, task, worker);
  worker.holds.delete(task);
  worker.storedBytes -= task.bytes;
  worker.moving.delete(task);
  if (worker.status === RETIRING) worker.retireDirty = true;
}

/** Nobody needs the bytes: all copies go. */
export function dropCopies(core: Core, task: Task): void {
  for (const { worker } of task.holders) {
    clearHolding(core, task, worker);
    core.send(worker, { t: "drop", task: task.id });
  }
  task.holders = noHoldings;
  if (core.transfers.has(task)) core.stranded.push(task);
}

/** The holders to name to `reader`: `first` (or itself), then others, not the same for every task. */
export function holdersFor(
  core: Core,
  task: Task,
  reader: Worker | Session,
  turn = 0,
  first: Worker | null = null,
): Holder[] {
  const { holders } = task;
  const named: Holder[] = [];
  const best = first ?? (reader instanceof Worker ? reader : null);
  const own = best?.holds.get(task);
  if (own !== undefined) named.push(asHolder(core, own, reader));
  for (let k = 0; k < holders.length && named.length < MAX_NAMED_HOLDERS; k++) {
    const holding = holders[(turn + k) % holders.length]!;
    if (holding !== own) named.push(asHolder(core, holding, reader));
  }
  return named;
}

function asHolder(core: Core, { worker, version }: Holding, reader: Worker | Session): Holder {
  return { worker: worker.id, address: addressFor(core, worker, reader), version };
}

/** The worker has bytes that nobody wants, or says so of a task that is unknown. */
export function dropStray(core: Core, worker: Worker, task: TaskId): void {
  core.send(worker, { t: "drop", task });
}

/** Somebody could not get the bytes from this holder. What the holder said since (a newer version) counts more. */
export function holderFailed(core: Core, task: Task, worker: Worker, version: number): void {
  const holding = worker.holds.get(task);
  // Only its own worker says that an actor is gone.
  if (holding === undefined || holding.version > version || (task.flags & ACTOR) !== 0) return;
  removeHolder(core, task, worker);
  dropStray(core, worker, task.id);
}
