// A training as a task: it finds TensorFlow.js and the data, goes on from where it was, and writes checkpoints.

import { basename, dirname, isAbsolute } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { loadTensors, type TensorBackend, type TensorChoice, type TensorFlow } from "@taskflock/tensors";
import type { KeptBytes } from "../../executor.ts";
import { openStorage } from "../../storage/open-storage.ts";
import type { Storage } from "../../storage/storage.ts";
import { packCheckpoint, unpackCheckpoint } from "../checkpoint-format.ts";
import { Trainer } from "../trainer.ts";
import type { SavedTraining } from "../trainer-state.ts";
import type { Epoch, ModelArtifact, TrainingPlan, TrainingSet } from "../types.ts";
import { CheckpointPlace, checkpointName, keptFiles, storedFiles } from "./checkpoint-place.ts";
import { checkedSet, type SetInput, splitLast } from "./tensor-input.ts";
import { type Rhythm, trainLoop } from "./train-loop.ts";
import { TrainingPort } from "./training-port.ts";

/** Data as it reaches the task: values, or a function that loads them there. */
export type LoadedData = SetInput | (() => SetInput | Promise<SetInput>);

/** Where checkpoints go: a folder or bucket; bytes that the cluster keeps under names with this prefix; nowhere. */
export type PlaceChoice =
  | { readonly url: string }
  | { readonly kept: KeptBytes; readonly prefix: string }
  | null;

/** All that the task gets. Functions and handles stand in it. */
export interface TrainJob {
  readonly plan: TrainingPlan;
  readonly data: LoadedData;
  readonly validation: LoadedData | null;
  readonly validationSplit: number;
  readonly backend: TensorBackend | null;
  readonly place: PlaceChoice;
  readonly rhythm: Rhythm;
  /** An earlier training to go on with: a checkpoint's bytes, its file, a folder or bucket of them; true: what `place` has. */
  readonly resumeFrom: Uint8Array | string | true | null;
  /** It is not the first task of this training: what `place` has is its own. */
  readonly again: boolean;
}

export interface TrainOutcome {
  readonly history: readonly Epoch[];
  readonly bestEpoch: number | null;
  /** Why it ended before its last epoch; null when it did not. */
  readonly stopReason: string | null;
  /** The model of the best epoch. */
  readonly model: ModelArtifact;
  /** To go on from. */
  readonly checkpoint: Uint8Array;
  readonly backend: Omit<TensorChoice, "passedOver">;
}

export const STOPPED = "stopped by the client";

/** One training, from its beginning or its last checkpoint to its end. What `client.train` submits. */
export async function trainTask(job: TrainJob): Promise<TrainOutcome> {
  const port = TrainingPort.open();
  try {
    const { tf, backend, versions, device } = await loadTensors(job.backend === null ? {} : { backend: job.backend });
    port.log(`trains on ${backend}${device === null ? "" : ` (${device})`}`);
    port.report({ backend: { backend, versions, device } });
    const outcome = await new TaskTraining(job, port).run(tf);
    return { ...outcome, backend: { backend, versions, device } };
  } finally {
    port.close();
  }
}

/** The data of a job, as tensors. Throws FLOCK_ML_INPUT. */
export async function loadSets(job: TrainJob): Promise<{ data: TrainingSet; validation: TrainingSet | null }> {
  const data = checkedSet("data", await loaded(job.data));
  if (job.validation !== null) return { data, validation: checkedSet("validationData", await loaded(job.validation)) };
  if (job.validationSplit === 0) return { data, validation: null };
  const { rest, last } = splitLast(data, job.validationSplit);
  return { data: rest, validation: last };
}

async function loaded(data: LoadedData): Promise<SetInput> {
  return typeof data === "function" ? await data() : data;
}

class TaskTraining {
  readonly #job: TrainJob;
  readonly #port: TrainingPort;
  #place: CheckpointPlace | null = null;
  #storage: Storage | null = null;
  #trainer!: Trainer;
  #resumed = 0;

  constructor(job: TrainJob, port: TrainingPort) {
    this.#job = job;
    this.#port = port;
  }

  async run(tf: TensorFlow): Promise<Omit<TrainOutcome, "backend">> {
    const { job: { plan, rhythm }, port } = { job: this.#job, port: this.#port };
    await this.#openPlace();
    const { data, validation } = await loadSets(this.#job);
    this.#trainer = await Trainer.create(tf, plan, data, validation, this.#surroundings());
    const trainer = this.#trainer;
    try {
      await this.#resume();
      if (trainer.history.length > 0) port.report({ epochs: trainer.history });
      const save = (): Promise<boolean> => this.#save();
      const how = await trainLoop({ trainer, port, rhythm, step: () => trainer.step(), save });
      const checkpoint = await trainer.checkpoint();
      if (this.#storage !== null) await this.#save(checkpoint);
      if (how === "stopped") await trainer.end(STOPPED);
      const { history, bestEpoch, stopReason } = trainer;
      return { history, bestEpoch, stopReason, model: await trainer.bestArtifact(), checkpoint };
    } catch (error) {
      if (port.isCancelled) await this.#forget();
      throw error;
    } finally {
      trainer.dispose();
    }
  }

  #surroundings(): Parameters<typeof Trainer.create>[4] {
    const training = this;
    return {
      worker: this.#port.worker,
      get resumed() {
        return training.#resumed;
      },
      log: (text) => this.#port.log(text),
      append: (name, bytes) => this.#append(name, bytes),
    };
  }

  async #openPlace(): Promise<void> {
    const { place } = this.#job;
    if (place === null) return;
    const warn = (message: string): void => this.#port.log(message);
    if ("url" in place) {
      this.#storage = await openStorage(place.url);
      this.#place = new CheckpointPlace(storedFiles(this.#storage), warn);
      await this.#place.probe();
    } else this.#place = new CheckpointPlace(keptFiles(place.kept, place.prefix), warn);
  }

  /** From what this training wrote before; else from what the user named; else from the beginning. */
  async #resume(): Promise<void> {
    const { again, resumeFrom } = this.#job;
    if (this.#port.attempt > 1 || again) {
      if (await this.#resumeOwn()) return;
    } else if (resumeFrom !== true) await this.#place?.ensureEmpty();
    if (resumeFrom === null) return;
    if (resumeFrom === true) await this.#restoreFrom(this.#place);
    else if (typeof resumeFrom !== "string") await this.#reopen(resumeFrom, null);
    else await this.#restoreFromPath(resumeFrom);
  }

  async #resumeOwn(): Promise<boolean> {
    try {
      const from = await this.#place?.newest((bytes) => this.#trainer.restore(bytes));
      if (from === null || from === undefined) return false;
      this.#wentOn(from.resumed, from.epoch, from.step);
      return true;
    } catch (error) {
      this.#port.log(`No checkpoint of this training can be read; it begins anew. ${String(error)}`);
      return false;
    }
  }

  async #restoreFrom(place: CheckpointPlace | null): Promise<boolean> {
    const found = await place?.newest((bytes, { resumed }) => this.#reopen(bytes, resumed));
    return found !== null && found !== undefined;
  }

  async #restoreFromPath(path: string): Promise<void> {
    const warn = (message: string): void => this.#port.log(message);
    if (path.endsWith(".checkpoint")) {
      const storage = await openStorage(folderOf(path));
      await this.#reopen(await storage.read(basename(path)), null);
      return;
    }
    const storage = await openStorage(path);
    if (await this.#restoreFrom(new CheckpointPlace(storedFiles(storage), warn))) return;
    const text = `resumeFrom: ${storage.url} holds no checkpoint. Their names end in .checkpoint.`;
    throw new FlockError("FLOCK_STORAGE_NOT_FOUND", text);
  }

  /** Whatever ended the training before, it goes on. */
  async #reopen(bytes: Uint8Array, resumed: number | null): Promise<void> {
    const saved = unpackCheckpoint(bytes) as SavedTraining;
    const { progress } = saved;
    await this.#trainer.restore(packCheckpoint({ ...saved, progress: { ...progress, stopReason: null, ended: false } }));
    this.#wentOn(resumed ?? progress.history.at(-1)?.resumed ?? 0, progress.epoch, progress.batch);
  }

  #wentOn(resumed: number, epoch: number, step: number): void {
    this.#resumed = resumed + 1;
    this.#port.log(`goes on after epoch ${epoch}${step === 0 ? "" : `, batch ${step}`}`);
  }

  async #save(known?: Uint8Array): Promise<boolean> {
    const { epoch, batch, bestEpoch } = this.#trainer;
    if (this.#place === null) return false;
    const name = checkpointName(epoch, batch, this.#resumed);
    try {
      await this.#place.write(name, known ?? (await this.#trainer.checkpoint()), bestEpoch);
      this.#port.report({ checkpoint: { where: this.#place.where, name: name.name, epoch, step: batch } });
      return true;
    } catch (error) {
      // Hours of work are not thrown away for that: it goes on, and the next one may succeed.
      this.#port.log(`A checkpoint could not be written: ${String(error)}`);
      return false;
    }
  }

  async #append(name: string, bytes: Uint8Array): Promise<void> {
    if (isAbsolute(name) || /^[a-z][a-z0-9+.-]+:/i.test(name)) {
      await (await openStorage(folderOf(name))).append(basename(name), bytes);
      return;
    }
    if (this.#storage !== null) {
      await this.#storage.append(name, bytes);
      return;
    }
    const text = `A callback writes the file ${name}, which lies beside the checkpoints: give train the option checkpoints, or the callback a whole path.`;
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }

  /** What the cluster keeps of a training that nobody wants any more. */
  async #forget(): Promise<void> {
    if (this.#storage !== null) return;
    await this.#place?.clear().catch(() => {});
  }
}

/** Also of an address. */
function folderOf(path: string): string {
  return isAbsolute(path) ? dirname(path) : path.slice(0, path.lastIndexOf("/"));
}
