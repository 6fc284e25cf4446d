// scikit-learn's and NumPy's numbers, made by test/data/make_reference.py.

import { readFileSync } from "node:fs";
import type { KNeighborsParams, LogisticRegressionParams, SvcParams } from "../src/index.ts";

interface Column {
  readonly split: number[][];
  readonly mean: number[];
  readonly std: number[];
  readonly rank: number[];
  readonly meanTrain: number[];
}

export interface Reference {
  readonly data: {
    readonly X: number[][];
    readonly y: number[];
    readonly text: string[];
    readonly Xtest: number[][];
  };
  readonly binary: { readonly X: number[][]; readonly y: number[] };
  readonly svc: {
    readonly params: Partial<SvcParams>;
    readonly nSupport: number[];
    readonly support: number[];
    readonly decisions: number[][];
    readonly predicted: number[];
  }[];
  readonly svcBinary: { readonly nSupport: number[]; readonly predicted: number[] };
  readonly svcText: string[];
  readonly logistic: {
    readonly params: Partial<LogisticRegressionParams>;
    readonly data: "data" | "binary";
    readonly coef: number[][];
    readonly intercept: number[];
    readonly predicted: number[];
  }[];
  readonly neighbors: {
    readonly params: Partial<KNeighborsParams>;
    readonly predicted: number[];
    readonly self: number[];
  }[];
  readonly dummy: number[];
  readonly stratified: { readonly y: number[] | string[]; readonly nSplits: number; readonly test: number[][] }[];
  readonly kFold: { readonly rows: number; readonly nSplits: number; readonly test: number[][] }[];
  readonly metrics: {
    readonly true: number[];
    readonly predicted: number[];
    readonly scores: Readonly<Record<string, number>>;
  }[];
  readonly search: {
    readonly params: Record<string, unknown>[];
    readonly bestIndex: number;
    readonly bestScore: number;
  } & {
    readonly [K in "accuracy" | "f1Macro" | "balancedAccuracy"]: Column;
  };
  readonly others: { readonly [K in "logistic" | "neighbors"]: Pick<Column, "mean" | "std" | "rank"> };
  readonly moments: { readonly values: number[]; readonly mean: number; readonly std: number; readonly var: number }[];
}

export const reference: Reference = JSON.parse(
  readFileSync(new URL("./data/reference.json", import.meta.url), "utf8"),
) as Reference;
