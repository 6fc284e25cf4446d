// What a task waits for at the worker that it was given to: tasks before it, and bytes on their way.

import { NO_PAYLOAD, type WhyWorker } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { statusOfWorker } from "./info.ts";
import { compareTasks } from "./queue.ts";
import { AHEAD, type Task } from "./records.ts";
import { ASSIGNED, DONE } from "./states.ts";

/** Inputs looked at. */
const LOOKS = 100_000;
const LISTED = 5;

export function workerOf(core: Core, task: Task): WhyWorker | null {
  const { worker } = task;
  if (worker === null) return null;
  let before = 0;
  for (const other of worker.assigned) {
    if (other.state === ASSIGNED && (other.flags & AHEAD) === 0 && compareTasks(other, task) < 0) before++;
  }
  const from = new Set<string>();
  let transfers = 0;
  let transferBytes = 0;
  for (let i = 0; i < task.deps.length && i < LOOKS; i++) {
    const { dependency } = task.deps[i]!;
    if (dependency.state !== DONE || dependency.result !== NO_PAYLOAD || worker.holds.has(dependency)) continue;
    transfers++;
    transferBytes += dependency.bytes;
    const holder = dependency.holders[0];
    if (holder !== undefined && from.size < LISTED) from.add(holder.worker.name);
  }
  return {
    name: worker.name,
    status: statusOfWorker(worker),
    slots: worker.slots,
    running: worker.running,
    before,
    transfers,
    transferBytes,
    from: [...from],
    second: task.uncommon?.second?.worker.name ?? "",
    transferUs: Math.round(transferBytes / core.config.bandwidthBytesPerUs),
  };
}
