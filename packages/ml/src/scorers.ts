// Scorers by name. Each is an export of this package, so that it travels as a name.

import { FlockError } from "@taskflock/protocol/words";
import { show } from "./estimators/parameter-checks.ts";
import { encodeLabels, type Labels } from "./labels.ts";
import { accuracyScore, balancedAccuracyScore, f1Score, precisionScore, recallScore } from "./metrics/label-scores.ts";
import { meanSquaredError, r2Score } from "./metrics/regression-scores.ts";

/** Rates predictions; higher is better. Runs on workers, and travels with what it uses: data, imports, other functions. */
export type Scorer = (yTrue: Labels, yPred: Labels) => number;

export const f1: Scorer = (yTrue, yPred) => f1Score(yTrue, yPred);
export const f1Macro: Scorer = (yTrue, yPred) => f1Score(yTrue, yPred, { average: "macro" });
export const f1Micro: Scorer = (yTrue, yPred) => f1Score(yTrue, yPred, { average: "micro" });
export const f1Weighted: Scorer = (yTrue, yPred) => f1Score(yTrue, yPred, { average: "weighted" });
export const precision: Scorer = (yTrue, yPred) => precisionScore(yTrue, yPred);
export const precisionMacro: Scorer = (yTrue, yPred) => precisionScore(yTrue, yPred, { average: "macro" });
export const precisionMicro: Scorer = (yTrue, yPred) => precisionScore(yTrue, yPred, { average: "micro" });
export const precisionWeighted: Scorer = (yTrue, yPred) => precisionScore(yTrue, yPred, { average: "weighted" });
export const recall: Scorer = (yTrue, yPred) => recallScore(yTrue, yPred);
export const recallMacro: Scorer = (yTrue, yPred) => recallScore(yTrue, yPred, { average: "macro" });
export const recallMicro: Scorer = (yTrue, yPred) => recallScore(yTrue, yPred, { average: "micro" });
export const recallWeighted: Scorer = (yTrue, yPred) => recallScore(yTrue, yPred, { average: "weighted" });
export const negMeanSquaredError: Scorer = (yTrue, yPred) => -meanSquaredError(yTrue, yPred);

export type ScorerName =
  | "accuracy"
  | "balancedAccuracy"
  | "f1"
  | "f1Macro"
  | "f1Micro"
  | "f1Weighted"
  | "precision"
  | "precisionMacro"
  | "precisionMicro"
  | "precisionWeighted"
  | "recall"
  | "recallMacro"
  | "recallMicro"
  | "recallWeighted"
  | "r2"
  | "negMeanSquaredError";

const scorers: Readonly<Record<ScorerName, Scorer>> = {
  accuracy: accuracyScore,
  balancedAccuracy: balancedAccuracyScore,
  f1,
  f1Macro,
  f1Micro,
  f1Weighted,
  precision,
  precisionMacro,
  precisionMicro,
  precisionWeighted,
  recall,
  recallMacro,
  recallMicro,
  recallWeighted,
  r2: r2Score,
  negMeanSquaredError,
};

export const scorerNames: readonly ScorerName[] = Object.keys(scorers) as ScorerName[];

const binaryNames: readonly string[] = ["f1", "precision", "recall"];

/** One scorer, by name or as a function, or several: a list of names, or scorers under the names `S`. */
export type Scoring<S extends PropertyKey = string> =
  | ScorerName
  | Scorer
  | readonly (S & ScorerName)[]
  // A function is no record without entries.
  | ({ readonly [K in S]: ScorerName | Scorer } & { readonly call?: never });

/**
 * The names under which a `Scoring<S>`'s scores appear: "score" when there is one. Of one scorer TypeScript infers `S` as the keys of
 * a function (none) or of a text (among them a symbol).
 */
export type ScoreNames<S> = [S] extends [never]
  ? "score"
  : string extends S
    ? string
    : typeof Symbol.iterator extends S
      ? "score"
      : S & string;

/** The scorers by the name of their column. Throws FLOCK_ML_SCORER. */
export function resolveScorers(
  scoring: Scoring | undefined,
  kind: "classifier" | "regressor",
): Readonly<Record<string, Scorer>> {
  const wanted = scoring ?? (kind === "classifier" ? "accuracy" : "r2");
  if (typeof wanted !== "object" || wanted === null) return { score: resolveScorer(wanted) };
  const entries: [string, ScorerName | Scorer][] = isNames(wanted)
    ? wanted.map((name): [string, ScorerName] => [name, name])
    : Object.entries<ScorerName | Scorer>(wanted);
  if (entries.length === 0) throw new FlockError("FLOCK_ML_SCORER", "scoring is empty. Name at least one scorer.");
  return Object.fromEntries(entries.map(([name, scorer]) => [name, resolveScorer(scorer)]));
}

function isNames(scoring: Exclude<Scoring, string | Scorer>): scoring is readonly ScorerName[] {
  return Array.isArray(scoring);
}

function resolveScorer(scorer: ScorerName | Scorer): Scorer {
  if (typeof scorer === "function") return scorer;
  if (typeof scorer === "string" && Object.hasOwn(scorers, scorer)) return scorers[scorer];
  throw new FlockError(
    "FLOCK_ML_SCORER",
    `There is no scorer ${show(scorer)}. Known: ${scorerNames.join(", ")}; or give a function (yTrue, yPred) => number.`,
  );
}

/** Refuses scorers of one class for labels that are not 1 and one other; throws FLOCK_ML_SCORER. */
export function checkScorersFit(wanted: Readonly<Record<string, Scorer>>, y: Labels): void {
  const binary = binaryNames.find((name) => Object.values(wanted).includes(scorers[name as ScorerName]));
  if (binary === undefined) return;
  const { classes } = encodeLabels(y);
  if (classes.length <= 2 && classes.includes(1)) return;
  throw new FlockError(
    "FLOCK_ML_SCORER",
    `Scorer "${binary}" rates the class 1 against one other, but y has ${classes.length} classes` +
      `${classes.includes(1) ? "" : ", none of them 1"}. Use "${binary}Macro", "${binary}Micro" or "${binary}Weighted".`,
  );
}
