// What a training is, as data: the words that the engine, the run on a cluster, data parallelism and the searches share.
import type { TensorFlow } from "@taskflock/tensors";
import type { MetricOptions } from "../metrics/create-metric.ts";
import type { Storage } from "../storage/storage.ts";

/** A dense array as plain data: `data` holds the values row by row; `shape[0]` is the number of rows. */
export interface Tensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
}

/** Rows to train on or to validate with. */
export interface TrainingSet {
  readonly x: Tensor;
  readonly y: Tensor;
}

/**
 * Builds and compiles the model (`model.compile({ optimizer, loss })`). Runs on the worker; `tf` is TensorFlow.js as it was found
 * there, the same engine as of an `import * as tf from "@tensorflow/tfjs"`.
 */
export type ModelBuilder<P extends object> = (
  params: P,
  tf: TensorFlow,
) => import("@tensorflow/tfjs").LayersModel | Promise<import("@tensorflow/tfjs").LayersModel>;

/** Numbers of one epoch by name: `loss`, `valLoss`, `learningRate`, and each metric as `f1` and `valF1`. */
export type EpochLogs = Readonly<Record<string, number>>;

/** One finished epoch, as a run streams it. */
export interface Epoch {
  /** 1 for the first. */
  readonly epoch: number;
  readonly epochs: number;
  readonly logs: EpochLogs;
  readonly seconds: number;
  /** It is the best so far by what the training monitors. */
  readonly best: boolean;
  /** Name of the worker that computed it (the first, when several did). */
  readonly worker: string;
  /** How often the training had gone on from a checkpoint when this epoch ended. */
  readonly resumed: number;
}

/** A trained model as plain data, in TensorFlow.js's own format (`tf.io.ModelArtifacts`): what travels and is saved. */
export interface ModelArtifact {
  readonly modelTopology: object;
  readonly weightSpecs: readonly object[];
  readonly weightData: Uint8Array;
}

/** "min": less is better. */
export type MonitorMode = "min" | "max";

/** What the engine needs to know of a training, all defaults filled in. Functions travel as functions do. */
export interface TrainingPlan<P extends object = object> {
  readonly model: ModelBuilder<P>;
  readonly params: P;
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Decides initial weights, dropout and the order of rows: the same seed, backend and batch size give the same losses. */
  readonly seed: number;
  /** By class (categorical labels) or by label (multi-label targets); null: all 1. */
  readonly classWeight: readonly number[] | null;
  /** Metrics over whole epochs, as `createMetric` takes them: names such as "f1Macro", or options. */
  readonly metrics: readonly (string | MetricOptions)[];
  readonly callbacks: readonly Callback[];
  /** Name in the logs that decides which epoch is the best, such as "valLoss". */
  readonly monitor: string;
  readonly mode: MonitorMode;
}

/** What a callback may look at and change. */
export interface CallbackContext {
  readonly epochs: number;
  readonly steps: number;
  /** Of the optimizer; setting it holds from the next step on. */
  learningRate: number;
  /** Ends the training: within an epoch no further batch comes, and its figures are those of the batches until then. */
  stopTraining(reason: string): void;
  /** Weights as they are now, in the order of `model.getWeights()`. */
  getWeights(): Promise<Float32Array[]>;
  setWeights(weights: readonly Float32Array[]): void;
  /** The model as it is now. */
  artifact(): Promise<ModelArtifact>;
  /** A line of the task's log. */
  log(text: string): void;
  /** Where files of callbacks go (CSV, event files, models); names are relative to the training's own place. */
  readonly files: TrainingFiles;
  /** Name of the worker that runs the training now, and how often the training has gone on from a checkpoint. */
  readonly worker: string;
  readonly resumed: number;
}

/** The part of a `Storage` that a training's callbacks use. */
export type TrainingFiles = Pick<Storage, "read" | "write" | "append" | "list">;

/** What is around a training: where its words and files go. */
export interface TrainerSurroundings {
  /** Name of the worker, for the epochs. */
  readonly worker: string;
  /** How often the training has gone on from a checkpoint. */
  readonly resumed: number;
  /** Which of the workers of a data parallel training this is: each has dropout of its own. Only 0, the default, runs callbacks. */
  readonly shard?: number;
  log(text: string): void;
  readonly files: TrainingFiles;
}

/** Gradients of a batch, or of a worker's shard of it. */
export interface BatchGradients {
  /** Rows: shards' losses and gradients, averaged by this weight, are those of the whole batch (the regularizers' part, which each has, too). */
  readonly weight: number;
  readonly loss: number;
  /** Gradients of all trainable weights, one after the other. */
  readonly flat: Float32Array;
  /** The model's outputs row by row, for the metrics; null when there are none. */
  readonly outputs: Float32Array | null;
}

/**
 * Runs beside a training, on its worker; of several workers on the first only. `state` is plain data that checkpoints keep: a training
 * that goes on elsewhere goes on with it. Functions travel with what they use, so they have no `this`.
 */
// biome-ignore lint/suspicious/noExplicitAny: each callback has a state of its own
export interface CallbackHooks<S = any> {
  readonly name: string;
  /** The state at the beginning. */
  readonly start?: (context: CallbackContext) => S;
  readonly onEpochBegin?: (epoch: number, state: S, context: CallbackContext) => void | Promise<void>;
  readonly onBatchEnd?: (step: number, logs: EpochLogs, state: S, context: CallbackContext) => void | Promise<void>;
  readonly onEpochEnd?: (epoch: number, logs: EpochLogs, state: S, context: CallbackContext) => void | Promise<void>;
  readonly onTrainEnd?: (state: S, context: CallbackContext) => void | Promise<void>;
}

/** One of Taskflock's own callbacks, such as `earlyStopping(…)` makes it: data, as the worker has its code. */
export interface BuiltInCallback {
  readonly builtIn: string;
  readonly options: object;
}

export type Callback = CallbackHooks | BuiltInCallback;
