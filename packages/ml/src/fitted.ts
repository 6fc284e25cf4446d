// A fitted estimator on the user's side.

import { FlockError } from "@taskflock/protocol/words";
import { asEstimator } from "./class-estimator.ts";
import type { Estimator, EstimatorClass } from "./estimator.ts";
import { checkedFeatures, checkedLabels, type FeaturesInput, type LabelsInput } from "./inputs.ts";
import type { Labels } from "./labels.ts";
import { type Features, isTexts, toDense } from "./matrix.ts";
import { resolveScorers, type Scorer } from "./scorers.ts";

/** A model with the estimator that made it. Predicts in the calling process. */
export class FittedEstimator<P extends object, M, I = unknown> {
  readonly estimator: Estimator<P, M, I>;
  /** All parameters with the values that were fitted. */
  readonly params: Readonly<P>;
  readonly model: M;
  readonly #cols: number;
  readonly #scorer: Scorer;

  /** `cols` are the columns of the X that it was fitted on; 0 for texts. */
  constructor(estimator: Estimator<P, M, I>, params: Readonly<P>, model: M, cols: number, scorer?: Scorer) {
    this.estimator = estimator;
    this.params = params;
    this.model = model;
    this.#cols = cols;
    const kind = estimator.kind ?? "classifier";
    this.#scorer = scorer ?? (resolveScorers(undefined, kind)["score"] as Scorer);
  }

  /** One label per row of X. Throws FLOCK_ML_INPUT. */
  predict(X: FeaturesInput): Labels {
    const features = checkedFeatures(X);
    const input = estimatorInput(this.estimator, features);
    if (!isTexts(features) && features.cols !== this.#cols) {
      const problem = `X has ${features.cols} columns, but ${this.estimator.name} was fitted on ${this.#cols}.`;
      throw new FlockError("FLOCK_ML_INPUT", problem);
    }
    return this.estimator.predict(this.model, input);
  }

  /** The score of the predictions for X: the search's (first) scorer, or accuracy. Throws FLOCK_ML_INPUT. */
  score(X: FeaturesInput, y: LabelsInput): number {
    const predicted = this.predict(X);
    return this.#scorer(checkedLabels(y, predicted.length), predicted);
  }
}

/** Fits in this process, without a search. Throws FLOCK_ML_ESTIMATOR, FLOCK_ML_INPUT, FLOCK_ML_PARAMETER, or what the fit throws. */
export async function fitEstimator<P extends object, M, I>(
  given: Estimator<P, M, I> | EstimatorClass<P, M, I>,
  X: FeaturesInput,
  y: LabelsInput,
): Promise<FittedEstimator<P, M, I>> {
  const estimator = asEstimator<P, M, I>(given);
  const problem = estimator.check?.(estimator.params) ?? null;
  if (problem !== null) throw new FlockError("FLOCK_ML_PARAMETER", `Estimator ${estimator.name}: ${problem}.`);
  const features = checkedFeatures(X);
  const [rows, cols] = isTexts(features) ? [features.length, 0] : [features.rows, features.cols];
  const model = await estimator.fit(estimatorInput(estimator, features), checkedLabels(y, rows), estimator.params);
  return new FittedEstimator(estimator, estimator.params, model, cols);
}

/** X in the form the estimator takes; throws FLOCK_ML_INPUT for texts where it takes numbers, and the other way round. */
function estimatorInput<P extends object, M, I>(estimator: Estimator<P, M, I>, X: Features): I {
  checkInputKind(estimator, isTexts(X) ? "texts" : "matrix");
  return (isTexts(X) ? X : toDense(X)) as I;
}

export function checkInputKind<P extends object, M, I>(estimator: Estimator<P, M, I>, found: "matrix" | "texts"): void {
  const taken = estimator.input ?? "matrix";
  if (taken === found) return;
  const words = { matrix: "numbers (rows, a Matrix or a CsrMatrix)", texts: "an array of texts" };
  throw new FlockError(
    "FLOCK_ML_INPUT",
    `Estimator ${estimator.name} takes ${words[taken]} as X, but X is ${words[found]}.`,
  );
}
