// A worker whose memory is above its pause limit gets nothing new, and gives back what it has not begun. What it holds is read and
// handed on as before. It resumes by itself: when memory is below the limit, or when nothing runs there any more, because then
// waiting frees nothing. So no task waits for ever because all workers are full of what it would use up.

import type { Pausing } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { joinLanes, leaveLanes, takesTasks } from "./lanes.ts";
import { reconsiderMoves, takeBack } from "./retire.ts";
import { startWaitingUploads } from "./upload.ts";
import { answerWaiters } from "./waiters.ts";
import type { Worker } from "./worker-record.ts";

export function pausing(core: Core, worker: Worker, { paused, reason }: Pausing): void {
  if (worker.paused === paused) return;
  worker.paused = paused;
  core.happened(paused ? "workerPaused" : "workerResumed", worker.name, reason);
  if (paused) {
    leaveLanes(core, worker);
    if (worker.up) takeBack(core, worker);
  } else if (takesTasks(worker)) joinLanes(core, worker);
  core.touchWorker(worker);
  reconsiderMoves(core);
  startWaitingUploads(core);
  answerWaiters(core);
}
