// Options of halving and Hyperband searches over estimators: checked in full, schedules made.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator } from "../estimator.ts";
import type { Executor } from "../executor.ts";
import type { Labels } from "../labels.ts";
import type { ScoreNames, Scorer, ScorerName } from "../scorers.ts";
import { type CandidateSource, compileSearch, type SearchOptions, type SearchPlan } from "./compile.ts";
import type { ParameterSpace } from "./distributions.ts";
import type { RowBudget } from "./fold-trials.ts";
import { checkCandidates, expandGrids, type ParameterGrid, type Parametrized } from "./parameter-grid.ts";
import type { Promotion } from "./promotion.ts";
import { checkedCount, checkedSeed, isGrid, sampleParameters } from "./sample-parameters.ts";
import { halvingSchedule, hyperbandBrackets, hyperbandRungs } from "./schedules.ts";
import type { FilledBracket, TrialPlan } from "./trial-engine.ts";

/** What halving and Hyperband take beside the options of other searches. */
export interface ResourceOptions {
  /** Of each rung the best 1/factor go on, with factor times the resources; default 3. */
  readonly factor?: number;
  /** Draws candidates and rows; default: a random one. */
  readonly seed?: number;
  /** Whether a rung is over before the best of it go on. Default "synchronous" for halving, "asynchronous" for Hyperband. */
  readonly promotion?: Promotion;
}

export interface HalvingOptions<P extends object> extends ResourceOptions {
  /** Arrays: all combinations are tried, unless `nCandidates` says less. Distributions: candidates are drawn. */
  readonly params: ParameterSpace<P> | readonly ParameterSpace<P>[];
  /** Candidates to draw; "exhaust": so many that the last rung can have the most resources. Default "exhaust" where there are distributions. */
  readonly nCandidates?: number | "exhaust";
  /**
   * Of the first rung. "exhaust" (the default, unless candidates are drawn): the most with which the last rung has as much as there is;
   * "smallest": what a trial needs at least.
   */
  readonly minResources?: number | "exhaust" | "smallest";
  /** Default: all rows, or the epochs of the training. */
  readonly maxResources?: number;
  /** Repeats the first resources until the last rung has at most `factor` candidates; default false. */
  readonly aggressiveElimination?: boolean;
}

export interface HyperbandOptions<P extends object> extends ResourceOptions {
  /** By parameter: an array to choose from, or a distribution; or several such spaces. */
  readonly params: ParameterSpace<P> | readonly ParameterSpace<P>[];
  /** What a trial is given at least; default: what it needs. */
  readonly minResources?: number;
  /** Default: all rows, or the epochs of the training. */
  readonly maxResources?: number;
}

/** Options of estimators' searches that halving has, too. */
export interface FoldOptionsOf<P extends object, M, I>
  extends Omit<SearchOptions<P, M, I, "score">, "refit" | "scoring"> {
  /** One scorer, by name or as a function; default "accuracy", "r2" for regressors. */
  readonly scoring?: ScorerName | Scorer;
  /** Fits the best candidate on all rows at the end; default true. */
  readonly refit?: boolean;
  /** What grows from rung to rung: "rows" (the default), or the name of a parameter that takes whole numbers, such as "maxIter". */
  readonly resource?: "rows" | (keyof P & string);
}

export interface HalvingSearchOptions<P extends object, M, I>
  extends FoldOptionsOf<P, M, I>,
    HalvingOptions<NoInfer<P>> {}

export interface HyperbandSearchOptions<P extends object, M, I>
  extends FoldOptionsOf<P, M, I>,
    HyperbandOptions<NoInfer<P>> {}

export interface CompiledTrials<P extends object, M, I> {
  readonly trials: TrialPlan<P>;
  readonly folds: SearchPlan<P, M, I, "score">;
  readonly rows: RowBudget | null;
}

const common = ["resource", "factor", "seed", "promotion", "minResources", "maxResources"];
const halving = source("halvingSearch", [...common, "nCandidates", "aggressiveElimination"]);
const hyperband = source("hyperbandSearch", common);

/** Candidates depend on the schedule, and so are found later. */
function source(search: string, options: readonly string[]): CandidateSource {
  return { search, options, candidates: () => [] };
}

export function compileHalving<P extends object, M, I>(
  executor: Executor,
  options: HalvingSearchOptions<P, M, I>,
): CompiledTrials<P, M, I> {
  const folds = compileFolds(executor, options, halving);
  const budget = budgetOf(folds, options);
  const { seed } = budget;
  const { brackets } = halvingBrackets(folds.estimator, options, budget);
  return {
    trials: { ...trialPlan(folds, options, budget, "synchronous"), brackets },
    folds,
    rows: budget.resource === null ? { total: budget.rows, seed } : null,
  };
}

export function compileHyperband<P extends object, M, I>(
  executor: Executor,
  options: HyperbandSearchOptions<P, M, I>,
): CompiledTrials<P, M, I> {
  const folds = compileFolds(executor, options, hyperband);
  const budget = budgetOf(folds, options);
  const { seed } = budget;
  return {
    trials: {
      ...trialPlan(folds, options, budget, "asynchronous"),
      brackets: filledBrackets(folds.estimator, options, budget),
    },
    folds,
    rows: budget.resource === null ? { total: budget.rows, seed } : null,
  };
}

/** What there is to be given to trials. */
export interface Budget {
  /** What a trial needs at least. */
  readonly smallest: number;
  readonly most: number;
  readonly seed: number;
}

/** The only bracket of a halving search. Throws FLOCK_OPTION_INVALID, FLOCK_ML_PARAMETER. */
export function halvingBrackets<P extends object>(
  estimator: Parametrized<P>,
  options: HalvingOptions<P>,
  budget: Budget,
): { readonly brackets: readonly FilledBracket<P>[] } {
  const { params, factor = 3, aggressiveElimination = false } = options;
  const isDrawn = options.nCandidates !== undefined || !isGrid(params);
  const { minResources = isDrawn ? "smallest" : "exhaust" } = options;
  if (minResources === "exhaust" && isDrawn && (options.nCandidates ?? "exhaust") === "exhaust") {
    throw wrongOption('minResources and nCandidates cannot both be "exhaust": one decides what is left for the other.');
  }
  const least = typeof minResources === "number" ? checkedCount("minResources", minResources) : budget.smallest;
  const count = options.nCandidates ?? "exhaust";
  const candidates = isDrawn
    ? sampleParameters(
        estimator,
        params,
        count === "exhaust" ? Math.max(1, Math.floor(budget.most / least)) : checkedCount("nCandidates", count),
        budget.seed,
      )
    : expandGrids(estimator, params as ParameterGrid<P>);
  const rungs = halvingSchedule({
    candidates: candidates.length,
    minResources: least,
    maxResources: budget.most,
    factor,
    exhaust: minResources === "exhaust",
    aggressiveElimination,
  });
  return { brackets: [{ bracket: 0, rungs, candidates }] };
}

/** Each bracket draws candidates of its own; of a grid that has fewer, it tries those. */
export function filledBrackets<P extends object>(
  estimator: Parametrized<P>,
  options: HyperbandOptions<P>,
  budget: Budget,
): readonly FilledBracket<P>[] {
  const { factor = 3, minResources = budget.smallest } = options;
  return hyperbandBrackets({ maxResources: budget.most, minResources, factor }).map(({ bracket, rungs }) => {
    const candidates = sampleParameters(estimator, options.params, rungs[0]?.candidates ?? 1, budget.seed + bracket);
    return { bracket, rungs: hyperbandRungs(candidates.length, bracket, budget.most, factor), candidates };
  });
}

export function checkedPromotion(promotion: unknown, otherwise: Promotion): Promotion {
  if (promotion === undefined) return otherwise;
  if (promotion === "synchronous" || promotion === "asynchronous") return promotion;
  throw wrongOption('promotion must be "synchronous" or "asynchronous".');
}

function trialPlan<P extends object, M, I>(
  folds: SearchPlan<P, M, I, "score">,
  options: ResourceOptions,
  { resource }: FoldBudget,
  promotion: Promotion,
): Omit<TrialPlan<P>, "brackets"> {
  const { name, search, errorScore } = folds;
  return {
    ...{ name, search, errorScore, resource, mode: "max", comparable: false },
    promotion: checkedPromotion(options.promotion, promotion),
  };
}

function compileFolds<P extends object, M, I>(
  executor: Executor,
  options: FoldOptionsOf<P, M, I>,
  from: CandidateSource,
): SearchPlan<P, M, I, "score"> {
  const { scoring, refit } = options;
  if (scoring !== undefined && typeof scoring !== "string" && typeof scoring !== "function") {
    throw wrongOption(`${from.search} takes one scorer: the best trials of a rung go on by its score.`);
  }
  if (refit !== undefined && typeof refit !== "boolean") throw wrongOption("refit must be true or false.");
  const plan = compileSearch<P, M, I, "score">(executor, options as SearchOptions<P, M, I, "score">, from);
  return plan as SearchPlan<P, M, I, ScoreNames<"score">>;
}

interface FoldBudget extends Budget {
  /** The parameter that is the resource; null: rows are. */
  readonly resource: string | null;
  readonly rows: number;
}

function budgetOf<P extends object, M, I>(
  plan: SearchPlan<P, M, I, "score">,
  options: FoldOptionsOf<P, M, I> & {
    readonly seed?: number;
    readonly maxResources?: number;
    readonly params: unknown;
  },
): FoldBudget {
  const seed = checkedSeed(options.seed);
  const { resource = "rows", maxResources } = options;
  const given = maxResources === undefined ? null : checkedCount("maxResources", maxResources);
  if (resource !== "rows") {
    checkResource(plan.estimator, resource, options.params);
    if (given === null)
      throw wrongOption(`With ${resource} as the resource, maxResources must say how much there is of it.`);
    return { smallest: 1, most: given, seed, resource, rows: 0 };
  }
  if (plan.known === null) {
    const text =
      "X or y is on the cluster, so that their rows are not known here. Give both as values to search by rows.";
    throw wrongOption(text);
  }
  const rows = plan.known.y.length;
  if (given !== null && given > rows) throw wrongOption(`maxResources is ${given}, but there are only ${rows} rows.`);
  return { smallest: smallestRows(plan, plan.known.y), most: given ?? rows, seed, resource: null, rows };
}

/** scikit-learn's rule: two samples of each class in each fold. */
function smallestRows<P extends object, M, I>(plan: SearchPlan<P, M, I, "score">, y: Labels): number {
  const classes = (plan.estimator.kind ?? "classifier") === "classifier" ? new Set<number | string>(y).size : 1;
  return plan.splitter.nSplits * 2 * classes;
}

function checkResource<P extends object>(
  estimator: Estimator<P, never, never> | Parametrized<P>,
  resource: string,
  params: unknown,
): void {
  if (!Object.hasOwn(estimator.params, resource)) {
    const known = Object.keys(estimator.params).join(", ") || "none";
    throw wrongOption(`resource names "${resource}", but ${estimator.name} has: ${known}. "rows" means the rows of X.`);
  }
  for (const space of [params].flat()) {
    if (typeof space === "object" && space !== null && Object.hasOwn(space, resource)) {
      throw wrongOption(`${resource} is the resource, so that params cannot have values of it.`);
    }
  }
  checkCandidates(estimator as Parametrized<P>, [{ [resource]: 1 } as Partial<P>]);
}

function wrongOption(message: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", message);
}
