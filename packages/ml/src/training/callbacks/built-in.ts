// The code of Taskflock's own callbacks, by their names. It stays where it is: what travels is the name and the options, because
// functions inside a package do not travel.
import { FlockError } from "@taskflock/protocol/words";
import type { Callback, CallbackHooks } from "../types.ts";
import { csvLoggerHooks } from "./csv-logger.ts";
import { earlyStoppingHooks } from "./early-stopping.ts";
import { learningRateSchedulerHooks } from "./learning-rate-scheduler.ts";
import { modelCheckpointHooks } from "./model-checkpoint.ts";
import { reduceLROnPlateauHooks } from "./reduce-lr-on-plateau.ts";
import { tensorBoardHooks } from "./tensor-board.ts";

const makers = {
  csvLogger: csvLoggerHooks,
  earlyStopping: earlyStoppingHooks,
  learningRateScheduler: learningRateSchedulerHooks,
  modelCheckpoint: modelCheckpointHooks,
  reduceLROnPlateau: reduceLROnPlateauHooks,
  tensorBoard: tensorBoardHooks,
} as const;

const hooks = ["start", "onEpochBegin", "onBatchEnd", "onEpochEnd", "onTrainEnd"];

/** A misspelt hook would never run, and nobody would know. */
function checkedHooks(callback: CallbackHooks, index: number): CallbackHooks {
  for (const [key, value] of Object.entries(callback)) {
    const problem =
      /^on[A-Z]/.test(key) && !hooks.includes(key)
        ? `is no hook: there are ${hooks.join(", ")}`
        : hooks.includes(key) && value !== undefined && typeof value !== "function"
          ? "is no function"
          : null;
    if (problem !== null) throw new FlockError("FLOCK_ML_PARAMETER", `callbacks[${index}].${key} ${problem}.`);
  }
  return callback;
}

/** What a callback does. Errors: FLOCK_ML_PARAMETER when it is none. */
export function hooksOf(callback: Callback, index: number): CallbackHooks {
  if (typeof callback === "object" && callback !== null) {
    if ("builtIn" in callback && Object.hasOwn(makers, callback.builtIn)) {
      // Its options were checked where it was made.
      const make = makers[callback.builtIn as keyof typeof makers] as (options: object) => CallbackHooks;
      return make(callback.options);
    }
    if ("name" in callback && typeof callback.name === "string") return checkedHooks(callback, index);
  }
  throw new FlockError(
    "FLOCK_ML_PARAMETER",
    `callbacks[${index}] is not a callback: take one of Taskflock's, such as earlyStopping({…}), or an object with a name and functions.`,
  );
}
