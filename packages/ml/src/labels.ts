// Class labels: numbers or strings as the user gave them, and small integers inside.

/** Labels inside: a user's `number[]` travels as an `Int32Array` where all are integers, as a `Float64Array` otherwise. */
export type Labels = readonly (number | string)[] | Int32Array | Float64Array;

/** The distinct labels in ascending order, and for each sample the index of its label among them. */
export interface EncodedLabels {
  readonly classes: readonly (number | string)[];
  readonly codes: Int32Array;
}

/** Encodes labels; numbers sort by value, strings by code unit. */
export function encodeLabels(y: Labels): EncodedLabels {
  const classes = sortedLabels(new Set<number | string>(y));
  const codeOf = new Map(classes.map((label, code) => [label, code]));
  const codes = new Int32Array(y.length);
  for (let i = 0; i < y.length; i++) codes[i] = codeOf.get(y[i] as number | string) as number;
  return { classes, codes };
}

export function sortedLabels(labels: Iterable<number | string>): (number | string)[] {
  return [...labels].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The inverse of `encodeLabels`: strings where the classes are strings, an `Int32Array` where all are integers. */
export function decodeLabels(classes: readonly (number | string)[], codes: Int32Array): Labels {
  if (typeof classes[0] === "string") return Array.from(codes, (code) => classes[code] as string);
  return compactNumbers(Array.from(codes, (code) => classes[code] as number));
}

/** Numbers as a typed array: `Int32Array` where that loses nothing. */
export function compactNumbers(values: readonly number[] | Float64Array): Int32Array | Float64Array {
  for (const value of values) if ((value | 0) !== value) return Float64Array.from(values);
  return Int32Array.from(values);
}

/** The labels of the given rows, in their order. */
export function takeLabels(y: Labels, rows: Int32Array): Labels {
  if (y instanceof Int32Array || y instanceof Float64Array) {
    const taken = y instanceof Int32Array ? new Int32Array(rows.length) : new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) taken[i] = y[rows[i] as number] as number;
    return taken;
  }
  return Array.from(rows, (row) => y[row] as number | string);
}
