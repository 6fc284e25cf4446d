// Options of searches over trainings: checked in full, brackets made, a plan for each trial.

import { FlockError } from "@taskflock/protocol/words";
import type { Executor, SubmitOptions } from "../../executor.ts";
import {
  checkedPromotion,
  filledBrackets,
  type HalvingOptions,
  type HyperbandOptions,
  halvingBrackets,
  type ResourceOptions,
} from "../../search/compile-halving.ts";
import type { ParameterSpace } from "../../search/distributions.ts";
import { expandGrids, type ParameterGrid, type Parametrized } from "../../search/parameter-grid.ts";
import { checkedCount, checkedSeed, sampleParameters } from "../../search/sample-parameters.ts";
import type { FilledBracket, TrialPlan } from "../../search/trial-engine.ts";
import {
  type CompiledTraining,
  compileTraining,
  type TrainingData,
  type TrainOptions,
} from "../run/compile-training.ts";
import type { TrainingPlan } from "../types.ts";
import type { SearchedParams, TrainingSpec, TrainingSpecOptions } from "./training-spec.ts";

/** What searches over trainings take beside what they draw from. */
export interface TrainingSearchOptions<P extends object>
  extends Pick<
    TrainOptions<P>,
    "validationData" | "validationSplit" | "checkpointEveryEpochs" | "checkpointEverySteps" | "name"
  > {
  readonly estimator: TrainingSpec<P>;
  readonly data: TrainingData;
  /** A folder that all workers see, or "s3://bucket/prefix": a folder in it for each trial. Default: the memory of two workers. */
  readonly checkpoints?: string;
  /** The score of a trial that fails, such as by a loss that is not finite, or "raise" to end the search; default NaN. */
  readonly errorScore?: number | "raise";
  /** Options of each trial's task, such as `{ resources: { GPU: 1 } }`. */
  readonly task?: Pick<
    SubmitOptions,
    | ("priority" | "timeoutMs" | "deadlineMs" | "noWorkerTimeoutMs" | "cancelGraceMs")
    | ("resources" | "allowedFailures" | "workers")
  >;
}

export interface TrainingGridOptions<P extends object> extends TrainingSearchOptions<P> {
  /** Values to try by name: of what `model` is called with, and `batchSize`, `shuffle`, `seed`, `classWeight`. */
  readonly params: ParameterGrid<SearchedParams<NoInfer<P>>> | readonly ParameterGrid<SearchedParams<NoInfer<P>>>[];
}

export interface TrainingRandomOptions<P extends object> extends TrainingSearchOptions<P> {
  readonly params: ParameterSpace<SearchedParams<NoInfer<P>>> | readonly ParameterSpace<SearchedParams<NoInfer<P>>>[];
  /** Candidates to draw; default 10. */
  readonly nIter?: number;
  /** The same seed draws the same candidates; default: a random one. */
  readonly seed?: number;
}

export interface TrainingHalvingOptions<P extends object>
  extends TrainingSearchOptions<P>,
    HalvingOptions<SearchedParams<NoInfer<P>>> {}

export interface TrainingHyperbandOptions<P extends object>
  extends TrainingSearchOptions<P>,
    HyperbandOptions<SearchedParams<NoInfer<P>>> {}

export type TrainingSearchKind = "gridSearch" | "randomSearch" | "halvingSearch" | "hyperbandSearch";

export interface CompiledTrainingSearch<P extends object> {
  readonly trials: TrialPlan<P>;
  /** What trials have in common; its plan is that of the parameters as they are given. */
  readonly training: CompiledTraining;
  planOf(params: Partial<P>): TrainingPlan;
}

const every = [
  ...["estimator", "params", "data", "validationData", "validationSplit", "checkpoints", "checkpointEveryEpochs"],
  ...["checkpointEverySteps", "name", "errorScore", "task"],
];
const resources = ["factor", "seed", "promotion", "minResources", "maxResources"];
const ownOptions: Readonly<Record<TrainingSearchKind, readonly string[]>> = {
  gridSearch: [],
  randomSearch: ["nIter", "seed"],
  halvingSearch: [...resources, "nCandidates", "aggressiveElimination"],
  hyperbandSearch: resources,
};
/** Varied beside the model's parameters. */
const varied = ["batchSize", "shuffle", "seed", "classWeight"] as const;

type AnyOptions<P extends object> = TrainingSearchOptions<P> &
  Omit<HalvingOptions<SearchedParams<P>>, "minResources"> &
  ResourceOptions & { readonly nIter?: number; readonly minResources?: number };

/** Throws FLOCK_OPTION_INVALID, FLOCK_ML_PARAMETER, FLOCK_ML_INPUT, FLOCK_ML_SCORER. */
export function compileTrainingSearch<P extends object>(
  executor: Executor,
  kind: TrainingSearchKind,
  options: TrainingSearchOptions<P>,
): CompiledTrainingSearch<SearchedParams<P>> {
  checkOptions(kind, options);
  const all = options as AnyOptions<P>;
  const seed = checkedSeed(all.seed);
  const given = options.estimator.options;
  const epochs = all.maxResources === undefined ? given.epochs : checkedCount("maxResources", all.maxResources);
  const spec: TrainingSpecOptions<P> = { seed, ...given, ...(epochs === undefined ? {} : { epochs }) };
  const compiled = compileTraining(executor, trainOptions(spec, options));
  const training = { ...compiled, name: options.name ?? `${kind} training` };
  const planOf = (params: Partial<SearchedParams<P>>): TrainingPlan =>
    compileTraining(executor, { ...trainOptions(withParams(spec, params), options), ...unplaced(options) }).plan;
  const brackets = bracketsOf(kind, searched(spec), all, { smallest: 1, most: training.plan.epochs, seed });
  // Refuses parameters that cannot be before any trial begins.
  for (const { candidates } of brackets) for (const candidate of candidates) planOf(candidate);
  const trials: TrialPlan<SearchedParams<P>> = {
    ...{ name: training.name, search: kind, brackets, mode: training.plan.mode, comparable: true, resource: null },
    promotion: checkedPromotion(all.promotion, kind === "hyperbandSearch" ? "asynchronous" : "synchronous"),
    errorScore: options.errorScore ?? Number.NaN,
  };
  return { trials, training, planOf };
}

function bracketsOf<P extends object>(
  kind: TrainingSearchKind,
  estimator: Parametrized<SearchedParams<P>>,
  options: AnyOptions<P>,
  budget: { readonly smallest: number; readonly most: number; readonly seed: number },
): readonly FilledBracket<SearchedParams<P>>[] {
  if (kind === "hyperbandSearch") return filledBrackets(estimator, options, budget);
  if (kind === "halvingSearch") return halvingBrackets(estimator, options, budget).brackets;
  const candidates =
    kind === "gridSearch"
      ? expandGrids(estimator, options.params as ParameterGrid<SearchedParams<P>>)
      : sampleParameters(estimator, options.params, checkedCount("nIter", options.nIter ?? 10), budget.seed);
  return [{ bracket: 0, rungs: [{ candidates: candidates.length, resources: budget.most }], candidates }];
}

/** What a search may name. */
function searched<P extends object>(spec: TrainingSpecOptions<P>): Parametrized<SearchedParams<P>> {
  const options = Object.fromEntries(varied.map((name) => [name, spec[name]]));
  return { name: "training", params: { ...options, ...spec.params } as unknown as SearchedParams<P> };
}

/** Parameters of the model come before options of the same name. */
function withParams<P extends object>(
  spec: TrainingSpecOptions<P>,
  candidate: Partial<SearchedParams<P>>,
): TrainingSpecOptions<P> {
  const own = { ...spec.params } as Record<string, unknown>;
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(candidate)) {
    const isOption = (varied as readonly string[]).includes(name) && !Object.hasOwn(own, name);
    (isOption ? options : own)[name] = value;
  }
  return { ...spec, ...options, params: own as P };
}

function trainOptions<P extends object>(
  spec: TrainingSpecOptions<P>,
  { data, validationData, validationSplit, task = {}, ...options }: TrainingSearchOptions<P>,
): TrainOptions<P> {
  const { checkpoints, checkpointEveryEpochs, checkpointEverySteps } = options;
  const places = { checkpoints, checkpointEveryEpochs, checkpointEverySteps, validationData, validationSplit };
  const defined = Object.fromEntries(Object.entries(places).filter(([, value]) => value !== undefined));
  return { ...task, ...spec, data, ...defined };
}

/** For checks of a plan alone: the data need not be looked at again. */
function unplaced<P extends object>({ validationData }: TrainingSearchOptions<P>): Partial<TrainOptions<P>> {
  const nothing = (): never => {
    throw new FlockError("FLOCK_INTERNAL", "The data of a plan's check was loaded.");
  };
  return validationData === undefined ? { data: nothing } : { data: nothing, validationData: nothing };
}

function checkOptions(kind: TrainingSearchKind, options: object): void {
  const names = [...every, ...ownOptions[kind]];
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw wrongOption(`${kind} over trainings has no option "${name}". It has: ${names.join(", ")}.`);
  }
  const { errorScore, checkpoints } = options as { errorScore?: unknown; checkpoints?: unknown };
  if (errorScore !== undefined && typeof errorScore !== "number" && errorScore !== "raise") {
    throw wrongOption('errorScore must be a number (NaN by default) or "raise".');
  }
  if (checkpoints !== undefined && typeof checkpoints !== "string") {
    throw wrongOption('checkpoints must be a folder or "s3://bucket/prefix": trials go on from there.');
  }
}

function wrongOption(message: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", message);
}
