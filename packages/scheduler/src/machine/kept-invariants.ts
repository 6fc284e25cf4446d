// What must hold of published data, of tasks that nobody waits for, and of copies that people asked for.

import type { Core } from "./core.ts";
import { costOf } from "./datasets.ts";
import { takesTasks } from "./lanes.ts";
import type { Errand } from "./moves.ts";
import { eachRef } from "./references.ts";
import { itemsOf } from "./shared-invariants.ts";
import { CANCELLED, DONE, FAILED } from "./states.ts";

export function checkKept(core: Core): string | null {
  return checkReferences(core) ?? checkTransfers(core) ?? checkExpecting(core);
}

/** Each reference of the cluster's is a dataset's, an item's or a fired task's, and its task knows of it. */
function checkReferences(core: Core): string | null {
  const { session, datasets, fired, over } = core.kept;
  let bytes = 0;
  for (const { results, dataBytes } of datasets.values()) bytes += costOf({ ns: results, dataBytes });
  if (bytes !== core.kept.bytes) return `counts ${core.kept.bytes} bytes of what is published, has ${bytes}`;
  if (over.length > 0) return "references of tasks that ended were not let go";
  const meant = new Set(fired);
  for (const { name, results } of datasets.values()) {
    for (const n of results) {
      if (!session.tasks.has(n)) return `dataset ${name} names a task that is forgotten`;
      meant.add(n);
    }
  }
  for (const { n } of itemsOf(core).keys()) {
    if (n !== 0 && !session.tasks.has(n)) return "the task of an item is forgotten";
    if (n !== 0) meant.add(n);
  }
  for (const [n, task] of session.tasks) {
    if (core.taskById(task.id) !== task) return `the cluster refers to a forgotten task as ${n}`;
    if (!meant.delete(n)) return `the cluster refers to task ${task.id} as ${n} for nothing`;
    const ended = task.state === DONE || task.state === FAILED || task.state === CANCELLED;
    if (fired.has(n) && ended) return `task ${task.id} has ended, and is still kept until then`;
    let refers = false;
    eachRef(task, (s, m) => {
      refers ||= s === session && m === n;
    });
    if (!refers) return `task ${task.id} does not know of reference ${n} of the cluster's`;
  }
  return meant.size === 0 ? null : "a fired task is not referred to";
}

function checkTransfers(core: Core): string | null {
  if (core.stranded.length > 0) return "copies of results that are gone are still under way";
  const waiting = new Map<Errand, number>();
  for (const [task, transfers] of core.transfers) {
    if (transfers.length === 0) return `no copy of task ${task.id} is under way`;
    if (core.taskById(task.id) !== task || task.state !== DONE || task.holders.length === 0)
      return `task ${task.id} is copied, and is not stored`;
    for (const { target, errand } of transfers) {
      if (!takesTasks(target) || !core.workers.has(target.id)) return `${target.name} is to get a copy, and left`;
      waiting.set(errand, (waiting.get(errand) ?? 0) + 1);
    }
  }
  for (const [errand, count] of waiting) {
    if (errand.waiting !== count)
      return `request ${errand.id} waits for ${errand.waiting} copies, of which ${count} are under way`;
  }
  return null;
}

function checkExpecting(core: Core): string | null {
  for (const worker of core.workers.values()) {
    let bytes = 0;
    for (const task of core.uploads) if (task.upload?.targets.has(worker) === true) bytes += task.bytes;
    if (bytes !== worker.expectingBytes)
      return `${worker.name} counts ${worker.expectingBytes} bytes on their way, has ${bytes}`;
  }
  return null;
}
