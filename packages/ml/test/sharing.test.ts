// Shared computations: each once, used by every fit, let go when nobody needs them.

import { describe, expect, it } from "vitest";
import { estimator, fitEstimator, gridSearch, type Matrix, svc } from "../src/index.ts";
import { CountingExecutor } from "./counting-executor.ts";
import { reference } from "./reference.ts";

const { X, y } = reference.data;
const stepsOf = (executor: CountingExecutor): string[] =>
  executor.submitted.filter((name) => !name.endsWith("-fold") && !name.endsWith("-refit"));

describe("svc in a search", () => {
  it("computes distances once and one Gram matrix per gamma", async () => {
    const executor = new CountingExecutor();
    const params = { C: [0.1, 1, 10], gamma: [0.01, 0.1], classWeight: [null, "balanced"] } as const;
    const search = gridSearch(executor, { estimator: svc(), params, X, y, cv: 3 });
    await search.result();
    expect(stepsOf(executor)).toEqual(["squaredDistances", "gram/rbf/0.01", "gram/rbf/0.1"]);
    expect(executor.submitted).toHaveLength(3 + 36 + 1);
    expect(executor.held).toEqual([]);
    expect(executor.closed).toEqual(["done"]);
  });

  it("shares inner products between linear and polynomial kernels", async () => {
    const executor = new CountingExecutor();
    const params = { kernel: ["linear", "poly"], gamma: [0.1], degree: [2, 3] } as const;
    await gridSearch(executor, { estimator: svc(), params, X, y, cv: 3 }).result();
    expect(stepsOf(executor)).toEqual(["dotProducts", "gram/poly/0.1/0/2", "gram/poly/0.1/0/3"]);
  });

  it.each([
    { kernel: "rbf", gamma: 0.05 },
    { kernel: "rbf", gamma: "scale" },
    { kernel: "linear" },
    { kernel: "poly", gamma: 0.2, coef0: 1, degree: 2 },
    { kernel: "poly", gamma: "scale" },
  ] as const)("fits the same model with and without sharing: $kernel, gamma $gamma", async (params) => {
    const alone = await fitEstimator(svc(params), X, y);
    const search = gridSearch(new CountingExecutor(), { estimator: svc(params), params: {}, X, y, cv: 3 });
    const { bestEstimator } = await search.result();
    expect(bestEstimator.model.support).toEqual(alone.model.support);
    for (const [pair, rho] of alone.model.rho.entries()) expect(bestEstimator.model.rho[pair]).toBeCloseTo(rho, 6);
    expect(bestEstimator.predict(X)).toEqual(alone.predict(X));
  });

  it("lets go of everything when it is cancelled or stopped", async () => {
    for (const end of ["cancel", "stop"] as const) {
      const executor = new CountingExecutor();
      const search = gridSearch(executor, { estimator: svc(), params: { gamma: [0.1, 0.2, 0.3] }, X, y, cv: 3 });
      for await (const { done } of search) if (done === 4) await search[end]();
      await search.result().catch(() => undefined);
      expect(executor.held).toEqual([]);
      expect(executor.closed).toEqual([end === "cancel" ? "cancelled" : "stopped"]);
    }
  });
});

describe("a user's shared steps", () => {
  const shared = estimator<{ power: number }, number>({
    name: "shared",
    params: { power: 1 },
    share: ({ power }) => ({
      total: {
        key: `sum/${power}`,
        compute: (_X: Matrix, by: number, { sum }: { sum: number }) => sum ** by,
        args: power,
        needs: { sum: { key: "sum", compute: ({ data }: Matrix) => data.reduce((a, b) => a + b, 0) } },
      },
    }),
    fit: (_X, _y, _params, context) => context?.shared["total"] as number,
    predict: (total, { rows }, context) => new Array<number>(rows).fill(context?.shared["total"] === total ? 1 : 0),
  });

  it("reach fits and predictions under the names they were given", async () => {
    const executor = new CountingExecutor();
    const search = gridSearch(executor, {
      estimator: shared,
      params: { power: [1, 2] },
      X: [[1], [2], [3], [4]],
      y: [1, 1, 1, 1],
      cv: 2,
    });
    const { cvResults, bestEstimator } = await search.result();
    expect(cvResults.meanTestScore).toEqual([1, 1]);
    expect(bestEstimator.model).toBe(10);
    expect(stepsOf(executor)).toEqual(["sum", "sum/1", "sum/2"]);
  });
});
