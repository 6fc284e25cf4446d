import { describe, expect, it } from "vitest";
import { formatThresholdTable, thresholdTable } from "../../src/index.ts";
import { metricsReference } from "./reference.ts";

const texts = ["how to sort a list", "async await in c#\n  with tasks", "nothing"];
const yTrue = { data: Uint8Array.of(1, 0, 1, 0, 1, 0, 0, 0, 0), shape: [3, 3] };
const yPred = { data: Float32Array.of(0.9, 0.2, 0.4, 0.35, 0.8, 0.1, 0.3, 0.3, 0.3), shape: [3, 3] };
const tags = ["python", "c#", "list"];

describe("thresholdTable", () => {
  it("tells tags of each row at each threshold, in alphabetical order", () => {
    const table = thresholdTable(texts, yTrue, yPred, { tags, thresholds: [0.3, 0.5] });
    expect(table.rows).toEqual([
      { text: texts[0], predicted: [["list", "python"], ["python"]], actual: ["list", "python"] },
      { text: texts[1], predicted: [["c#", "python"], ["c#"]], actual: ["c#"] },
      // The tensor's 0.3 is a little above the number 0.3.
      { text: "nothing", predicted: [["c#", "list", "python"], []], actual: [] },
    ]);
    expect(table.thresholds.map(({ threshold, subsetAccuracy }) => [threshold, subsetAccuracy])).toEqual([
      [0.3, 1 / 3],
      [0.5, 2 / 3],
    ]);
  });

  it("scores each threshold as scikit-learn does", () => {
    const [set] = metricsReference.multilabel;
    if (set === undefined) throw new Error("no reference");
    const names = ["a", "b", "c", "d", "e"];
    const posts = set.true.map((_, row) => `post ${row}`);
    const table = thresholdTable(posts, set.true, set.scores, {
      tags: names,
      thresholds: set.at.map(({ threshold }) => threshold),
      rows: 7,
    });
    expect(table.rows).toHaveLength(7);
    for (const [at, { scores }] of set.at.entries()) {
      const found = table.thresholds[at];
      expect(found?.precision).toBeCloseTo(scores["precisionMicro"] ?? Number.NaN, 12);
      expect(found?.recall).toBeCloseTo(scores["recallMicro"] ?? Number.NaN, 12);
      expect(found?.f1).toBeCloseTo(scores["f1Micro"] ?? Number.NaN, 12);
      expect(found?.subsetAccuracy).toBeCloseTo(scores["subsetAccuracy"] ?? Number.NaN, 12);
    }
  });

  it("shows a thousand rows unless told otherwise, and half as the threshold", () => {
    const many = Array.from({ length: 1200 }, (_, row) => `post ${row}`);
    const zeros = { data: new Float32Array(1200), shape: [1200, 1] };
    const table = thresholdTable(many, zeros, zeros, { tags: ["t"] });
    expect([table.rows.length, table.thresholds.map(({ threshold }) => threshold)]).toEqual([1000, [0.5]]);
  });

  it("refuses class numbers: every tag is right or wrong by itself", () => {
    expect(() => thresholdTable(["a"], [2], [[0.1, 0.2, 0.7]], { tags })).toThrowError("yTrue holds class numbers");
  });

  it.each([
    [["a"], tags, undefined, "There are 1 texts for 3 rows."],
    [texts, ["python"], undefined, "There are 1 tags for 3 columns."],
    [texts, tags, [], "options.thresholds is no array of at least one, such as [0.5]."],
    [texts, tags, 0.5 as never, "options.thresholds is no array of at least one, such as [0.5]."],
    ["text", tags, undefined, "The texts are a string. Give an array of texts."],
    [texts, undefined, undefined, "options.tags is undefined. Give the names of the columns."],
  ])("refuses %j with tags %j and thresholds %j", (given, names, thresholds, message) => {
    const options = { tags: names as string[], ...(thresholds && { thresholds }) };
    expect(() => thresholdTable(given as string[], yTrue, yPred, options)).toThrowError(message);
  });

  it("refuses to take fewer than no rows, and to do without options", () => {
    expect(() => thresholdTable(texts, yTrue, yPred, { tags, rows: -1 })).toThrowError("options.rows is -1.");
    expect(() => thresholdTable(texts, yTrue, yPred, undefined as never)).toThrowError("the options are undefined.");
  });
});

describe("formatThresholdTable", () => {
  it("lays out the scores, then the rows", () => {
    const table = thresholdTable(texts, yTrue, yPred, { tags, thresholds: [0.25, 0.5] });
    expect(formatThresholdTable(table, { rows: 2, width: 20 })).toBe(
      [
        "threshold  precision  recall      f1  subset accuracy",
        "─────────  ─────────  ──────  ──────  ───────────────",
        "     0.25     0.4286  1.0000  0.6000           0.3333",
        "      0.5     1.0000  0.6667  0.8000           0.6667",
        "",
        "text                  above 0.25   above 0.5  actual tags",
        "────────────────────  ───────────  ─────────  ───────────",
        "how to sort a list    list python  python     list python",
        "async await in c# w…  c# python    c#         c#",
        "… and 1 rows more",
      ].join("\n"),
    );
  });
});
