// Halving and Hyperband over estimators, against scikit-learn's and against their schedules.

import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  estimator,
  halvingSearch,
  hyperbandSearch,
  InlineExecutor,
  type Matrix,
  type Rung,
  randInt,
  stratifiedKFold,
  svc,
  uniform,
} from "../../src/index.ts";
import { CountingExecutor } from "../counting-executor.ts";
import { reference } from "../reference.ts";

interface Halving {
  readonly rows: readonly {
    readonly rows: number;
    readonly classes: number;
    readonly folds: number;
    readonly candidates: number;
    readonly minResources: number | "exhaust" | "smallest";
    readonly rungs: readonly Rung[];
  }[];
  readonly random: { readonly minResources: number; readonly maxResources: number; readonly rungs: readonly Rung[] };
  readonly search: {
    readonly params: object[];
    readonly iter: number[];
    readonly nResources: number[];
    readonly split: number[][];
    readonly mean: number[];
    readonly rank: number[];
    readonly bestIndex: number;
    readonly bestScore: number;
    readonly bestParams: object;
  };
}
const theirs = JSON.parse(readFileSync(new URL("../data/halving.json", import.meta.url), "utf8")) as Halving;
const { X, y } = reference.data;
const executor = new InlineExecutor();

/** Right for the share `a` of the rows; says what it was given. */
const known = estimator({
  name: "known",
  params: { a: 0, budget: 1 },
  fit: ({ rows }: Matrix, _y, { a, budget }) => {
    if (a === 13) throw new Error("bad luck");
    return { a, budget, rows };
  },
  predict: ({ a }, { rows, data }) =>
    Int32Array.from({ length: rows }, (_, row) => (row < a * rows ? (data[row] as number) : 9)),
});
function data(rows: number, classes = 2): { X: number[][]; y: number[] } {
  const labels = Array.from({ length: rows }, (_, row) => row % classes);
  return { X: labels.map((label) => [label]), y: labels };
}
const twelve = { params: { a: Array.from({ length: 12 }, (_, i) => i / 12) }, ...data(240), cv: 2, seed: 5 };

describe("halvingSearch", () => {
  it("is scikit-learn's, to the last digit of the table", async () => {
    const search = halvingSearch(executor, {
      estimator: svc({ kernel: "poly", coef0: 1 }),
      params: { C: [0.02, 0.3, 4], gamma: [0.011, 0.15] },
      ...{ X, y, cv: stratifiedKFold({ nSplits: 4 }), factor: 2 },
      ...{ resource: "degree", maxResources: 4, minResources: 1 },
    });
    const found = await search.result();
    const { cvResults } = found;
    const { search: expected } = theirs;
    expect(cvResults.params).toEqual(expected.params);
    expect(cvResults.iter).toEqual(expected.iter);
    expect(cvResults.nResources).toEqual(expected.nResources);
    expect(cvResults.splitTestScores).toEqual(expected.split);
    expect(cvResults.meanTestScore).toEqual(expected.mean);
    expect(cvResults.rankTestScore).toEqual(expected.rank);
    expect(found.bestIndex).toBe(expected.bestIndex);
    expect(found.bestScore).toBe(expected.bestScore);
    expect(found.bestParams).toEqual(expected.bestParams);
    expect(found.bestEstimator.params.degree).toBe(4);
    expect(cvResults.paramDegree).toEqual(expected.nResources);
  });

  it.each(theirs.rows)("plans rows as scikit-learn does: $rows rows, $candidates candidates, $minResources", (plan) => {
    const search = halvingSearch(executor, {
      estimator: known,
      params: { a: Array.from({ length: plan.candidates }, (_, i) => i / 100) },
      ...{ ...data(plan.rows, plan.classes), cv: plan.folds, minResources: plan.minResources },
    });
    expect(search.brackets).toEqual([{ bracket: 0, rungs: plan.rungs }]);
    void search.cancel();
  });

  it("draws as many candidates as use up what there is", () => {
    const { minResources, maxResources, rungs } = theirs.random;
    const search = halvingSearch(executor, {
      ...{ estimator: known, params: { a: uniform(0, 1) }, ...data(40) },
      ...{ resource: "budget", minResources, maxResources },
    });
    expect(search.brackets[0]?.rungs).toEqual(rungs);
    void search.cancel();
  });

  it("gives more rows to fewer, tells each, and fits the best on all", async () => {
    const counting = new CountingExecutor();
    const search = halvingSearch(counting, { estimator: known, ...twelve, minResources: 20 });
    expect(search.total).toBe(12 + 4 + 2);
    const events = [];
    for await (const event of search) events.push(event);
    expect(events.map(({ resources }) => resources)).toEqual([...Array(12).fill(20), ...Array(4).fill(60), 180, 180]);
    expect(events.at(-1)).toMatchObject({ trial: 11, iter: 2, bracket: 0, error: null, done: 18, total: 18 });
    const { bestEstimator, bestParams, bestScore, cvResults } = await search.result();
    expect(bestParams).toEqual({ a: 11 / 12 });
    expect(bestEstimator.model).toEqual({ a: 11 / 12, budget: 1, rows: 240 });
    expect(bestScore).toBe(cvResults.meanTestScore[17]);
    expect(cvResults.trial.slice(12)).toEqual([8, 9, 10, 11, 10, 11]);
    expect(counting.submitted).toHaveLength(18 * 2 + 1);
    expect(counting.held).toEqual([]);
    expect(counting.closed).toEqual(["done"]);
  });

  it("scores failures as errorScore says, and lets them fall behind", async () => {
    const warnings: string[] = [];
    const warned = new InlineExecutor({ onWarning: (text) => warnings.push(text) });
    const some = { estimator: known, ...data(240), cv: 2, seed: 5, params: { a: [0.2, 13, 0.4, 0.1] } };
    const search = halvingSearch(warned, some);
    const errors = [];
    for await (const { error } of search) if (error !== null) errors.push(error);
    expect(errors).toEqual(["Error: bad luck"]);
    expect((await search.result()).bestParams).toEqual({ a: 0.4 });
    expect(warnings[0]).toMatch(/^The fit of trial 1 with \d+ on split 0 failed, its score is NaN: Error: bad luck$/);
    expect(warnings[1]).toBe("2 fits failed; their scores are NaN.");
    await expect(halvingSearch(executor, { ...some, errorScore: "raise" }).result()).rejects.toMatchObject({
      ...{ code: "FLOCK_ML_FIT", message: expect.stringContaining("bad luck") },
    });
    const none = halvingSearch(warned, { ...some, params: { a: [13] } });
    await expect(none.result()).rejects.toMatchObject({
      code: "FLOCK_ML_FIT",
      message: expect.stringMatching(/^Each of the 1 trials/),
    });
  });

  it("stops with the best so far, and is cancelled with all", async () => {
    const search = halvingSearch(executor, { estimator: known, ...twelve, minResources: 20 });
    for await (const { iter } of search) if (iter === 1) await search.stop();
    expect(search.status).toBe("stopped");
    const { bestParams, cvResults } = await search.result();
    expect(cvResults.iter.at(-1)).toBe(1);
    expect(cvResults.nResources[cvResults.params.indexOf(bestParams)]).toBe(20);
    expect(bestParams).toEqual({ a: cvResults.params.at(-1)?.a });
    const cancelled = halvingSearch(executor, { estimator: known, ...twelve });
    await cancelled.cancel("enough");
    await expect(cancelled.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    const early = halvingSearch(executor, { estimator: known, ...twelve });
    await early.stop();
    await expect(early.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
  });

  it("refuses at once what cannot be", () => {
    const refused = (options: object, text: string, code = "FLOCK_OPTION_INVALID"): void =>
      expect(() => halvingSearch(executor, { estimator: known, ...twelve, ...options })).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    refused({ nIter: 3 }, 'halvingSearch has no option "nIter"');
    refused({ scoring: ["accuracy", "f1"] }, "takes one scorer");
    refused({ minResources: 500 }, "minResources is 500, more than maxResources, 240");
    refused({ maxResources: 500 }, "there are only 240 rows");
    refused({ resource: "depth", maxResources: 3 }, 'resource names "depth", but known has: a, budget');
    refused({ resource: "budget" }, "maxResources must say");
    refused({ resource: "a", maxResources: 3 }, "params cannot have values of it");
    refused({ minResources: "exhaust", nCandidates: "exhaust" }, "cannot both");
    refused({ factor: 1 }, "factor must be");
    refused({ promotion: "soon" }, "promotion must be");
    refused({ refit: "accuracy" }, "refit must be true or false");
    refused({ X: executor.scatter(twelve.X) }, "rows are not known here");
    refused({ params: { c: [1] } }, 'no parameter "c"', "FLOCK_ML_PARAMETER");
  });
});

describe("hyperbandSearch", () => {
  it("runs its brackets, and takes the best of those with all resources", async () => {
    const search = hyperbandSearch(executor, {
      ...{ estimator: known, params: { a: uniform(0, 1) }, ...data(60), cv: 2, seed: 9 },
      ...{ resource: "budget", maxResources: 9, promotion: "synchronous" },
    });
    const { cvResults, bestIndex, bestScore, brackets } = await search.result();
    const counts = brackets.map(({ bracket, rungs }) => [bracket, rungs.map(({ candidates }) => candidates)]);
    expect(counts).toEqual([
      [2, [9, 3, 1]],
      [1, [5, 1]],
      [0, [3]],
    ]);
    expect(cvResults.bracket).toEqual([...Array(13).fill(2), ...Array(6).fill(1), 0, 0, 0]);
    const full = cvResults.meanTestScore.filter((_, row) => cvResults.nResources[row] === 9);
    expect(full).toHaveLength(5);
    expect(bestScore).toBe(Math.max(...full));
    expect(cvResults.nResources[bestIndex]).toBe(9);
  });

  it("promotes as soon as it can, and tries at least what the table says", async () => {
    const search = hyperbandSearch(executor, {
      ...{ estimator: known, params: { a: uniform(0, 1) }, ...data(60), cv: 2, seed: 9 },
      ...{ resource: "budget", maxResources: 9 },
    });
    const seen: string[] = [];
    for await (const { bracket, iter } of search) seen.push(`${bracket}.${iter}`);
    const count = (which: string): number => seen.filter((one) => one === which).length;
    expect([count("2.0"), count("1.0"), count("0.0")]).toEqual([9, 5, 3]);
    expect(count("2.1")).toBeGreaterThanOrEqual(3);
    expect(count("2.2")).toBeGreaterThanOrEqual(1);
    expect(search.done).toBe(seen.length);
  });

  it("tries no candidate of a small grid twice in a bracket", async () => {
    const search = hyperbandSearch(executor, {
      ...{ estimator: known, params: { a: [0.1, 0.5] }, ...data(60), cv: 2 },
      ...{ resource: "budget", maxResources: 9, promotion: "synchronous" },
    });
    const rungs = search.brackets.map(({ rungs }) => rungs.map(({ candidates }) => candidates));
    expect(rungs).toEqual([[2, 1, 1], [2, 1], [2]]);
    expect((await search.result()).bestParams).toEqual({ a: 0.5, budget: 9 });
  });

  it("knows the types of parameters", () => {
    const search = hyperbandSearch(executor, {
      ...{ estimator: svc(), X, y, params: { C: uniform(1, 2), degree: randInt(1, 3) }, seed: 1 },
    });
    expectTypeOf<Awaited<ReturnType<typeof search.result>>["bestParams"]["C"]>().toEqualTypeOf<number | undefined>();
    void search.cancel();
  });
});
