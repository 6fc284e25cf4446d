// Every message between the parties: one closed union per direction. A frame carries a list of them (frames.ts packs the
// hot ones by columns). Machines see these very objects: bytes appear only as a `PayloadRef` and a size.
//
// Upstream (client → scheduler, worker → scheduler) is reliable and in order across reconnects: frames are numbered,
// acknowledged, and sent again (link/). Downstream is not: after a cut it is reconciled from state (a worker's snapshot,
// a client's live futures).

import type { ClientToScheduler, SchedulerToClient } from "./client-messages.ts";
import type { NannyToScheduler, SchedulerToWorker, WorkerToScheduler } from "./worker-messages.ts";

/** Every message by direction; the codec and the validators are keyed by it. */
export interface Directions {
  readonly client: ClientToScheduler;
  readonly toClient: SchedulerToClient;
  readonly worker: WorkerToScheduler;
  readonly toWorker: SchedulerToWorker;
  readonly nanny: NannyToScheduler;
}
