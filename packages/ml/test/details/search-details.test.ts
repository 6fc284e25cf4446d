// What searches tell those who watch.

import { type DetailValue, isDetailEntry } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { readable } from "../../src/details/readable.ts";
import { estimator, gridSearch, halvingSearch, hyperbandSearch, randomSearch } from "../../src/index.ts";
import { TellingExecutor } from "../telling-executor.ts";

const X = Array.from({ length: 60 }, (_, i) => [i % 7, i % 3]);
const y = X.map((_, i) => (i < 30 ? 0 : 1));
const guess = estimator({
  name: "guess",
  params: { share: 0.5, how: null as unknown, rounds: 1 },
  fit: (_X, _y, { share }) => {
    if (share < 0) throw new Error("no share");
    return share;
  },
  predict: (share: number, rows) => Array.from({ length: rows.rows }, (_, i) => (i / rows.rows < share ? 0 : 1)),
});

describe("a grid search", () => {
  it("tells what it is, each candidate and each fold as they end, and the best", async () => {
    const executor = new TellingExecutor();
    const search = gridSearch(executor, {
      estimator: guess,
      params: { share: [0.4, 0.8], how: [Math.max, { deep: [1, 2] }] },
      ...{ X, y, cv: 3, scoring: ["accuracy", "f1Macro"], refit: "f1Macro" },
    });
    const seen: number[] = [];
    for await (const event of search) {
      seen.push(event.done);
      // Told before whoever iterates hears of it.
      expect(executor.of("fold").length).toBeGreaterThanOrEqual(event.done);
    }
    const result = await search.result();
    expect(executor.refused).toEqual([]);
    expect(executor.told[0]).toEqual({
      ...{ e: "search", kind: "grid search", estimator: "guess", parameters: ["how", "share"] },
      ...{ scorings: ["f1Macro", "accuracy"], mode: "max", folds: 3, total: 4 },
    });
    expect(
      executor.of("candidate").map(({ candidate, values, round, resources }) => [candidate, values, round, resources]),
    ).toEqual([
      [0, ["max", 0.4], 0, null],
      [1, ["max", 0.8], 0, null],
      [2, ['{"deep":[1,2]}', 0.4], 0, null],
      [3, ['{"deep":[1,2]}', 0.8], 0, null],
    ]);
    const folds = executor.of("fold");
    expect(folds).toHaveLength(12);
    const split1 = folds.filter(({ fold }) => fold === 1).sort((a, b) => a.candidate - b.candidate);
    expect(split1.map(({ scores }) => scores[0])).toEqual(result.cvResults.splitTestF1Macro.map((row) => row[1]));
    expect(split1.map(({ scores }) => scores[1])).toEqual(result.cvResults.splitTestAccuracy.map((row) => row[1]));
    expect(folds.every(({ fitSeconds, error }) => fitSeconds >= 0 && error === "")).toBe(true);
    expect(executor.told.at(-1)).toEqual({ e: "best", candidate: result.bestIndex, refitSeconds: result.refitTime });
    expect(executor.toldAtClose).toBe(executor.told.length);
  });

  it("tells of folds that failed, without scores", async () => {
    const executor = new TellingExecutor();
    const warned: string[] = [];
    executor.warn = (text) => warned.push(text);
    const search = gridSearch(executor, { estimator: guess, params: { share: [-1, 0.8] }, X, y, cv: 2 });
    await search.result();
    expect(executor.refused).toEqual([]);
    const failed = executor.of("fold").filter(({ error }) => error !== "");
    expect(failed.map(({ candidate, scores, fitSeconds }) => ({ candidate, scores, fitSeconds }))).toEqual([
      { candidate: 0, scores: [null], fitSeconds: 0 },
      { candidate: 0, scores: [null], fitSeconds: 0 },
    ]);
    expect(failed[0]?.error).toContain("no share");
    expect(warned).toHaveLength(2);
  });

  it("of very many candidates tells each with its first fold", async () => {
    const executor = new TellingExecutor();
    const share = Array.from({ length: 501 }, (_, i) => i / 501);
    const search = gridSearch(executor, { estimator: guess, params: { share }, X, y, cv: 2, refit: false });
    await search.result();
    expect(executor.of("candidate")).toHaveLength(501);
    expect(executor.told.slice(1, 3).map(({ e }) => e)).toEqual(["candidate", "fold"]);
  });

  it("is not held up by a run that takes no details", async () => {
    const executor = new TellingExecutor();
    const { openRun } = executor;
    executor.openRun = (name, total) => {
      const { scope } = openRun.call(executor, name, total);
      const details = (): never => {
        throw new Error("nobody listens");
      };
      return { executor, scope: { ...scope, details } };
    };
    const search = gridSearch(executor, { estimator: guess, params: { share: [0.2] }, X, y, cv: 2 });
    expect((await search.result()).bestIndex).toBe(0);
  });
});

describe("searches in rounds", () => {
  it("tell a candidate again in each round that it comes to, with what it was given", async () => {
    const executor = new TellingExecutor();
    const share = [0.1, 0.3, 0.5, 0.7, 0.9, 1];
    const search = halvingSearch(executor, {
      estimator: guess,
      params: { share },
      X,
      y,
      cv: 2,
      seed: 1,
      minResources: 20,
    });
    const events: string[] = [];
    for await (const { trial, iter, resources } of search) events.push(`${trial} ${iter} ${resources}`);
    const result = await search.result();
    expect(executor.refused).toEqual([]);
    expect(executor.told[0]).toMatchObject({ kind: "halving search", parameters: ["share"], total: 6, mode: "max" });
    const rounds = executor
      .of("candidate")
      .map(({ candidate, round, resources }) => `${candidate} ${round} ${resources}`);
    expect(rounds.sort()).toEqual(events.sort());
    expect(new Set(rounds.map((text) => text.split(" ")[1]))).toEqual(new Set(["0", "1"]));
    expect(executor.of("fold")).toHaveLength(2 * events.length);
    const [best] = executor.of("best");
    expect(best?.candidate).toBe(result.cvResults.trial[result.bestIndex]);
    expect(best?.refitSeconds).toBe(result.refitTime);
  });

  it("tell the values of a parameter that is the resource", async () => {
    const executor = new TellingExecutor();
    const search = hyperbandSearch(executor, {
      estimator: guess,
      params: { share: [0.1, 0.3, 0.5, 0.7] },
      ...{ X, y, cv: 2, seed: 1, resource: "rounds", maxResources: 9 },
    });
    await search.result();
    expect(executor.refused).toEqual([]);
    const [header] = executor.of("search");
    expect(header).toMatchObject({ kind: "hyperband search", parameters: ["share", "rounds"] });
    for (const { values, resources } of executor.of("candidate")) expect(values[1]).toBe(resources);
  });

  it("by draws are searches as others are", async () => {
    const executor = new TellingExecutor();
    const params = { share: [0.1, 0.3, 0.5, 0.7] };
    await randomSearch(executor, { estimator: guess, params, nIter: 2, seed: 1, X, y, cv: 2 }).result();
    expect(executor.told[0]).toMatchObject({ kind: "random search", total: 2 });
  });
});

describe("values of parameters", () => {
  class Kernel {
    readonly width = 2;
  }
  const knot: Record<string, unknown> = {};
  knot["self"] = knot;
  const trap = {
    get value(): never {
      throw new Error("trap");
    },
  };
  const cases: [unknown, DetailValue][] = [
    [0.1, 0.1],
    [Number.NaN, "NaN"],
    [true, true],
    [null, null],
    [undefined, null],
    ["rbf", "rbf"],
    [12n, "12"],
    [Kernel, "Kernel"],
    [new Kernel(), 'Kernel {"width":2}'],
    [{ a: [1, "x", null], b: Math.max }, '{"a":[1,"x",null],"b":max}'],
    [new Float32Array([1, 2]), "[1,2]"],
    [new Set([1, 2]), "[1,2]"],
    [/x+/, "/x+/"],
    [Symbol("s"), "Symbol(s)"],
    [trap, '{"value":…'],
  ];

  it("are readable", () => {
    expect(cases.map(([value]) => readable(value))).toEqual(cases.map(([, text]) => text));
  });

  it("are short, however large and deep they are", () => {
    const large = ["x".repeat(1000), new Array(1e6).fill(1), new Float64Array(1e6), knot, { text: "y".repeat(1e5) }];
    for (const value of large) {
      const text = readable(value);
      expect(String(text).length).toBeLessThanOrEqual(200);
      expect(isDetailEntry({ e: "candidate", candidate: 0, values: [text], round: 0, resources: null })).toBe(true);
    }
  });
});
