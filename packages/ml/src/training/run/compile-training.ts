// Options of a training: checked in full before anything is sent, defaults filled in.

import { resolve } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { TensorBackend } from "@taskflock/tensors";
import type { Executor, Handle, SubmitOptions } from "../../executor.ts";
import { isPlainObject, kindOf } from "../../kinds.ts";
import { createMetric, type MetricName, type MetricOptions } from "../../metrics/create-metric.ts";
import type { Callback, ModelBuilder, MonitorMode, TrainingPlan, TrainingSet } from "../types.ts";
import { type ArrayInput, checkedSet, type SetInput } from "./tensor-input.ts";
import type { Rhythm } from "./train-loop.ts";

type OrHandle<T> = T | Handle<T>;

/**
 * Data of a training: `{ x, y }`, futures of them, a future of both, or a function that loads them on the worker, such as
 * `async () => readTable("s3://…")`.
 */
export type TrainingData =
  | OrHandle<SetInput>
  | { readonly x: OrHandle<ArrayInput>; readonly y: OrHandle<ArrayInput> }
  | (() => SetInput | Promise<SetInput>);

/** Options of the training's task. */
export interface TrainTaskOptions
  extends Pick<
    SubmitOptions,
    | ("priority" | "timeoutMs" | "deadlineMs" | "noWorkerTimeoutMs" | "cancelGraceMs")
    | ("resources" | "allowedFailures")
  > {
  /**
   * How many workers train together, each on its shard of every batch (default 1): as many slots have to be free at the same time. Or names of
   * workers, one of which is to run the training.
   */
  readonly workers?: number | readonly string[];
  /** So many are enough when no more have a slot, at the beginning or after one was lost. Default: as many as `workers`. */
  readonly minWorkers?: number;
  /** Milliseconds after which fewer are enough; default 10,000. */
  readonly minWorkersAfterMs?: number;
}

export interface TrainOptions<P extends object = object> extends TrainTaskOptions {
  /** Builds and compiles the model, on the worker. It travels as any function does. */
  readonly model: ModelBuilder<P>;
  /** What `model` is called with; default {}. */
  readonly params?: P;
  readonly data: TrainingData;
  /** Rows that are not trained on: after each epoch `valLoss` and `val…` of each metric are computed of them. */
  readonly validationData?: TrainingData;
  /** Instead of `validationData`: this share of the last rows of `data`, 0 to 1; default 0. */
  readonly validationSplit?: number;
  /** Default 1. With `resumeFrom` the earlier ones count. */
  readonly epochs?: number;
  /** Rows of one step; default 32. */
  readonly batchSize?: number;
  /** Takes the rows in a new order in each epoch; default true. */
  readonly shuffle?: boolean;
  /** A whole number. The same seed, backend and batch size give the same losses. Default: a random one. */
  readonly seed?: number;
  /** By class (categorical labels) or by label (multi-label targets), in their order. Default: all 1. */
  readonly classWeight?: readonly number[];
  /** Metrics over whole epochs, such as ["f1Macro", { name: "precision", threshold: 0.3 }]. */
  readonly metrics?: readonly (MetricName | MetricOptions)[];
  readonly callbacks?: readonly Callback[];
  /** The figure that decides which epoch is the best. Default "valLoss" where there is validation, else "loss". */
  readonly monitor?: string;
  /** "min": less is better. Default: as the figure is meant. */
  readonly mode?: MonitorMode;
  /**
   * A folder that all workers see, or "s3://bucket/prefix", for checkpoints (the last two and that of the best epoch) and the files of
   * callbacks. Default: the last two checkpoints are in the memory of two workers, until the training is over. False: none.
   */
  readonly checkpoints?: string | false;
  /** Default 1. */
  readonly checkpointEveryEpochs?: number;
  /** Also after so many batches; default: only between epochs. */
  readonly checkpointEverySteps?: number;
  /**
   * Goes on with an earlier training of the same model: a folder or "s3://…" with its checkpoints, the path of one, or `checkpoint` of a
   * result. True: what `checkpoints` has, if anything. Default: begins anew.
   */
  readonly resumeFrom?: string | Uint8Array | true;
  /** What TensorFlow.js is to compute with; default: the best that works on the worker. */
  readonly backend?: TensorBackend;
  /** What people see the training as; default "train". */
  readonly name?: string;
}

/** Here and checked, or for the worker to find. */
export type PlacedSet = { readonly here: TrainingSet } | { readonly there: unknown };

/** A training with nothing left to check but data that only workers have, and the model. */
export interface CompiledTraining {
  readonly name: string;
  readonly plan: TrainingPlan;
  readonly data: PlacedSet;
  readonly validation: PlacedSet | null;
  readonly validationSplit: number;
  readonly backend: TensorBackend | null;
  /** False: none; null: in the cluster's memory. */
  readonly checkpoints: string | false | null;
  readonly rhythm: Rhythm;
  readonly resumeFrom: string | Uint8Array | true | null;
  readonly task: SubmitOptions;
  /** Workers that train together. */
  readonly members: { readonly size: number; readonly minimum: number; readonly patienceMs: number };
}

/** Not from `tensors`, which clients that do not train never load. */
const backends: Readonly<Record<TensorBackend, string>> = {
  "node-gpu": '"node-gpu"',
  node: '"node"',
  webgpu: '"webgpu"',
  wasm: '"wasm"',
  cpu: '"cpu"',
};

type Check = (value: unknown) => string | null;

const positive: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? null : "a whole number from 1 up";
const aFunction: Check = (value) => (typeof value === "function" ? null : "a function");
const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a string that is not empty");
const amount: Check = (value) =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? null : "a number from 0 up";
const milliseconds: Check = (value) => (amount(value) === null ? null : "milliseconds from 0 up");
/** Data is looked at in full, where it is. */
const passed: Check = () => null;

const checks: { readonly [K in keyof Required<TrainOptions>]: Check } = {
  model: aFunction,
  params: (value) => (typeof value === "object" && value !== null ? null : "an object"),
  data: (value) => (value === undefined ? "{ x, y }, a future, or a function that loads them" : null),
  validationData: passed,
  validationSplit: (value) => (amount(value) === null && (value as number) < 1 ? null : "a number from 0 to below 1"),
  epochs: positive,
  batchSize: positive,
  shuffle: flag,
  seed: (value) => (Number.isSafeInteger(value) ? null : "a whole number"),
  classWeight: (value) =>
    Array.isArray(value) && value.every((one) => amount(one) === null) ? null : "an array of numbers from 0 up",
  metrics: (value) => (Array.isArray(value) ? null : 'an array of metrics, such as ["f1"]'),
  callbacks: (value) =>
    Array.isArray(value) ? null : "an array of callbacks, such as [earlyStopping({ patience: 2 })]",
  monitor: text,
  mode: (value) => (value === "min" || value === "max" ? null : '"min" or "max"'),
  checkpoints: (value) => (value === false || text(value) === null ? null : 'a folder, "s3://bucket/prefix", or false'),
  checkpointEveryEpochs: positive,
  checkpointEverySteps: positive,
  resumeFrom: (value) =>
    value === true || value instanceof Uint8Array || text(value) === null
      ? null
      : 'true, a folder, a file, "s3://bucket/prefix", or the checkpoint of a result',
  backend: (value) =>
    typeof value === "string" && Object.hasOwn(backends, value) ? null : Object.values(backends).join(" or "),
  name: text,
  priority: (value) => (Number.isSafeInteger(value) ? null : "a whole number"),
  timeoutMs: milliseconds,
  deadlineMs: milliseconds,
  noWorkerTimeoutMs: milliseconds,
  cancelGraceMs: milliseconds,
  resources: (value) =>
    isPlainObject(value) && Object.values(value).every((one) => amount(one) === null)
      ? null
      : "an object of amounts, such as { GPU: 1 }",
  allowedFailures: (value) =>
    amount(value) === null && Number.isSafeInteger(value) ? null : "a whole number from 0 up",
  workers: (value) =>
    Array.isArray(value) || positive(value) === null
      ? null
      : "how many train together, or an array of names of workers",
  minWorkers: positive,
  minWorkersAfterMs: amount,
};

/** Trainings are long, and each goes on from its last checkpoint: they outlast more dead workers than other tasks. */
const ALLOWED_FAILURES = 20;
/** To let go of what the cluster keeps. */
const CANCEL_GRACE_MS = 5_000;

/** Checks everything that can be known here; throws the coded error of what is wrong. */
export function compileTraining<P extends object>(executor: Executor, options: TrainOptions<P>): CompiledTraining {
  checkOptions(options);
  const { validationData, validationSplit = 0, checkpoints, resumeFrom = null, backend = null } = options;
  if (validationData !== undefined && validationSplit > 0) {
    throw wrongOption("validationData and validationSplit exclude each other.");
  }
  if (resumeFrom === true && typeof checkpoints !== "string") {
    throw wrongOption("resumeFrom: true goes on with what `checkpoints` holds, so that it takes a folder there.");
  }
  for (const [index, callback] of (options.callbacks ?? []).entries()) checkCallback(callback, index, checkpoints);
  const isHere = (value: unknown): boolean => typeof value !== "function" && !holdsHandle(executor, value);
  const placed = (where: string, value: unknown): PlacedSet =>
    isHere(value) ? { here: checkedSet(where, value) } : { there: value };
  return {
    name: options.name ?? "train",
    plan: planOf(options, validationData !== undefined || validationSplit > 0),
    data: placed("data", options.data),
    validation: validationData === undefined ? null : placed("validationData", validationData),
    validationSplit,
    backend,
    checkpoints: typeof checkpoints === "string" ? absolute(checkpoints) : (checkpoints ?? null),
    rhythm: { epochs: options.checkpointEveryEpochs ?? 1, steps: options.checkpointEverySteps ?? null },
    resumeFrom: typeof resumeFrom === "string" ? absolute(resumeFrom) : resumeFrom,
    task: taskOptions(options),
    members: membersOf(executor, options),
  };
}

function planOf<P extends object>(options: TrainOptions<P>, isValidated: boolean): TrainingPlan {
  const metrics = options.metrics ?? [];
  const monitor = options.monitor ?? (isValidated ? "valLoss" : "loss");
  return {
    model: options.model as unknown as ModelBuilder<object>,
    params: options.params ?? {},
    epochs: options.epochs ?? 1,
    batchSize: options.batchSize ?? 32,
    shuffle: options.shuffle ?? true,
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 31),
    classWeight: options.classWeight ?? null,
    metrics,
    callbacks: options.callbacks ?? [],
    monitor,
    mode: options.mode ?? modeOf(monitor, metrics, isValidated),
  };
}

/** Throws FLOCK_OPTION_INVALID for a figure that there will not be, FLOCK_ML_SCORER for a metric that is not known. */
function modeOf(monitor: string, metrics: readonly (MetricName | MetricOptions)[], isValidated: boolean): MonitorMode {
  const modes = new Map<string, MonitorMode>([["loss", "min"]]);
  for (const metric of metrics) {
    const { name, mode } = createMetric(metric);
    modes.set(name, mode);
  }
  const named = isValidated ? [...modes].map(([name, mode]) => [`val${capital(name)}`, mode] as const) : [];
  const all = new Map<string, MonitorMode>([...modes, ...named, ["learningRate", "min"]]);
  const mode = all.get(monitor);
  if (mode !== undefined) return mode;
  throw wrongOption(`monitor is "${monitor}", but there will be: ${[...all.keys()].join(", ")}.`);
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Milliseconds that all are waited for. */
const PATIENCE_MS = 10_000;

function membersOf(executor: Executor, options: TrainTaskOptions): CompiledTraining["members"] {
  const size = typeof options.workers === "number" ? options.workers : 1;
  const { minWorkers: minimum = size, minWorkersAfterMs: patienceMs = PATIENCE_MS } = options;
  if (minimum > size) throw wrongOption(`minWorkers is ${minimum}, and workers ${size}.`);
  if (size > 1 && executor.joinGroup === undefined) {
    throw wrongOption(`workers: ${size} takes a cluster; here, without one, a training has one process.`);
  }
  return { size, minimum, patienceMs };
}

function taskOptions(options: TrainTaskOptions): SubmitOptions {
  const { priority, timeoutMs, deadlineMs, noWorkerTimeoutMs, resources } = options;
  const workers = typeof options.workers === "number" ? undefined : options.workers;
  const given = { priority, timeoutMs, deadlineMs, noWorkerTimeoutMs, resources, workers };
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...(defined as SubmitOptions),
    allowedFailures: options.allowedFailures ?? ALLOWED_FAILURES,
    cancelGraceMs: options.cancelGraceMs ?? CANCEL_GRACE_MS,
    // A seeded training needs a process's Math.random for itself; and native code is ended with its process.
    isolation: "process",
  };
}

function checkOptions(options: object): void {
  if (!isPlainObject(options)) throw wrongOption(`train takes an object of options, not ${kindOf(options)}.`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const meant = Object.keys(checks).find((known) => known.toLowerCase() === name.replaceAll("_", "").toLowerCase());
      const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
      throw wrongOption(`train has no option "${name}".${hint} It has: ${Object.keys(checks).join(", ")}.`);
    }
    const takes = value === undefined ? null : checks[name as keyof TrainOptions](value);
    if (takes !== null) throw wrongOption(`train: ${name} takes ${takes}, not ${shown(value)}.`);
  }
  for (const name of ["model", "data"] as const) {
    if (options[name] === undefined) throw wrongOption(`train needs ${name}: ${checks[name](undefined)}.`);
  }
}

/** Those of ours that write files, which lie beside the checkpoints. */
const writers: ReadonlySet<unknown> = new Set(["csvLogger", "modelCheckpoint", "tensorBoard"]);

function checkCallback(callback: unknown, index: number, checkpoints: string | false | undefined): void {
  const where = `callbacks[${index}]`;
  if (!isPlainObject(callback) || (text(callback["name"]) !== null && text(callback["builtIn"]) !== null)) {
    const ours = "one of Taskflock's, such as earlyStopping({ patience: 2 })";
    throw wrongOption(`train: ${where} is no callback: take ${ours}, or an object with a name and functions.`);
  }
  if (typeof checkpoints === "string" || !writers.has(callback["builtIn"])) return;
  throw wrongOption(
    `train: ${where}, ${callback["builtIn"]}, writes files beside the checkpoints: give the option checkpoints, a folder or "s3://bucket/prefix".`,
  );
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  return typeof value === "number" || typeof value === "boolean" ? String(value) : kindOf(value);
}

/** Futures stand where data does, or where x and y do. */
function holdsHandle(executor: Executor, value: unknown): boolean {
  if (executor.isHandle(value)) return true;
  return isPlainObject(value) && (executor.isHandle(value["x"]) || executor.isHandle(value["y"]));
}

/** Workers have other current folders. */
function absolute(place: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(place) ? place : resolve(place);
}

function wrongOption(message: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", message);
}
