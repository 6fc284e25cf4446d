// What a client told of a search becomes the table that people know, and its CSV.
import { describe, expect, it } from "vitest";
import { csvText } from "../../server/details/csv.ts";
import { searchCsv } from "../../server/details/search-csv.ts";
import { type SearchTable, searchTable } from "../../server/details/search-table.ts";
import { candidate, folds, itemsOf, search } from "./detail-items.ts";

const tableOf = (...entries: Parameters<typeof itemsOf>[0]): SearchTable => {
  const table = searchTable(itemsOf(entries));
  if (table === null) throw new Error("no table");
  return table;
};

describe("the table of a search", () => {
  it("has mean and spread of the folds as scikit-learn has them", () => {
    const table = tableOf(search(["C"]), candidate(0, [10]), ...folds(0, [0.5, 0.75, 1]));
    expect(table.rows).toHaveLength(1);
    const [row] = table.rows;
    expect(row).toMatchObject({ candidate: 0, values: [10], state: "done", means: [0.75], ranks: [1], endedAt: 5e6 });
    // numpy.std([0.5, 0.75, 1])
    expect(row?.spreads[0]).toBeCloseTo(0.2041241452319315, 15);
    expect(row).toMatchObject({ fitSeconds: 1.5, scoreSeconds: 0.25 });
  });

  it("ranks equal means alike, with the smallest rank, and those without a score last", () => {
    const scores = [
      [0.5, 0.5, 0.5],
      [0.9, 0.9, 0.9],
      [0.9, 0.9, 0.9],
      [0.7, 0.7, 0.7],
      [0.9, null, 0.9],
    ];
    const entries = scores.flatMap((row, at) => [candidate(at, [at]), ...folds(at, row)]);
    const table = tableOf(search(["C"]), ...entries);
    expect(table.rows.map(({ ranks }) => ranks[0])).toEqual([4, 1, 1, 3, 5]);
    expect(table.rows[4]?.means).toEqual([null]);
    const least = tableOf(search(["C"], { mode: "min" }), ...entries);
    expect(least.rows.map(({ ranks }) => ranks[0])).toEqual([1, 3, 3, 2, 5]);
  });

  it("fills in while folds end", () => {
    const [first, second] = folds(1, [0.25, 0.75]);
    const table = tableOf(search(["C"]), candidate(0, [1]), candidate(1, [2]), first!, second!);
    expect(table.rows.map(({ state }) => state)).toEqual(["waiting", "running"]);
    expect(table.rows[0]).toMatchObject({ means: [null], fitSeconds: null, ranks: [null], endedAt: null });
    expect(table.rows[1]).toMatchObject({ means: [0.5], ranks: [null], endedAt: null });
    expect(table).toMatchObject({ foldsDone: 2, bestSoFar: [], chosen: null });
  });

  it("keeps what folds failed with", () => {
    const table = tableOf(search(["C"]), candidate(0, [1]), ...folds(0, [null, null, null], "C must be above 0"));
    expect(table.rows[0]).toMatchObject({ state: "failed", means: [null], ranks: [1] });
    expect(table.rows[0]?.folds[2]?.error).toBe("C must be above 0");
  });

  it("tells the best so far", () => {
    const entries = [0.5, 0.7, 0.6, 0.8].flatMap((score, at) => [
      candidate(at, [at]),
      ...folds(at, [score, score, score]),
    ]);
    const { bestSoFar, chosen } = tableOf(search(["C"]), ...entries, { e: "best", candidate: 3, refitSeconds: 1 });
    expect(bestSoFar.map(({ candidate, at }) => [candidate, at])).toEqual([
      [0, 5e6],
      [1, 9e6],
      [3, 17e6],
    ]);
    expect(chosen).toEqual({ candidate: 3, refitSeconds: 1 });
  });

  it("gives a fold to the round that its candidate was in last", () => {
    const table = tableOf(
      search(["C"], { folds: 1 }),
      ...[candidate(0, [1], 0, 20), ...folds(0, [0.5]), candidate(1, [2], 0, 20), ...folds(1, [0.6])],
      ...[candidate(1, [2], 1, 60), ...folds(1, [0.8])],
    );
    expect(table.rows.map(({ candidate, round, resources, means }) => [candidate, round, resources, means[0]])).toEqual(
      [
        [0, 0, 20, 0.5],
        [1, 0, 20, 0.6],
        [1, 1, 60, 0.8],
      ],
    );
    expect(table.isComparable).toBe(false);
  });

  it("shows what is left when the beginning is forgotten", () => {
    expect(searchTable([])).toBeNull();
    const table = tableOf(candidate(4, [10, "rbf"]), ...folds(4, [0.5, 0.5]), ...folds(3, [0.25, 0.25]));
    expect(table).toMatchObject({ parameters: ["parameter 1", "parameter 2"], scorings: ["score"], folds: 2 });
    expect(table.rows.map(({ values, means }) => [values, means[0]])).toEqual([
      [[], 0.25],
      [[10, "rbf"], 0.5],
    ]);
  });
});

describe("the CSV of a search", () => {
  it("has a line for each candidate, numbers exactly", () => {
    const table = tableOf(search(["C", "kernel"]), candidate(0, [0.1, "rbf"]), ...folds(0, [0.1, 0.2, 0.3]));
    expect(searchCsv(table)).toBe(
      [
        "candidate,state,param_C,param_kernel,mean_test_score,std_test_score,rank_test_score,split0_test_score," +
          "split1_test_score,split2_test_score,mean_fit_seconds,std_fit_seconds,mean_score_seconds,error",
        "0,done,0.1,rbf,0.20000000000000004,0.0816496580927726,1,0.1,0.2,0.3,1.5,0.816496580927726,0.25,",
        "",
      ].join("\r\n"),
    );
  });

  it("has rounds where there are some, and empty cells where there is nothing", () => {
    const table = tableOf(search(["C"], { folds: 2 }), candidate(0, [null], 1, 60), ...folds(0, [null], "lost"));
    const [heading, line] = searchCsv(table).split("\r\n");
    expect(heading).toMatch(/^candidate,round,resources,state,param_C,mean/);
    expect(line).toBe("0,1,60,running,,,,,,,0.5,0,0.25,fold 0: lost");
  });

  it("lets no text be a formula, nor break out of its cell", () => {
    const hostile = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\tx", 'a"b', "a,b", "two\nlines", "plain"];
    const text = csvText(
      ["=heading"],
      hostile.map((cell) => [cell]),
    );
    expect(text).toBe(
      [
        "'=heading",
        ...["'=cmd|' /C calc'!A0", "'+1", "'-2+3", "'@SUM(A1)", "'\tx", '"a""b"', '"a,b"', '"two\nlines"', "plain"],
        "",
      ].join("\r\n"),
    );
    expect(csvText(["n"], [[-0.5], [1e-300], [Number.NaN], [true], [null]])).toBe(
      "n\r\n-0.5\r\n1e-300\r\n\r\ntrue\r\n\r\n",
    );
  });
});
