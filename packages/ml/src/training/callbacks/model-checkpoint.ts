// Keras's ModelCheckpoint.
import { flag, oneOf } from "../../estimators/parameter-checks.ts";
import { plainOptions, resolveOptions } from "../../options.ts";
import { saveModel } from "../model-files.ts";
import type { BuiltInCallback, CallbackContext, CallbackHooks, EpochLogs } from "../types.ts";
import { fillTemplate } from "./file-template.ts";
import { type AnyMode, direction, improves, type WithMode } from "./monitor.ts";
import { numberOrNull, text } from "./options.ts";

export interface ModelCheckpointOptions {
  /** Default "valLoss". */
  readonly monitor?: string;
  /** Saves only what is better than all that was saved before; default false. */
  readonly saveBestOnly?: boolean;
  /** Default "auto": less is better for losses, and what the metric says for a metric. */
  readonly mode?: AnyMode;
  /** "epoch", the default: after each epoch. A number: after so many batches; the figures are those of the epoch until then. */
  readonly saveFreq?: "epoch" | number;
  /** Only what is better than this is saved, with `saveBestOnly`. Default: none. */
  readonly initialValueThreshold?: number | null;
  /** Says in the task's log what it does; default false. */
  readonly verbose?: boolean;
}

export interface ModelCheckpointState {
  best: number | null;
  batchesSinceSaving: number;
  /** Of the epoch that runs. */
  epoch: number;
  warned: boolean;
}

const defaults: Required<ModelCheckpointOptions> = {
  monitor: "valLoss",
  saveBestOnly: false,
  mode: "auto",
  saveFreq: "epoch",
  initialValueThreshold: null,
  verbose: false,
};

/**
 * Saves the model in TensorFlow.js's format: `model.json` and `weights.bin` in the folder `path`, which may have figures in it, such as
 * "model-{epoch:02d}-{valLoss:.2f}" (epochs count from 1 there, as in Keras). Errors: FLOCK_OPTION_INVALID.
 */
export function modelCheckpoint(path: string, given: ModelCheckpointOptions = {}): BuiltInCallback {
  const options = resolveOptions(
    "modelCheckpoint",
    { ...plainOptions("modelCheckpoint", given), path },
    { ...defaults, path: "" },
    {
      path: text,
      monitor: text,
      saveBestOnly: flag,
      mode: oneOf("auto", "min", "max"),
      saveFreq: (value) =>
        value === "epoch" || (Number.isInteger(value) && (value as number) > 0)
          ? null
          : '"epoch" or a number of batches',
      initialValueThreshold: numberOrNull,
      verbose: flag,
    },
  );
  const mode = options.saveBestOnly ? direction("modelCheckpoint", options.monitor, options.mode) : "min";
  return { builtIn: "modelCheckpoint", options: { ...options, mode } };
}

type CompleteOptions = WithMode<ModelCheckpointOptions> & { readonly path: string };

export function modelCheckpointHooks(options: CompleteOptions): CallbackHooks<ModelCheckpointState> {
  const { path, monitor, mode, saveBestOnly, saveFreq, initialValueThreshold, verbose } = options;

  const isWanted = (epoch: number, logs: EpochLogs, state: ModelCheckpointState, context: CallbackContext): boolean => {
    if (!saveBestOnly) return true;
    const current = logs[monitor];
    if (current === undefined) {
      if (!state.warned) context.log(`Can save best model only with ${monitor} available.`);
      state.warned = true;
      return true;
    }
    const before = state.best;
    if (!improves(mode, 0, current, before)) {
      if (verbose) context.log(`Epoch ${epoch}: ${monitor} did not improve from ${before?.toFixed(5)}`);
      return false;
    }
    if (verbose)
      context.log(`Epoch ${epoch}: ${monitor} improved from ${before?.toFixed(5) ?? "none"} to ${current.toFixed(5)}`);
    state.best = current;
    return true;
  };
  const save = async (figures: EpochLogs, state: ModelCheckpointState, context: CallbackContext, epoch: number) => {
    if (!isWanted(epoch, figures, state, context)) return;
    const folder = fillTemplate(path, figures);
    await saveModel(context.files, await context.artifact(), folder);
    if (verbose) context.log(`Epoch ${epoch}: finished saving model to ${folder}`);
  };
  return {
    name: "modelCheckpoint",
    start: () => ({ best: initialValueThreshold, batchesSinceSaving: 0, epoch: 1, warned: false }),
    onEpochBegin(epoch, state) {
      state.epoch = epoch;
    },
    async onBatchEnd(step, logs, state, context) {
      if (saveFreq === "epoch" || ++state.batchesSinceSaving < saveFreq) return;
      state.batchesSinceSaving = 0;
      const batch = ((step - 1) % context.steps) + 1;
      await save({ epoch: state.epoch, batch, ...logs }, state, context, state.epoch);
    },
    async onEpochEnd(epoch, logs, state, context) {
      if (saveFreq === "epoch") await save({ epoch, ...logs }, state, context, epoch);
    },
  };
}
