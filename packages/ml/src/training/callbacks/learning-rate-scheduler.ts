// Keras's LearningRateScheduler.
import { FlockError } from "@taskflock/protocol/words";
import type { BuiltInCallback, CallbackHooks } from "../types.ts";

type Schedule = (epoch: number, learningRate: number) => number;

/**
 * Sets the learning rate at the beginning of each epoch to what `schedule` returns, which gets the epoch, counted from 0 as in Keras, and
 * the learning rate until now. Errors: FLOCK_ML_PARAMETER when it returns something else than a number.
 */
export function learningRateScheduler(schedule: Schedule): BuiltInCallback {
  if (typeof schedule !== "function")
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      "learningRateScheduler takes a function of the epoch and the learning rate that returns the new learning rate.",
    );
  return { builtIn: "learningRateScheduler", options: { schedule } };
}

export function learningRateSchedulerHooks({ schedule }: { readonly schedule: Schedule }): CallbackHooks<null> {
  return {
    name: "learningRateScheduler",
    start: () => null,
    onEpochBegin(epoch, _state, context) {
      const rate = schedule(epoch - 1, context.learningRate);
      if (typeof rate !== "number" || !Number.isFinite(rate))
        throw new FlockError(
          "FLOCK_ML_PARAMETER",
          `learningRateScheduler: the schedule must return a number, but returned ${rate} for epoch ${epoch - 1}.`,
        );
      context.learningRate = rate;
    },
  };
}
