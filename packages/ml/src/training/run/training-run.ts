// What a person holds while a training runs, and what it gives in the end.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { TensorChoice } from "@taskflock/tensors";
import { TrainingDetails } from "../../details/training-details.ts";
import type { Executor, Handle, RunScope } from "../../executor.ts";
import { EventStream } from "../../search/event-stream.ts";
import { messageOf } from "../../search/failure.ts";
import type { SearchStatus } from "../../search/search.ts";
import { type GangTask, submitTraining } from "../gang/submit-training.ts";
import type { Epoch } from "../types.ts";
import { type CompiledTraining, compileTraining, type PlacedSet, type TrainOptions } from "./compile-training.ts";
import { type CheckpointInfo, isReport, type TrainingReport, type TrainingWord } from "./report.ts";
import type { LoadedData, PlaceChoice, TrainOutcome } from "./train-task.ts";
import { TrainedModel } from "./trained-model.ts";

export interface TrainingResult {
  /** All epochs, also those of an earlier training that this one went on with. */
  readonly history: readonly Epoch[];
  /** The best epoch by what the training monitors, whose model this is; null when it was stopped before any had ended. */
  readonly best: Epoch | null;
  /** Why it ended before its last epoch, such as a callback's reason; null when it did not. */
  readonly stopReason: string | null;
  readonly model: TrainedModel;
  /** Where the training stood at its end: `resumeFrom` goes on from there. */
  readonly checkpoint: Uint8Array;
  /** What it was computed with. */
  readonly backend: Omit<TensorChoice, "passedOver">;
  readonly seed: number;
}

/**
 * A running training. Any number of readers may iterate over its epochs, each from the first one; the iteration ends when the training
 * does, however it ends: `result()` tells how.
 */
export interface TrainingRun extends AsyncIterable<Epoch> {
  readonly name: string;
  readonly status: SearchStatus;
  /** Finished epochs, and epochs in all. */
  readonly done: number;
  readonly total: number;
  /** What decides initial weights, dropout and the order of rows. */
  readonly seed: number;
  /** Waits for the end; the model is that of the best epoch. Rejects with the coded error that ended the training. */
  result(): Promise<TrainingResult>;
  /** Ends it after the batch that runs; `result()` gives the best so far. Resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends it at once and drops all of it; `result()` rejects with FLOCK_CANCELLED. */
  cancel(reason?: string): Promise<void>;
  /**
   * Has a checkpoint written after the batch that runs; resolves with where it is. Rejects with FLOCK_TRAINING_OVER, FLOCK_STORAGE_FAILED,
   * and FLOCK_OPTION_INVALID for a training without a place for checkpoints.
   */
  checkpoint(): Promise<CheckpointInfo>;
}

/**
 * A slot's process that ended by itself, and data that were lost with all workers that held them, are not the scheduler's to replace: the
 * training begins another task, so often in a row without a new epoch.
 */
export const VAIN_RESTARTS = 3;

/**
 * Trains a model on a worker. Returns at once; throws at once for options and data that cannot be used (FLOCK_OPTION_INVALID,
 * FLOCK_ML_INPUT, FLOCK_ML_SCORER).
 */
export function train<P extends object>(executor: Executor, options: TrainOptions<P>): TrainingRun {
  return new Training(executor, compileTraining(executor, options));
}

interface Request {
  readonly id: number;
  readonly resolve: (info: CheckpointInfo) => void;
  readonly reject: (error: FlockError) => void;
}

class Training implements TrainingRun {
  readonly name: string;
  readonly total: number;
  readonly seed: number;
  readonly #compiled: CompiledTraining;
  readonly #executor: Executor;
  readonly #scope: RunScope;
  readonly #details: TrainingDetails;
  readonly #epochs = new EventStream<Epoch>();
  readonly #outcome: Promise<TrainingResult>;
  #done = 0;
  #status: SearchStatus = "running";
  #task: GangTask<TrainOutcome> | null = null;
  /** Which attempt of which task was heard last; "" before the first. */
  #heard = "";
  #stopAsked = false;
  #requests: Request[] = [];
  #lastRequest = 0;
  /** Rejects when the training is ended from outside. */
  readonly #ended: Promise<never>;
  #end!: (error: unknown) => void;

  constructor(executor: Executor, compiled: CompiledTraining) {
    this.#compiled = compiled;
    this.name = compiled.name;
    this.total = compiled.plan.epochs;
    this.seed = compiled.plan.seed;
    const run = executor.openRun(compiled.name, this.total);
    this.#executor = run.executor;
    this.#scope = run.scope;
    const { epochs, model } = compiled.plan;
    const workers = compiled.members.size;
    this.#details = new TrainingDetails(run.scope, { trial: -1, builder: model.name, epochs, workers });
    this.#ended = new Promise<never>((_, reject) => {
      this.#end = reject;
    });
    this.#outcome = this.#drive();
    for (const promise of [this.#ended, this.#outcome]) promise.catch(() => undefined);
  }

  get status(): SearchStatus {
    return this.#status;
  }

  get done(): number {
    return this.#done;
  }

  result(): Promise<TrainingResult> {
    return this.#outcome;
  }

  [Symbol.asyncIterator](): AsyncIterator<Epoch> {
    return this.#epochs[Symbol.asyncIterator]();
  }

  async stop(): Promise<void> {
    if (this.#status !== "running") return;
    this.#stopAsked = true;
    if (!(await this.#say({ word: "stop" })) && this.#heard === "") {
      this.#end(new FlockError("FLOCK_CANCELLED", "The training was stopped before it had begun."));
    }
    await this.#outcome.catch(() => undefined);
  }

  async cancel(reason = "The training was cancelled."): Promise<void> {
    if (this.#status !== "running") return;
    this.#details.remark(`cancelled: ${reason}`);
    this.#close("cancelled");
    this.#end(new FlockError("FLOCK_CANCELLED", reason));
    await this.#outcome.catch(() => undefined);
  }

  async checkpoint(): Promise<CheckpointInfo> {
    if (this.#status !== "running") throw this.#over();
    if (this.#compiled.checkpoints === false || !this.#canKeep) {
      const text = "This training has no place for checkpoints: give train the option checkpoints.";
      throw new FlockError("FLOCK_OPTION_INVALID", text);
    }
    const id = ++this.#lastRequest;
    const written = new Promise<CheckpointInfo>((resolve, reject) => this.#requests.push({ id, resolve, reject }));
    await this.#say({ word: "checkpoint", request: id });
    return written;
  }

  get #canKeep(): boolean {
    return typeof this.#compiled.checkpoints === "string" || this.#executor.keptBytes !== undefined;
  }

  #over(): FlockError {
    return new FlockError("FLOCK_TRAINING_OVER", `The training "${this.name}" has ended (${this.#status}).`);
  }

  /** False when no task runs that could hear: the next one is told when it is heard of. */
  async #say(word: TrainingWord): Promise<boolean> {
    return (await this.#task?.tell(word).catch(() => false)) ?? false;
  }

  async #drive(): Promise<TrainingResult> {
    const prefix = `training/${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}/`;
    try {
      const outcome = await this.#attempts(prefix);
      for (const epoch of outcome.history) this.#epochDone(epoch);
      this.#details.epochs(outcome.history);
      this.#details.remark(outcome.stopReason === null ? "done" : `stopped early: ${outcome.stopReason}`);
      this.#close(this.#stopAsked ? "stopped" : "done");
      return this.#resultOf(outcome);
    } catch (error) {
      const how = this.#stopAsked && isFlockError(error, "FLOCK_CANCELLED") ? "stopped" : "failed";
      if (this.#status === "running") this.#details.remark(`${how}: ${messageOf(error)}`);
      this.#close(how);
      await this.#task?.cancel(messageOf(error)).catch(() => undefined);
      throw error;
    } finally {
      this.#task?.release();
      this.#epochs.end();
      for (const { reject } of this.#requests.splice(0)) reject(this.#over());
      if (this.#compiled.checkpoints === null) await this.#executor.forgetKept?.(prefix).catch(() => undefined);
    }
  }

  /** Until one ends that is to count. */
  async #attempts(prefix: string): Promise<TrainOutcome> {
    const place = await this.#placeFor(prefix);
    const { plan, validationSplit, backend, rhythm, resumeFrom, task, members } = this.#compiled;
    for (let restarts = 0, vain = 0; ; restarts++) {
      const epochs = this.#done;
      const sets = new PlacedSets(this.#executor, this.#compiled);
      const { data, validation } = sets;
      const job = { plan, data, validation, validationSplit, backend, place, rhythm, resumeFrom, again: restarts > 0 };
      const onReport = (report: unknown): void => this.#hear(report, restarts);
      try {
        this.#task = await submitTraining(this.#executor, job, members, {
          ...{ ...task, name: this.name, onReport },
          onFormed: (size, formation) => this.#formed(size, formation),
        });
        return await Promise.race([this.#task.result(), this.#ended]);
      } catch (error) {
        vain = this.#done > epochs ? 0 : vain + 1;
        if (this.#status !== "running" || vain > VAIN_RESTARTS || !canGoOn(error)) throw error;
        this.#executor.warn(`The training "${this.name}" begins another task: ${messageOf(error)}`);
        this.#details.remark(`begins another task: ${messageOf(error)}`);
        this.#task?.release();
      } finally {
        sets.release();
      }
    }
  }

  #formed(size: number, formation: number): void {
    const { size: all } = this.#compiled.members;
    if (formation === 1 && size === all) return;
    const how = formation === 1 ? "begins with" : "a worker was lost or had to leave; it goes on with";
    this.#details.remark(`${how} ${size} of ${all} workers`);
  }

  async #placeFor(prefix: string): Promise<PlaceChoice> {
    const { checkpoints } = this.#compiled;
    if (typeof checkpoints === "string") return { url: checkpoints };
    const kept = checkpoints === null ? await this.#executor.keptBytes?.() : undefined;
    return kept === undefined ? null : { kept, prefix };
  }

  #hear(report: unknown, task: number): void {
    if (!isReport(report) || this.#status !== "running") return;
    for (const epoch of report.epochs) this.#epochDone(epoch);
    this.#details.hear(report, task);
    this.#answer(report);
    const from = `${task}.${report.attempt}`;
    if (from === this.#heard) return;
    this.#heard = from;
    // What a former attempt was told, this one does not know.
    if (this.#stopAsked) void this.#say({ word: "stop" });
    for (const { id } of this.#requests) void this.#say({ word: "checkpoint", request: id });
  }

  #answer({ answered, refusal, checkpoint, attempt }: TrainingReport): void {
    const open = this.#requests;
    this.#requests = open.filter(({ id }) => id > answered);
    for (const { id, resolve, reject } of open) {
      if (id > answered) continue;
      if (refusal === null && checkpoint !== null) resolve(checkpoint);
      else reject(new FlockError("FLOCK_STORAGE_FAILED", `${this.name} (attempt ${attempt}): ${refusal}`));
    }
  }

  /** Those that are computed again after a checkpoint were told before. */
  #epochDone(epoch: Epoch): void {
    if (epoch.epoch <= this.#done) return;
    this.#done = epoch.epoch;
    this.#epochs.push(epoch);
    this.#scope.emit(epoch);
  }

  #close(status: "done" | "failed" | "stopped" | "cancelled"): void {
    if (this.#status !== "running") return;
    this.#status = status;
    this.#scope.close(status);
  }

  #resultOf({ history, bestEpoch, stopReason, model, checkpoint, backend }: TrainOutcome): TrainingResult {
    const best = history.find(({ epoch }) => epoch === bestEpoch) ?? null;
    return { history, best, stopReason, model: new TrainedModel(model), checkpoint, backend, seed: this.seed };
  }
}

/** The slot's process ended (killed from outside, or by native code), or the workers that held the data are gone. */
export function canGoOn(error: unknown): boolean {
  if (!isFlockError(error)) return false;
  if (error.code === "FLOCK_DEPENDENCY_FAILED" && error.cause !== undefined) return canGoOn(error.cause);
  return error.code === "FLOCK_TASK_EXITED" || error.code === "FLOCK_DATA_LOST";
}

/** Puts what is here on the cluster, once for each task. */
export class PlacedSets {
  readonly data: LoadedData;
  readonly validation: LoadedData | null;
  readonly #executor: Executor;
  readonly #own: Handle<unknown>[] = [];

  constructor(executor: Executor, { data, validation }: CompiledTraining) {
    this.#executor = executor;
    this.data = this.#put(data, "training-data");
    this.validation = validation === null ? null : this.#put(validation, "validation-data");
  }

  release(): void {
    for (const handle of this.#own) handle.release();
  }

  /** Handles stand for their values. */
  #put(set: PlacedSet, name: string): LoadedData {
    if ("there" in set) return set.there as LoadedData;
    const handle = this.#executor.scatter(set.here, { name });
    this.#own.push(handle);
    return handle as unknown as LoadedData;
  }
}
