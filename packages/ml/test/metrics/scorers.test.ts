import { describe, expect, it } from "vitest";
import { accuracyScore, confusionMatrix, f1Score, type Scorer } from "../../src/index.ts";
import { mean, standardDeviation, variance } from "../../src/numeric.ts";
import { resolveScorers, scorerNames } from "../../src/scorers.ts";
import { rank } from "../../src/search/cv-results.ts";
import { reference } from "../reference.ts";

describe("scorers", () => {
  const cases = reference.metrics.flatMap(({ scores, ...labels }) =>
    Object.entries(scores).map(([name, expected]) => ({
      name,
      expected,
      classes: new Set(labels.true).size,
      ...labels,
    })),
  );
  it.each(cases)("$name equals scikit-learn's for $classes classes", ({ name, expected, true: yTrue, predicted }) => {
    const scorer = resolveScorers(name as "f1", "classifier")["score"] as Scorer;
    expect(scorer(yTrue, predicted)).toBeCloseTo(expected, 12);
  });

  it("cover every name that has a reference, and accuracy and squared error", () => {
    const covered = new Set(cases.map(({ name }) => name));
    expect(scorerNames.filter((name) => !covered.has(name))).toEqual(["accuracy", "negMeanSquaredError"]);
  });

  it("compare labels that are texts", () => {
    expect(accuracyScore(["a", "b", "b"], ["a", "b", "a"])).toBe(2 / 3);
    expect(f1Score(["no", "yes", "yes"], ["no", "yes", "no"], { positive: "yes" })).toBeCloseTo(2 / 3, 12);
  });

  it("refuse a binary score of three classes", () => {
    expect(() => f1Score([0, 1, 2], [0, 1, 1])).toThrowError(
      "A binary score needs two labels, one of them 1, but there are 3: 0, 1, 2. Use the macro, micro or weighted average.",
    );
  });

  it("tell the mean of squared errors", () => {
    const scorer = resolveScorers("negMeanSquaredError", "regressor")["score"] as Scorer;
    expect(scorer([1, 2, 3], [1, 4, 2])).toBeCloseTo(-5 / 3, 12);
  });
});

describe("confusionMatrix", () => {
  it("counts true labels by row and predictions by column", () => {
    expect(confusionMatrix(["x", "y", "y"], ["x", "z", "y"])).toEqual({
      labels: ["x", "y", "z"],
      counts: [
        [1, 0, 0],
        [0, 1, 1],
        [0, 0, 0],
      ],
    });
  });
});

describe("moments", () => {
  it.each(reference.moments.map((moment) => ({ n: moment.values.length, ...moment })))(
    "equal NumPy's to the last bit for $n values",
    ({ values, mean: expectedMean, std, var: expectedVariance }) => {
      expect(mean(values)).toBe(expectedMean);
      expect(variance(values)).toBe(expectedVariance);
      expect(standardDeviation(values)).toBe(std);
    },
  );
});

describe("rank", () => {
  it("gives equal values the smallest rank and NaN the last", () => {
    expect(rank([0.5, 0.9, Number.NaN, 0.9, 0.7, Number.NaN])).toEqual([4, 1, 5, 1, 3, 5]);
  });
});
