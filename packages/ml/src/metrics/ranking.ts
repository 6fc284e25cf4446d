// How well scores rank positives above negatives. Exact: every score is a threshold, equal scores count by half.

import { mean } from "../numeric.ts";
import { ratio, type ScoresState } from "./accumulate.ts";
import { type LabelAverage, noSamples, weightedMean } from "./averages.ts";

/** One label's scores, or all of them in one list. */
interface Ranked {
  readonly yTrue: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** Takes what lies at one score, from the highest to the lowest; weights of positives and negatives. */
type Level = (positives: number, negatives: number) => void;

function descend({ yTrue, scores, weights }: Ranked, level: Level): void {
  const order = Float64Array.from({ length: scores.length }, (_, at) => at);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number));
  let positives = 0;
  let negatives = 0;
  for (let k = 0; k < order.length; k++) {
    const at = order[k] as number;
    if (yTrue[at] === 1) positives += weights[at] as number;
    else negatives += weights[at] as number;
    if (k + 1 < order.length && scores[order[k + 1] as number] === scores[at]) continue;
    level(positives, negatives);
    positives = 0;
    negatives = 0;
  }
}

/** The share of pairs of a positive and a negative that are in order; null where there is no such pair. */
function areaUnderRoc(ranked: Ranked): number | null {
  let above = 0;
  let below = 0;
  let inOrder = 0;
  descend(ranked, (positives, negatives) => {
    inOrder += negatives * (above + positives / 2);
    above += positives;
    below += negatives;
  });
  return above * below === 0 ? null : inOrder / (above * below);
}

/** The mean precision at each threshold, weighted by what recall it adds; 0 without positives. */
function averagePrecision(ranked: Ranked): number {
  let above = 0;
  let all = 0;
  let sum = 0;
  descend(ranked, (positives, negatives) => {
    above += positives;
    all += positives + negatives;
    if (positives > 0) sum += positives * (above / all);
  });
  return ratio(sum, above);
}

const measures = { auc: areaUnderRoc, averagePrecision };

type RankMeasure = "auc" | "averagePrecision";

/**
 * The measure of all that was seen; by default of all labels' scores in one list (micro). What has no pair to rank is left out of
 * averages, and is 0 alone. NaN where a score is. Throws FLOCK_ML_SCORER.
 */
export function scoreOfRanks(state: ScoresState, name: RankMeasure, average: LabelAverage | null): number {
  const measure = measures[name];
  const all = joined(state);
  if (all.scores.some(Number.isNaN)) return Number.NaN;
  if (average === "samples" && state.cols === 1) throw noSamples(name);
  const { cols } = state;
  if (cols < 2 || average === null || average === "micro") return measure(repeated(all, cols)) ?? 0;
  const samples = average === "samples";
  const parts = Array.from({ length: samples ? all.weights.length : cols }, (_, at) =>
    samples ? ofRow(all, cols, at) : ofLabel(all, cols, at),
  );
  const found = parts.flatMap((part, at) => {
    const score = measure(part);
    const weight = samples ? (all.weights[at] as number) : positives(part);
    return score === null ? [] : [{ score, weight }];
  });
  const values = Float64Array.from(found, ({ score }) => score);
  if (average === "macro") return values.length === 0 ? 0 : mean(values);
  return weightedMean(
    values,
    Float64Array.from(found, ({ weight }) => weight),
  );
}

interface AllScores {
  readonly yTrue: Uint8Array;
  readonly scores: Float64Array;
  /** One per row. */
  readonly weights: Float64Array;
}

function joined(state: ScoresState): AllScores {
  const rows = state.weights.reduce((sum, part) => sum + part.length, 0);
  const all = {
    yTrue: new Uint8Array(rows * state.cols),
    scores: new Float64Array(rows * state.cols),
    weights: new Float64Array(rows),
  };
  let row = 0;
  for (const [at, weights] of state.weights.entries()) {
    all.yTrue.set(state.yTrue[at] as Uint8Array, row * state.cols);
    all.scores.set(state.yPred[at] as Float64Array, row * state.cols);
    all.weights.set(weights, row);
    row += weights.length;
  }
  return all;
}

function repeated({ yTrue, scores, weights }: AllScores, cols: number): Ranked {
  if (cols < 2) return { yTrue, scores, weights };
  return { yTrue, scores, weights: Float64Array.from(scores, (_, at) => weights[Math.floor(at / cols)] as number) };
}

function ofLabel({ yTrue, scores, weights }: AllScores, cols: number, label: number): Ranked {
  return {
    yTrue: Uint8Array.from(weights, (_, row) => yTrue[row * cols + label] as number),
    scores: Float64Array.from(weights, (_, row) => scores[row * cols + label] as number),
    weights,
  };
}

function ofRow({ yTrue, scores }: AllScores, cols: number, row: number): Ranked {
  const [start, end] = [row * cols, (row + 1) * cols];
  return {
    yTrue: yTrue.subarray(start, end),
    scores: scores.subarray(start, end),
    weights: new Float64Array(cols).fill(1),
  };
}

function positives({ yTrue, weights }: Ranked): number {
  let sum = 0;
  for (let at = 0; at < weights.length; at++) if (yTrue[at] === 1) sum += weights[at] as number;
  return sum;
}
