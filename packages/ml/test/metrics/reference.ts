// scikit-learn's metrics of given vectors, made by test/data/make_metrics.py.

import { readFileSync } from "node:fs";

type Scores = Readonly<Record<string, number>>;

interface ReportRow {
  readonly precision: number;
  readonly recall: number;
  readonly "f1-score": number;
  readonly support: number;
}

export interface MetricsReference {
  readonly multilabel: readonly {
    readonly true: number[][];
    readonly scores: number[][];
    readonly weights: number[] | null;
    readonly at: readonly {
      readonly threshold: number;
      readonly predicted: number[][];
      readonly scores: Scores;
      readonly confusion: number[][][];
      readonly report: string;
      readonly reportData: Readonly<Record<string, ReportRow>>;
    }[];
    readonly ranks: Scores;
  }[];
  readonly binary: readonly {
    readonly true: number[];
    readonly scores: number[];
    readonly weights: number[] | null;
    readonly found: Scores;
  }[];
  readonly classes: readonly {
    readonly true: number[];
    readonly scores: number[][];
    readonly classes: number;
    readonly found: Scores;
    readonly sparse: Scores;
    readonly confusion: number[][];
    readonly report: string;
  }[];
  readonly weights: readonly { readonly y: number[]; readonly balanced: number[] }[];
  readonly labels: readonly {
    readonly true: (number | string)[];
    readonly predicted: (number | string)[];
    readonly hammingLoss: number;
    readonly vMeasure: number;
    readonly homogeneity: number;
    readonly completeness: number;
    readonly confusion: number[][][];
    readonly report: string;
    readonly report4: string;
  }[];
}

export const metricsReference: MetricsReference = JSON.parse(
  readFileSync(new URL("../data/metrics.json", import.meta.url), "utf8"),
) as MetricsReference;
