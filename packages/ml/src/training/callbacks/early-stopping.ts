// Keras's EarlyStopping.
import { flag, naturalNumber, oneOf } from "../../estimators/parameter-checks.ts";
import { resolveOptions } from "../../options.ts";
import type { BuiltInCallback, CallbackHooks } from "../types.ts";
import { type AnyMode, direction, improves, notAvailable, type WithMode } from "./monitor.ts";
import { numberOrNull, text } from "./options.ts";

export interface EarlyStoppingOptions {
  /** Default "valLoss". */
  readonly monitor?: string;
  /** What it has to get better by to count as better; default 0. */
  readonly minDelta?: number;
  /** How many epochs without getting better end the training; default 0. */
  readonly patience?: number;
  /** Default "auto": less is better for losses, and what the metric says for a metric. */
  readonly mode?: AnyMode;
  /** The patience begins anew only with what is better than this, too. Default: none. */
  readonly baseline?: number | null;
  /** At the end of the training, stopped or not, the model gets the weights of the best epoch back; default false. */
  readonly restoreBestWeights?: boolean;
  /** So many epochs at the beginning are not looked at; default 0. */
  readonly startFromEpoch?: number;
  /** Says in the task's log what it does; default false. */
  readonly verbose?: boolean;
}

export interface EarlyStoppingState {
  wait: number;
  best: number | null;
  /** Number of the best epoch; 0 at the beginning. */
  bestEpoch: number;
  /** Number of the epoch after which it stopped; 0 when it has not. */
  stoppedEpoch: number;
  bestWeights: Float32Array[] | null;
  warned: boolean;
}

const defaults: Required<EarlyStoppingOptions> = {
  monitor: "valLoss",
  minDelta: 0,
  patience: 0,
  mode: "auto",
  baseline: null,
  restoreBestWeights: false,
  startFromEpoch: 0,
  verbose: false,
};

/** Ends the training when a figure has stopped getting better. Errors: FLOCK_OPTION_INVALID. */
export function earlyStopping(given: EarlyStoppingOptions = {}): BuiltInCallback {
  const options = resolveOptions("earlyStopping", given, defaults, {
    monitor: text,
    minDelta: (value) => (typeof value === "number" && Number.isFinite(value) ? null : "a number"),
    patience: naturalNumber,
    mode: oneOf("auto", "min", "max"),
    baseline: numberOrNull,
    restoreBestWeights: flag,
    startFromEpoch: naturalNumber,
    verbose: flag,
  });
  const mode = direction("earlyStopping", options.monitor, options.mode);
  return { builtIn: "earlyStopping", options: { ...options, mode, minDelta: Math.abs(options.minDelta) } };
}

export function earlyStoppingHooks(options: WithMode<EarlyStoppingOptions>): CallbackHooks<EarlyStoppingState> {
  const { monitor, mode, minDelta, patience, baseline, restoreBestWeights, startFromEpoch, verbose } = options;
  return {
    name: "earlyStopping",
    start: () => ({ wait: 0, best: null, bestEpoch: 0, stoppedEpoch: 0, bestWeights: null, warned: false }),
    async onEpochEnd(epoch, logs, state, context) {
      const current = logs[monitor];
      if (current === undefined) {
        if (!state.warned) context.log(notAvailable("Early stopping conditioned on", monitor, logs));
        state.warned = true;
        return;
      }
      if (epoch <= startFromEpoch) return;
      const better = improves(mode, minDelta, current, state.best);
      if (restoreBestWeights && (better || state.bestWeights === null)) state.bestWeights = await context.getWeights();
      state.wait++;
      if (better) {
        state.best = current;
        state.bestEpoch = epoch;
        if (baseline === null || improves(mode, minDelta, current, baseline)) state.wait = 0;
        return;
      }
      if (state.wait < patience || epoch === 1) return;
      state.stoppedEpoch = epoch;
      context.stopTraining(`early stopping: ${monitor} has not improved since epoch ${state.bestEpoch}`);
    },
    onTrainEnd(state, context) {
      if (verbose && state.stoppedEpoch > 0) context.log(`Epoch ${state.stoppedEpoch}: early stopping`);
      if (state.bestWeights === null) return;
      if (verbose) context.log(`Restoring model weights from the end of the best epoch: ${state.bestEpoch}.`);
      context.setWeights(state.bestWeights);
    },
  };
}
