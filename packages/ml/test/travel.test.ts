// What a search sends: functions that are exports of the package, plain data both ways, arguments that nobody changes.

import { describe, expect, it } from "vitest";
import * as exported from "../src/index.ts";
import {
  dummyClassifier,
  type Estimator,
  gridSearch,
  type Handle,
  InlineExecutor,
  kNeighborsClassifier,
  logisticRegression,
  type SubmitOptions,
  scorerNames,
  svc,
} from "../src/index.ts";
import { reference } from "./reference.ts";

const exports = new Set<unknown>(Object.values(exported));

/** Copies values as a wire does: plain objects, arrays and typed arrays by content, functions as they are. */
function copied(value: unknown): unknown {
  if (typeof value === "function") return value;
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return structuredClone(value);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
}

function functionsIn(value: unknown): unknown[] {
  if (typeof value === "function") return [value];
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(functionsIn);
}

/** Runs tasks inline, and holds what crosses the border to the rules of the wire. */
class WireExecutor extends InlineExecutor {
  override submit<R>(
    // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
    fn: (...args: any[]) => R | Promise<R>,
    args: readonly unknown[],
    _options?: SubmitOptions,
  ): Handle<R> {
    const strangers = [fn, ...functionsIn(args)].filter((found) => !exports.has(found));
    expect(strangers).toEqual([]);
    const task = async (...values: unknown[]): Promise<R> => {
      const before = copied(values);
      const result = copied(await fn(...values)) as R;
      expect(values).toEqual(before);
      return result;
    };
    return super.submit<R>(task as never, args);
  }
}

describe("a search sends", () => {
  const { X, y, text } = reference.data;
  // biome-ignore lint/suspicious/noExplicitAny: estimators of different types in one table
  const estimators: [string, Estimator<any, any>, object][] = [
    ["svc", svc(), { kernel: ["rbf", "poly", "linear"], gamma: ["scale", 0.1] }],
    ["logisticRegression", logisticRegression(), { C: [0.1, 1] }],
    ["kNeighborsClassifier", kNeighborsClassifier(), { metric: ["euclidean", "manhattan"] }],
    ["dummyClassifier", dummyClassifier(), { strategy: ["prior", "uniform"] }],
  ];
  it.each(estimators)("only exports and plain data for %s", async (_name, estimator, params) => {
    const scoring = scorerNames.filter(
      (name) => !["f1", "precision", "recall", "r2", "negMeanSquaredError"].includes(name),
    );
    const search = gridSearch(new WireExecutor(), { estimator, params, X, y: text, cv: 3, scoring, refit: "accuracy" });
    expect((await search.result()).bestEstimator.predict(X)).toHaveLength(X.length);
  });

  it("only exports and plain data for data that the cluster holds, and scorers of numbers", async () => {
    const executor = new WireExecutor();
    const search = gridSearch(executor, {
      estimator: svc(),
      params: { C: [1, 2] },
      X: executor.scatter(X),
      y: executor.scatter(y.map((label) => Number(label > 1))),
      cv: 3,
      scoring: ["f1", "precision", "recall", "r2", "negMeanSquaredError"],
      refit: "f1",
      returnTrainScore: true,
    });
    expect((await search.result()).bestScore).toBeGreaterThan(0.5);
  });
});
