// What a checkpoint holds, and whether it fits a training.
import { FlockError } from "@taskflock/protocol/words";
import type { CallbackState } from "./callback-runner.ts";
import type { EpochSums } from "./epoch-metrics.ts";
import type { OptimizerState } from "./optimizer-state.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { Epoch } from "./types.ts";

/** Where a training is; all of it is plain data. */
export interface Progress {
  /** Finished epochs. */
  epoch: number;
  /** Finished batches of the epoch that runs. */
  batch: number;
  /** onEpochBegin has run for the epoch that runs. */
  begun: boolean;
  /** Of the epoch that runs, until now. */
  seconds: number;
  history: Epoch[];
  stopReason: string | null;
  /** onTrainEnd has run. */
  ended: boolean;
  best: Best | null;
}

export interface Best {
  readonly epoch: number;
  /** Of the monitored figure; null when it was not there. */
  readonly value: number | null;
}

export interface SavedTraining {
  readonly seed: number;
  readonly rows: number;
  readonly batchSize: number;
  /** Names, in their order. */
  readonly metrics: readonly string[];
  readonly progress: Progress;
  readonly sums: EpochSums;
  readonly weightNames: readonly string[];
  readonly weights: readonly StoredTensor[];
  /** null: the best are those of now, or there are none. */
  readonly bestWeights: readonly StoredTensor[] | null;
  readonly bestIsNow: boolean;
  readonly optimizer: OptimizerState;
  readonly callbacks: readonly CallbackState[];
  /** Seeds of layers that count them up, by the layer's place. */
  readonly layerSeeds: Readonly<Record<string, number>>;
}

/** Errors: FLOCK_CHECKPOINT_INVALID, with what differs. */
export function checkFits(
  saved: SavedTraining,
  weights: readonly { name: string; shape: readonly (number | null)[] }[],
): void {
  if (!Array.isArray(saved?.weights) || saved.progress === undefined) throw invalid("it is not of a training");
  weights.forEach(({ name, shape }, i) => {
    const stored = saved.weights[i];
    if (stored === undefined) throw invalid(`it lacks the weight ${name}`);
    if (stored.shape.join() !== shape.join())
      throw invalid(
        `its weight ${saved.weightNames[i]} has the shape [${stored.shape.join(", ")}], and the model's weight ${name} has [${shape.join(", ")}]`,
      );
  });
  if (saved.weights.length > weights.length)
    throw invalid(`it has the weight ${saved.weightNames[weights.length]}, which the model lacks`);
}

/** In the middle of an epoch, place and sums mean something only for the same data, batches and metrics. */
export function checkSamePlace(
  saved: SavedTraining,
  rows: number,
  batchSize: number,
  metrics: readonly string[],
): void {
  if (saved.progress.batch === 0) return;
  if (saved.rows !== rows)
    throw invalid(`it stands in the middle of an epoch over ${saved.rows} rows, and there are ${rows} now`);
  if (saved.batchSize !== batchSize)
    throw invalid(
      `it stands in the middle of an epoch with batches of ${saved.batchSize} rows, and batchSize is ${batchSize} now`,
    );
  if (saved.metrics.join() !== metrics.join())
    throw invalid(
      `it stands in the middle of an epoch with the metrics ${listed(saved.metrics)}, and they are ${listed(metrics)} now`,
    );
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

function invalid(what: string): FlockError {
  return new FlockError("FLOCK_CHECKPOINT_INVALID", `The checkpoint does not fit this training: ${what}.`);
}
