// Models on their way back: functions of the parameters are put back into them, other functions are refused in the first fold.

import { describe, expect, it } from "vitest";
import { type Estimator, estimator, fitEstimator, gridSearch, type Labels, svc } from "../src/index.ts";
import { CopyingExecutor } from "./copying-executor.ts";

const X = Array.from({ length: 12 }, (_, row) => [row, row % 2]);
const y = X.map((_, row) => row % 2);
const executor = new CopyingExecutor();

class Kernel {
  readonly gamma: number;
  constructor(gamma: number) {
    this.gamma = gamma;
  }
}
interface Params {
  metric: (a: number, b: number) => number;
  kernel: Kernel | null;
  steps: { name: string; run(x: number): number }[];
}
const plus = (a: number, b: number): number => a + b;
const params: Params = { metric: plus, kernel: new Kernel(2), steps: [{ name: "double", run: (x) => 2 * x }] };

/** An estimator whose model is what `build` makes of the parameters. */
function building<M>(build: (params: Readonly<Params>) => M): Estimator<Params, M> {
  return estimator<Params, M>({
    name: "building",
    params,
    fit: (_X, _y, all) => build(all),
    predict: (_model, { rows }) => new Array<number>(rows).fill(0),
  });
}

const modelOf = async <M>(build: (params: Readonly<Params>) => M): Promise<M> =>
  (await gridSearch(executor, { estimator: building(build), params: { metric: [plus] }, X, y, cv: 2 }).result())
    .bestEstimator.model;

describe("a model gets back from its parameters", () => {
  it("functions and objects of classes, wherever they stand", async () => {
    const model = await modelOf(({ metric, kernel, steps }) => ({
      metric,
      deep: [{ kernel, at: 1 }, metric],
      run: steps[0]?.run,
      text: "plain",
      sizes: Float64Array.of(1, 2),
    }));
    expect(model.metric).toBe(plus);
    expect(model.deep).toEqual([{ kernel: params.kernel, at: 1 }, plus]);
    expect((model.deep[0] as { kernel: unknown }).kernel).toBe(params.kernel);
    expect(model.run).toBe(params.steps[0]?.run);
    expect([model.text, model.sizes]).toEqual(["plain", Float64Array.of(1, 2)]);
  });

  it("the parameters as a whole, a copy of them, and a part", async () => {
    expect(await modelOf((all) => all)).toEqual(params);
    const model = await modelOf((all) => ({ all, copy: { ...all }, steps: all.steps }));
    expect(model).toEqual({ all: params, copy: params, steps: params.steps });
  });

  it("what stands twice in it once, also in a circle", async () => {
    const model = await modelOf(({ metric }) => {
      const inner: { metric: unknown; self?: unknown } = { metric };
      inner.self = inner;
      return { first: inner, second: inner };
    });
    expect(model.first).toBe(model.second);
    expect(model.first.self).toBe(model.first);
    expect(model.first.metric).toBe(plus);
  });

  it("the function alone", async () => {
    expect(await modelOf(({ metric }) => metric)).toBe(plus);
  });

  it("nothing where nothing is missing: the model is not copied", async () => {
    const rows = Object.freeze([1, 2, 3]);
    const frozen = Object.freeze({ rows });
    const fixed = estimator({ name: "fixed", params: { k: 1 }, fit: () => frozen, predict: ({ rows }) => [...rows] });
    expect((await fitEstimator(fixed, X, y)).model).toBe(frozen);
    const search = gridSearch(executor, {
      estimator: { ...fixed, predict: (_, { rows: n }) => new Array(n).fill(0) },
      params: {},
      X,
      y,
    });
    expect((await search.result()).bestEstimator.model).toEqual(frozen);
  });
});

describe("a search ends in its first fold", () => {
  const refusal = (message: RegExp): unknown =>
    expect.objectContaining({ code: "FLOCK_ML_ESTIMATOR", message: expect.stringMatching(message) });

  it("when the model has a function of its own", async () => {
    const own = building((all) => ({ trees: [{ split: (x: number) => x + all.steps.length }] }));
    const search = gridSearch(executor, { estimator: own, params: {}, X, y, cv: 2 });
    await expect(search.result()).rejects.toEqual(
      refusal(/^fit returned a function in the model, model\.trees\[0\]\.split\. Functions do not come back/),
    );
    expect(search.done).toBe(0);
    const scores = gridSearch(executor, { estimator: own, params: {}, X, y, cv: 2, refit: false });
    expect((await scores.result()).bestScore).toBe(0.5);
  });

  it("when functions call each other through this", async () => {
    const methods = {
      name: "methods",
      params: { k: 1 },
      most: (labels: Labels) => labels[0],
      fit(_X: unknown, labels: Labels) {
        return { label: this.most(labels) };
      },
      predict: ({ label }: { label: unknown }, { rows }: { rows: number }) => new Array(rows).fill(label),
    };
    await expect(gridSearch(executor, { estimator: methods, params: {}, X, y, cv: 2 }).result()).rejects.toEqual(
      refusal(
        /^fit of the estimator uses this\.most, but it travels without the object.* make the estimator a class\.$/,
      ),
    );
  });

  it("but not one of the built-in estimators", async () => {
    const search = gridSearch(executor, { estimator: svc(), params: { C: [1, 2] }, X, y, cv: 2 });
    expect((await search.result()).bestEstimator.predict(X)).toHaveLength(X.length);
  });
});
