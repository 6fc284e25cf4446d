// One random split of a data set in two.

import { FlockError } from "@taskflock/protocol/words";
import { checkedFeatures, checkedLabels, type FeaturesInput, type LabelsInput } from "./inputs.ts";
import { encodeLabels, type Labels, takeLabels } from "./labels.ts";
import { type CsrMatrix, isCsr, type Matrix, rowCount, takeCsrRows, takeRows } from "./matrix.ts";
import { randomNumbers, shuffle } from "./random.ts";
import { stratifiedByLabels } from "./stratified-labels.ts";
import { checkedTensor, isTensor, rowSize, takeTensorRows } from "./tensors.ts";
import type { Tensor } from "./training/types.ts";

export interface TrainTestOptions {
  /** A share between 0 and 1, or a number of rows; default 0.25. */
  readonly testSize?: number;
  /** A share between 0 and 1, or a number of rows; default: all others. */
  readonly trainSize?: number;
  /** Default 0: the same split every time. */
  readonly seed?: number;
  /** Random order; default true. */
  readonly shuffle?: boolean;
  /** Keeps the shares of the classes, or of every label where rows have several; default false. */
  readonly stratify?: boolean;
}

/** The same form as the X that was split. */
type SameForm<X extends FeaturesInput | Tensor> = X extends Matrix | CsrMatrix | Tensor
  ? X
  : X extends readonly string[]
    ? string[]
    : number[][];

export interface TrainTestSplit<X extends FeaturesInput | Tensor, Y extends LabelsInput | Tensor> {
  readonly XTrain: SameForm<X>;
  readonly XTest: SameForm<X>;
  readonly yTrain: Y;
  readonly yTest: Y;
  /** The rows of the whole data set on each side. */
  readonly trainRows: Int32Array;
  readonly testRows: Int32Array;
}

/**
 * Splits X and y in two. Both may be tensors; a `y` of several columns has labels that rows have (not 0) or lack (0). Throws
 * FLOCK_ML_INPUT or FLOCK_ML_SPLIT.
 */
export function trainTestSplit<X extends FeaturesInput | Tensor, Y extends LabelsInput | Tensor>(
  X: X,
  y: Y,
  options: TrainTestOptions = {},
): TrainTestSplit<X, Y> {
  const rows = isTensor(X) ? (checkedTensor(X, "X").shape[0] as number) : rowCount(checkedFeatures(X));
  const labels = checkedTargets(y, rows);
  const sizes = resolveSizes(rows, options);
  const random = randomNumbers(options.seed ?? 0);
  const [trainRows, testRows] = options.stratify
    ? stratified(labels, sizes, rows, random)
    : plainSides(rows, sizes, options.shuffle === false ? null : random);
  return {
    XTrain: takeSame(X, trainRows) as SameForm<X>,
    XTest: takeSame(X, testRows) as SameForm<X>,
    yTrain: takeTargets(y, trainRows) as Y,
    yTest: takeTargets(y, testRows) as Y,
    trainRows,
    testRows,
  };
}

function checkedTargets(y: LabelsInput | Tensor, rows: number): Labels | Tensor {
  if (!isTensor(y)) return checkedLabels(y, rows);
  const found = checkedTensor(y, "y").shape[0] as number;
  if (found === rows) return y;
  throw new FlockError("FLOCK_ML_INPUT", `X has ${rows} rows, but y has ${found}. Give as many.`);
}

function plainSides(rows: number, sizes: Sizes, random: (() => number) | null): [Int32Array, Int32Array] {
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  if (random !== null) shuffle(order, random);
  // Test rows come first in a random order, and last in the given one.
  const testAt = random === null ? sizes.train : 0;
  const trainAt = random === null ? 0 : sizes.test;
  return [order.slice(trainAt, trainAt + sizes.train), order.slice(testAt, testAt + sizes.test)];
}

function stratified(
  y: Labels | Tensor,
  sizes: Sizes,
  rows: number,
  random: () => number,
): [train: Int32Array, test: Int32Array] {
  if (!isTensor(y)) return stratifiedSides(y, sizes, random);
  if (rowSize(y) === 1) return stratifiedSides(Float64Array.from(y.data), sizes, random);
  const sides = stratifiedByLabels(y, [sizes.train, sizes.test, rows - sizes.train - sizes.test], random);
  return [sides[0] as Int32Array, sides[1] as Int32Array];
}

interface Sizes {
  readonly train: number;
  readonly test: number;
}

function resolveSizes(rows: number, { testSize, trainSize }: TrainTestOptions): Sizes {
  const asked = testSize ?? (trainSize === undefined ? 0.25 : undefined);
  const given = trainSize === undefined ? undefined : trainSize < 1 ? Math.floor(trainSize * rows) : trainSize;
  const test = asked === undefined ? rows - (given as number) : asked < 1 ? Math.ceil(asked * rows) : asked;
  const train = given ?? rows - test;
  if (!Number.isInteger(test) || !Number.isInteger(train) || test < 1 || train < 1 || test + train > rows) {
    throw new FlockError(
      "FLOCK_ML_SPLIT",
      `${rows} rows cannot be split into ${train} for training and ${test} for testing. Give shares between 0 and 1, or row counts.`,
    );
  }
  return { train, test };
}

/** Each class gives its share of both sides; what rounding leaves over goes to the largest remainders. */
function stratifiedSides(y: Labels, sizes: Sizes, random: () => number): [Int32Array, Int32Array] {
  const { classes, codes } = encodeLabels(y);
  if (classes.length > Math.min(sizes.test, sizes.train)) {
    throw new FlockError(
      "FLOCK_ML_SPLIT",
      `${classes.length} classes do not fit into a side of ${Math.min(sizes.test, sizes.train)} rows.`,
    );
  }
  const members = classes.map((_, code) => {
    const own = Int32Array.from(codes.keys()).filter((row) => codes[row] === code);
    if (own.length < 2) {
      throw new FlockError(
        "FLOCK_ML_SPLIT",
        `Class ${JSON.stringify(classes[code])} has one sample, which cannot be on both sides.`,
      );
    }
    return shuffle(own, random);
  });
  const testCounts = proportional(
    members.map((own) => own.length),
    sizes.test,
  );
  const rest = members.map((own, code) => own.length - (testCounts[code] as number));
  const trainCounts = proportional(rest, sizes.train);
  const test = members.flatMap((own, code) => [...own.subarray(0, testCounts[code])]);
  const train = members.flatMap((own, code) => {
    const from = testCounts[code] as number;
    return [...own.subarray(from, from + (trainCounts[code] as number))];
  });
  return [shuffle(Int32Array.from(train), random), shuffle(Int32Array.from(test), random)];
}

/** Whole numbers that add up to `total`, in the proportions of `counts`, none above its count. */
function proportional(counts: readonly number[], total: number): number[] {
  const sum = counts.reduce((a, b) => a + b, 0);
  const exact = counts.map((count) => (count * total) / sum);
  const whole = exact.map(Math.floor);
  const byRemainder = [...exact.keys()].sort(
    (a, b) => (exact[b] as number) - (whole[b] as number) - ((exact[a] as number) - (whole[a] as number)) || a - b,
  );
  const missing = total - whole.reduce((a, b) => a + b, 0);
  for (const index of byRemainder.slice(0, missing)) whole[index] = (whole[index] as number) + 1;
  return whole;
}

function takeTargets(y: LabelsInput | Tensor, rows: Int32Array): unknown {
  return isTensor(y) ? takeTensorRows(y, rows) : takeLabels(y, rows);
}

function takeSame(X: FeaturesInput | Tensor, rows: Int32Array): unknown {
  if (isTensor(X)) return takeTensorRows(X, rows);
  if (Array.isArray(X)) return Array.from(rows, (row) => X[row]);
  const numeric = X as Matrix | CsrMatrix;
  return isCsr(numeric) ? takeCsrRows(numeric, rows) : takeRows(numeric, rows);
}
