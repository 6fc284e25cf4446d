// A rung of a search's trial: a training that goes so far, says how good it is, and leaves a checkpoint.

import type { Epoch, ModelArtifact } from "../types.ts";
import { type TrainJob, trainTask } from "./train-task.ts";

export interface RungOutcome {
  /** All epochs so far. */
  readonly history: readonly Epoch[];
  readonly bestEpoch: number | null;
  /** Why the training is over before its last epoch; null when it is not. */
  readonly stopReason: string | null;
  /** To go on from, where no other place has it, or `whole`. */
  readonly checkpoint: Uint8Array | null;
  /** Of the best epoch, when the `whole` was wanted. */
  readonly model: ModelArtifact | null;
}

/** `whole`: with the model and the checkpoint, which are large. */
export async function trainRung(job: TrainJob, whole: boolean): Promise<RungOutcome> {
  const { history, bestEpoch, stopReason, checkpoint, model } = await trainTask(job);
  const isKept = job.place !== null && !whole;
  return { history, bestEpoch, stopReason, checkpoint: isKept ? null : checkpoint, model: whole ? model : null };
}
