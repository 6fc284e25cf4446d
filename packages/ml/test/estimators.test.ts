// Estimators against scikit-learn's on the same samples.

import { describe, expect, it } from "vitest";
import {
  dummyClassifier,
  fitEstimator,
  kNeighborsClassifier,
  logisticRegression,
  type Matrix,
  matrix,
  svc,
  svcDecisions,
} from "../src/index.ts";
import { reference } from "./reference.ts";

const { data, binary } = reference;

function rowsOf({ rows, cols, data }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * cols, (row + 1) * cols)]);
}

function expectClose(
  found: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  digits: number,
): void {
  expect(found.length).toBe(expected.length);
  for (const [i, row] of expected.entries()) {
    expect(found[i]?.length).toBe(row.length);
    for (const [j, value] of row.entries()) expect(found[i]?.[j]).toBeCloseTo(value, digits);
  }
}

describe("svc", () => {
  it.each(reference.svc)("has scikit-learn's support vectors and decisions with $params", async (expected) => {
    const fitted = await fitEstimator(svc(expected.params), data.X, data.y);
    expect(fitted.model.converged).toBe(true);
    expect(fitted.model.nSupport).toEqual(expected.nSupport);
    expect([...fitted.model.support]).toEqual(expected.support);
    expect([...fitted.predict(data.Xtest)]).toEqual(expected.predicted);
    const decisions = svcDecisions(fitted.model, matrix(data.Xtest));
    expectClose(rowsOf({ rows: data.Xtest.length, cols: 6, data: decisions }), expected.decisions, 8);
  });

  it("handles two classes", async () => {
    const fitted = await fitEstimator(svc(), binary.X, binary.y);
    expect(fitted.model.nSupport).toEqual(reference.svcBinary.nSupport);
    expect([...fitted.predict(binary.X)]).toEqual(reference.svcBinary.predicted);
  });

  it("handles labels that are texts", async () => {
    const fitted = await fitEstimator(svc(), data.X, data.text);
    expect(fitted.predict(data.Xtest)).toEqual(reference.svcText);
  });

  it("stops at maxIter and says so", async () => {
    const { model } = await fitEstimator(svc({ maxIter: 3 }), data.X, data.y);
    expect(model.converged).toBe(false);
    expect(model.iterations).toBe(18);
  });

  it("refuses a single class", async () => {
    await expect(fitEstimator(svc(), [[1], [2]], [3, 3])).rejects.toMatchObject({
      code: "FLOCK_ML_INPUT",
      message: 'svc needs samples of two classes or more, but all are "3".',
    });
  });
});

describe("logisticRegression", () => {
  it.each(reference.logistic)("reaches scikit-learn's optimum with $params", async (expected) => {
    const { X, y } = expected.data === "data" ? data : binary;
    const fitted = await fitEstimator(logisticRegression({ ...expected.params, tol: 1e-9, maxIter: 5000 }), X, y);
    expect(fitted.model.converged).toBe(true);
    expectClose(rowsOf(fitted.model.coef), expected.coef, 5);
    expectClose([[...fitted.model.intercept]], [expected.intercept], 5);
    expect([...fitted.predict(X)]).toEqual(expected.predicted);
  });

  it("says when it has not converged", async () => {
    const { model } = await fitEstimator(logisticRegression({ maxIter: 2 }), data.X, data.y);
    expect(model).toMatchObject({ iterations: 2, converged: false });
  });
});

describe("kNeighborsClassifier", () => {
  it.each(reference.neighbors)("predicts as scikit-learn with $params", async (expected) => {
    const fitted = await fitEstimator(kNeighborsClassifier(expected.params), data.X, data.y);
    expect([...fitted.predict(data.Xtest)]).toEqual(expected.predicted);
    expect([...fitted.predict(data.X)]).toEqual(expected.self);
  });

  it("counts samples at distance 0 alone when weights are by distance", async () => {
    const fitted = await fitEstimator(
      kNeighborsClassifier({ nNeighbors: 3, weights: "distance" }),
      [[0], [0.001], [0.001]],
      ["at", "near", "near"],
    );
    expect(fitted.predict([[0]])).toEqual(["at"]);
  });

  it("refuses more neighbors than samples", async () => {
    const fitting = fitEstimator(kNeighborsClassifier({ nNeighbors: 4 }), [[1], [2]], [0, 1]);
    await expect(fitting).rejects.toMatchObject({ code: "FLOCK_ML_INPUT" });
  });
});

describe("dummyClassifier", () => {
  it("predicts the most frequent class", async () => {
    expect([...(await fitEstimator(dummyClassifier(), data.X, data.y)).predict(data.Xtest)]).toEqual(reference.dummy);
  });

  it("draws classes by their shares, the same for the same seed", async () => {
    const y = [...new Array<string>(75).fill("a"), ...new Array<string>(25).fill("b")];
    const X = y.map(() => [0]);
    const draw = async (seed: number): Promise<readonly unknown[]> => {
      const fitted = await fitEstimator(dummyClassifier({ strategy: "stratified", seed }), X, y);
      return fitted.predict(new Array<number[]>(2000).fill([0])) as string[];
    };
    const drawn = await draw(1);
    expect(await draw(1)).toEqual(drawn);
    expect(await draw(2)).not.toEqual(drawn);
    expect(drawn.filter((label) => label === "a").length / 2000).toBeCloseTo(0.75, 1);
  });

  it("predicts a constant, and refuses one that is no label", async () => {
    const constant = (label: string) =>
      fitEstimator(dummyClassifier({ strategy: "constant", constant: label }), [[1], [2]], ["a", "b"]);
    expect((await constant("b")).predict([[5]])).toEqual(["b"]);
    await expect(constant("c")).rejects.toMatchObject({ code: "FLOCK_ML_PARAMETER" });
  });
});
