// Which worker: where the task is expected to begin first, transfers of its inputs included.

import type { Core } from "./core.ts";
import { canServe, hasFree, takesTasks } from "./lanes.ts";
import type { Lane, Task } from "./records.ts";
import { isSaved } from "./saving.ts";
import { expectedWait, hasRoom } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** Inputs looked at for candidates, the largest; and holders of each. */
const INPUTS_FOR_CANDIDATES = 3;
const HOLDERS_FOR_CANDIDATES = 4;

/** A worker that can take one of the lane's tasks now, or null: then the lane waits until a worker says it has room. */
export function candidateOf(core: Core, lane: Lane): Worker | null {
  if (lane === core.open) return core.resting.top() ?? core.heap.top();
  if (lane.parkedAt !== null) return hasRoom(core, lane.parkedAt) ? lane.parkedAt : null;
  for (const worker of lane.available) {
    core.looks++;
    if (hasRoom(core, worker) && canServe(lane, worker) && mayTake(lane, worker)) return worker;
    lane.available.delete(worker);
  }
  return null;
}

/** Takes turns among the workers of a lane, which has no order by load. */
export function takeTurn(lane: Lane, worker: Worker): void {
  if (lane.available.delete(worker)) lane.available.add(worker);
}

/** The best worker for the task; it may be one without room, worth waiting for because of the data it has. */
export function choose(core: Core, task: Task, candidate: Worker): Worker {
  const inputs = largestInputs(task);
  if (inputs.length === 0) return candidate;
  const { lane } = task.options;
  let best = candidate;
  let bestStart = expectedStart(core, task, candidate);
  for (const input of inputs) {
    const count = Math.min(HOLDERS_FOR_CANDIDATES, input.holders.length);
    for (let k = 0; k < count; k++) {
      core.looks++;
      const { worker } = input.holders[(task.seq + k) % input.holders.length]!;
      if (worker === best || !canPlace(core, lane, worker)) continue;
      const start = expectedStart(core, task, worker);
      if (start < bestStart || (start === bestStart && missingBytes(task, worker) < missingBytes(task, best))) {
        best = worker;
        bestStart = start;
      }
    }
  }
  return best;
}

/** µs until the task would begin at the worker. */
export function expectedStart(core: Core, task: Task, worker: Worker): number {
  return expectedWait(worker) + missingBytes(task, worker) / core.config.bandwidthBytesPerUs;
}

/** Tasks of the open lane may wait for a worker; others need one that has room and what they ask for now. */
function canPlace(core: Core, lane: Lane, worker: Worker): boolean {
  if (!takesTasks(worker)) return false;
  return lane === core.open || (hasRoom(core, worker) && canServe(lane, worker) && mayTake(lane, worker));
}

/** What the lane's tasks ask for is free there, and not saved for others. */
function mayTake(lane: Lane, worker: Worker): boolean {
  return hasFree(lane, worker) && !isSaved(lane, worker);
}

function missingBytes({ deps }: Task, worker: Worker): number {
  let missing = 0;
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    if (dependency.holders.length === 0) continue;
    if (!worker.holds.has(dependency) && !worker.incoming.has(dependency)) missing += dependency.bytes;
  }
  return missing;
}

const none: readonly Task[] = [];

/** Of those that are stored at workers. */
function largestInputs({ deps }: Task): readonly Task[] {
  let largest: Task[] | null = null;
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    if (dependency.holders.length === 0) continue;
    if (largest === null) largest = [dependency];
    else if (largest.length < INPUTS_FOR_CANDIDATES) largest.push(dependency);
    else {
      let least = 0;
      for (let i = 1; i < largest.length; i++) if (largest[i]!.bytes < largest[least]!.bytes) least = i;
      if (largest[least]!.bytes < dependency.bytes) largest[least] = dependency;
    }
  }
  return largest ?? none;
}
