// What the machine knows, as people read it.

import type { ClusterInfo, RunInfo, TaskStatus, WorkerInfo } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { runInfo } from "./runs.ts";
import { FREE, STATE_COUNT, type State, statusOf } from "./states.ts";
import { WORKING, type Worker } from "./worker-record.ts";

export function workerInfo(worker: Worker): WorkerInfo {
  const { hello } = worker;
  const used: Record<string, number> = {};
  for (const [name, amount] of Object.entries(hello.resources)) used[name] = amount - (worker.free.get(name) ?? 0);
  return {
    name: worker.name,
    worker: worker.id,
    address: hello.peerAddress,
    status: statusOfWorker(worker),
    slots: worker.slots,
    pid: hello.pid,
    memoryLimitBytes: hello.memoryLimitBytes,
    resources: hello.resources,
    resourcesUsed: used,
    assigned: worker.assigned.length + worker.seconds.size,
    running: worker.running,
    stored: worker.holds.size,
    actors: worker.actors.size,
    storedBytes: worker.storedBytes,
    finished: worker.finished,
    metrics: worker.metrics,
    tensors: worker.tensors,
  };
}

export function statusOfWorker(worker: Worker): WorkerInfo["status"] {
  if (!worker.up) return "cut";
  if (worker.status !== WORKING) return "retiring";
  return worker.paused ? "paused" : "running";
}

export function workerInfos(core: Core): WorkerInfo[] {
  return [...core.workers.values()].map(workerInfo);
}

export function runInfos(core: Core): RunInfo[] {
  return [...core.runs].map(runInfo);
}

/** Tasks by status; what is kept only as lineage stands under `done`. */
export function taskCounts(core: Core): Record<TaskStatus, number> {
  const counts = { waiting: 0, queued: 0, assigned: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
  for (let state = FREE + 1; state < STATE_COUNT; state++) counts[statusOf(state as State)] += core.counts[state]!;
  return counts;
}

/** Those who only look on are not counted, nor those who left detached runs behind. */
export function sessionCount(core: Core): number {
  let count = 0;
  for (const { isOrphan, isObserver } of core.sessions.values()) if (!isOrphan && !isObserver) count++;
  return count;
}

export function clusterInfo(core: Core): ClusterInfo {
  return {
    scheduler: core.config.facts,
    sessions: sessionCount(core),
    datasets: core.kept.datasets.size,
    functions: core.functions.size,
    tasks: taskCounts(core),
    workers: workerInfos(core),
    runs: runInfos(core),
  };
}
