// How far predicted numbers are from the true ones.

import type { Labels } from "../labels.ts";
import { mean, pairwiseSum } from "../numeric.ts";
import { checkLengths } from "./label-counts.ts";
import { wrongInput } from "./pairs.ts";

/** The mean of squared differences. For numbers. */
export function meanSquaredError(yTrue: Labels, yPred: Labels): number {
  return mean(squaredErrors(yTrue, yPred));
}

/** 1 minus the ratio of squared errors to the variance of `yTrue`; 1 is perfect, 0 as good as the mean. For numbers. */
export function r2Score(yTrue: Labels, yPred: Labels): number {
  const errors = pairwiseSum(squaredErrors(yTrue, yPred));
  const center = mean(yTrue as readonly number[]);
  const spread = pairwiseSum(squaredErrors(yTrue, new Float64Array(yTrue.length).fill(center)));
  if (spread === 0) return errors === 0 ? 1 : 0;
  return 1 - errors / spread;
}

/** What does not fit in length, or is no number, is refused. */
function squaredErrors(yTrue: Labels, yPred: Labels): Float64Array {
  checkLengths(yTrue, yPred);
  const squares = new Float64Array(yTrue.length);
  for (let i = 0; i < squares.length; i++) {
    const error = (yTrue[i] as number) - (yPred[i] as number);
    squares[i] = error * error;
  }
  if (typeof yTrue[0] === "string" || typeof yPred[0] === "string")
    throw wrongInput("yTrue and yPred have labels that are strings. This score is of numbers.");
  return squares;
}
