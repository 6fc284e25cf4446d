// Workers that cannot be reached from everywhere: who could not reach whom, and the address to name instead, which leads through the
// scheduler. Networks change, so after a while the way between the two is tried again.

import { type Micros, relayedAddress, type WorkerId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Session, Task } from "./records.ts";
import type { Worker } from "./worker-record.ts";

/** Whom somebody cannot reach, and until when that is believed. */
export type Unreached = Map<WorkerId, Micros>;

const BELIEVED_US = 10 * 60 * 1_000_000;
/** Workers that are remembered per reader: those longest ago go. */
const MAX_UNREACHED = 1_000;

/** Where `reader` reaches the worker. */
export function addressFor(core: Core, worker: Worker, reader: Worker | Session): string {
  const { relayKey, hello } = worker;
  if (relayKey === "") return hello.peerAddress;
  if (hello.peerAddress === "") return relayedAddress(relayKey);
  const until = reader.unreached?.get(worker.id);
  return until === undefined || until <= core.now ? hello.peerAddress : relayedAddress(relayKey);
}

/** The reader's word that it cannot reach the worker. False: there is no other way. */
export function noteUnreached(core: Core, reader: Worker | Session, worker: Worker): boolean {
  if (worker.relayKey === "") return false;
  reader.unreached ??= new Map();
  const { unreached } = reader;
  const until = unreached.get(worker.id);
  if (until === undefined || until <= core.now) sayRelayed(core, reader, worker);
  unreached.delete(worker.id);
  unreached.set(worker.id, (core.now + BELIEVED_US) as Micros);
  const [oldest] = unreached.keys();
  if (unreached.size > MAX_UNREACHED) unreached.delete(oldest!);
  return true;
}

/** A worker could not reach a holder of the task, which is no failure: it is to get it the other way. False: there is none. */
export function noteRelayWanted(core: Core, reader: Worker, task: Task, holder: Worker): boolean {
  if (!noteUnreached(core, reader, holder)) return false;
  if (reader.relayWanted.size >= MAX_UNREACHED) reader.relayWanted.clear();
  reader.relayWanted.add(task.id);
  return true;
}

/** The worker gave back a task whose input it could not reach: what it is told of that input next is another way. */
export function takeRelayWanted(worker: Worker, task: Task): boolean {
  if (worker.relayWanted.size === 0) return false;
  let found = false;
  for (const { dependency } of task.deps) if (worker.relayWanted.delete(dependency.id)) found = true;
  return found;
}

function sayRelayed(core: Core, reader: Worker | Session, worker: Worker): void {
  const text = `it cannot reach ${worker.name} at ${worker.hello.peerAddress}; what they exchange goes through the scheduler`;
  core.happened("relayed", reader.name, text);
}
