// A training as the estimator of a search: all but its data.

import { FlockError } from "@taskflock/protocol/words";
import { isPlainObject, kindOf } from "../../kinds.ts";
import type { TrainOptions } from "../run/compile-training.ts";

/** Options of `client.train` that say what is trained and how. */
export type TrainingSpecOptions<P extends object> = Pick<
  TrainOptions<P>,
  | ("model" | "params" | "epochs" | "batchSize" | "shuffle" | "seed" | "classWeight")
  | ("metrics" | "callbacks" | "monitor" | "mode" | "backend")
>;

/** Options of a training that a search can vary beside what `model` is called with. */
export interface TrainingParams {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly classWeight: readonly number[];
}

/** What the `params` of a search over trainings may name. A parameter of the model comes before an option of the same name. */
export type SearchedParams<P extends object> = P & Omit<TrainingParams, keyof P>;

export class TrainingSpec<P extends object> {
  readonly options: TrainingSpecOptions<P>;

  constructor(options: TrainingSpecOptions<P>) {
    this.options = options;
  }
}

/** Trainings for a search: `estimator: training({ model, params, epochs: 20 })`. `params` are what `model` is called with where a search does not say otherwise. */
export function training<P extends object>(options: TrainingSpecOptions<P>): TrainingSpec<P> {
  if (isPlainObject(options)) return new TrainingSpec(options);
  throw new FlockError("FLOCK_OPTION_INVALID", `training takes an object of options, not ${kindOf(options)}.`);
}

/** Whether these are options of a search over trainings, `T`. */
export function searchesTrainings<T extends object>(options: object): options is T {
  return isPlainObject(options) && options["estimator"] instanceof TrainingSpec;
}
