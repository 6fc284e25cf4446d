// Checking X and y before any of it is used, and bringing them into the form that travels.

import { FlockError } from "@taskflock/protocol/words";
import { compactNumbers, type Labels } from "./labels.ts";
import { type CsrMatrix, type Features, isCsr, isTexts, type Matrix, matrix } from "./matrix.ts";

/** X as a user has it. */
export type FeaturesInput = readonly (readonly number[])[] | Matrix | CsrMatrix | readonly string[];

/** y as a user has it. */
export type LabelsInput = readonly number[] | readonly string[] | Int32Array | Float64Array;

/** X in one of the forms that travel; throws FLOCK_ML_INPUT and says where it is wrong. */
export function checkedFeatures(X: FeaturesInput): Features {
  if (isArray(X)) {
    if (X.length === 0) throw wrongInput("X is empty. Give at least one sample.");
    if (typeof X[0] === "string") return checkedTexts(X as readonly string[]);
    return checkedMatrix(matrix(X as readonly (readonly number[])[]));
  }
  if (typeof X !== "object" || X === null || !Number.isInteger(X.rows) || !Number.isInteger(X.cols)) {
    throw wrongInput(
      `X is ${X === null ? "null" : typeof X}. Give an array of rows, a Matrix, a CsrMatrix or an array of texts.`,
    );
  }
  if (X.rows === 0 || X.cols === 0) throw wrongInput(`X is empty: ${X.rows} rows, ${X.cols} columns.`);
  if (!(X.data instanceof Float64Array)) throw wrongInput("X.data must be a Float64Array.");
  return isCsr(X) ? checkedCsr(X) : checkedMatrix(X);
}

// `Array.isArray` alone does not narrow readonly arrays.
function isArray(X: FeaturesInput): X is readonly (readonly number[])[] | readonly string[] {
  return Array.isArray(X);
}

function checkedTexts(X: readonly string[]): readonly string[] {
  const wrong = X.findIndex((text) => typeof text !== "string");
  if (wrong >= 0) throw wrongInput(`X is an array of texts, but item ${wrong} is ${typeof X[wrong]}.`);
  return X;
}

function checkedMatrix(X: Matrix): Matrix {
  if (X.data.length !== X.rows * X.cols) {
    throw wrongInput(
      `X.data has ${X.data.length} values, but ${X.rows} rows of ${X.cols} columns need ${X.rows * X.cols}.`,
    );
  }
  if (X.cols === 0) throw wrongInput("X has no columns.");
  const wrong = X.data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw notFinite(X.data[wrong] as number, Math.floor(wrong / X.cols), wrong % X.cols);
  return X;
}

function checkedCsr(X: CsrMatrix): CsrMatrix {
  const { indptr, indices, data } = X;
  const closed = indptr.length === X.rows + 1 && indptr[0] === 0 && indptr[X.rows] === data.length;
  if (
    !closed ||
    indices.length !== data.length ||
    indptr.some((start, row) => row > 0 && start < (indptr[row - 1] as number))
  ) {
    throw wrongInput(
      "X is not a valid CsrMatrix: indptr must rise from 0 to data.length, with rows + 1 entries, and indices must be as long as data.",
    );
  }
  const outside = indices.findIndex((column) => column < 0 || column >= X.cols);
  if (outside >= 0)
    throw wrongInput(`X.indices[${outside}] is ${indices[outside]}, but columns go from 0 to ${X.cols - 1}.`);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const row = indptr.findIndex((_, r) => (indptr[r + 1] as number) > wrong);
    throw notFinite(data[wrong] as number, row, indices[wrong] as number);
  }
  return X;
}

/** y with one label per row of X, numbers as typed arrays; throws FLOCK_ML_INPUT. */
export function checkedLabels(y: LabelsInput, rows: number): Labels {
  if (!Array.isArray(y) && !(y instanceof Int32Array) && !(y instanceof Float64Array)) {
    throw wrongInput("y must be an array of numbers or of strings, or an Int32Array.");
  }
  if (y.length !== rows) throw wrongInput(`X has ${rows} rows, but y has ${y.length} labels. Give one label per row.`);
  if (y instanceof Int32Array) return y;
  const kind = typeof y[0];
  for (let i = 0; i < y.length; i++) {
    const label: unknown = y[i];
    if (typeof label !== kind || (kind !== "string" && kind !== "number")) {
      throw wrongInput(
        `y must hold only numbers or only strings, but y[${i}] is ${label === null ? "null" : typeof label}.`,
      );
    }
    if (kind === "number" && !Number.isFinite(label))
      throw wrongInput(`y[${i}] is ${label}. Remove the sample, or give it a label.`);
  }
  return kind === "string" ? (y as readonly string[]) : compactNumbers(y as readonly number[] | Float64Array);
}

/** What the search must know of an X that only the cluster has. */
export interface FeaturesDescription {
  readonly kind: "matrix" | "csr" | "texts";
  readonly rows: number;
  readonly cols: number;
  /** False where X is an array of rows that must first be made a matrix. */
  readonly ready: boolean;
}

/** Checks and measures X. Runs on a worker when X is a handle. */
export function describeFeatures(X: FeaturesInput): FeaturesDescription {
  const checked = checkedFeatures(X);
  if (isTexts(checked)) return { kind: "texts", rows: checked.length, cols: 0, ready: true };
  return { kind: isCsr(checked) ? "csr" : "matrix", rows: checked.rows, cols: checked.cols, ready: checked === X };
}

function notFinite(value: number, row: number, column: number): FlockError {
  return wrongInput(`X has ${value} in row ${row}, column ${column}. Remove or fill such values first.`);
}

function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
