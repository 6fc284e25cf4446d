import { describe, expect, it } from "vitest";
import {
  type Average,
  accuracyScore,
  averagePrecisionScore,
  balancedAccuracyScore,
  classificationReport,
  confusionMatrix,
  createTableMetric,
  f1Score,
  formatClassificationReport,
  hammingLoss,
  type LabelConfusion,
  logLoss,
  meanSquaredError,
  multilabelConfusionMatrix,
  precisionScore,
  r2Score,
  recallScore,
  rocAucScore,
  type TensorLike,
  vMeasureScores,
} from "../../src/index.ts";
import { metricsReference } from "./reference.ts";

const { multilabel, classes, labels, binary } = metricsReference;
const averages = ["macro", "micro", "weighted", "samples"] as const;
const nameWith = (base: string, average: Average): string => base + average.charAt(0).toUpperCase() + average.slice(1);
/** scikit-learn's two by two tables. */
const asTables = (found: readonly LabelConfusion[]): number[][][] =>
  found.map((one) => [
    [one.trueNegatives, one.falsePositives],
    [one.falseNegatives, one.truePositives],
  ]);

describe("scores of rows with several labels equal scikit-learn's", () => {
  const cases = multilabel.flatMap(({ true: yTrue, weights, at }, set) =>
    at.map((one) => ({ set, yTrue, weights, ...one })),
  );

  it.each(cases)("set $set at $threshold", ({ yTrue, predicted, weights, scores, confusion }) => {
    for (const average of averages) {
      const options = { average, ...(weights && { weights }) };
      expect(f1Score(yTrue, predicted, options)).toBeCloseTo(scores[nameWith("f1", average)] ?? Number.NaN, 12);
      expect(recallScore(yTrue, predicted, options)).toBeCloseTo(scores[nameWith("recall", average)] ?? Number.NaN, 12);
      expect(precisionScore(yTrue, predicted, options)).toBeCloseTo(
        scores[nameWith("precision", average)] ?? Number.NaN,
        12,
      );
    }
    if (weights === null) {
      expect(accuracyScore(yTrue, predicted)).toBeCloseTo(scores["subsetAccuracy"] ?? Number.NaN, 12);
      expect(hammingLoss(yTrue, predicted)).toBeCloseTo(scores["hammingLoss"] ?? Number.NaN, 12);
    }
    const found = asTables(multilabelConfusionMatrix(yTrue, predicted, weights ?? undefined));
    for (const [at, table] of confusion.entries()) {
      expect(found[at]?.flat()).toEqual(table.flat().map((value) => expect.closeTo(value, 10)));
    }
  });

  it.each(cases)("the report's numbers, set $set at $threshold", ({ yTrue, predicted, weights, reportData }) => {
    const names = yTrue[0]?.map((_, at) => `tag ${at}`) ?? [];
    const report = classificationReport(yTrue, predicted, { names, ...(weights && { weights }) });
    const rows = {
      ...Object.fromEntries(report.labels.map(({ label, ...row }) => [label, row])),
      "micro avg": report.micro,
      "macro avg": report.macro,
      "weighted avg": report.weighted,
      "samples avg": report.samples,
    };
    expect(Object.keys(rows)).toEqual(Object.keys(reportData));
    for (const [name, { precision, recall, "f1-score": f1, support }] of Object.entries(reportData)) {
      expect(rows[name as "micro avg"], name).toEqual({
        precision: expect.closeTo(precision, 12),
        recall: expect.closeTo(recall, 12),
        f1: expect.closeTo(f1, 12),
        support: expect.closeTo(support, 10),
      });
    }
    expect(report.accuracy).toBeNull();
  });

  it.each(cases.filter(({ weights }) => weights === null))("the report as text, set $set at $threshold", (one) => {
    const names = one.yTrue[0]?.map((_, at) => `tag ${at}`) ?? [];
    expect(`${formatClassificationReport(classificationReport(one.yTrue, one.predicted, { names }))}\n`).toBe(
      one.report,
    );
  });

  it("refuses a binary average of them, and an average over samples of single labels", () => {
    expect(() => f1Score([[1, 0]], [[1, 1]])).toThrowError(
      "A binary score needs one label per row, but there are several. Use the macro, micro or weighted average.",
    );
    expect(() => f1Score([1, 0], [1, 1], { average: "samples" })).toThrowError("needs rows of several labels");
  });
});

describe("scores of probabilities equal scikit-learn's", () => {
  it.each([...multilabel.entries()])("multi-label set %i", (_, { true: yTrue, scores, weights, ranks }) => {
    for (const average of averages) {
      const options = { average, ...(weights && { weights }) };
      expect(rocAucScore(yTrue, scores, options)).toBeCloseTo(ranks[nameWith("auc", average)] ?? Number.NaN, 12);
      const expected = ranks[nameWith("averagePrecision", average)] ?? Number.NaN;
      expect(averagePrecisionScore(yTrue, scores, options)).toBeCloseTo(expected, 12);
    }
    const macro = weights ? { weights } : {};
    expect(rocAucScore(yTrue, scores, macro)).toBeCloseTo(ranks["aucMacro"] ?? Number.NaN, 12);
  });

  it.each([...binary.entries()])("binary set %i", (_, { true: yTrue, scores, weights, found }) => {
    expect(rocAucScore(yTrue, scores, weights ? { weights } : {})).toBeCloseTo(found["auc"] ?? Number.NaN, 12);
    expect(logLoss(yTrue, scores, weights ?? undefined)).toBeCloseTo(found["logLoss"] ?? Number.NaN, 12);
  });

  it("in the precision of tensors, too: a certain wrong answer costs what scikit-learn's does", () => {
    const tensor = (values: number[]): TensorLike => ({ data: Float32Array.from(values), shape: [values.length] });
    expect(logLoss(tensor([0, 1]), tensor([1, 1]))).toBeCloseTo(-Math.log(2 ** -23) / 2, 6);
  });
});

describe("scores of single labels equal scikit-learn's", () => {
  it.each([...labels.entries()])("set %i", (_, { true: yTrue, predicted, confusion, report, report4, ...scores }) => {
    expect(hammingLoss(yTrue, predicted)).toBeCloseTo(scores.hammingLoss, 12);
    const { homogeneity, completeness, vMeasure } = scores;
    const found = vMeasureScores(yTrue, predicted);
    expect(found.homogeneity).toBeCloseTo(homogeneity, 12);
    expect(found.completeness).toBeCloseTo(completeness, 12);
    expect(found.vMeasure).toBeCloseTo(vMeasure, 12);
    expect(asTables(multilabelConfusionMatrix(yTrue, predicted))).toEqual(confusion);
    const ours = classificationReport(yTrue, predicted);
    expect(`${formatClassificationReport(ours)}\n`).toBe(report);
    expect(`${formatClassificationReport(ours, { digits: 4 })}\n`).toBe(report4);
  });

  it("refuses labels that are not as many, and names that are not one per label", () => {
    expect(() => hammingLoss([1, 0], [1])).toThrowError("yTrue has 2 labels and yPred 1.");
    expect(() => classificationReport([1, 0], [1, 0], { names: ["no"] })).toThrowError(
      "There are 1 names for 2 labels.",
    );
    expect(() => classificationReport([1, 0], [1, 0], { weights: [1] })).toThrowError(
      "There are 1 weights for 2 rows.",
    );
  });

  it("rounds what is exactly between as Python does", () => {
    const report = classificationReport([1, 1, 1, 1, 1, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(formatClassificationReport(report)).toContain("1       1.00      0.12      0.22         8");
  });
});

describe("tables over batches", () => {
  it.each([...classes.entries()])("count classes as scikit-learn does, set %i", (_, set) => {
    const table = createTableMetric("confusionMatrix");
    for (let from = 0; from < set.true.length; from += 9) {
      table.update(set.true.slice(from, from + 9), set.scores.slice(from, from + 9));
    }
    expect(table.result()).toEqual(set.confusion);
    const names = set.confusion.map((_row, at) => `class ${at}`);
    const predicted = set.scores.map((row) => row.indexOf(Math.max(...row)));
    const report = classificationReport(set.true, predicted, { names });
    expect(`${formatClassificationReport(report)}\n`).toBe(set.report);
  });

  it.each([...multilabel.entries()])(
    "tell each label, multi-label set %i",
    (_, { true: yTrue, scores, weights, at }) => {
      const confusion = createTableMetric("multilabelConfusionMatrix", { threshold: 0.3 });
      const report = createTableMetric("classificationReport", { threshold: 0.3 });
      for (let from = 0; from < yTrue.length; from += 11) {
        for (const metric of [confusion, report]) {
          const to = from + 11;
          metric.update(yTrue.slice(from, to), scores.slice(from, to), weights?.slice(from, to));
        }
      }
      const expected = at.find(({ threshold }) => threshold === 0.3);
      const counted = asTables(confusion.result()).flat(2);
      expect(counted).toEqual(expected?.confusion.flat(2).map((value) => expect.closeTo(value, 10)));
      expect(report.result().macro.f1).toBeCloseTo(expected?.scores["f1Macro"] ?? Number.NaN, 12);
      expect(report.result().labels).toHaveLength(yTrue[0]?.length ?? 0);
    },
  );
});

describe("scores of labels refuse", () => {
  const scores = {
    accuracyScore,
    balancedAccuracyScore,
    hammingLoss,
    precisionScore,
    f1Score,
    confusionMatrix,
    vMeasureScores,
    meanSquaredError,
    r2Score,
  };
  const given: readonly (readonly [string, unknown, unknown])[] = [
    ["labels of other length", [1, 0, 1], [1, 0]],
    ["nothing at all", undefined, [1, 0]],
    ["what is no label", [1, null], [1, 0]],
    ["numbers beside rows", [1, 0], [[1], [0, 1]]],
  ];
  it.each(Object.entries(scores).flatMap(([name, score]) => given.map((one) => [name, one[0], score, one] as const)))(
    "%s: %s",
    (_name, _what, score, [, yTrue, yPred]) => {
      expect(() => score(yTrue as number[], yPred as number[])).toThrowError(
        expect.objectContaining({ code: "FLOCK_ML_INPUT" }),
      );
    },
  );

  it("strings in place of numbers, weights that are none, averages that there are not", () => {
    expect(() => meanSquaredError(["1"], ["2"])).toThrowError("This score is of numbers.");
    expect(() => f1Score([1, 0], [1, 0], { weights: [1, Number.NaN] })).toThrowError("The weight of row 1 is NaN.");
    expect(() => f1Score([1, 0], [1, 0], { average: "makro" as "macro" })).toThrowError(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining('average is "makro"') }),
    );
  });
});
