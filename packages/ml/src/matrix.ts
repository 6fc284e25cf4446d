// The forms X comes in. All are plain objects of numbers and typed arrays, so that they travel without ceremony.

import { FlockError } from "@taskflock/protocol/words";

/** A dense matrix, row by row: the value in row `r` and column `c` is `data[r * cols + c]`. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** A sparse matrix by rows: row `r` has `data[k]` in column `indices[k]` for `indptr[r] <= k < indptr[r + 1]`. */
export interface CsrMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly indptr: Int32Array;
  readonly indices: Int32Array;
  readonly data: Float64Array;
}

/** X on a worker. Every item or row is one sample. */
export type Features = Matrix | CsrMatrix | readonly string[];

/** Makes a dense matrix of rows that all have the same length. Throws FLOCK_ML_INPUT where they do not. */
export function matrix(rows: readonly (readonly number[])[]): Matrix {
  const cols = rows[0]?.length ?? 0;
  const data = new Float64Array(rows.length * cols);
  for (const [index, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== cols) {
      const found = Array.isArray(row)
        ? `${row.length} columns`
        : `${row === null ? "null" : typeof row}, not an array,`;
      throw new FlockError(
        "FLOCK_ML_INPUT",
        `Row ${index} of X has ${found} where row 0 has ${cols}. Give every row the same length.`,
      );
    }
    for (const [column, value] of row.entries())
      data[index * cols + column] = typeof value === "number" ? value : Number.NaN;
  }
  return { rows: rows.length, cols, data };
}

export function isCsr(X: Features): X is CsrMatrix {
  return "indptr" in X;
}

export function isTexts(X: Features): X is readonly string[] {
  return Array.isArray(X);
}

export function rowCount(X: Features): number {
  return isTexts(X) ? X.length : X.rows;
}

/** All of a numeric X as a dense matrix; a dense one is returned as it is. */
export function toDense(X: Matrix | CsrMatrix): Matrix {
  if (!isCsr(X)) return X;
  const data = new Float64Array(X.rows * X.cols);
  for (let row = 0; row < X.rows; row++) scatterRow(X, row, data, row * X.cols);
  return { rows: X.rows, cols: X.cols, data };
}

/** The given rows, in the given order, as what estimators take: a dense matrix, or texts. */
export function takeRows(X: Matrix | CsrMatrix, rows: Int32Array): Matrix;
export function takeRows(X: readonly string[], rows: Int32Array): readonly string[];
export function takeRows(X: Features, rows: Int32Array): Matrix | readonly string[];
export function takeRows(X: Features, rows: Int32Array): Matrix | readonly string[] {
  if (isTexts(X)) return Array.from(rows, (row) => X[row] as string);
  const { cols } = X;
  const data = new Float64Array(rows.length * cols);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (isCsr(X)) scatterRow(X, row, data, i * cols);
    else data.set(X.data.subarray(row * cols, (row + 1) * cols), i * cols);
  }
  return { rows: rows.length, cols, data };
}

/** The given rows of a sparse matrix, in the given order, still sparse. */
export function takeCsrRows(X: CsrMatrix, rows: Int32Array): CsrMatrix {
  const indptr = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) {
    indptr[i + 1] = (indptr[i] as number) + (X.indptr[row + 1] as number) - (X.indptr[row] as number);
  }
  const indices = new Int32Array(indptr[rows.length] as number);
  const data = new Float64Array(indices.length);
  for (const [i, row] of rows.entries()) {
    indices.set(X.indices.subarray(X.indptr[row], X.indptr[row + 1]), indptr[i]);
    data.set(X.data.subarray(X.indptr[row], X.indptr[row + 1]), indptr[i]);
  }
  return { rows: rows.length, cols: X.cols, indptr, indices, data };
}

function scatterRow(X: CsrMatrix, row: number, into: Float64Array, offset: number): void {
  const end = X.indptr[row + 1] as number;
  for (let k = X.indptr[row] as number; k < end; k++) {
    const at = offset + (X.indices[k] as number);
    into[at] = (into[at] as number) + (X.data[k] as number);
  }
}
