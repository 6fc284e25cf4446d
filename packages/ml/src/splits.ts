// Folds of cross-validation, as row numbers.

import { FlockError } from "@taskflock/protocol/words";
import type { Labels } from "./labels.ts";
import { randomNumbers, shuffle } from "./random.ts";

/** Rows to fit on and rows to score on. */
export interface Split {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** Makes the folds of a data set of `rows` samples; called once per search, where the search is started. */
export interface Splitter {
  readonly name: string;
  readonly nSplits: number;
  split(rows: number, y: Labels): readonly Split[];
}

export interface FoldOptions {
  /** Folds; default 5. */
  readonly nSplits?: number;
  /** Puts the rows into a random order first; default false. */
  readonly shuffle?: boolean;
  /** Of the random order; default 0. */
  readonly seed?: number;
}

/** Row numbers as a user writes them. */
export interface CustomSplit {
  readonly train: readonly number[] | Int32Array;
  readonly test: readonly number[] | Int32Array;
}

/** A number of folds, a splitter, or the splits themselves. */
export type CrossValidation = number | Splitter | readonly CustomSplit[];

/** Consecutive folds of nearly equal size. */
export function kFold(options: FoldOptions = {}): Splitter {
  const nSplits = checkedCount(options.nSplits ?? 5);
  return {
    name: "kFold",
    nSplits,
    split(rows) {
      if (rows < nSplits) throw tooFewRows(nSplits, rows);
      const order = Int32Array.from({ length: rows }, (_, row) => row);
      if (options.shuffle) shuffle(order, randomNumbers(options.seed ?? 0));
      const fold = new Int32Array(rows);
      const small = Math.floor(rows / nSplits);
      const larger = rows % nSplits;
      for (let at = 0; at < rows; at++) {
        const inLarger = Math.floor(at / (small + 1));
        const number = inLarger < larger ? inLarger : larger + Math.floor((at - larger * (small + 1)) / small);
        fold[order[at] as number] = number;
      }
      return splitsOfFolds(fold, nSplits);
    },
  };
}

/**
 * Folds in which every class has nearly its share, allocated in scikit-learn's order. Unlike scikit-learn, which only
 * warns, a class with fewer samples than folds is refused (FLOCK_ML_SPLIT): some fold would be scored without it.
 */
export function stratifiedKFold(options: FoldOptions = {}): Splitter {
  const nSplits = checkedCount(options.nSplits ?? 5);
  return {
    name: "stratifiedKFold",
    nSplits,
    split(rows, y) {
      if (rows < nSplits) throw tooFewRows(nSplits, rows);
      const codes = codesByAppearance(y);
      const counts: number[] = [];
      for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
      const smallest = counts.indexOf(Math.min(...counts));
      if ((counts[smallest] as number) < nSplits) {
        throw new FlockError(
          "FLOCK_ML_SPLIT",
          `cv asks for ${nSplits} folds, but class ${JSON.stringify(y[codes.indexOf(smallest)])} has only ` +
            `${counts[smallest]} sample(s). Use at most ${counts[smallest]} folds, kFold, or more samples of the class.`,
        );
      }
      const random = options.shuffle ? randomNumbers(options.seed ?? 0) : null;
      return splitsOfFolds(stratifiedFolds(codes, counts, nSplits, random), nSplits);
    },
  };
}

/** Deals the sorted labels out like cards, and gives the samples of a class its folds in ascending order. */
function stratifiedFolds(
  codes: Int32Array,
  counts: readonly number[],
  nSplits: number,
  random: (() => number) | null,
): Int32Array {
  const fold = new Int32Array(codes.length);
  let dealt = 0;
  for (const [code, count] of counts.entries()) {
    const perFold = new Int32Array(nSplits);
    for (let i = 0; i < count; i++, dealt++) perFold[dealt % nSplits] = (perFold[dealt % nSplits] as number) + 1;
    const ownFolds = new Int32Array(count);
    let at = 0;
    for (const [number, size] of perFold.entries()) {
      ownFolds.fill(number, at, at + size);
      at += size;
    }
    if (random !== null) shuffle(ownFolds, random);
    let next = 0;
    for (let row = 0; row < codes.length; row++) if (codes[row] === code) fold[row] = ownFolds[next++] as number;
  }
  return fold;
}

/** Each sample's class, numbered in the order in which the classes first appear. */
function codesByAppearance(y: Labels): Int32Array {
  const numbers = new Map<number | string, number>();
  const codes = new Int32Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const label = y[i] as number | string;
    if (!numbers.has(label)) numbers.set(label, numbers.size);
    codes[i] = numbers.get(label) as number;
  }
  return codes;
}

function splitsOfFolds(fold: Int32Array, nSplits: number): Split[] {
  const rows = Int32Array.from(fold.keys());
  return Array.from({ length: nSplits }, (_, number) => ({
    train: rows.filter((row) => fold[row] !== number),
    test: rows.filter((row) => fold[row] === number),
  }));
}

function checkedCount(nSplits: number): number {
  if (Number.isInteger(nSplits) && nSplits >= 2) return nSplits;
  throw new FlockError("FLOCK_ML_SPLIT", `A number of folds must be a whole number, 2 or more, but is ${nSplits}.`);
}

function tooFewRows(nSplits: number, rows: number): FlockError {
  return new FlockError(
    "FLOCK_ML_SPLIT",
    `cv asks for ${nSplits} folds, but there are only ${rows} samples. Use fewer folds.`,
  );
}

/** The splitter that a search's `cv` stands for. */
export function resolveSplitter(cv: CrossValidation, kind: "classifier" | "regressor"): Splitter {
  if (typeof cv === "number") return kind === "classifier" ? stratifiedKFold({ nSplits: cv }) : kFold({ nSplits: cv });
  if (isCustom(cv)) return customSplits(cv);
  if (typeof cv?.split === "function" && Number.isInteger(cv.nSplits)) return cv;
  throw new FlockError(
    "FLOCK_ML_SPLIT",
    "cv must be a number of folds, a splitter such as kFold(), or an array of { train, test }.",
  );
}

function isCustom(cv: Splitter | readonly CustomSplit[]): cv is readonly CustomSplit[] {
  return Array.isArray(cv);
}

function customSplits(splits: readonly CustomSplit[]): Splitter {
  if (splits.length === 0)
    throw new FlockError("FLOCK_ML_SPLIT", "cv is an empty array. Give at least one { train, test }.");
  return {
    name: "customSplits",
    nSplits: splits.length,
    split: () =>
      splits.map((split, number) => ({ train: rowsOf(split, number, "train"), test: rowsOf(split, number, "test") })),
  };
}

function rowsOf(split: CustomSplit, number: number, side: "train" | "test"): Int32Array {
  const rows: unknown = split?.[side];
  if (rows instanceof Int32Array) return rows;
  if (Array.isArray(rows) && rows.every(Number.isInteger)) return Int32Array.from(rows);
  throw new FlockError("FLOCK_ML_SPLIT", `Split ${number} of cv needs ${side} rows: an array of whole numbers.`);
}

/** Makes the folds and refuses what no fit could use: an empty side, or a row that is not there. */
export function makeSplits(splitter: Splitter, rows: number, y: Labels): readonly Split[] {
  const splits = splitter.split(rows, y);
  for (const [number, split] of splits.entries()) {
    for (const side of ["train", "test"] as const) {
      if (split[side].length === 0)
        throw new FlockError("FLOCK_ML_SPLIT", `Split ${number} of cv has no ${side} rows.`);
      const outside = split[side].find((row) => row < 0 || row >= rows);
      if (outside !== undefined) {
        throw new FlockError(
          "FLOCK_ML_SPLIT",
          `Split ${number} of cv names ${side} row ${outside}, but rows go from 0 to ${rows - 1}.`,
        );
      }
    }
  }
  return splits;
}
