// Random search: what is drawn, how often, and that the rest is gridSearch's.

import { describe, expect, expectTypeOf, it } from "vitest";
import {
  choice,
  type Distribution,
  estimator,
  InlineExecutor,
  kNeighborsClassifier,
  logUniform,
  randInt,
  randomSearch,
  svc,
  uniform,
} from "../../src/index.ts";
import { reference } from "../reference.ts";

const { X, y } = reference.data;
const executor = new InlineExecutor();

/** Its score is known before it is fitted. */
const known = estimator({
  name: "known",
  params: { a: 0, b: 0, kind: "none" as string | null },
  check: ({ a }) => (a < 1000 ? null : "a must be below 1000"),
  fit: () => null,
  predict: (_model, { rows }) => new Int32Array(rows),
});
const small = { X: [[1], [2], [3], [4]], y: [0, 1, 0, 1], cv: 2, refit: false };

async function drawn(options: object): Promise<readonly Partial<{ a: number; b: number; kind: string | null }>[]> {
  const search = randomSearch(executor, { estimator: known, params: {}, ...small, ...options });
  return (await search.result()).cvResults.params;
}

describe("distributions", () => {
  const values = (of: Distribution<number>): number[] => {
    let n = 0;
    return Array.from({ length: 2000 }, () => of.draw(() => (n++ * 0.618034) % 1));
  };
  const shareBelow = (all: number[], limit: number): number => all.filter((value) => value < limit).length / all.length;

  it("spread as they say", () => {
    expect(shareBelow(values(uniform(-1, 3)), 0)).toBeCloseTo(0.25, 2);
    expect(shareBelow(values(logUniform(1e-4, 1)), 1e-3)).toBeCloseTo(0.25, 2);
    expect([...new Set(values(randInt(2, 5)))].sort()).toEqual([2, 3, 4, 5]);
    expect(shareBelow(values(randInt(2, 5)), 3)).toBeCloseTo(0.25, 2);
    for (const value of values(logUniform(1e-4, 1))) expect(value).toBeGreaterThanOrEqual(1e-4);
    expect(randInt(3, 3).draw(() => 0.999)).toBe(3);
  });

  it("refuse ranges that hold nothing", () => {
    for (const wrong of [() => uniform(2, 1), () => logUniform(0, 1), () => randInt(0.5, 2), () => choice([])]) {
      expect(wrong).toThrow(expect.objectContaining({ code: "FLOCK_ML_PARAMETER" }));
    }
  });
});

describe("randomSearch", () => {
  it("draws from arrays without replacement, and all there is when that is less", async () => {
    const params = { a: [1, 2, 3, 4], b: [10, 20, 30] };
    const some = await drawn({ params, nIter: 7, seed: 3 });
    expect(new Set(some.map(({ a, b }) => `${a} ${b}`)).size).toBe(7);
    expect(await drawn({ params, nIter: 7, seed: 3 })).toEqual(some);
    expect(await drawn({ params, nIter: 7, seed: 4 })).not.toEqual(some);
    const all = await drawn({ params, nIter: 50, seed: 3 });
    expect(new Set(all.map(({ a, b }) => `${a} ${b}`)).size).toBe(12);
    expect(all).toHaveLength(12);
  });

  it("draws from distributions, arrays beside them, and of several spaces", async () => {
    const params = [{ a: uniform(0, 1), kind: choice(["x", null]) }, { b: randInt(5, 9) }];
    const all = await drawn({ params, nIter: 40, seed: 1 });
    expect(all).toHaveLength(40);
    const first = all.filter(({ b }) => b === undefined);
    expect(first.length).toBeGreaterThan(10);
    expect(first.length).toBeLessThan(30);
    expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(["x", null]));
    expect(first.every(({ a = -1 }) => a >= 0 && a < 1)).toBe(true);
    expect(await drawn({ params })).toHaveLength(10);
  });

  it("finds, fits and tells the best as gridSearch does", async () => {
    const search = randomSearch(executor, {
      estimator: svc(),
      params: { C: logUniform(0.01, 100), gamma: choice(["scale", 0.1]) },
      ...{ X, y, cv: 3, nIter: 6, seed: 11 },
    });
    expect(search.name).toBe("randomSearch svc");
    let folds = 0;
    for await (const { params } of search) folds += params.C === undefined ? 0 : 1;
    expect(folds).toBe(18);
    const { cvResults, bestParams, bestScore, bestEstimator } = await search.result();
    expect(bestScore).toBe(Math.max(...cvResults.meanTestScore));
    expect(bestEstimator.params.C).toBe(bestParams.C);
    expect(bestEstimator.predict(X.slice(0, 3))).toHaveLength(3);
  });

  it("refuses at once what cannot be", () => {
    const refused = (options: object, code: string, text: string): void =>
      expect(() => randomSearch(executor, { estimator: known, params: {}, ...small, ...options })).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    refused({ nIter: 0 }, "FLOCK_OPTION_INVALID", "nIter must be a whole number from 1 up, but is 0");
    refused({ seed: "x" }, "FLOCK_OPTION_INVALID", "seed must be a whole number");
    refused({ factor: 3 }, "FLOCK_OPTION_INVALID", 'randomSearch has no option "factor"');
    refused({ params: { c: uniform(0, 1) } }, "FLOCK_ML_PARAMETER", 'no parameter "c"');
    refused({ params: { a: uniform(0, 1), b: [] } }, "FLOCK_ML_PARAMETER", 'Parameter "b" needs an array');
    refused({ params: { a: uniform(1000, 2000) } }, "FLOCK_ML_PARAMETER", "a must be below 1000");
    refused({ params: [] }, "FLOCK_ML_PARAMETER", "empty array");
  });

  it("knows the types of parameters", () => {
    const common = { X, y, estimator: kNeighborsClassifier() };
    randomSearch(executor, { ...common, params: { nNeighbors: randInt(1, 9), weights: ["uniform"] } }).cancel();
    // @ts-expect-error weights are words
    expect(() => randomSearch(executor, { ...common, params: { weights: uniform(0, 1) } })).toThrow();
    expectTypeOf(uniform(0, 1)).toEqualTypeOf<Distribution<number>>();
  });
});
