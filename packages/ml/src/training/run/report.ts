// What a training's task and its client say to each other. Each report carries all that matters, so that none is needed twice.

import type { TensorChoice } from "@taskflock/tensors";
import type { Epoch } from "../types.ts";

/** Where a checkpoint lies. */
export interface CheckpointInfo {
  /** The folder or bucket, or which dataset of the cluster's. */
  readonly where: string;
  readonly name: string;
  /** Finished epochs, and finished batches of the one after them. */
  readonly epoch: number;
  readonly step: number;
}

export interface TrainingAbout {
  readonly model: string;
  /** Of the model, trained ones and others; rows to train on; batches of an epoch. */
  readonly parameters: number;
  readonly samples: number;
  readonly steps: number;
}

export interface TrainingReport {
  readonly training: true;
  /** Of the task: words said to a former one are said again. */
  readonly attempt: number;
  /** Which worker runs it. */
  readonly worker: string;
  /** What is trained; null until that is known, and it is known where it goes on. */
  readonly about: TrainingAbout | null;
  readonly epochs: readonly Epoch[];
  /** Epochs that were done when this attempt began: before a checkpoint it went on from; 0: it began anew. */
  readonly epochsBefore: number;
  /** What it computes with. */
  readonly backend: Omit<TensorChoice, "passedOver"> | null;
  /** The last checkpoint that was written. */
  readonly checkpoint: CheckpointInfo | null;
  readonly checkpointBytes: number;
  /** The last request for one that was answered; 0 before the first; and why there was none. */
  readonly answered: number;
  readonly refusal: string | null;
}

export type TrainingWord = { readonly word: "stop" } | { readonly word: "checkpoint"; readonly request: number };

export function isReport(value: unknown): value is TrainingReport {
  return typeof value === "object" && value !== null && "training" in value && value.training === true;
}

export function isWord(value: unknown): value is TrainingWord {
  return typeof value === "object" && value !== null && "word" in value;
}
