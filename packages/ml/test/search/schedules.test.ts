// Schedules against the published tables, and against scikit-learn's (test/data/make_halving.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type HalvingPlan, halvingSchedule, hyperbandBrackets, type Rung } from "../../src/index.ts";

interface Reference {
  readonly schedules: readonly { readonly plan: HalvingPlan; readonly rungs: readonly Rung[] }[];
}
const reference = JSON.parse(readFileSync(new URL("../data/halving.json", import.meta.url), "utf8")) as Reference;

describe("halvingSchedule", () => {
  it.each(reference.schedules)("is scikit-learn's for $plan", ({ plan, rungs }) => {
    expect(halvingSchedule(plan)).toEqual(rungs);
  });

  it("counts whole powers of the factor as they are", () => {
    const rungs = halvingSchedule({ candidates: 243, minResources: 1, maxResources: 243 });
    expect(rungs.map(({ candidates }) => candidates)).toEqual([243, 81, 27, 9, 3, 1]);
    expect(rungs.map(({ resources }) => resources)).toEqual([1, 3, 9, 27, 81, 243]);
  });

  it("refuses what no schedule has", () => {
    const common = { candidates: 9, minResources: 1, maxResources: 9 };
    const refused = (plan: Partial<HalvingPlan>, text: string): void =>
      expect(() => halvingSchedule({ ...common, ...plan })).toThrow(
        expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining(text) }),
      );
    refused({ factor: 1 }, "factor must be a number above 1");
    refused({ minResources: 10 }, "more than maxResources, 9");
    refused({ maxResources: 0.5 }, "maxResources must be a whole number");
  });
});

/** "n/r n/r …" by bracket. */
function table(plan: Parameters<typeof hyperbandBrackets>[0]): Record<number, string> {
  return Object.fromEntries(
    hyperbandBrackets(plan).map(({ bracket, rungs }) => [
      bracket,
      rungs.map(({ candidates, resources }) => `${candidates}/${resources}`).join(" "),
    ]),
  );
}

describe("hyperbandBrackets", () => {
  it("is algorithm 1 of Li et al. (2018) for R = 81, eta = 3", () => {
    expect(table({ maxResources: 81 })).toEqual({
      4: "81/1 27/3 9/9 3/27 1/81",
      3: "34/3 11/9 3/27 1/81",
      2: "15/9 5/27 1/81",
      1: "8/27 2/81",
      0: "5/81",
    });
  });

  it("is mlr3hyperband's table for eta = 2, from 1 to 8", () => {
    expect(table({ maxResources: 8, factor: 2 })).toEqual({
      3: "8/1 4/2 2/4 1/8",
      2: "6/2 3/4 1/8",
      1: "4/4 2/8",
      0: "4/8",
    });
  });

  it("begins brackets as Dask-ML does, also where R is no power of eta", () => {
    const first = (maxResources: number, factor: number): string =>
      hyperbandBrackets({ maxResources, factor })
        .map(({ bracket, rungs: [rung] }) => `${bracket}: ${rung?.candidates}/${rung?.resources}`)
        .join(", ");
    expect(first(243, 3)).toBe("5: 243/1, 4: 98/3, 3: 41/9, 2: 18/27, 1: 9/81, 0: 6/243");
    expect(first(100, 3)).toBe("4: 81/1, 3: 34/3, 2: 15/11, 1: 8/33, 0: 5/100");
    expect(first(15, 4)).toBe("1: 4/3, 0: 2/15");
    expect(hyperbandBrackets({ maxResources: 100 }).map(({ rungs }) => rungs.at(-1)?.resources)).toEqual(
      Array(5).fill(100),
    );
  });

  it("begins with what a trial is given at least", () => {
    expect(table({ maxResources: 81, minResources: 9 })).toEqual({ 2: "9/9 3/27 1/81", 1: "5/27 1/81", 0: "3/81" });
  });
});
