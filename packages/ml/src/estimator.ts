// The contract between an estimator and the search: an object of plain data and functions, or a class. All of it can travel.

import type { Labels } from "./labels.ts";
import type { Matrix } from "./matrix.ts";

/** Size of the whole data set of a search; `cols` is 0 for texts. */
export interface DataShape {
  readonly rows: number;
  readonly cols: number;
}

/**
 * A computation on the whole of X that several fits can use. Steps of equal `key` are the same step: the search runs it
 * once, as a task of its own, and hands its value to every fit, refit and prediction that asks for it.
 */
export interface SharedStep {
  readonly key: string;
  /** Runs on a worker with X (dense, or texts), `args`, and the values of `needs` under their names. */
  // biome-ignore lint/suspicious/noExplicitAny: each step knows its own X, args and needs; the search only passes them on
  readonly compute: (X: any, args: any, needs: any) => unknown;
  readonly args?: unknown;
  readonly needs?: Readonly<Record<string, SharedStep>>;
}

/** What a fit or a prediction may use beside its arguments when it runs inside a search. */
export interface FitContext {
  /** The rows of the whole data set that X holds, in X's order. */
  readonly rows: Int32Array;
  /** The values of the steps that `share` named for these parameters. Shared with other fits: read only. */
  readonly shared: Readonly<Record<string, unknown>>;
}

/**
 * An estimator: `P` its parameters, `M` its fitted model (plain data), `I` what it takes as X.
 *
 * `fit` and `predict` run on workers. They travel with what they use: data, imports, other functions and classes. They travel
 * without the object they are in, so they have no `this`; an estimator whose methods call each other is a class. They must not
 * change their arguments. The other functions run where the search is started.
 */
export interface Estimator<P extends object, M, I = Matrix> {
  readonly name: string;
  /** Every parameter the estimator has, with the value it takes where a grid does not give another. */
  readonly params: Readonly<P>;
  /** "regressor" changes the default folds (`kFold`) and the default scorer ("r2"). Default "classifier". */
  readonly kind?: EstimatorKind;
  /** What X must be. Default "matrix". */
  readonly input?: EstimatorInput;
  /** Says what is wrong with these parameters, or null. */
  check?(params: Readonly<P>): string | null;
  /** The computations that a fit with these parameters can share with others, under the names it looks them up by. */
  share?(params: Readonly<P>, shape: DataShape): Readonly<Record<string, SharedStep>>;
  fit(this: void, X: I, y: Labels, params: Readonly<P>, context?: FitContext): M | Promise<M>;
  predict(this: void, model: M, X: I, context?: FitContext): Labels;
}

export type EstimatorKind = "classifier" | "regressor";
export type EstimatorInput = "matrix" | "texts";

/** Gives an estimator its types: parameters from `params`, the model from what `fit` returns. */
export function estimator<P extends object, M, I = Matrix>(definition: Estimator<P, M, I>): Estimator<P, M, I> {
  return definition;
}

/**
 * An estimator as a class. A search makes one instance per fit, with all parameters; the model is the instance itself.
 *
 * Of the fitted instance its fields come back from the worker: the own enumerable ones, which hold plain data. They are set
 * on a new instance of the same parameters. Fields with a # cannot be read from outside, so such a class is refused.
 */
export interface EstimatorClass<P extends object, M, I = Matrix> {
  /** Every parameter, with the value it takes where a grid does not give another. */
  readonly params: Readonly<P>;
  readonly kind?: EstimatorKind;
  readonly input?: EstimatorInput;
  readonly name: string;
  /** Gets all parameters. It keeps them, and throws for values that cannot be: before any task is sent. */
  new (params: P): M & EstimatorInstance<I>;
}

/** What an instance of an estimator's class can do. */
export interface EstimatorInstance<I = Matrix> {
  /** Keeps the model in fields of the instance. */
  fit(X: I, y: Labels): void | EstimatorInstance<I> | Promise<void | EstimatorInstance<I>>;
  predict(X: I): Labels;
}
