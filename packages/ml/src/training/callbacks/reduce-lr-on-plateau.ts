// Keras's ReduceLROnPlateau.
import { FlockError } from "@taskflock/protocol/words";
import { flag, naturalNumber, oneOf } from "../../estimators/parameter-checks.ts";
import { resolveOptions } from "../../options.ts";
import type { BuiltInCallback, CallbackHooks } from "../types.ts";
import { type AnyMode, direction, improves, notAvailable, type WithMode } from "./monitor.ts";
import { atLeastZero, text } from "./options.ts";

export interface ReduceLROnPlateauOptions {
  /** Default "valLoss". */
  readonly monitor?: string;
  /** The new learning rate is the old one times this, which is below 1; default 0.1. */
  readonly factor?: number;
  /** How many epochs without getting better reduce it; default 10. */
  readonly patience?: number;
  /** Default "auto": less is better for losses, and what the metric says for a metric. */
  readonly mode?: AnyMode;
  /** What it has to get better by to count as better; default 0.0001. */
  readonly minDelta?: number;
  /** How many epochs after a reduction do not count; default 0. */
  readonly cooldown?: number;
  /** It is not reduced below this; default 0. */
  readonly minLr?: number;
  /** Says in the task's log what it does; default false. */
  readonly verbose?: boolean;
}

export interface ReduceLROnPlateauState {
  wait: number;
  best: number | null;
  cooldownCounter: number;
  warned: boolean;
}

const defaults: Required<ReduceLROnPlateauOptions> = {
  monitor: "valLoss",
  factor: 0.1,
  patience: 10,
  mode: "auto",
  minDelta: 1e-4,
  cooldown: 0,
  minLr: 0,
  verbose: false,
};

/** Reduces the learning rate when a figure has stopped getting better. Errors: FLOCK_OPTION_INVALID. */
export function reduceLROnPlateau(given: ReduceLROnPlateauOptions = {}): BuiltInCallback {
  const options = resolveOptions("reduceLROnPlateau", given, defaults, {
    monitor: text,
    factor: atLeastZero,
    patience: naturalNumber,
    mode: oneOf("auto", "min", "max"),
    minDelta: (value) => (typeof value === "number" && Number.isFinite(value) ? null : "a number"),
    cooldown: naturalNumber,
    minLr: atLeastZero,
    verbose: flag,
  });
  if (options.factor >= 1)
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `reduceLROnPlateau: factor must be below 1, but is ${options.factor}.`,
    );
  const mode = direction("reduceLROnPlateau", options.monitor, options.mode);
  return { builtIn: "reduceLROnPlateau", options: { ...options, mode, minDelta: Math.abs(options.minDelta) } };
}

export function reduceLROnPlateauHooks(
  options: WithMode<ReduceLROnPlateauOptions>,
): CallbackHooks<ReduceLROnPlateauState> {
  const { monitor, mode, minDelta, factor, patience, cooldown, minLr, verbose } = options;
  return {
    name: "reduceLROnPlateau",
    start: () => ({ wait: 0, best: null, cooldownCounter: 0, warned: false }),
    onEpochEnd(epoch, logs, state, context) {
      const current = logs[monitor];
      if (current === undefined) {
        if (!state.warned) context.log(notAvailable("Learning rate reduction is conditioned on", monitor, logs));
        state.warned = true;
        return;
      }
      if (state.cooldownCounter > 0) {
        state.cooldownCounter--;
        state.wait = 0;
      }
      if (improves(mode, minDelta, current, state.best)) {
        state.best = current;
        state.wait = 0;
        return;
      }
      if (state.cooldownCounter > 0 || ++state.wait < patience) return;
      const old = context.learningRate;
      // Keras compares with the bound as a 32-bit number.
      if (!(old > Math.fround(minLr))) return;
      context.learningRate = Math.max(old * factor, minLr);
      if (verbose) context.log(`Epoch ${epoch}: reduceLROnPlateau reducing learning rate to ${context.learningRate}.`);
      state.cooldownCounter = cooldown;
      state.wait = 0;
    },
  };
}
