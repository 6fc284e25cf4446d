import { describe, expect, it } from "vitest";
import { createMetric, type MetricName, type MetricOptions, metricNames } from "../../src/index.ts";
import { metricsReference } from "./reference.ts";

const { multilabel, binary, classes } = metricsReference;

interface Batch {
  readonly yTrue: number[] | number[][];
  readonly yPred: number[] | number[][];
  readonly weights?: number[] | null;
}

/** The result of all rows, taken in batches of `size`. */
function resultOf(metric: MetricName | MetricOptions, { yTrue, yPred, weights }: Batch, size = 7): number {
  const made = createMetric(metric);
  for (let from = 0; from < yTrue.length; from += size) {
    const to = from + size;
    made.update(
      yTrue.slice(from, to) as number[],
      yPred.slice(from, to) as number[],
      ...(weights ? [weights.slice(from, to)] : []),
    );
  }
  return made.result();
}

const nameOf = (name: string): MetricName => name as MetricName;
const oneHot = (codes: number[], count: number): number[][] =>
  codes.map((code) => Array.from({ length: count }, (_, c) => Number(c === code)));

describe("metrics of a whole epoch in batches equal scikit-learn's", () => {
  const thresholded = multilabel.flatMap(({ at, true: yTrue, scores: yPred, weights }, set) =>
    at.map(({ threshold, scores }) => ({ set, threshold, scores, batch: { yTrue, yPred, weights } })),
  );
  it.each(thresholded)("multi-label set $set at threshold $threshold", ({ threshold, scores, batch }) => {
    for (const [name, expected] of Object.entries(scores)) {
      expect(resultOf({ name: nameOf(name), threshold }, batch), name).toBeCloseTo(expected, 12);
    }
  });

  it.each([...multilabel.entries()])("scores of multi-label set %i", (_, { true: yTrue, scores, weights, ranks }) => {
    for (const [name, expected] of Object.entries(ranks)) {
      expect(resultOf(nameOf(name), { yTrue, yPred: scores, weights }), name).toBeCloseTo(expected, 12);
    }
  });

  it.each([...binary.entries()])("binary set %i", (_, { true: yTrue, scores: yPred, weights, found }) => {
    for (const [name, expected] of Object.entries(found)) {
      expect(resultOf(nameOf(name), { yTrue, yPred, weights }), name).toBeCloseTo(expected, 12);
    }
  });

  it.each([...classes.entries()])("classes, as numbers and one-hot, set %i", (_, set) => {
    const hot = oneHot(set.true, set.classes);
    for (const [name, expected] of Object.entries(set.found)) {
      expect(resultOf(nameOf(name), { yTrue: set.true, yPred: set.scores }), name).toBeCloseTo(expected, 12);
      expect(resultOf(nameOf(name), { yTrue: hot, yPred: set.scores }), name).toBeCloseTo(expected, 12);
    }
    for (const [name, expected] of Object.entries(set.sparse)) {
      expect(resultOf(nameOf(name), { yTrue: set.true, yPred: set.scores }), name).toBeCloseTo(expected, 12);
    }
    const accuracy = set.found["accuracy"] as number;
    expect(resultOf("categoricalAccuracy", { yTrue: hot, yPred: set.scores })).toBeCloseTo(accuracy, 12);
    expect(resultOf("sparseCategoricalAccuracy", { yTrue: set.true, yPred: set.scores })).toBeCloseTo(accuracy, 12);
  });

  it("covers every name", () => {
    const tested = new Set<string>([
      ...multilabel.flatMap(({ at, ranks }) => [...Object.keys(at[0]?.scores ?? {}), ...Object.keys(ranks)]),
      ...binary.flatMap(({ found }) => Object.keys(found)),
      ...["categoricalAccuracy", "sparseCategoricalAccuracy"],
    ]);
    expect(metricNames.filter((name) => !tested.has(name))).toEqual([]);
  });
});

describe("a metric", () => {
  const set = multilabel[2] as (typeof multilabel)[number];
  const whole = { yTrue: set.true, yPred: set.scores, weights: set.weights };

  it.each(metricNames.filter((name) => name !== "sparseCategoricalAccuracy"))(
    "%s goes on from its state, and adds up with another's",
    (name) => {
      const expected = resultOf(name, whole);
      const parts = [
        [0, 15],
        [15, 40],
      ].map(([from, to]) => {
        const part = createMetric(name);
        part.update(set.true.slice(from, to), set.scores.slice(from, to), set.weights?.slice(from, to));
        return part;
      });
      const [first, second] = parts as [(typeof parts)[0], (typeof parts)[0]];
      const resumed = createMetric(name);
      resumed.restore(structuredClone(first.state()));
      resumed.update(set.true.slice(15), set.scores.slice(15), set.weights?.slice(15));
      expect(resumed.result()).toBeCloseTo(expected, 12);
      first.merge(second.state());
      expect(first.result()).toBeCloseTo(expected, 12);
      first.merge(createMetric(name).state());
      expect(first.result()).toBeCloseTo(expected, 12);
      first.reset();
      expect(first.result()).toBe(createMetric(name).result());
    },
  );

  it("refuses another metric's state", () => {
    const other = createMetric("auc").state();
    expect(() => createMetric("f1").restore(other)).toThrowError('This is no state of the metric "f1".');
    expect(() => createMetric("f1").merge(other)).toThrowError("Give what state() of the same metric told.");
  });

  it("takes tensors, and copies what it keeps of them", () => {
    const yPred = { data: Float32Array.of(0.1, 0.8, 0.4, 0.6), shape: [4, 1] };
    const auc = createMetric("auc");
    auc.update({ data: Uint8Array.of(0, 1, 1, 0), shape: [4, 1] }, yPred);
    yPred.data.fill(0);
    expect(auc.result()).toBe(0.75);
    const state = auc.state();
    auc.update([1], [0]);
    expect(auc.result()).toBe(0.5);
    auc.restore(state);
    expect(auc.result()).toBe(0.75);
  });

  it("takes sequences: the values of each step are a row", () => {
    const accuracy = createMetric("accuracy");
    const yPred = { data: Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.6, 0.4, 0.3, 0.7), shape: [2, 2, 2] };
    accuracy.update({ data: Int32Array.of(0, 1, 1, 1), shape: [2, 2] }, yPred);
    expect(accuracy.result()).toBe(0.75);
  });

  it("has a name, and knows which way is better", () => {
    expect(createMetric("f1Macro").name).toBe("f1Macro");
    expect(createMetric({ name: "f1", average: "macro" }).name).toBe("f1Macro");
    expect(createMetric({ name: "f1", threshold: 0.3, as: "f1At03" }).name).toBe("f1At03");
    expect(metricNames.filter((name) => createMetric(name).mode === "min")).toEqual([
      "hammingLoss",
      "logLoss",
      "binaryLogLoss",
      "meanSquaredError",
      "meanAbsoluteError",
      "falsePositives",
      "falseNegatives",
    ]);
  });

  it("is 0 before the first batch; only a grouping of nothing is perfect, as with scikit-learn", () => {
    const results = metricNames.map((name) => [name, createMetric(name).result()] as const);
    expect(results.filter(([, result]) => result !== 0)).toEqual([
      ["homogeneity", 1],
      ["completeness", 1],
      ["vMeasure", 1],
    ]);
  });

  const sparseOnly = "sparseCategoricalAccuracy";
  it.each(metricNames.filter((name) => name !== sparseOnly))(
    "%s tells NaN where there was one, until its reset",
    (name) => {
      const fine = [
        [1, 0],
        [0, 1],
      ];
      for (const [yTrue, yPred] of [
        [[[0, 1]], [[Number.NaN, 1]]],
        [[[Number.NaN, 1]], [[0, 1]]],
      ] as const) {
        const metric = createMetric(name);
        metric.update(fine, fine);
        expect(metric.result()).not.toBeNaN();
        metric.update(yTrue, yPred);
        metric.update(fine, fine);
        expect(metric.result()).toBeNaN();
        const other = createMetric(name);
        other.update(fine, fine);
        other.merge(metric.state());
        expect(other.result()).toBeNaN();
        metric.reset();
        metric.update(fine, fine);
        expect(metric.result()).not.toBeNaN();
      }
    },
  );
});

describe("what does not fit is refused", () => {
  it.each([
    [[[1, 0]], [[1, 0, 0]], "yTrue is 1 × 2 and yPred is 1 × 3. Give both the same shape, or class numbers as yTrue."],
    [[0, 1, 1], [1, 0], "yTrue is 3 × 1 and yPred is 2 × 1."],
    [[2], [[0.5, 0.5]], "yTrue has 2 in row 0, but yPred scores the classes 0 to 1."],
    [[[1], [1, 0]], [[1], [0]], "Row 1 of yTrue is not an array of 1 numbers as row 0 is."],
    [{ data: [1, 2], shape: [3] }, [1, 2, 3], "yTrue has 2 values, but its shape [3] has 3."],
    [[0, 2], [0, 1], "yTrue has 2 in row 1, but labels are 0 and 1 here."],
    [["1", 0], [1, 0], 'There is "1" for yTrue in row 0. Give numbers.'],
    [[[1, 0]], [[null, 0]], "There is null for yPred in row 0, column 0. Give numbers."],
    [[1, [1]], [1, 1], "There is [ 1 ] for yTrue in row 1. Give numbers."],
    ["01", [1, 2], "yTrue is a string. Give { data, shape }, an array of rows, or an array of numbers."],
  ])("%j beside %j", (yTrue, yPred, message) => {
    expect(() => createMetric("accuracy").update(yTrue as number[], yPred as number[])).toThrowError(message);
  });

  it("weights that are not one per row, and batches of another width", () => {
    const metric = createMetric("f1");
    expect(() => metric.update([0, 1], [0, 1], [1])).toThrowError("There are 1 weights for 2 rows.");
    expect(() => metric.update([0, 1], [0, 1], [1, Number.NaN])).toThrowError(
      "The weight of row 1 is NaN. Give numbers.",
    );
    metric.update([[0, 1]], [[0, 1]]);
    expect(() => metric.update([[0, 1, 1]], [[0, 1, 1]])).toThrowError(
      "This batch has 3 values per row, but those before had 2.",
    );
  });

  it.each([
    ["binaryAccuracy", [1], [[0.1, 0.9]], "yTrue holds class numbers; this metric compares value by value."],
    ["sparseCategoricalAccuracy", [1], [0.9], "sparseCategoricalAccuracy needs a class number per row as yTrue"],
  ] as const)("%s of the other kind of targets", (name, yTrue, yPred, message) => {
    expect(() => createMetric(name).update(yTrue, yPred)).toThrowError(message);
  });

  it.each(["precision", "auc", "binaryAccuracy", "subsetAccuracy", "hammingLoss", "vMeasure"] as const)(
    "%s of class numbers, which are not yes or no",
    (name) => {
      expect(() => createMetric(name).update([0, 1, 2], [0, 1, 1])).toThrowError("yTrue has 2 in row 2");
    },
  );

  it.each(["f1Samples", "aucSamples"] as const)("%s of one label", (name) => {
    expect(() => resultOf(name, { yTrue: [0, 1], yPred: [0, 1] })).toThrowError("cannot be averaged over samples");
  });

  it.each([
    ["f2", "FLOCK_ML_SCORER", 'There is no metric "f2". Known: accuracy, '],
    ["toString", "FLOCK_ML_SCORER", 'There is no metric "toString".'],
    [{ name: "f1", threshhold: 1 }, "FLOCK_OPTION_INVALID", 'A metric has no option "threshhold".'],
    [{ name: "f1", threshold: "1" }, "FLOCK_OPTION_INVALID", 'threshold is "1", not a number.'],
    [
      { name: "f1", average: "binary" },
      "FLOCK_OPTION_INVALID",
      'average is "binary". Known: macro, micro, weighted, samples.',
    ],
    [{ name: "f1Macro", average: "micro" }, "FLOCK_OPTION_INVALID", '"f1Macro" takes no average.'],
    [{ name: "accuracy", average: "micro" }, "FLOCK_OPTION_INVALID", '"accuracy" takes no average.'],
    [{ name: "f1", as: 1 }, "FLOCK_OPTION_INVALID", "as is 1, not a text."],
    [null, "FLOCK_OPTION_INVALID", "A metric is a name or"],
  ])("createMetric(%j)", (metric, code, message) => {
    expect(() => createMetric(metric as MetricName)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
