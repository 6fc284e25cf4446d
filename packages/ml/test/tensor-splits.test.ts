import { describe, expect, it } from "vitest";
import { type Tensor, trainTestSplit } from "../src/index.ts";
import { randomNumbers } from "../src/random.ts";

/** Rows of labels with a long tail: label l occurs with a share of about 0.5 / (l + 1). */
function longTail(rows: number, labels: number): Tensor {
  const random = randomNumbers(5);
  const data = Uint8Array.from({ length: rows * labels }, (_, at) => Number(random() < 0.5 / ((at % labels) + 1)));
  return { data, shape: [rows, labels] };
}

const countOf = ({ data, shape: [, labels = 1] }: Tensor, label: number): number =>
  data.filter((value, at) => at % labels === label && value === 1).length;

const x = (rows: number): Tensor => ({ data: Int32Array.from({ length: rows * 2 }, (_, at) => at), shape: [rows, 2] });

describe("trainTestSplit of tensors", () => {
  it("takes rows of both, each once, and keeps their kind", () => {
    const y = longTail(50, 3);
    const { XTrain, XTest, yTrain, yTest, trainRows, testRows } = trainTestSplit(x(50), y, {
      testSize: 0.2,
      seed: 1337,
    });
    expect([XTrain.shape, XTest.shape, yTrain.shape, yTest.shape]).toEqual([
      [40, 2],
      [10, 2],
      [40, 3],
      [10, 3],
    ]);
    expect([...trainRows, ...testRows].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(XTest.data).toEqual(Int32Array.from([...testRows].flatMap((row) => [row * 2, row * 2 + 1])));
    for (const [at, row] of trainRows.entries()) {
      expect(yTrain.data.subarray(at * 3, at * 3 + 3)).toEqual(y.data.subarray(row * 3, row * 3 + 3));
    }
    expect(yTrain.data).toBeInstanceOf(Uint8Array);
  });

  it("gives every label its share of both sides, which have the sizes asked for", () => {
    const y = longTail(1000, 20);
    const { yTrain, yTest } = trainTestSplit(x(1000), y, { testSize: 0.2, stratify: true, seed: 3 });
    expect([yTrain.shape[0], yTest.shape[0]]).toEqual([800, 200]);
    for (let label = 0; label < 20; label++) {
      const all = countOf(y, label);
      expect(Math.abs(countOf(yTest, label) - all / 5), `label ${label} of ${all}`).toBeLessThanOrEqual(2);
      expect(countOf(yTrain, label) + countOf(yTest, label)).toBe(all);
    }
  });

  it("is much nearer to the shares than a split by chance", () => {
    const y = longTail(300, 30);
    const off = (stratify: boolean): number => {
      const { yTest } = trainTestSplit(x(300), y, { testSize: 0.3, stratify });
      return Array.from({ length: 30 }, (_, label) => Math.abs(countOf(yTest, label) - countOf(y, label) * 0.3)).reduce(
        (a, b) => a + b,
      );
    };
    expect(off(true)).toBeLessThan(off(false) / 2);
  });

  it("leaves out the rows of neither side, with the shares kept", () => {
    const y = longTail(400, 5);
    const { trainRows, testRows, yTrain } = trainTestSplit(x(400), y, { trainSize: 100, testSize: 50, stratify: true });
    expect(new Set([...trainRows, ...testRows]).size).toBe(150);
    for (let label = 0; label < 5; label++) {
      expect(Math.abs(countOf(yTrain, label) - countOf(y, label) / 4)).toBeLessThanOrEqual(2);
    }
  });

  it("is the same for the same seed, and another for another", () => {
    const y = longTail(100, 6);
    const rows = (seed: number): number[] => [...trainTestSplit(x(100), y, { stratify: true, seed }).testRows];
    expect(rows(1)).toEqual(rows(1));
    expect(rows(1)).not.toEqual(rows(2));
  });

  it("keeps the shares of class numbers in a tensor of one column, and takes texts beside tensors", () => {
    const y = { data: Int32Array.from({ length: 40 }, (_, row) => Number(row % 4 === 0)), shape: [40, 1] };
    const texts = Array.from({ length: 40 }, (_, row) => `post ${row}`);
    const { XTest, yTest, testRows } = trainTestSplit(texts, y, { testSize: 0.2, stratify: true });
    expect(countOf(yTest, 0)).toBe(2);
    expect(XTest).toEqual(Array.from(testRows, (row) => `post ${row}`));
  });

  it("refuses tensors that are not as long, or not as their shapes say", () => {
    expect(() => trainTestSplit(x(4), longTail(5, 2))).toThrowError("X has 4 rows, but y has 5.");
    expect(() => trainTestSplit({ data: Int32Array.of(1), shape: [2, 2] }, [0, 1])).toThrowError(
      "X is a tensor of 1 values, but its shape [2, 2] has 4.",
    );
  });
});
