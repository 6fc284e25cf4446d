// The search against scikit-learn's, and what a person does with a running one.

import { describe, expect, expectTypeOf, it } from "vitest";
import {
  accuracyScore,
  type CsrMatrix,
  estimator,
  type FoldEvent,
  formatResults,
  gridSearch,
  InlineExecutor,
  kFold,
  kNeighborsClassifier,
  type Labels,
  logisticRegression,
  type Matrix,
  matrix,
  type SearchResult,
  type SvcParams,
  svc,
} from "../src/index.ts";
import { CountingExecutor } from "./counting-executor.ts";
import { reference } from "./reference.ts";

const { X, y, text } = reference.data;
const executor = new InlineExecutor();

async function eventsOf<E>(events: AsyncIterable<E>): Promise<E[]> {
  const all: E[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("gridSearch", () => {
  it("has scikit-learn's columns for several scorers and several grids", async () => {
    const search = gridSearch(executor, {
      estimator: svc(),
      params: [
        { kernel: ["linear"], C: [0.1, 1] },
        { kernel: ["rbf", "poly"], gamma: ["scale", "auto", 0.3], degree: [2], classWeight: [null, "balanced"] },
      ],
      X,
      y: text,
      cv: 4,
      scoring: ["accuracy", "f1Macro", "balancedAccuracy"],
      refit: "f1Macro",
      returnTrainScore: true,
    });
    const { cvResults, bestIndex, bestScore, bestEstimator } = await search.result();
    const expected = reference.search;
    const snake = cvResults.params.map(({ classWeight, ...others }) =>
      classWeight === undefined ? others : { ...others, class_weight: classWeight },
    );
    expect(snake).toEqual(expected.params);
    expect(cvResults.splitTestAccuracy).toEqual(expected.accuracy.split);
    expect(cvResults.meanTestAccuracy).toEqual(expected.accuracy.mean);
    expect(cvResults.stdTestAccuracy).toEqual(expected.accuracy.std);
    expect(cvResults.meanTrainAccuracy).toEqual(expected.accuracy.meanTrain);
    expect(cvResults.rankTestAccuracy).toEqual(expected.accuracy.rank);
    expect(cvResults.rankTestF1Macro).toEqual(expected.f1Macro.rank);
    expect(cvResults.rankTestBalancedAccuracy).toEqual(expected.balancedAccuracy.rank);
    for (const [candidate, mean] of expected.f1Macro.mean.entries()) {
      expect(cvResults.meanTestF1Macro[candidate]).toBeCloseTo(mean, 12);
      expect(cvResults.meanTestBalancedAccuracy[candidate]).toBeCloseTo(
        expected.balancedAccuracy.mean[candidate] as number,
        12,
      );
    }
    expect(bestIndex).toBe(expected.bestIndex);
    expect(bestScore).toBeCloseTo(expected.bestScore, 12);
    expect(bestEstimator.predict(X.slice(0, 3))).toHaveLength(3);
    expect(cvResults.paramC).toEqual([0.1, 1, ...new Array(12).fill(undefined)]);
  });

  it("gives scikit-learn's scores for logistic regression and neighbors", async () => {
    const logistic = await gridSearch(executor, {
      estimator: logisticRegression({ maxIter: 1000 }),
      params: { C: [0.01, 1, 100] },
      X,
      y,
      cv: 10,
    }).result();
    expect(logistic.cvResults.meanTestScore).toEqual(reference.others.logistic.mean);
    expect(logistic.cvResults.stdTestScore).toEqual(reference.others.logistic.std);
    const neighbors = await gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 5, 20], weights: ["uniform", "distance"] },
      X,
      y,
      cv: 10,
    }).result();
    expect(neighbors.cvResults.meanTestScore).toEqual(reference.others.neighbors.mean);
    expect(neighbors.cvResults.rankTestScore).toEqual(reference.others.neighbors.rank);
  });

  it("takes X sparse, as rows, as a matrix or as a handle, with equal results", async () => {
    const rows = X.map((row) => row.map((value) => (Math.abs(value) < 1 ? 0 : value)));
    const meansOf = async (features: number[][] | Matrix | CsrMatrix): Promise<readonly number[]> => {
      const common = { estimator: svc(), params: { C: [0.1, 1, 10] }, y, cv: kFold({ nSplits: 3, shuffle: true }) };
      const direct = await gridSearch(executor, { ...common, X: features }).result();
      const placed = await gridSearch(executor, { ...common, X: executor.scatter(features) }).result();
      expect(placed.cvResults.meanTestScore).toEqual(direct.cvResults.meanTestScore);
      return direct.cvResults.meanTestScore;
    };
    const expected = await meansOf(rows);
    expect(await meansOf(matrix(rows))).toEqual(expected);
    expect(await meansOf(sparse(rows))).toEqual(expected);
  });

  it("lets several readers follow, each from the first fold", async () => {
    const search = gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 3] },
      X,
      y,
      cv: 3,
    });
    const [first, second] = await Promise.all([eventsOf(search), eventsOf(search)]);
    expect(second).toEqual(first);
    expect(await eventsOf(search)).toEqual(first);
    expect(first.map(({ candidate, split, done, total }) => [candidate, split, done, total])).toEqual([
      [0, 0, 1, 6],
      [0, 1, 2, 6],
      [0, 2, 3, 6],
      [1, 0, 4, 6],
      [1, 1, 5, 6],
      [1, 2, 6, 6],
    ]);
    const { cvResults } = await search.result();
    expect(cvResults.splitTestScores.flat()).toEqual(first.map(({ testScores }) => testScores.score));
    expect(search.status).toBe("done");
  });

  it("keeps the best complete candidate when stopped", async () => {
    const search = gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 2, 3, 4] },
      X,
      y,
      cv: 3,
    });
    for await (const { done } of search) if (done === 4) await search.stop();
    const { cvResults, bestIndex, bestEstimator } = await search.result();
    expect(search.status).toBe("stopped");
    expect(bestIndex).toBe(0);
    expect(bestEstimator.params.nNeighbors).toBe(1);
    expect(cvResults.rankTestScore).toEqual([1, 2, 2, 2]);
    expect(cvResults.meanTestScore.slice(1)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(search.done).toBeLessThan(search.total);
  });

  it("says that nothing is there when it is stopped before any candidate is complete", async () => {
    const search = gridSearch(executor, { estimator: svc(), params: { C: [1] }, X, y });
    await search.stop();
    await expect(search.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    expect(search.status).toBe("stopped");
  });

  it("discards everything when cancelled", async () => {
    const search = gridSearch(executor, { estimator: svc(), params: { C: [1, 2, 3] }, X, y });
    const seen: FoldEvent<SvcParams>[] = [];
    for await (const fold of search) {
      seen.push(fold);
      await search.cancel("Enough.");
    }
    await expect(search.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED", message: "Enough." });
    expect(search.status).toBe("cancelled");
    expect(seen).toHaveLength(1);
  });

  it("discards everything when cancelled before its data are placed", async () => {
    const counting = new CountingExecutor();
    const search = gridSearch(counting, { estimator: svc(), params: { C: [1] }, X, y });
    await search.cancel("Never mind.");
    await expect(search.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED", message: "Never mind." });
    expect(counting.submitted).toEqual([]);
  });

  it("chooses by a function", async () => {
    const search = gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 3, 5] },
      X,
      y,
      scoring: { right: accuracyScore, macro: "f1Macro" },
      refit: ({ meanTestRight, meanTestMacro }) => meanTestRight.length + meanTestMacro.length - 4,
    });
    const result = await search.result();
    expect(result.bestIndex).toBe(2);
    expect(result.bestParams).toEqual({ nNeighbors: 5 });
    expect(result.bestScore).toBeNaN();
  });

  it("goes without the final fit", async () => {
    const result = await gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 5] },
      X,
      y,
      refit: false,
    }).result();
    expect(result.bestScore).toBe(Math.max(...result.cvResults.meanTestScore));
    expect(() => result.bestEstimator).toThrowError(expect.objectContaining({ code: "FLOCK_ML_NOT_FITTED" }));
  });

  it("prints a table by rank", async () => {
    const result = await gridSearch(executor, {
      estimator: kNeighborsClassifier(),
      params: { nNeighbors: [1, 20], weights: ["uniform"] },
      X,
      y,
      cv: 10,
    }).result();
    const [heading, rule, first, ...others] = formatResults(result.cvResults).split("\n");
    const best = [
      1,
      ...[result.bestScore, result.cvResults.stdTestScore[result.bestIndex] as number].map((n) => n.toFixed(4)),
    ];
    expect(heading).toBe("rank    mean     std  fit s  nNeighbors  weights");
    expect(rule).toMatch(/^─{4} {2}─{6} {2}─{6} {2}─{5} {2}─{10} {2}─{7}$/);
    expect(first?.trim().split(/\s+/).slice(0, 3)).toEqual(best.map(String));
    expect(others).toHaveLength(1);
    expect(formatResults(result.cvResults, { top: 1 }).split("\n")).toHaveLength(3);
    expect(formatResults(result, { scorer: "score" })).toBe(formatResults(result.cvResults));
    expect(() => formatResults(Promise.resolve(result) as never)).toThrowError(
      "formatResults takes a search's results, not a promise: pass `await search.result()`, or the cvResults in it.",
    );
    expect(() => formatResults({ cvResults: undefined } as never)).toThrowError("not an object: pass `await");
    expect(() => formatResults(result.cvResults, { scorer: "f1" })).toThrowError('no scorer "f1". They have: Score.');
  });
});

describe("types", () => {
  it("come from the estimator and from the scorers", async () => {
    const options = { estimator: svc(), X, y } as const;
    const search = gridSearch(executor, {
      ...options,
      params: { C: [1] },
      scoring: ["accuracy", "f1Macro"],
      refit: "f1Macro",
    });
    const { cvResults, bestEstimator, bestParams } = await search.result();
    expectTypeOf(cvResults.meanTestF1Macro).toEqualTypeOf<readonly number[]>();
    expectTypeOf(cvResults.rankTestAccuracy).toEqualTypeOf<readonly number[]>();
    expectTypeOf(bestEstimator.model.nSupport).toEqualTypeOf<readonly number[]>();
    expectTypeOf(bestEstimator.predict(X)).toEqualTypeOf<Labels>();
    expectTypeOf(bestParams.gamma).toEqualTypeOf<number | "scale" | "auto" | undefined>();
    expectTypeOf(cvResults).not.toHaveProperty("meanTestScore");
    const single = await gridSearch(executor, { ...options, params: { C: [1] } }).result();
    expectTypeOf(single).toExtend<Pick<SearchResult, "cvResults" | "bestIndex" | "bestScore" | "bestParams">>();
    // @ts-expect-error: svc has no parameter of this name
    expect(() => gridSearch(executor, { ...options, params: { Gamma: [1] } })).toThrowError();
    // @ts-expect-error: a kernel that svc does not have
    expect(() => gridSearch(executor, { ...options, params: { kernel: ["sigmoid"] } })).toThrowError();
    // @ts-expect-error: not one of the scorers
    expect(() => gridSearch(executor, { ...options, params: {}, scoring: ["accuracy"], refit: "f1" })).toThrowError();
  });
});

function sparse(rows: number[][]): CsrMatrix {
  const kept = rows.map((row) => row.flatMap((value, column) => (value === 0 ? [] : [{ value, column }])));
  const indptr = [0];
  for (const row of kept) indptr.push((indptr.at(-1) as number) + row.length);
  return {
    rows: rows.length,
    cols: rows[0]?.length ?? 0,
    indptr: Int32Array.from(indptr),
    indices: Int32Array.from(kept.flat(), ({ column }) => column),
    data: Float64Array.from(kept.flat(), ({ value }) => value),
  };
}

/** The contract in thirty lines: classifies by the nearest class center. */
export const nearestCenter = estimator({
  name: "nearestCenter",
  params: { shrink: 0 },
  check: ({ shrink }) => (shrink >= 0 && shrink <= 1 ? null : `shrink must be between 0 and 1, but is ${shrink}`),
  fit(X: Matrix, y: Labels, { shrink }) {
    const centers = new Map<number | string, { sum: number[]; count: number }>();
    for (let row = 0; row < X.rows; row++) {
      const label = y[row] as number | string;
      const center = centers.get(label) ?? { sum: new Array<number>(X.cols).fill(0), count: 0 };
      for (let k = 0; k < X.cols; k++) center.sum[k] = (center.sum[k] as number) + (X.data[row * X.cols + k] as number);
      center.count++;
      centers.set(label, center);
    }
    return [...centers].map(([label, { sum, count }]) => ({ label, at: sum.map((s) => (s / count) * (1 - shrink)) }));
  },
  predict(model, X) {
    return Array.from({ length: X.rows }, (_, row) => {
      const far = model.map(({ at }) =>
        at.reduce((sum, c, k) => sum + (c - (X.data[row * X.cols + k] as number)) ** 2, 0),
      );
      return model[far.indexOf(Math.min(...far))]?.label;
    }) as string[];
  },
});

describe("a user's estimator", () => {
  it("is searched like a built-in one", async () => {
    const search = gridSearch(executor, {
      estimator: nearestCenter,
      params: { shrink: [0, 0.5, 1] },
      X,
      y: text,
      cv: 3,
    });
    const { bestParams, bestEstimator, cvResults } = await search.result();
    expect(bestParams).toEqual({ shrink: 0 });
    expect(cvResults.meanTestScore[2]).toBeLessThan(cvResults.meanTestScore[0] as number);
    expectTypeOf(bestEstimator.model).toEqualTypeOf<{ label: number | string; at: number[] }[]>();
    expect(new Set(bestEstimator.predict(X) as string[])).toEqual(new Set(text));
    expect(() => gridSearch(executor, { estimator: nearestCenter, params: { shrink: [2] }, X, y })).toThrowError(
      "Estimator nearestCenter: shrink must be between 0 and 1, but is 2.",
    );
  });

  it("may take texts", async () => {
    const longest = estimator<{ limit: number }, { limit: number }, readonly string[]>({
      name: "longest",
      input: "texts",
      params: { limit: 3 },
      fit: (_X, _y, { limit }) => ({ limit }),
      predict: ({ limit }, texts) => texts.map((item) => (item.length > limit ? "long" : "short")),
    });
    const texts = ["a", "bbbbbb", "cc", "dddddd", "e", "ffffff"];
    const labels = ["short", "long", "short", "long", "short", "long"];
    const common = { estimator: longest, params: { limit: [3, 9] }, y: labels, cv: 3 };
    const search = gridSearch(executor, { ...common, X: texts });
    expect((await search.result()).cvResults.meanTestScore).toEqual([1, 0.5]);
    const placed = gridSearch(executor, { ...common, X: executor.scatter(texts) });
    expect((await placed.result()).bestParams).toEqual({ limit: 3 });
    expect(() => gridSearch(executor, { ...common, X: [[1], [2]], y: ["a", "b"] })).toThrowError(
      "Estimator longest takes an array of texts as X, but X is numbers",
    );
  });
});
