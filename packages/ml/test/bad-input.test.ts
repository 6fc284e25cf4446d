// What a person sees when something is wrong: a coded error, before any task is sent where that can be.

import { describe, expect, it } from "vitest";
import {
  estimator,
  type FeaturesInput,
  fitEstimator,
  gridSearch,
  InlineExecutor,
  type LabelsInput,
  svc,
} from "../src/index.ts";
import { CountingExecutor } from "./counting-executor.ts";

const X = Array.from({ length: 12 }, (_, row) => [row, row % 2]);
const y = X.map((_, row) => row % 2);
const coded = (code: string, message: string | RegExp): unknown =>
  expect.objectContaining({ code, message: typeof message === "string" ? message : expect.stringMatching(message) });

/** Searches with options that the types would refuse. */
function search(options: Record<string, unknown>): unknown {
  return gridSearch(new InlineExecutor(), { estimator: svc(), params: { C: [1] }, X, y, cv: 3, ...options } as never);
}

describe("a search refuses at once", () => {
  const withNaN = X.map((row, index) => (index === 7 ? [1, Number.NaN] : row));
  const sparse = { rows: 2, cols: 3, indptr: Int32Array.of(0, 1, 2), indices: Int32Array.of(0, 2) };
  const numberRows = { rows: 2, cols: 1, data: new Float64Array(3) };
  it.each<[string, Record<string, unknown>, string, string | RegExp]>([
    ["NaN in X", { X: withNaN }, "FLOCK_ML_INPUT", "X has NaN in row 7, column 1. Remove or fill such values first."],
    [
      "Infinity in X",
      { X: [[0], [Number.POSITIVE_INFINITY]] },
      "FLOCK_ML_INPUT",
      /^X has Infinity in row 1, column 0\./,
    ],
    ["a hole in X", { X: [[0], ["x"]] }, "FLOCK_ML_INPUT", /^X has NaN in row 1, column 0\./],
    ["ragged rows", { X: [[0, 1], [2]] }, "FLOCK_ML_INPUT", /^Row 1 of X has 1 columns where row 0 has 2\./],
    ["empty X", { X: [], y: [] }, "FLOCK_ML_INPUT", /^X is empty/],
    ["X that is nothing", { X: undefined }, "FLOCK_ML_INPUT", /^X is undefined\./],
    [
      "a matrix of the wrong size",
      { X: numberRows },
      "FLOCK_ML_INPUT",
      /^X\.data has 3 values, but 2 rows of 1 columns need 2\./,
    ],
    [
      "NaN in a sparse X",
      { X: { ...sparse, data: Float64Array.of(1, Number.NaN) } },
      "FLOCK_ML_INPUT",
      /^X has NaN in row 1, column 2\./,
    ],
    [
      "a sparse X that is none",
      { X: { ...sparse, data: Float64Array.of(1) } },
      "FLOCK_ML_INPUT",
      /^X is not a valid CsrMatrix/,
    ],
    ["texts for numbers", { X: X.map(String) }, "FLOCK_ML_INPUT", /^Estimator svc takes numbers/],
    [
      "y of the wrong length",
      { y: [0, 1] },
      "FLOCK_ML_INPUT",
      "X has 12 rows, but y has 2 labels. Give one label per row.",
    ],
    [
      "y of mixed types",
      { y: [...y.slice(1), "one"] },
      "FLOCK_ML_INPUT",
      /^y must hold only numbers or only strings, but y\[11\] is string\./,
    ],
    ["NaN in y", { y: [...y.slice(1), Number.NaN] }, "FLOCK_ML_INPUT", /^y\[11\] is NaN\./],
    [
      "an unknown parameter",
      { params: { c: [1] } },
      "FLOCK_ML_PARAMETER",
      'Estimator svc has no parameter "c". It has: kernel, C, gamma, degree, coef0, classWeight, tol, maxIter.',
    ],
    [
      "a wrong value",
      { params: { C: [1, -1] } },
      "FLOCK_ML_PARAMETER",
      "Estimator svc: C must be a number above 0, but is -1.",
    ],
    [
      "a wrong word",
      { params: { gamma: ["scal"] } },
      "FLOCK_ML_PARAMETER",
      'Estimator svc: gamma must be a number above 0, or one of "scale", "auto", but is "scal".',
    ],
    [
      "a wrong fixed parameter",
      { estimator: svc({ tol: 0 }) },
      "FLOCK_ML_PARAMETER",
      /tol must be a number above 0, but is 0/,
    ],
    ["a value that is no array", { params: { C: 1 } }, "FLOCK_ML_PARAMETER", /^Parameter "C" needs an array/],
    ["no values", { params: { C: [] } }, "FLOCK_ML_PARAMETER", /^Parameter "C" needs an array with at least one value/],
    ["no grids", { params: [] }, "FLOCK_ML_PARAMETER", /^params is an empty array/],
    [
      "an unknown scorer",
      { scoring: "acuracy" },
      "FLOCK_ML_SCORER",
      /^There is no scorer "acuracy"\. Known: accuracy, balancedAccuracy/,
    ],
    [
      "a binary scorer for texts",
      { scoring: "f1", y: y.map(String) },
      "FLOCK_ML_SCORER",
      /^Scorer "f1" rates the class 1 .* none of them 1/,
    ],
    ["a scorer that is none", { scoring: 5 }, "FLOCK_ML_SCORER", /^There is no scorer 5\./],
    ["no scorer", { scoring: [] }, "FLOCK_ML_SCORER", /^scoring is empty/],
    [
      "folds larger than a class",
      { cv: 7 },
      "FLOCK_ML_SPLIT",
      /^cv asks for 7 folds, but class 0 has only 6 sample\(s\)\./,
    ],
    ["a single fold", { cv: 1 }, "FLOCK_ML_SPLIT", "A number of folds must be a whole number, 2 or more, but is 1."],
    ["a cv that is none", { cv: "five" }, "FLOCK_ML_SPLIT", /^cv must be a number of folds, a splitter/],
    ["a split without rows", { cv: [{ train: [1, 2] }] }, "FLOCK_ML_SPLIT", /^Split 0 of cv needs test rows/],
    [
      "a split of fractions",
      { cv: [{ train: [1.5], test: [2] }] },
      "FLOCK_ML_SPLIT",
      /^Split 0 of cv needs train rows/,
    ],
    ["a refit that is none", { refit: 1 }, "FLOCK_OPTION_INVALID", /^refit must be true, false/],
    [
      "a parameter that the estimator does not have",
      { estimator: svc({ kernal: "linear" } as object) },
      "FLOCK_ML_PARAMETER",
      /^Estimator svc: there is no parameter "kernal"; it has kernel, C/,
    ],
    [
      "an undecided refit",
      { scoring: ["accuracy", "f1"] },
      "FLOCK_OPTION_INVALID",
      /^With several scorers refit must say/,
    ],
    [
      "a refit by another scorer",
      { refit: "f1" },
      "FLOCK_ML_SCORER",
      /^refit names scorer "f1", but the search has: score\./,
    ],
    [
      "an unknown option",
      { scorer: "f1" },
      "FLOCK_OPTION_INVALID",
      /^gridSearch has no option "scorer"\. It has: estimator, params/,
    ],
    [
      "no estimator",
      { estimator: {} },
      "FLOCK_ML_ESTIMATOR",
      /^An estimator is an object with name.*, not an object\.$/,
    ],
    [
      "nothing as an estimator",
      { estimator: undefined },
      "FLOCK_ML_ESTIMATOR",
      /^An estimator is .*, not undefined\.$/,
    ],
    [
      "an estimator without params",
      { estimator: { name: "bare", fit: () => 1, predict: () => [] } },
      "FLOCK_ML_ESTIMATOR",
      /^Estimator bare has no params/,
    ],
    ["a wrong errorScore", { errorScore: "nan" }, "FLOCK_OPTION_INVALID", /^errorScore must be/],
  ])("%s", (_what, options, code, message) => {
    const executor = new CountingExecutor();
    const run = (): unknown =>
      gridSearch(executor, { estimator: svc(), params: { C: [1] }, X, y, cv: 3, ...options } as never);
    expect(run).toThrowError(coded(code, message) as Error);
    expect(executor.submitted).toEqual([]);
  });
});

describe("a search over data on the cluster refuses before the first fit", () => {
  it.each<[string, FeaturesInput, LabelsInput, string, RegExp]>([
    ["NaN in X", [[0], [Number.NaN]], [0, 1], "FLOCK_ML_INPUT", /^X has NaN in row 1, column 0/],
    ["y of the wrong length", X, [0, 1], "FLOCK_ML_INPUT", /^X has 12 rows, but y has 2 labels/],
    ["folds larger than a class", X, [...y.slice(1), 5], "FLOCK_ML_SPLIT", /^cv asks for 3 folds, but class 5/],
    ["texts", X.map(String), y, "FLOCK_ML_INPUT", /^Estimator svc takes numbers/],
  ])("%s", async (_what, badX, badY, code, message) => {
    const executor = new CountingExecutor();
    const running = gridSearch(executor, {
      estimator: svc(),
      params: { C: [1] },
      X: executor.scatter(badX),
      y: executor.scatter(badY),
      cv: 3,
    });
    await expect(running.result()).rejects.toEqual(coded(code, message));
    expect(running.status).toBe("failed");
    expect(executor.submitted).not.toContain("svc-fold");
    expect(executor.held).toEqual(["scattered", "scattered"]);
  });
});

describe("a fit that fails", () => {
  const fragile = estimator<{ bad: boolean }, null>({
    name: "fragile",
    params: { bad: false },
    fit: (_X, _y, { bad }) => {
      if (bad) throw new RangeError("out of luck");
      return null;
    },
    predict: (_model, { rows }) => new Array<number>(rows).fill(0),
  });

  it("scores NaN, comes last, and is told once and in sum", async () => {
    const warnings: string[] = [];
    const executor = new InlineExecutor({ onWarning: (message) => warnings.push(message) });
    const running = gridSearch(executor, { estimator: fragile, params: { bad: [true, false] }, X, y, cv: 3 });
    const errors: (string | null)[] = [];
    for await (const { error } of running) errors.push(error);
    const { cvResults, bestIndex } = await running.result();
    expect(cvResults.meanTestScore).toEqual([Number.NaN, 0.5]);
    expect(cvResults.rankTestScore).toEqual([2, 1]);
    expect(bestIndex).toBe(1);
    expect(errors).toEqual([...new Array(3).fill("RangeError: out of luck"), null, null, null]);
    expect(warnings).toEqual([
      "The fit of candidate 0 ({ bad: true }) on split 0 failed, its score is NaN: RangeError: out of luck",
      "3 of 6 fits failed; their scores are NaN.",
    ]);
  });

  it("scores what errorScore says", async () => {
    const executor = new InlineExecutor({ onWarning: () => undefined });
    const options = {
      estimator: fragile,
      params: { bad: [true, false] },
      X,
      y,
      cv: 3,
      errorScore: -1,
      returnTrainScore: true,
    };
    const { cvResults } = await gridSearch(executor, options).result();
    expect(cvResults.meanTestScore).toEqual([-1, 0.5]);
    expect(cvResults.meanTrainScore).toEqual([-1, 0.5]);
  });

  it("shows parameters of any kind", async () => {
    const big = { ...fragile, params: { bad: 0n } };
    const running = search({ estimator: big, params: { bad: [1n] }, errorScore: "raise" }) as { result(): unknown };
    await expect(running.result()).rejects.toMatchObject({ message: expect.stringContaining("({ bad: 1n })") });
  });

  it('ends the search with errorScore "raise"', async () => {
    const running = search({ estimator: fragile, params: { bad: [false, true] }, errorScore: "raise" }) as {
      result(): Promise<unknown>;
    };
    await expect(running.result()).rejects.toMatchObject({
      code: "FLOCK_ML_FIT",
      message: "The fit of candidate 1 ({ bad: true }) on split 0 failed: RangeError: out of luck",
      cause: expect.objectContaining({ name: "RangeError" }),
    });
  });

  it("ends the search when every fit fails", async () => {
    const executor = new InlineExecutor({ onWarning: () => undefined });
    const running = gridSearch(executor, { estimator: fragile, params: { bad: [true] }, X, y, cv: 3 });
    await expect(running.result()).rejects.toMatchObject({
      code: "FLOCK_ML_FIT",
      message: "Each of the 3 fits failed: RangeError: out of luck",
    });
  });

  it("ends the search when a scorer gives no number", async () => {
    const running = search({ scoring: () => "good" }) as { result(): Promise<unknown> };
    await expect(running.result()).rejects.toEqual(
      coded("FLOCK_ML_SCORER", 'Scorer "score" returned string, not a number.'),
    );
  });
});

describe("a fitted estimator refuses", () => {
  it("NaN, another number of columns, and labels of another length", async () => {
    const fitted = await fitEstimator(svc(), X, y);
    expect(() => fitted.predict([[1, Number.NaN]])).toThrowError("X has NaN in row 0, column 1.");
    expect(() => fitted.predict([[1, 2, 3]])).toThrowError("X has 3 columns, but svc was fitted on 2.");
    expect(() => fitted.score(X, [1])).toThrowError("X has 12 rows, but y has 1 labels.");
    await expect(fitEstimator(svc({ C: 0 }), X, y)).rejects.toEqual(coded("FLOCK_ML_PARAMETER", /C must be/));
  });
});
