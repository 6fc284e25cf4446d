// The table of a search's results, with scikit-learn's columns in camelCase.

import { mean, standardDeviation } from "../numeric.ts";

type PluralOfOne<K extends string> = K extends "score" ? "s" : "";

/** One entry per candidate, in the order of the candidates. Times are seconds. */
export type CvResults<P extends object = object, S extends string = "score"> = {
  readonly params: readonly Partial<P>[];
  readonly meanFitTime: readonly number[];
  readonly stdFitTime: readonly number[];
  readonly meanScoreTime: readonly number[];
  readonly stdScoreTime: readonly number[];
} & {
  /** `paramC`, `paramGamma` …: the value of one parameter; undefined where a candidate's grid does not have it. */
  readonly [K in keyof P & string as `param${Capitalize<K>}`]?: readonly (P[K] | undefined)[];
} & {
  /** By candidate, then by split: `splitTestScores[candidate][split]`. */
  readonly [K in S as `splitTest${Capitalize<K>}${PluralOfOne<K>}`]: readonly (readonly number[])[];
} & { readonly [K in S as `meanTest${Capitalize<K>}` | `stdTest${Capitalize<K>}`]: readonly number[] } & {
  /** 1 is best; equal means share the smallest rank; NaN comes last. */
  readonly [K in S as `rankTest${Capitalize<K>}`]: readonly number[];
} & {
  /** With `returnTrainScore`. */
  readonly [K in S as `splitTrain${Capitalize<K>}${PluralOfOne<K>}`]?: readonly (readonly number[])[];
} & { readonly [K in S as `meanTrain${Capitalize<K>}` | `stdTrain${Capitalize<K>}`]?: readonly number[] };

/** What one fold gave; scores in the order of the scorers. */
export interface FoldScores {
  readonly testScores: readonly number[];
  readonly trainScores: readonly number[] | null;
  /** Seconds. */
  readonly fitTime: number;
  readonly scoreTime: number;
}

/** Builds the table; `folds[candidate][split]`. */
export function buildCvResults<P extends object, S extends string>(
  candidates: readonly Partial<P>[],
  scorerNames: readonly S[],
  folds: readonly (readonly FoldScores[])[],
): CvResults<P, S> {
  const table: Record<string, unknown> = {
    ...meanAndStd("FitTime", folds, (fold) => fold.fitTime),
    ...meanAndStd("ScoreTime", folds, (fold) => fold.scoreTime),
    params: candidates,
  };
  for (const name of new Set(candidates.flatMap((candidate) => Object.keys(candidate)))) {
    table[`param${capitalize(name)}`] = candidates.map((candidate) => candidate[name as keyof P]);
  }
  for (const [index, name] of scorerNames.entries()) {
    addScores(table, "Test", name, folds, (fold) => fold.testScores[index] as number);
    table[rankColumn(name)] = rank(table[meanTestColumn(name)] as number[]);
    // Splits that were never run have no train scores either.
    const withTrain = folds.some((splits) => splits.some((fold) => fold.trainScores !== null));
    if (withTrain) addScores(table, "Train", name, folds, (fold) => fold.trainScores?.[index] ?? Number.NaN);
  }
  return table as CvResults<P, S>;
}

export function meanTestColumn(scorer: string): string {
  return `meanTest${capitalize(scorer)}`;
}

export function rankColumn(scorer: string): string {
  return `rankTest${capitalize(scorer)}`;
}

type Pick = (fold: FoldScores) => number;

function addScores(
  table: Record<string, unknown>,
  side: "Test" | "Train",
  name: string,
  folds: readonly (readonly FoldScores[])[],
  pick: Pick,
): void {
  const plural = name === "score" ? "s" : "";
  table[`split${side}${capitalize(name)}${plural}`] = folds.map((splits) => splits.map(pick));
  Object.assign(table, meanAndStd(`${side}${capitalize(name)}`, folds, pick));
}

function meanAndStd(column: string, folds: readonly (readonly FoldScores[])[], pick: Pick): Record<string, number[]> {
  return {
    [`mean${column}`]: folds.map((splits) => mean(splits.map(pick))),
    [`std${column}`]: folds.map((splits) => standardDeviation(splits.map(pick))),
  };
}

/** Ranks from 1, highest value first; equal values share the smallest rank; NaN is below everything. */
export function rank(values: readonly number[]): number[] {
  const comparable = values.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value));
  const descending = [...comparable].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const first = new Map<number, number>();
  for (const [index, value] of descending.entries()) if (!first.has(value)) first.set(value, index + 1);
  return comparable.map((value) => first.get(value) as number);
}

function capitalize(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
