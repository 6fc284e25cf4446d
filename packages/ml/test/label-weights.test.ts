import { describe, expect, it } from "vitest";
import { balancedWeights, labelWeights } from "../src/index.ts";
import { metricsReference } from "./metrics/reference.ts";

describe("labelWeights", () => {
  it("is the largest count by each label's own", () => {
    const y = { data: Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1), shape: [4, 3] };
    expect(labelWeights(y)).toEqual([1, 2, 4]);
  });

  it("counts class numbers, too, and gives 1 to what never occurs", () => {
    expect(labelWeights([0, 0, 0, 0, 2, 2])).toEqual([1, 1, 2]);
    expect(
      labelWeights([
        [1, 0],
        [1, 0],
      ]),
    ).toEqual([1, 1]);
    expect(labelWeights([[0, 0]])).toEqual([1, 1]);
  });

  it("refuses nothing, and what is no class number", () => {
    expect(() => labelWeights([])).toThrowError("y is empty: there is nothing to count.");
    expect(() => labelWeights([0, 0.5])).toThrowError("y has 0.5 in row 1. Class numbers are 0, 1, 2 and so on.");
    expect(() => labelWeights([1, 1e12])).toThrowError("y has 1000000000000 in row 1. Give class numbers from 0 on");
    expect(() =>
      labelWeights([
        [1, 0],
        [Number.NaN, 1],
      ]),
    ).toThrowError("y has NaN in row 1. Give 1 for a label, 0 for none.");
    expect(() => balancedWeights([[-1, 0]])).toThrowError("y has -1 in row 0.");
  });
});

describe("balancedWeights", () => {
  it.each(metricsReference.weights)("equals scikit-learn's for $y", ({ y, balanced }) => {
    expect(balancedWeights(y)).toEqual(balanced.map((weight) => expect.closeTo(weight, 12)));
    const oneHot = y.map((code) => balanced.map((_, at) => Number(at === code)));
    expect(balancedWeights(oneHot)).toEqual(balanced.map((weight) => expect.closeTo(weight, 12)));
  });
});
