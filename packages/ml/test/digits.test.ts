// The digits search of `test/data/digits-svc-grid.json` must give scikit-learn's numbers to the last digit.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gridSearch, InlineExecutor, loadDigits, type Matrix, svc, takeLabels, takeRows } from "../src/index.ts";

interface ReferenceCandidate {
  readonly params: { readonly C: number; readonly class_weight: "balanced" | null; readonly gamma: number };
  readonly splitTestScores: number[];
  readonly splitTrainScores: number[];
  readonly meanTestScore: number;
  readonly stdTestScore: number;
  readonly rankTestScore: number;
}

interface Reference {
  readonly candidates: ReferenceCandidate[];
  readonly bestIndex: number;
  readonly bestScore: number;
  readonly testFolds: number[][];
  readonly refit: { readonly nSupport: number[]; readonly trainAccuracy: number };
  readonly split7030: {
    readonly trainRows: number[];
    readonly testRows: number[];
    readonly bestScore: number;
    readonly testAccuracy: number;
    readonly meanTestScores: number[];
    readonly splitTestScores: number[][];
  };
}

const file = new URL("../../../test/data/digits-svc-grid.json", import.meta.url);
const reference = JSON.parse(readFileSync(file, "utf8")) as Reference;
const digits = loadDigits();
const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced"] } as const;

describe("the digits search", () => {
  it("gives scikit-learn's scores, ranks and final fit on all rows", async () => {
    const search = gridSearch(new InlineExecutor(), {
      estimator: svc({ kernel: "rbf" }),
      params,
      X: digits.data,
      y: digits.target,
      cv: 3,
      returnTrainScore: true,
    });
    const { cvResults, bestIndex, bestScore, bestParams, bestEstimator } = await search.result();
    const expected = reference.candidates;
    expect(cvResults.params).toEqual(
      expected.map(({ params: { C, class_weight, gamma } }) => ({ C, classWeight: class_weight, gamma })),
    );
    expect(cvResults.splitTestScores).toEqual(expected.map((candidate) => candidate.splitTestScores));
    expect(cvResults.splitTrainScores).toEqual(expected.map((candidate) => candidate.splitTrainScores));
    expect(cvResults.meanTestScore).toEqual(expected.map((candidate) => candidate.meanTestScore));
    expect(cvResults.stdTestScore).toEqual(expected.map((candidate) => candidate.stdTestScore));
    expect(cvResults.rankTestScore).toEqual(expected.map((candidate) => candidate.rankTestScore));
    expect({ bestIndex, bestScore }).toEqual({ bestIndex: reference.bestIndex, bestScore: reference.bestScore });
    expect(bestParams).toEqual({ C: 1e4, classWeight: null, gamma: 1e-3 });
    expect(bestEstimator.model.nSupport).toEqual(reference.refit.nSupport);
    expect(bestEstimator.score(digits.data, digits.target)).toBe(reference.refit.trainAccuracy);
  });

  it("gives scikit-learn's scores on the fixed 70/30 split, from data that are already placed", async () => {
    const executor = new InlineExecutor();
    const { trainRows, testRows, ...expected } = reference.split7030;
    const rows = digits.split7030;
    expect({ train: [...rows.train], test: [...rows.test] }).toEqual({ train: trainRows, test: testRows });
    const part = (rows: Int32Array): { X: Matrix; y: Int32Array } => ({
      X: takeRows(digits.data, rows),
      y: takeLabels(digits.target, rows) as Int32Array,
    });
    const train = part(rows.train);
    const test = part(rows.test);
    const search = gridSearch(executor, {
      estimator: svc({ kernel: "rbf" }),
      params,
      X: executor.scatter(train.X),
      y: executor.scatter(train.y),
      cv: 3,
    });
    const { cvResults, bestScore, bestEstimator } = await search.result();
    expect(cvResults.splitTestScores).toEqual(expected.splitTestScores);
    expect(cvResults.meanTestScore).toEqual(expected.meanTestScores);
    expect(bestScore).toBe(expected.bestScore);
    expect(bestEstimator.score(test.X, test.y)).toBe(expected.testAccuracy);
  });
});
