// Once at the end of a step: runnable tasks go to workers that have room.

import { dispatchActors } from "./actor-dispatch.ts";
import { assign, assignAhead } from "./assign.ts";
import type { Core } from "./core.ts";
import { park, takeOutOfLine } from "./lanes.ts";
import { candidateOf, choose, takeTurn } from "./placement.ts";
import { goesBefore, headOf } from "./queue.ts";
import type { Lane } from "./records.ts";
import { endSaving, reviewSavings, saveWorker } from "./saving.ts";
import { expectedCost, hasRoom, refreshDirty } from "./supply.ts";

export function dispatch(core: Core): void {
  if (core.savings.size > 0) reviewSavings(core);
  do {
    if (core.actors.size > 0) dispatchActors(core);
    refreshDirty(core);
    assignAhead(core);
    assignReady(core);
  } while (core.candidates.length > 0 || core.dirty.length > 0 || core.actorsTouched.size > 0);
}

function assignReady(core: Core): void {
  // One lane at a time is the rule; no record for each task.
  for (let lane = pickLane(core); lane !== null; lane = pickLane(core)) {
    const task = headOf(lane)!;
    const candidate = lane.parkedAt ?? candidateOf(core, lane);
    // It has been saved for a lane that was looked at after this one.
    if (candidate === null) continue;
    takeOutOfLine(core, task);
    const worker = lane.parkedAt ?? choose(core, task, candidate);
    if (hasRoom(core, worker)) {
      assign(core, task, worker);
      takeTurn(lane, worker);
      if (core.savings.size > 0) endSaving(core, lane);
    } else park(core, task, worker, expectedCost(core, task));
  }
}

/** The lane of the first task, by priority, fair share and order, among the lanes that have both a task and a worker for it. */
function pickLane(core: Core): Lane | null {
  let best: Lane | null = null;
  for (const lane of core.ready) {
    core.looks++;
    if (lane.count === 0) core.ready.delete(lane);
    else if (candidateOf(core, lane) === null) {
      core.ready.delete(lane);
      saveWorker(core, lane);
    } else if (best === null || goesBefore(headOf(lane)!, headOf(best)!)) best = lane;
  }
  return best;
}
