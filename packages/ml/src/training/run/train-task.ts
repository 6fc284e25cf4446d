// A training as a task: it finds TensorFlow.js and the data, goes on from where it was, and writes checkpoints.

import { basename, dirname, isAbsolute } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { loadTensors, switchTensors, type TensorBackend, type TensorChoice, type TensorFlow } from "@taskflock/tensors";
import type { KeptBytes } from "../../executor.ts";
import { HERE } from "../../inline-task.ts";
import { openStorage } from "../../storage/open-storage.ts";
import type { Storage } from "../../storage/storage.ts";
import { packCheckpoint, unpackCheckpoint } from "../checkpoint-format.ts";
import type { MemberGroup } from "../member-group.ts";
import { LeadingTrainer } from "../parallel.ts";
import { Trainer } from "../trainer.ts";
import type { SavedTraining } from "../trainer-state.ts";
import type { Epoch, ModelArtifact, TrainerSurroundings, TrainingFiles, TrainingPlan, TrainingSet } from "../types.ts";
import { CheckpointPlace, checkpointName, keptFiles, storedFiles } from "./checkpoint-place.ts";
import { checkedSet, type SetInput, splitLast } from "./tensor-input.ts";
import { type LoopTrainer, type Rhythm, trainLoop } from "./train-loop.ts";
import { TrainingPort } from "./training-port.ts";

/** Data as it reaches the task: values, or a function that loads them there. */
export type LoadedData = SetInput | (() => SetInput | Promise<SetInput>);

/** Where checkpoints go: a folder or bucket; bytes that the cluster keeps under names with this prefix; nowhere. */
export type PlaceChoice = { readonly url: string } | { readonly kept: KeptBytes; readonly prefix: string } | null;

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
  /** Leaves it after so many epochs for a later task to go on with; default: to its end. */
  readonly until?: number;
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

/** A checkpoint to go on from. */
interface Found {
  readonly bytes: Uint8Array;
  /** How often the training had gone on then; null: its history says it. */
  readonly resumed: number | null;
}

const STOPPED = "stopped by the client";

/** One training, from its beginning or its last checkpoint to its end. What `client.train` submits. `group`: it leads several. */
export async function trainTask(job: TrainJob, group: MemberGroup | null = null): Promise<TrainOutcome> {
  const port = TrainingPort.open();
  try {
    // The process of a program keeps the backend that the program has loaded.
    const load = port.worker === HERE ? loadTensors : switchTensors;
    const { tf, backend, versions, device } = await load(job.backend === null ? {} : { backend: job.backend });
    port.log(`trains on ${backend}${device === null ? "" : ` (${device})`}`);
    port.report({ backend: { backend, versions, device } });
    const outcome = await new TaskTraining(job, port, group).run(tf);
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
  readonly #group: MemberGroup | null;
  #trainer!: Trainer;
  /** The trainer, or all members' by way of it. */
  #driven!: Trainer | LeadingTrainer;
  #resumed = 0;

  constructor(job: TrainJob, port: TrainingPort, group: MemberGroup | null) {
    this.#group = group;
    this.#job = job;
    this.#port = port;
  }

  async run(tf: TensorFlow): Promise<Omit<TrainOutcome, "backend">> {
    const {
      job: { plan, rhythm },
      port,
    } = { job: this.#job, port: this.#port };
    await this.#openPlace();
    const { data, validation } = await loadSets(this.#job);
    const from = await this.#find();
    if (from !== null) this.#resumed = resumedOf(from) + 1;
    const trainer = await Trainer.create(tf, plan, data, validation, this.#surroundings());
    this.#trainer = trainer;
    try {
      if (from !== null) await this.#goOn(from);
      port.report({ about: trainer.about });
      const leading = this.#group === null ? null : await LeadingTrainer.lead(trainer, this.#group);
      this.#driven = leading ?? trainer;
      const save = (): Promise<boolean> => this.#save();
      const step = leading === null ? () => trainer.step() : () => stepAndSave(leading, save);
      const how = await trainLoop({ trainer: upTo(this.#driven, this.#job.until), port, rhythm, step, save });
      const checkpoint = await this.#driven.checkpoint();
      await leading?.end();
      if (this.#storage !== null || this.#job.until !== undefined) await this.#save(checkpoint);
      if (how === "stopped") await trainer.end(STOPPED);
      const { history, bestEpoch, stopReason } = trainer;
      return { history, bestEpoch, stopReason, model: await trainer.bestArtifact(), checkpoint };
    } catch (error) {
      if (port.isCancelled && this.#job.until === undefined) await this.#forget();
      throw error;
    } finally {
      trainer.dispose();
    }
  }

  async #goOn({ bytes }: Found): Promise<void> {
    await this.#trainer.restore(bytes);
    const { epoch, batch, history } = this.#trainer;
    this.#port.log(`goes on after epoch ${epoch}${batch === 0 ? "" : `, batch ${batch}`}`);
    this.#port.report({ epochs: history, epochsBefore: epoch });
  }

  #surroundings(): TrainerSurroundings {
    return {
      worker: this.#port.worker,
      resumed: this.#resumed,
      log: (text) => this.#port.log(text),
      files: this.#storage ?? noFiles,
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

  /** What this training wrote before; else what the user named; else nothing. */
  async #find(): Promise<Found | null> {
    const { again, resumeFrom } = this.#job;
    if (this.#port.attempt > 1 || again) {
      const own = await this.#findOwn();
      if (own !== null) return own;
    } else if (resumeFrom !== true) await this.#place?.ensureEmpty();
    if (resumeFrom === null) return null;
    if (resumeFrom === true) return reopened((await this.#place?.newest(checkCheckpoint)) ?? null);
    if (typeof resumeFrom === "string") return reopened(await this.#findAt(resumeFrom));
    return reopened({ bytes: resumeFrom, resumed: null });
  }

  async #findOwn(): Promise<Found | null> {
    try {
      return (await this.#place?.newest(checkCheckpoint)) ?? null;
    } catch (error) {
      this.#port.log(`No checkpoint of this training can be read; it begins anew. ${String(error)}`);
      return null;
    }
  }

  async #findAt(path: string): Promise<Found> {
    if (path.endsWith(".checkpoint")) {
      const storage = await openStorage(folderOf(path));
      return { bytes: await storage.read(basename(path)), resumed: null };
    }
    const storage = await openStorage(path);
    const place = new CheckpointPlace(storedFiles(storage), (message) => this.#port.log(message));
    const found = await place.newest(checkCheckpoint);
    if (found !== null) return found;
    const text = `resumeFrom: ${storage.url} holds no checkpoint. Their names end in .checkpoint.`;
    throw new FlockError("FLOCK_STORAGE_NOT_FOUND", text);
  }

  async #save(known?: Uint8Array): Promise<boolean> {
    const { epoch, batch, bestEpoch } = this.#trainer;
    if (this.#place === null) return false;
    const name = checkpointName(epoch, batch, this.#resumed);
    try {
      const bytes = known ?? (await this.#driven.checkpoint());
      await this.#place.write(name, bytes, bestEpoch);
      const checkpoint = { where: this.#place.where, name: name.name, epoch, step: batch };
      this.#port.report({ checkpoint, checkpointBytes: bytes.length });
      return true;
    } catch (error) {
      // Hours of work are not thrown away for that: it goes on, and the next one may succeed.
      this.#port.log(`A checkpoint could not be written: ${String(error)}`);
      return false;
    }
  }

  /** What the cluster keeps of a training that nobody wants any more. */
  async #forget(): Promise<void> {
    if (this.#storage !== null) return;
    await this.#place?.clear().catch(() => {});
  }
}

/** Seen so that it is done after so many epochs. */
function upTo(trainer: LoopTrainer, until: number = Number.POSITIVE_INFINITY): LoopTrainer {
  return {
    get epoch() {
      return trainer.epoch;
    },
    get batch() {
      return trainer.batch;
    },
    get steps() {
      return trainer.steps;
    },
    get history() {
      return trainer.history;
    },
    get done() {
      return trainer.done || trainer.epoch >= until;
    },
    endEpoch: () => trainer.endEpoch(),
  };
}

function checkCheckpoint(bytes: Uint8Array): void {
  unpackCheckpoint(bytes);
}

/** Whatever ended the training before, it goes on. */
function reopened(found: Found | null): Found | null {
  if (found === null) return null;
  const saved = unpackCheckpoint(found.bytes) as SavedTraining;
  const progress = { ...saved.progress, stopReason: null, ended: false };
  return { ...found, bytes: packCheckpoint({ ...saved, progress }) };
}

function resumedOf({ bytes, resumed }: Found): number {
  return resumed ?? (unpackCheckpoint(bytes) as SavedTraining).progress.history.at(-1)?.resumed ?? 0;
}

/** Of a training without a place for them. */
export const noFiles: TrainingFiles = {
  read: refuse,
  write: refuse,
  append: refuse,
  list: async () => [],
};

async function refuse(name: string): Promise<never> {
  const text = `A callback uses the file ${name}, which lies beside the checkpoints: give train the option checkpoints.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

/** A member that has to leave does so after the checkpoint. */
async function stepAndSave(leading: LeadingTrainer, save: () => Promise<boolean>): Promise<boolean> {
  const more = await leading.step();
  if (more && leading.isLeft) await save();
  return more;
}

/** Also of an address. */
function folderOf(path: string): string {
  return isAbsolute(path) ? dirname(path) : path.slice(0, path.lastIndexOf("/"));
}
