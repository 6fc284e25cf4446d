// Once at the end of a step: runnable tasks go to workers that have room.

import { assign, assignAhead } from "./assign.ts";
import type { Core } from "./core.ts";
import { park, takeOutOfLine } from "./lanes.ts";
import { candidateOf, choose, takeTurn } from "./placement.ts";
import { goesBefore, headOf } from "./queue.ts";
import type { Lane, Task, Worker } from "./records.ts";
import { expectedCost, hasRoom, refreshDirty } from "./supply.ts";

export function dispatch(core: Core): void {
  do {
    refreshDirty(core);
    assignAhead(core);
    assignReady(core);
  } while (core.candidates.length > 0 || core.dirty.length > 0);
}

function assignReady(core: Core): void {
  for (let next = pickNext(core); next !== null; next = pickNext(core)) {
    const { lane, task, candidate } = next;
    takeOutOfLine(core, task);
    const worker = lane.parkedAt ?? choose(core, task, candidate);
    if (hasRoom(core, worker)) {
      assign(core, task, worker);
      takeTurn(lane, worker);
    } else park(core, task, worker, expectedCost(core, task));
  }
}

/** The first task, by priority, fair share and order, among the lanes that have both a task and a worker for it. */
function pickNext(core: Core): { lane: Lane; task: Task; candidate: Worker } | null {
  let best: { lane: Lane; task: Task; candidate: Worker } | null = null;
  for (const lane of core.ready) {
    core.looks++;
    const candidate = lane.count === 0 ? null : candidateOf(core, lane);
    if (candidate === null) {
      core.ready.delete(lane);
      continue;
    }
    const task = headOf(lane)!;
    if (best === null || goesBefore(task, best.task)) best = { lane, task, candidate };
  }
  return best;
}
