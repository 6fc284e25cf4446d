import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kFold, matrix, type Split, stratifiedKFold, trainTestSplit } from "../src/index.ts";
import { makeSplits, resolveSplitter } from "../src/splits.ts";
import { reference } from "./reference.ts";

const seeded = { seed: 20_240_601, numRuns: 200 };
const zeros = (rows: number): number[] => new Array<number>(rows).fill(0);
const testRows = (splits: readonly Split[]): number[][] => splits.map((split) => [...split.test]);

describe("stratifiedKFold", () => {
  it.each(reference.stratified)("deals $nSplits folds as scikit-learn does", ({ y, nSplits, test }) => {
    expect(testRows(stratifiedKFold({ nSplits }).split(y.length, y))).toEqual(test);
  });

  const problem = fc
    .record({
      nSplits: fc.integer({ min: 2, max: 6 }),
      extra: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }),
    })
    .map(({ nSplits, extra }) => ({
      nSplits,
      y: [0, 1, 2, 3].flatMap((label) => zeros(nSplits).map(() => label)).concat(extra),
    }));

  it("tests every row once and spreads each class evenly, shuffled or not", () => {
    fc.assert(
      fc.property(problem, fc.boolean(), fc.integer(), ({ nSplits, y }, shuffle, seed) => {
        const splits = stratifiedKFold({ nSplits, shuffle, seed }).split(y.length, y);
        expect(
          testRows(splits)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual([...y.keys()]);
        for (const split of splits) {
          expect([...split.train, ...split.test].sort((a, b) => a - b)).toEqual([...y.keys()]);
        }
        for (const label of [0, 1, 2, 3]) {
          const sizes = splits.map(({ test }) => test.filter((row) => y[row] === label).length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
      seeded,
    );
  });

  it("shuffles by the seed", () => {
    const y = Array.from({ length: 60 }, (_, row) => row % 3);
    const shuffled = (seed: number): number[][] =>
      testRows(stratifiedKFold({ nSplits: 3, shuffle: true, seed }).split(60, y));
    expect(shuffled(1)).toEqual(shuffled(1));
    expect(shuffled(1)).not.toEqual(shuffled(2));
  });

  it("refuses more folds than a class has samples", () => {
    expect(() => stratifiedKFold({ nSplits: 3 }).split(7, ["a", "a", "a", "a", "a", "b", "b"])).toThrowError(
      expect.objectContaining({
        code: "FLOCK_ML_SPLIT",
        message:
          'cv asks for 3 folds, but class "b" has only 2 sample(s). Use at most 2 folds, kFold, or more samples of the class.',
      }),
    );
  });
});

describe("kFold", () => {
  it.each(reference.kFold)("cuts $rows rows into $nSplits folds as scikit-learn does", ({ rows, nSplits, test }) => {
    expect(testRows(kFold({ nSplits }).split(rows, zeros(rows)))).toEqual(test);
  });

  it("tests every row once, in folds of nearly equal size", () => {
    const sizes = fc.record({ nSplits: fc.integer({ min: 2, max: 9 }), more: fc.nat(80), shuffle: fc.boolean() });
    fc.assert(
      fc.property(sizes, ({ nSplits, more, shuffle }) => {
        const rows = nSplits + more;
        const splits = testRows(kFold({ nSplits, shuffle }).split(rows, zeros(rows)));
        expect(splits.flat().sort((a, b) => a - b)).toEqual([...zeros(rows).keys()]);
        const counts = splits.map((test) => test.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
      seeded,
    );
  });

  it("refuses more folds than rows", () => {
    expect(() => kFold({ nSplits: 5 }).split(4, zeros(4))).toThrowError(
      "cv asks for 5 folds, but there are only 4 samples.",
    );
  });
});

describe("custom splits", () => {
  const split = (test: number[]): readonly Split[] =>
    makeSplits(resolveSplitter([{ train: [0, 1], test }], "classifier"), 4, [0, 1, 0, 1]);

  it("are taken as they are", () => {
    expect(split([3])).toEqual([{ train: Int32Array.of(0, 1), test: Int32Array.of(3) }]);
  });

  it("must name rows that exist, on both sides", () => {
    expect(() => split([4])).toThrowError("Split 0 of cv names test row 4, but rows go from 0 to 3.");
    expect(() => split([-1])).toThrowError("Split 0 of cv names test row -1");
    expect(() => split([])).toThrowError("Split 0 of cv has no test rows.");
  });

  it.each([1, 0, 2.5, Number.NaN])("refuses %d folds", (count) => {
    expect(() => resolveSplitter(count, "classifier")).toThrowError(
      expect.objectContaining({ code: "FLOCK_ML_SPLIT" }),
    );
  });
});

describe("trainTestSplit", () => {
  const X = Array.from({ length: 20 }, (_, row) => [row, row * row]);
  const y = X.map((_, row) => (row < 15 ? "common" : "rare"));

  it("keeps rows and labels together, and every row on one side", () => {
    const { XTrain, XTest, yTrain, yTest, trainRows, testRows } = trainTestSplit(X, y, { testSize: 0.3, seed: 4 });
    expect(testRows.length).toBe(6);
    expect([...trainRows, ...testRows].sort((a, b) => a - b)).toEqual([...X.keys()]);
    expect(XTest).toEqual(Array.from(testRows, (row) => X[row]));
    expect(XTrain).toEqual(Array.from(trainRows, (row) => X[row]));
    expect(yTest).toEqual(Array.from(testRows, (row) => y[row]));
    expect(yTrain).toEqual(Array.from(trainRows, (row) => y[row]));
  });

  it("keeps the form of X", () => {
    const dense = matrix(X);
    const { XTest, testRows } = trainTestSplit(dense, y, { testSize: 2 });
    expect(XTest).toEqual(matrix(Array.from(testRows, (row) => X[row] as number[])));
    const sparse = {
      rows: 20,
      cols: 20,
      indptr: Int32Array.from({ length: 21 }, (_, i) => i),
      indices: Int32Array.from(X.keys()),
      data: new Float64Array(20).fill(1),
    };
    const split = trainTestSplit(sparse, y, { testSize: 2, shuffle: false });
    expect(split.XTest).toMatchObject({ rows: 2, indices: Int32Array.of(18, 19), indptr: Int32Array.of(0, 1, 2) });
  });

  it("keeps the shares of the classes on both sides when stratified", () => {
    const { yTrain, yTest } = trainTestSplit(X, y, { testSize: 8, stratify: true });
    expect(yTest.filter((label) => label === "rare").length).toBe(2);
    expect(yTrain.filter((label) => label === "rare").length).toBe(3);
  });

  it("repeats by seed, and keeps the order without shuffling", () => {
    const rows = (seed: number): Int32Array => trainTestSplit(X, y, { seed }).testRows;
    expect(rows(1)).toEqual(rows(1));
    expect(rows(1)).not.toEqual(rows(2));
    expect(trainTestSplit(X, y, { shuffle: false, testSize: 0.1 }).testRows).toEqual(Int32Array.of(18, 19));
  });

  it("refuses sizes that do not fit", () => {
    expect(() => trainTestSplit(X, y, { testSize: 15, trainSize: 6 })).toThrowError(
      "20 rows cannot be split into 6 for training and 15 for testing.",
    );
  });
});
