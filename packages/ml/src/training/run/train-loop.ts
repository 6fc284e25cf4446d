// The way of a training through its batches and epochs, and what happens between two batches.

import type { Epoch } from "../types.ts";
import type { TrainingPort } from "./training-port.ts";

/** The part of a `Trainer` that the loop drives. */
export interface LoopTrainer {
  readonly epoch: number;
  readonly batch: number;
  readonly steps: number;
  readonly history: readonly Epoch[];
  readonly done: boolean;
  endEpoch(): Promise<Epoch>;
}

/** How often a checkpoint is written. */
export interface Rhythm {
  /** After so many epochs. */
  readonly epochs: number;
  /** Also after so many batches; null: not within epochs. */
  readonly steps: number | null;
}

export interface TrainLoop {
  readonly trainer: LoopTrainer;
  readonly port: TrainingPort;
  readonly rhythm: Rhythm;
  /** One batch; false at the end of an epoch. `trainer.step()`, or what several workers do together. */
  step(): Promise<boolean>;
  /** Writes a checkpoint; false when it could not, which was said. */
  save(): Promise<boolean>;
}

/** Until the training is done or is to stop. Throws what the task was cancelled with, and what leaves a retiring worker. */
export async function trainLoop(loop: TrainLoop): Promise<"done" | "stopped"> {
  const { trainer, port, rhythm } = loop;
  const leaving: Leaving = { epoch: -1 };
  while (!trainer.done) {
    for (let more = await loop.step(); more; more = await loop.step()) {
      await between(loop, leaving);
      if (port.stopAsked) return "stopped";
    }
    await trainer.endEpoch();
    port.report({ epochs: trainer.history });
    if (trainer.done) break;
    if (trainer.epoch % rhythm.epochs === 0) await loop.save();
    await attend(loop, leaving);
    if (port.stopAsked) return "stopped";
  }
  return "done";
}

/** In which epoch it was tried to leave a retiring worker. */
interface Leaving {
  epoch: number;
}

async function between(loop: TrainLoop, leaving: Leaving): Promise<void> {
  await attend(loop, leaving);
  const { trainer, rhythm } = loop;
  const at = trainer.epoch * trainer.steps + trainer.batch;
  if (rhythm.steps !== null && at % rhythm.steps === 0 && trainer.batch < trainer.steps) await loop.save();
}

/** What the world wants. */
async function attend({ trainer, port, save }: TrainLoop, leaving: Leaving): Promise<void> {
  // A backend that computes in this thread would let no message in.
  await new Promise<void>((next) => setImmediate(next));
  port.ensureWanted();
  if (port.isRetiring && leaving.epoch !== trainer.epoch) {
    leaving.epoch = trainer.epoch;
    // Without a checkpoint all that was done would be lost: then the worker waits, and it is tried again in the next epoch.
    if (await save()) port.leave();
  }
  const { request } = port;
  if (request === null) return;
  const saved = await save();
  port.report({ answered: request, refusal: saved ? null : "the checkpoint could not be written; see the task's log" });
}
