// What metrics compare: the targets and the predictions of a batch, checked and brought into one form.

import { FlockError } from "@taskflock/protocol/words";
import { show } from "../estimators/parameter-checks.ts";
import { kindOf } from "../kinds.ts";

/** A dense array as training has it, with any array of numbers for its values. */
export interface TensorLike {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Numbers by row: a tensor, an array of rows, or one number per row. */
export type MetricInput = TensorLike | readonly (readonly number[])[] | readonly number[] | NumberArray;

type NumberArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A batch of targets and predictions. */
export interface Pair {
  readonly rows: number;
  /** Values per row of the predictions: labels or classes; 1 where there is one score or number per row. */
  readonly cols: number;
  /** `rows × cols` values, or `rows` class numbers where it is sparse. */
  readonly yTrue: ArrayLike<number>;
  readonly yPred: ArrayLike<number>;
  /** The targets are class numbers, the predictions scores of all classes. */
  readonly sparse: boolean;
  /** One per row; null: all 1. */
  readonly weights: ArrayLike<number> | null;
}

/** Checks and pairs what a metric is given. Throws FLOCK_ML_INPUT and says what does not fit. */
export function paired(yTrue: MetricInput, yPred: MetricInput, weights?: ArrayLike<number>): Pair {
  const actual = asTable(yTrue, "yTrue");
  const predicted = asTable(yPred, "yPred");
  const { rows, cols } = predicted;
  const sparse = cols > 1 && actual.data.length === rows && (actual.rank < predicted.rank || actual.cols === 1);
  if (!sparse && (actual.rows !== rows || actual.cols !== cols)) {
    throw wrongInput(
      `yTrue is ${actual.rows} × ${actual.cols} and yPred is ${rows} × ${cols}. Give both the same shape, or class numbers as yTrue.`,
    );
  }
  if (sparse) checkClassNumbers(actual.data, cols);
  if (weights !== undefined && weights.length !== rows) {
    throw wrongInput(`There are ${weights.length} weights for ${rows} rows. Give one weight per row.`);
  }
  checkWeights(weights);
  return { rows, cols, yTrue: actual.data, yPred: predicted.data, sparse, weights: weights ?? null };
}

/** What tells yes from no has nothing to say of class numbers such as 2. Errors: FLOCK_ML_INPUT. */
export function checkYesNo({ yTrue, cols, sparse }: Pair): void {
  if (sparse) return;
  for (let at = 0; at < yTrue.length; at++) {
    if ((yTrue[at] as number) > 1)
      throw wrongInput(
        `yTrue has ${yTrue[at]} in row ${Math.floor(at / cols)}, but labels are 0 and 1 here. Give one-hot rows, or class numbers beside a score per class.`,
      );
  }
}

/** Whether a target or a prediction is NaN, which is neither right nor wrong. */
export function hasNaN({ yTrue, yPred }: Pair): boolean {
  for (let at = 0; at < yPred.length; at++) if (Number.isNaN(yPred[at])) return true;
  for (let at = 0; at < yTrue.length; at++) if (Number.isNaN(yTrue[at])) return true;
  return false;
}

/** Where the largest of `cols` values from `start` on is; the first of equal ones. */
export function largestFrom(values: ArrayLike<number>, start: number, cols: number): number {
  let best = 0;
  for (let c = 1; c < cols; c++) if ((values[start + c] as number) > (values[start + best] as number)) best = c;
  return best;
}

export function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}

interface Table {
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly cols: number;
  readonly rank: number;
}

export function asTable(values: MetricInput, name: string): Table {
  if (Array.isArray(values)) return Array.isArray(values[0]) ? tableOfRows(values, name) : numbers(values, name);
  if (ArrayBuffer.isView(values)) return flat(values as NumberArray);
  const { data, shape } = checkedTensor(values as TensorLike, name);
  const cols = shape.length < 2 ? 1 : (shape.at(-1) as number);
  const rows = shape.length < 2 ? data.length : shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { data, rows, cols, rank: shape.length };
}

function numbers(values: readonly unknown[], name: string): Table {
  checkNumbers(values, (at) => `${name} in row ${at}`);
  return flat(values as readonly number[]);
}

/** Errors: FLOCK_ML_INPUT where one is no number. */
export function checkWeights(weights: ArrayLike<number> | undefined): void {
  for (let row = 0; row < (weights?.length ?? 0); row++) {
    if (!Number.isFinite(weights?.[row]))
      throw wrongInput(`The weight of row ${row} is ${show(weights?.[row])}. Give numbers.`);
  }
}

function checkNumbers(values: readonly unknown[], where: (at: number) => string): void {
  const bad = values.findIndex((value) => typeof value !== "number");
  if (bad >= 0) throw wrongInput(`There is ${show(values[bad])} for ${where(bad)}. Give numbers.`);
}

function flat(data: ArrayLike<number>): Table {
  return { data, rows: data.length, cols: 1, rank: 1 };
}

function checkedTensor(values: TensorLike | null | undefined, name: string): TensorLike {
  if (typeof values !== "object" || values === null || !Array.isArray(values.shape) || values.data === undefined) {
    throw wrongInput(`${name} is ${kindOf(values)}. Give { data, shape }, an array of rows, or an array of numbers.`);
  }
  const size = values.shape.reduce((product: number, length: number) => product * length, 1);
  if (values.data.length !== size) {
    throw wrongInput(
      `${name} has ${values.data.length} values, but its shape [${values.shape.join(", ")}] has ${size}.`,
    );
  }
  return values;
}

function tableOfRows(rows: readonly (readonly number[])[], name: string): Table {
  const cols = (rows[0] as readonly number[]).length;
  const data = new Float64Array(rows.length * cols);
  for (const [at, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== cols) {
      throw wrongInput(`Row ${at} of ${name} is not an array of ${cols} numbers as row 0 is.`);
    }
    checkNumbers(row, (column) => `${name} in row ${at}, column ${column}`);
    data.set(row, at * cols);
  }
  return { data, rows: rows.length, cols, rank: 2 };
}

function checkClassNumbers(classes: ArrayLike<number>, count: number): void {
  for (let row = 0; row < classes.length; row++) {
    const code = classes[row] as number;
    if (Number.isInteger(code) && code >= 0 && code < count) continue;
    throw wrongInput(`yTrue has ${code} in row ${row}, but yPred scores the classes 0 to ${count - 1}.`);
  }
}
