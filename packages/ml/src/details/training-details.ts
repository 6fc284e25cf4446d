// What a training tells of itself while it runs: the model, its epochs, checkpoints, and what happened to it.

import { detailTexts } from "@taskflock/protocol/words";
import type { RunScope } from "../executor.ts";
import type { TrainingReport } from "../training/run/report.ts";
import type { Epoch } from "../training/types.ts";
import { asLine, asName, finiteOr0, finiteOrNull, tell } from "./tell.ts";

export interface TrainingHeader {
  /** The number of the trial in a search; -1 elsewhere. */
  readonly trial: number;
  /** Name of the function that builds the model. */
  readonly builder: string;
  readonly epochs: number;
  readonly workers: number;
}

/** Which attempt of which task was heard of last, in which round, and on which worker it ran. */
interface Heard {
  readonly attempt: string;
  readonly round: number;
  readonly worker: string;
}

/** Names of functions that say nothing, because they stand where an option does. */
const nameless: ReadonlySet<string> = new Set(["", "model", "build", "anonymous"]);

export class TrainingDetails {
  readonly #scope: RunScope;
  readonly #header: TrainingHeader;
  #hasHead = false;
  /** Batches of an epoch; 0 while that is not known. */
  #steps = 0;
  /** The last epoch that was told: those that are computed again after a checkpoint are not told twice. */
  #lastEpoch = 0;
  #lastCheckpoint = "";
  #heard: Heard | null = null;

  constructor(scope: RunScope, header: TrainingHeader) {
    this.#scope = scope;
    this.#header = header;
  }

  /**
   * `task`: counts the tasks of this training, of which each may have several attempts; `round`: of a search, where each round has a task
   * of its own.
   */
  hear(report: TrainingReport, task: number, round = 0): void {
    if (report.about !== null) {
      this.#tellHead(report.about);
      this.#notice(report, task, round);
    }
    this.epochs(report.epochs);
    this.#tellCheckpoint(report);
  }

  epochs(epochs: readonly Epoch[]): void {
    for (const epoch of epochs) {
      if (epoch.epoch <= this.#lastEpoch) continue;
      this.#lastEpoch = epoch.epoch;
      this.#tellEpoch(epoch);
    }
  }

  remark(text: string): void {
    tell(this.#scope, () => ({ e: "remark", trial: this.#header.trial, text: asLine(text) }));
  }

  #tellHead({ model, parameters, samples, steps }: NonNullable<TrainingReport["about"]>): void {
    this.#steps = steps;
    if (this.#hasHead) return;
    this.#hasHead = true;
    const { trial, builder, epochs, workers } = this.#header;
    const name = asName(nameless.has(builder) ? model : builder);
    tell(this.#scope, () => ({ e: "training", trial, model: name, parameters, epochs, samples, workers }));
  }

  /** It goes on elsewhere, or again. */
  #notice({ attempt, worker, epochsBefore: from }: TrainingReport, task: number, round: number): void {
    const heard = { attempt: `${task}.${attempt}`, round, worker };
    const before = this.#heard;
    this.#heard = heard;
    if (before === null || before.round !== round || before.attempt === heard.attempt) return;
    const how = from === 0 ? "began anew" : `resumed after epoch ${from}`;
    this.remark(`${how} on ${worker}: its task on ${before.worker} was lost or had to leave`);
  }

  #tellEpoch({ epoch, logs, seconds, best }: Epoch): void {
    const { learningRate, ...figures } = logs;
    tell(this.#scope, () => ({
      e: "epoch",
      trial: this.#header.trial,
      epoch,
      step: epoch * this.#steps,
      seconds: finiteOr0(seconds),
      learningRate: finiteOrNull(learningRate),
      values: Object.fromEntries(
        Object.entries(figures)
          .slice(0, detailTexts.names)
          .map(([name, value]) => [asName(name), finiteOrNull(value)]),
      ),
      isBest: best,
    }));
  }

  #tellCheckpoint({ checkpoint, checkpointBytes }: TrainingReport): void {
    if (checkpoint === null || checkpoint.name === this.#lastCheckpoint) return;
    this.#lastCheckpoint = checkpoint.name;
    const { epoch, where, name } = checkpoint;
    const place = asLine(`${name} in ${where}`);
    tell(this.#scope, () => ({
      e: "checkpoint",
      trial: this.#header.trial,
      epoch,
      where: place,
      bytes: checkpointBytes,
    }));
  }
}
