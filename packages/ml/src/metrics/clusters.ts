// How far predicted classes are a regrouping of the true ones, whatever their names.

import type { ClassesState } from "./accumulate.ts";

export interface ClusterScores {
  /** 1: each predicted class holds samples of one true class only. */
  readonly homogeneity: number;
  /** 1: all samples of a true class are in one predicted class. */
  readonly completeness: number;
  /** The harmonic mean of both. */
  readonly vMeasure: number;
}

/** All are 1 where there is nothing to tell apart, as with scikit-learn. */
export function clusterScores({ classes, counts }: ClassesState): ClusterScores {
  const ofTrue = new Float64Array(classes);
  const ofPredicted = new Float64Array(classes);
  let total = 0;
  for (const [at, count] of counts.entries()) {
    const [row, column] = [Math.floor(at / classes), at % classes];
    ofTrue[row] = (ofTrue[row] as number) + count;
    ofPredicted[column] = (ofPredicted[column] as number) + count;
    total += count;
  }
  if (Number.isNaN(total)) return { homogeneity: total, completeness: total, vMeasure: total };
  let shared = 0;
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue;
    const expected = (ofTrue[Math.floor(at / classes)] as number) * (ofPredicted[at % classes] as number);
    shared += (count / total) * Math.log((count * total) / expected);
  }
  shared = Math.max(shared, 0);
  const homogeneity = shareOf(shared, entropy(ofTrue, total));
  const completeness = shareOf(shared, entropy(ofPredicted, total));
  const sum = homogeneity + completeness;
  return { homogeneity, completeness, vMeasure: sum === 0 ? 0 : (2 * homogeneity * completeness) / sum };
}

function shareOf(shared: number, entropyOfClasses: number): number {
  return entropyOfClasses === 0 ? 1 : shared / entropyOfClasses;
}

function entropy(counts: Float64Array, total: number): number {
  let sum = 0;
  for (const count of counts) if (count > 0) sum -= (count / total) * Math.log(count / total);
  return sum;
}
