import { describe, expect, it } from "vitest";
import { fitSparseLogistic, sparseProbabilities } from "../../src/estimators/sparse-logistic.ts";
import {
  f1Score,
  fitBagOfWords,
  fitLogisticRegression,
  type Matrix,
  predictBagOfWords,
  rocAucScore,
} from "../../src/index.ts";
import { randomNumbers } from "../../src/random.ts";

const topics = [
  ["python", "list", "dict", "pandas"],
  ["java", "class", "interface", "jvm"],
  ["css", "html", "color", "div"],
];

/** Posts about one or two topics among words that say nothing. */
function posts(count: number, seed: number): { texts: string[]; y: { data: Uint8Array; shape: number[] } } {
  const random = randomNumbers(seed);
  const data = new Uint8Array(count * topics.length);
  const texts = Array.from({ length: count }, (_, row) => {
    const words = Array.from({ length: 20 }, () => `word${Math.floor(random() * 200)}`);
    for (const [label, own] of topics.entries()) {
      if (random() > 0.4) continue;
      data[row * topics.length + label] = 1;
      for (let k = 0; k < 3; k++) words.push(own[Math.floor(random() * own.length)] as string);
    }
    return words.join(" ");
  });
  return { texts, y: { data, shape: [count, topics.length] } };
}

describe("the bag-of-words baseline", () => {
  it("finds the tags of new texts by their words", () => {
    const train = posts(300, 1);
    const test = posts(200, 2);
    const predicted = predictBagOfWords(fitBagOfWords(train.texts, train.y), test.texts);
    expect(predicted.shape).toEqual([200, 3]);
    expect(f1Score(test.y, predicted, { average: "micro" })).toBeGreaterThan(0.95);
    expect(rocAucScore(test.y, predicted)).toBeGreaterThan(0.99);
  });

  it("is plain data that goes through a copy, and knows tags that no or every text has", () => {
    const { texts } = posts(20, 3);
    const y = {
      data: Uint8Array.from({ length: 60 }, (_, at) => [0, 1, Number(at % 2)][at % 3] as number),
      shape: [20, 3],
    };
    const model = structuredClone(fitBagOfWords(texts, y, { numWords: 50 }));
    const { data } = predictBagOfWords(model, ["java jvm", ""]);
    expect([data[0], data[1], data[3], data[4]]).toEqual([0, 1, 0, 1]);
    expect(data[2]).toBeGreaterThan(0);
    expect(data[2]).toBeLessThan(1);
  });

  it("fits as logisticRegression does, which equals scikit-learn's, without a dense matrix", () => {
    const random = randomNumbers(9);
    const [rows, cols] = [60, 8];
    const data = Float64Array.from({ length: rows * cols }, () => (random() < 0.6 ? 0 : random() * 2 - 1));
    const dense: Matrix = { rows, cols, data };
    const has = Uint8Array.from({ length: rows }, (_, row) => Number((data[row * cols] as number) + random() > 0.6));
    const kept = [...data.keys()].filter((at) => data[at] !== 0);
    const sparse = {
      ...{ rows, cols },
      indptr: Int32Array.from({ length: rows + 1 }, (_, row) => kept.filter((at) => at < row * cols).length),
      indices: Int32Array.from(kept, (at) => at % cols),
      data: Float64Array.from(kept, (at) => data[at] as number),
    };
    const params = { C: 3, fitIntercept: true, classWeight: null, tol: 1e-9, maxIter: 500 };
    const expected = fitLogisticRegression(dense, Int32Array.from(has), params);
    const weights = fitSparseLogistic(sparse, has, params);
    const wanted = [...expected.coef.data, ...expected.intercept];
    expect([...weights]).toEqual(wanted.map((weight) => expect.closeTo(weight, 6)));
    const [first] = sparseProbabilities(sparse, weights);
    const score = wanted.reduce(
      (sum, weight, column) => sum + weight * (column < cols ? (data[column] as number) : 1),
      0,
    );
    expect(first).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
  });

  it("refuses rows that are not one per text, and options it does not have", () => {
    expect(() => fitBagOfWords(["a"], { data: Uint8Array.of(1, 0), shape: [2, 1] })).toThrowError(
      "There are 1 texts for 2 rows of y. Give one row per text.",
    );
    expect(() => fitBagOfWords(["a"], { data: Float32Array.of(Number.NaN), shape: [1, 1] })).toThrowError(
      "y has the value NaN. Give 1 for a tag, 0 for none.",
    );
    const y = { data: Uint8Array.of(1), shape: [1, 1] };
    expect(() => fitBagOfWords(undefined as never, y)).toThrowError("The texts are undefined.");
    expect(() => fitBagOfWords(["a"], y, { C: 0 })).toThrowError(
      "fitBagOfWords: C must be a number above 0, but is 0.",
    );
  });
});
