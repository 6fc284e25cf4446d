// Question 8: which candidate leads, and by how much? And what the pictures of a search are made of.
import { describe, expect, it } from "vitest";
import { type SearchTable, searchTable } from "../../server/details/search-table.ts";
import { heatMap } from "../../web/pages/searches/heat-map.ts";
import { figure, leaderSentence, valueText } from "../../web/pages/searches/leader.ts";
import { parallel } from "../../web/pages/searches/parallel.ts";
import {
  bestOverTime,
  byStanding,
  foldErrors,
  progressSentence,
  rounds,
  varied,
} from "../../web/pages/searches/searches-model.ts";
import { candidate, folds, itemsOf, search } from "./detail-items.ts";

const tableOf = (...entries: Parameters<typeof itemsOf>[0]): SearchTable => {
  const table = searchTable(itemsOf(entries));
  if (table === null) throw new Error("no table");
  return table;
};
const spreadOut = (middle: number, by: number): number[] => [middle - by, middle, middle + by];

/** C and gamma, nine candidates; C=10, gamma=0.001 is the best. */
const grid = tableOf(
  search(["C", "gamma"]),
  ...[1, 10, 100].flatMap((C, x) =>
    [0.0001, 0.001, 0.01].flatMap((gamma, y) => {
      const at = 3 * x + y;
      const middle = 0.99 - 0.01 * Math.abs(C - 10) ** 0.25 - 0.02 * Math.abs(y - 1);
      return [candidate(at, [C, gamma]), ...folds(at, spreadOut(middle, 0.001))];
    }),
  ),
);

describe("who leads a search", () => {
  const two = (...more: Parameters<typeof itemsOf>[0]): SearchTable =>
    tableOf(
      search(["C", "gamma"]),
      ...[candidate(0, [10, 0.001]), ...folds(0, spreadOut(0.9911, 0.0039192))],
      ...[candidate(1, [1, 0.001]), ...folds(1, spreadOut(0.99, 0.001))],
      ...more,
    );

  it("says who, with what, and how far ahead, against the folds' spread", () => {
    expect(leaderSentence(two())).toBe(
      "C=10, gamma=0.001 leads with 0.9911 ± 0.0032, 0.0011 ahead of the second: within the folds' spread.",
    );
    expect(leaderSentence(grid)).toMatch(
      /^C=10, gamma=0.001 leads with 0.9900 ± 0.0008, 0.0173 ahead of the second: more than the folds' spread.$/,
    );
    expect(leaderSentence(two({ e: "best", candidate: 0, refitSeconds: null }))).toMatch(/^C=10.* is the best with/);
  });

  it("says when there is nobody yet, or only one, or several", () => {
    expect(leaderSentence(tableOf(search(["C"]), candidate(0, [1])))).toBe("No scores yet.");
    const begun = [candidate(0, [1]), candidate(1, [2]), ...folds(0, [0.5, 0.5])];
    expect(leaderSentence(tableOf(search(["C"]), ...begun))).toBe(
      "No candidate has all its 3 fold scores yet; 2 have come.",
    );
    expect(leaderSentence(tableOf(search(["C"], { folds: 2 }), ...begun))).toBe(
      "C=1 leads with 0.5000 ± 0.0000; no other candidate is through yet.",
    );
    const tie = [candidate(0, [1]), ...folds(0, [1, 1]), candidate(1, [2]), ...folds(1, [1, 1])];
    expect(leaderSentence(tableOf(search(["C"], { folds: 2 }), ...tie))).toBe(
      "C=1 and C=2 lead together with 1.0000 ± 0.0000.",
    );
    const failed = [candidate(0, [1]), ...folds(0, [null, null, null], "bad")];
    expect(leaderSentence(tableOf(search(["C"]), ...failed))).toContain("None of the 1 candidates");
  });

  it("takes a loss as better when it is lower, and names no spread of one score", () => {
    const head = search(["units"], { mode: "min", scorings: ["valLoss"], folds: 1 });
    const trained = { e: "training", trial: 0, model: "", parameters: 1, epochs: 9, samples: 9, workers: 1 } as const;
    const rows = [candidate(0, [8], 0, 3), ...folds(0, [0.5]), candidate(1, [16], 0, 3), ...folds(1, [0.25])];
    expect(leaderSentence(tableOf(head, trained, ...rows))).toBe(
      "units=16 leads with 0.2500, 0.2500 below the second.",
    );
  });

  it("compares rounds of halving only where that means something", () => {
    const rows = [
      ...[candidate(0, [1], 0, 20), ...folds(0, [0.9]), candidate(1, [2], 0, 20), ...folds(1, [0.7])],
      ...[candidate(1, [2], 1, 60), ...folds(1, [0.8])],
    ];
    expect(leaderSentence(tableOf(search(["C"], { folds: 1 }), ...rows))).toMatch(/^C=2 leads with 0.8000;/);
    const trained = { e: "training", trial: 0, model: "", parameters: 1, epochs: 9, samples: 9, workers: 1 } as const;
    expect(leaderSentence(tableOf(search(["C"], { folds: 1 }), trained, ...rows))).toBe(
      "C=1 leads with 0.9000, 0.1000 ahead of the second.",
    );
  });

  it("writes figures as people read them", () => {
    expect([0.99114, 0.00001234, 1.4e-17, 1234.56, 2.5e7, null].map(figure)).toEqual([
      ...["0.9911", "1.2e-5", "0.0000", "1234.6", "2.500e+7", "–"],
    ]);
    expect([0.0123456789, 10, "rbf", true, null].map(valueText)).toEqual(["0.012346", "10", "rbf", "true", "–"]);
  });
});

describe("the leaderboard", () => {
  const table = tableOf(
    search(["C"], { total: 5 }),
    ...[candidate(0, ["b"]), candidate(1, [10]), ...folds(1, [0.5, 0.5, 0.5]), candidate(2, [9])],
    ...[...folds(2, [0.75, 0.75, 0.75]), candidate(3, [null]), ...folds(3, [null, null, null], "bad")],
  );

  it("is by rank; those that are not through come last", () => {
    expect(byStanding(table, 0).map((row) => row.candidate)).toEqual([2, 1, 3, 0]);
    expect(varied(table)).toEqual([0]);
  });

  it("gathers what folds failed with", () => {
    expect(foldErrors(table)).toEqual([{ text: "bad", first: "candidate 3, fold 0", count: 3 }]);
  });

  it("says how far it is", () => {
    expect(progressSentence(table)).toBe("3 of 5 candidates through, 1 with errors");
  });

  it("tells the best over time up to now", () => {
    const rows = [candidate(0, [1]), ...folds(0, [0.5]), candidate(1, [2]), ...folds(1, [0.75]), candidate(2, [3])];
    const items = itemsOf([search(["C"], { folds: 1 }), ...rows]);
    expect(bestOverTime(searchTable(items)!, items)).toEqual({ at: [2, 4, 4, 5], score: [0.5, 0.5, 0.75, 0.75] });
  });

  it("sums up rounds", () => {
    expect(rounds(table, 0)).toEqual([]);
    const halving = tableOf(
      search(["C"], { folds: 1 }),
      ...[candidate(0, [1], 0, 20), ...folds(0, [0.5]), candidate(1, [2], 0, 20), ...folds(1, [0.6])],
      candidate(1, [2], 1, 60),
    );
    expect(rounds(halving, 0)).toEqual([
      { round: 0, resources: 20, candidates: 2, done: 2, best: 0.6 },
      { round: 1, resources: 60, candidates: 1, done: 0, best: null },
    ]);
    expect(progressSentence(halving)).toBe("2 trials of 2 candidates through");
  });
});

describe("the heat map", () => {
  it("has a cell for each pair of values, the best the strongest", () => {
    const map = heatMap(grid, { across: 0, down: 1, fixed: new Map(), scoring: 0 });
    expect(map.columns).toEqual(["1", "10", "100"]);
    expect(map.rows).toEqual(["0.0001", "0.001", "0.01"]);
    expect(map.cells[1]?.[1]).toMatchObject({ level: 1, candidates: 1, text: "C=10, gamma=0.001: 0.9900" });
    expect(map.cells.flat().filter((cell) => cell?.level === 0)).toHaveLength(2);
  });

  it("takes the best over other parameters, or those that are fixed", () => {
    const cells = [
      ...[candidate(0, [1, 1, "a"]), ...folds(0, [0.5, 0.5, 0.5])],
      ...[candidate(1, [1, 1, "b"]), ...folds(1, [0.75, 0.75, 0.75]), candidate(2, [2, 2, "a"])],
    ];
    const table = tableOf(search(["x", "y", "kind"]), ...cells);
    const free = heatMap(table, { across: 0, down: 1, fixed: new Map(), scoring: 0 });
    expect(free.cells[0]?.[0]).toMatchObject({ score: 0.75, candidates: 2 });
    expect(free.cells[0]?.[1]).toBeNull();
    expect(free.cells[1]?.[1]).toMatchObject({ score: null, text: "x=2, y=2, kind=a: no score yet" });
    const fixed = heatMap(table, { across: 0, down: 1, fixed: new Map([[2, "a"]]), scoring: 0 });
    expect(fixed.cells[0]?.[0]).toMatchObject({ score: 0.5, candidates: 1 });
  });

  it("puts very many numbers into bins", () => {
    const drawn = Array.from({ length: 100 }, (_, at) => [
      candidate(at, [10 ** (at / 25 - 2), at]),
      ...folds(at, [at, at, at]),
    ]).flat();
    const map = heatMap(tableOf(search(["C", "n"]), ...drawn), { across: 0, down: 1, fixed: new Map(), scoring: 0 });
    expect(map.columns).toHaveLength(12);
    expect(map.rows).toHaveLength(12);
    expect(map.cells.flat().reduce((sum, cell) => sum + (cell?.candidates ?? 0), 0)).toBe(100);
    expect(map.cells[11]?.[11]).toMatchObject({ level: 1 });
  });
});

describe("parallel coordinates", () => {
  it("has an axis for each parameter that differs, and one for the score", () => {
    const rows = [
      ...[candidate(0, [1, "a", 5]), ...folds(0, [0.5, 0.5, 0.5])],
      ...[candidate(1, [1000, "b", 5]), ...folds(1, [1, 1, 1]), candidate(2, [10, "a", 5])],
    ];
    const { axes, lines } = parallel(tableOf(search(["C", "kernel", "same"]), ...rows), 0);
    expect(axes.map(({ name }) => name)).toEqual(["C", "kernel", "score"]);
    expect(axes[1]?.ticks).toEqual([
      { label: "a", place: 0 },
      { label: "b", place: 1 },
    ]);
    expect(lines).toEqual([
      { candidate: 0, places: [0, 0, 0], level: 0, text: "C=1, kernel=a, same=5: 0.5000" },
      { candidate: 1, places: [1, 1, 1], level: 1, text: "C=1000, kernel=b, same=5: 1.0000" },
    ]);
  });
});
