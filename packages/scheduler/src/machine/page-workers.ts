// Workers as the status page shows them: those that are there, and those that are gone, with what they did last.

import type { PageGone, PageWorker, PageWorkerLife, PageWorkers } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { workerInfo } from "./info.ts";
import type { Worker } from "./worker-record.ts";

export function pageWorkers(core: Core, ids: readonly number[]): PageWorkers {
  const wanted = new Set(ids);
  const workers: PageWorker[] = [];
  for (const worker of core.workers.values()) {
    if (ids.length === 0 || wanted.has(worker.id)) workers.push(pageWorker(core, worker));
  }
  return { now: core.now, workers };
}

export function pageGone(core: Core, limit: number): PageGone {
  return { now: core.now, items: core.gone.last(limit) };
}

export function pageWorkerLife(core: Core, name: string): PageWorkerLife {
  let there: Worker | null = null;
  for (const worker of core.workers.values()) if (worker.name === name) there = worker;
  return {
    now: core.now,
    worker: there === null ? null : pageWorker(core, there),
    gone: core.gone.named(name),
    spans: core.gone.spansOf(core, name, there),
    goneSpans: core.gone.spansOf(core, name, null),
  };
}

function pageWorker({ now }: Core, worker: Worker): PageWorker {
  return {
    ...workerInfo(worker),
    joinedAt: worker.joinedAt,
    silentUs: Math.max(0, now - worker.heardAt),
    occupancyUs: Math.round(worker.load + worker.parkedLoad),
    hasNanny: worker.hello.nanny,
  };
}
