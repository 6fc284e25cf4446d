// Options of a search: checked in full before any task is sent, defaults filled in.

import { FlockError } from "@taskflock/protocol/words";
import { asEstimator, ClassEstimator } from "../class-estimator.ts";
import type { Estimator, EstimatorClass } from "../estimator.ts";
import type { Executor, Handle, SubmitOptions } from "../executor.ts";
import { checkInputKind } from "../fitted.ts";
import { checkedFeatures, checkedLabels, type FeaturesInput, type LabelsInput } from "../inputs.ts";
import type { Labels } from "../labels.ts";
import { type Features, isTexts, rowCount } from "../matrix.ts";
import { checkScorersFit, resolveScorers, type ScoreNames, type Scorer, type Scoring } from "../scorers.ts";
import { type CrossValidation, makeSplits, resolveSplitter, type Split, type Splitter } from "../splits.ts";
import type { CvResults } from "./cv-results.ts";
import type { ParameterSpace } from "./distributions.ts";
import { expandGrids, type ParameterGrid, type Parametrized } from "./parameter-grid.ts";
import { checkedCount, checkedSeed, sampleParameters } from "./sample-parameters.ts";

export interface GridSearchOptions<P extends object, M, I, S extends PropertyKey = "score">
  extends SearchOptions<P, M, I, S> {
  /** Values to try by parameter name, or several such grids. */
  readonly params: ParameterGrid<NoInfer<P>> | readonly ParameterGrid<NoInfer<P>>[];
}

export interface RandomSearchOptions<P extends object, M, I, S extends PropertyKey = "score">
  extends SearchOptions<P, M, I, S> {
  /** By parameter: an array to choose from, or a distribution such as `logUniform(1e-4, 1)`; or several such spaces. */
  readonly params: ParameterSpace<NoInfer<P>> | readonly ParameterSpace<NoInfer<P>>[];
  /** Candidates to draw; default 10. Of arrays alone none is drawn twice. */
  readonly nIter?: number;
  /** The same seed draws the same candidates; default: a random one. */
  readonly seed?: number;
}

/** What all searches over estimators take. */
export interface SearchOptions<P extends object, M, I, S extends PropertyKey = "score"> {
  /** An object of functions, or a class: then `M` is its instance. */
  readonly estimator: Estimator<P, M, I> | EstimatorClass<P, M, I>;
  /** Samples by rows. A handle stands for data that the cluster already holds. */
  readonly X: FeaturesInput | Handle<FeaturesInput>;
  /** One label per row of X. */
  readonly y: LabelsInput | Handle<LabelsInput>;
  /** A number of folds (stratified for classifiers), a splitter, or the splits; default 5. */
  readonly cv?: CrossValidation;
  /** A scorer by name or as a function `(yTrue, yPred) => number`, or several; default "accuracy", "r2" for regressors. */
  readonly scoring?: Scoring<S>;
  /**
   * Fits the best candidate on all rows at the end; default true. With several scorers: the name of the one that decides,
   * or a function that chooses a candidate's index from the table, or false.
   */
  readonly refit?: boolean | ScoreNames<NoInfer<S>> | ((cvResults: CvResults<P, ScoreNames<NoInfer<S>>>) => number);
  /** The score of a fold whose fit fails (with a warning), or "raise" to end the search; default NaN. */
  readonly errorScore?: number | "raise";
  /** Also scores on the rows of each fit; default false. */
  readonly returnTrainScore?: boolean;
  /** What people see the search as; default "gridSearch <estimator>". */
  readonly name?: string;
  /** Options of each task: retries, priority, resources, timeoutMs, deadlineMs, noWorkerTimeoutMs. */
  readonly task?: Omit<SubmitOptions, "name">;
}

/** X or y: here and checked, or on the cluster and yet to be looked at. */
export type Placed<T, H> = { readonly here: T } | { readonly there: Handle<H> };

/** A search with nothing left to check except data that only the cluster has. */
export interface SearchPlan<P extends object, M, I, S extends string> {
  readonly name: string;
  /** As users call it: "gridSearch". */
  readonly search: string;
  readonly estimator: Estimator<P, M, I>;
  readonly candidates: readonly Partial<P>[];
  readonly X: Placed<Features, FeaturesInput>;
  readonly y: Placed<LabelsInput, LabelsInput>;
  readonly splitter: Splitter;
  /** Null while X or y is on the cluster. */
  readonly known: CheckedData | null;
  readonly scorers: Readonly<Record<S, Scorer>>;
  readonly scorerNames: readonly S[];
  /** The scorer that decides; null when a function does, or nothing. */
  readonly decidingScorer: S | null;
  readonly choose: ((cvResults: CvResults<P, S>) => number) | null;
  readonly refit: boolean;
  readonly errorScore: number | "raise";
  readonly returnTrainScore: boolean;
  readonly task: Omit<SubmitOptions, "name">;
}

export interface CheckedData {
  readonly y: Labels;
  readonly splits: readonly Split[];
}

/** How a kind of search finds its candidates. */
export interface CandidateSource {
  /** As users call it. */
  readonly search: string;
  /** Options that it has beside those of all searches. */
  readonly options: readonly string[];
  candidates<P extends object>(estimator: Parametrized<P>, options: object): Partial<P>[];
}

export const grid: CandidateSource = {
  search: "gridSearch",
  options: [],
  candidates: <P extends object>(estimator: Parametrized<P>, options: object) =>
    expandGrids<P>(estimator, (options as { params: ParameterGrid<P> }).params),
};

export const randomDraws: CandidateSource = {
  search: "randomSearch",
  options: ["nIter", "seed"],
  candidates: <P extends object>(estimator: Parametrized<P>, options: object) => {
    const { params, nIter = 10, seed } = options as { params: ParameterSpace<P>; nIter?: number; seed?: number };
    return sampleParameters<P>(estimator, params, checkedCount("nIter", nIter), checkedSeed(seed));
  },
};

const optionNames: readonly (keyof GridSearchOptions<object, unknown, unknown>)[] = [
  "estimator",
  "params",
  "X",
  "y",
  "cv",
  "scoring",
  "refit",
  "errorScore",
  "returnTrainScore",
  "name",
  "task",
];

/** Checks everything that can be known here; throws the coded error of what is wrong. */
export function compileSearch<P extends object, M, I, S extends PropertyKey>(
  executor: Executor,
  options: SearchOptions<P, M, I, S>,
  source: CandidateSource,
): SearchPlan<P, M, I, ScoreNames<S>> {
  checkOptions(options, source);
  const estimator = asEstimator<P, M, I>(options.estimator);
  const kind = estimator.kind ?? "classifier";
  const candidates = source.candidates<P>(estimator as Parametrized<P>, options);
  const scorers = resolveScorers(options.scoring as Scoring | undefined, kind) as Readonly<
    Record<ScoreNames<S>, Scorer>
  >;
  const scorerNames = Object.keys(scorers) as ScoreNames<S>[];
  const splitter = resolveSplitter(options.cv ?? 5, kind);
  const X: Placed<Features, FeaturesInput> = executor.isHandle(options.X)
    ? { there: options.X as Handle<FeaturesInput> }
    : { here: checkedFeatures(options.X as FeaturesInput) };
  const y: Placed<LabelsInput, LabelsInput> = executor.isHandle(options.y)
    ? { there: options.y as Handle<LabelsInput> }
    : { here: options.y as LabelsInput };
  if ("here" in X) checkInputKind(estimator, isTexts(X.here) ? "texts" : "matrix");
  const refit = resolveRefit<P, ScoreNames<S>>(options.refit ?? true, scorerNames);
  if (refit.refit && estimator instanceof ClassEstimator) estimator.checkReturns();
  const known = "here" in X && "here" in y ? checkData(y.here, rowCount(X.here), splitter, scorers) : null;
  return {
    name: options.name ?? `${source.search} ${estimator.name}`,
    search: source.search,
    estimator,
    candidates,
    X,
    y,
    splitter,
    known,
    scorers,
    scorerNames,
    ...refit,
    errorScore: options.errorScore ?? Number.NaN,
    returnTrainScore: options.returnTrainScore ?? false,
    task: options.task ?? {},
  };
}

/** Labels and folds for X of so many rows. */
export function checkData(
  y: LabelsInput,
  rows: number,
  splitter: Splitter,
  scorers: Readonly<Record<string, Scorer>>,
): CheckedData {
  const labels = checkedLabels(y, rows);
  checkScorersFit(scorers, labels);
  return { y: labels, splits: makeSplits(splitter, rows, labels) };
}

function checkOptions(options: object, source: CandidateSource): void {
  const names: readonly string[] = [...optionNames, ...source.options];
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw wrongOption(`${source.search} has no option "${name}". It has: ${names.join(", ")}.`);
  }
  const { errorScore } = options as { errorScore?: unknown };
  if (errorScore !== undefined && typeof errorScore !== "number" && errorScore !== "raise") {
    throw wrongOption('errorScore must be a number (NaN by default) or "raise".');
  }
}

type RefitOption<P extends object, S extends string> = boolean | S | ((cvResults: CvResults<P, S>) => number);

function resolveRefit<P extends object, S extends string>(
  refit: RefitOption<P, S>,
  names: readonly S[],
): Pick<SearchPlan<P, unknown, unknown, S>, "decidingScorer" | "choose" | "refit"> {
  const only = names.length === 1 ? (names[0] as S) : null;
  if (typeof refit === "function") return { decidingScorer: only, choose: refit, refit: true };
  if (typeof refit !== "boolean" && typeof refit !== "string") {
    throw wrongOption("refit must be true, false, the name of a scorer, or a function of the results.");
  }
  if (typeof refit === "string") {
    if (names.includes(refit)) return { decidingScorer: refit, choose: null, refit: true };
    throw new FlockError("FLOCK_ML_SCORER", `refit names scorer "${refit}", but the search has: ${names.join(", ")}.`);
  }
  if (only === null && refit) {
    throw wrongOption(
      `With several scorers refit must say which one decides: one of ${names.join(", ")}, a function, or false.`,
    );
  }
  return { decidingScorer: only, choose: null, refit };
}

function wrongOption(message: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", message);
}
