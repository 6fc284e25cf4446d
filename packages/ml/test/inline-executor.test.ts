// A map and a search in this process: what a client takes, and what a debugger wants.

import { describe, expect, expectTypeOf, it } from "vitest";
import { gridSearch, type Handle, InlineExecutor, kNeighborsClassifier, type Scorer } from "../src/index.ts";
import { reference } from "./reference.ts";

const { X, y } = reference.data;
const executor = new InlineExecutor();

describe("call", () => {
  it("gives what the function returns, or rejects with its own error, and may be closed as a client", async () => {
    await using local = new InlineExecutor();
    const two = local.submit(() => 2, [], { retries: 1 });
    const sum = local.call((a: number, b: number[]) => [a, ...b], [1, [two]], { priority: 1 });
    expectTypeOf(sum).toEqualTypeOf<Promise<number[]>>();
    expect(await sum).toEqual([1, 2]);
    expectTypeOf(local.call(async () => "text", [])).toEqualTypeOf<Promise<string>>();
    const thrown = new RangeError("odd");
    const failing = local.call(() => {
      throw thrown;
    }, []);
    await expect(failing).rejects.toBe(thrown);
    await local.close();
  });
});

describe("map", () => {
  it("calls a closure with each item, one after the other, and gives handles", async () => {
    const seen: number[] = [];
    const factor = 3;
    const handles = executor.map(
      async (x) => {
        seen.push(x);
        await Promise.resolve();
        seen.push(-x);
        return x * factor;
      },
      [1, 2, 3],
      { retries: 2 },
    );
    expectTypeOf(handles).toEqualTypeOf<Handle<number>[]>();
    expect(seen).toEqual([]);
    expect(await executor.gather(handles)).toEqual([3, 6, 9]);
    expect(seen).toEqual([1, -1, 2, -2, 3, -3]);
  });

  it("takes several iterables side by side, handles among the items, and any iterable", async () => {
    const two = executor.submit(() => 2, []);
    const sums = executor.map((a: number, b: string, c: number) => `${a}${b}${c}`, [1, two], "xy", new Set([5, 6]));
    expect(await executor.gather(sums)).toEqual(["1x5", "2y6"]);
    function* naturals(): Generator<number> {
      for (let n = 0; ; n++) yield n;
    }
    expect(() => executor.map((a: number, b: number) => a + b, [1, 2], naturals())).toThrowError(
      expect.objectContaining({
        code: "FLOCK_ARGUMENT_INVALID",
        message: "map: one of the iterables ends after 2 items, another goes on.",
      }),
    );
    expect(() => executor.map("f" as never, [1])).toThrowError("map takes a function first, not a string.");
    expect(() => executor.map((x: number) => x, 5 as never)).toThrowError("not a number");
  });

  it("rejects with the function's own error, and goes on with the next item", async () => {
    const thrown = new RangeError("odd");
    const handles = executor.map(
      (x) => {
        if (x % 2 === 1) throw thrown;
        return x;
      },
      [1, 2],
    );
    await expect(handles[0]?.result()).rejects.toBe(thrown);
    expect(await handles[1]?.result()).toBe(2);
    await expect(executor.gather(handles)).rejects.toBe(thrown);
  });
});

describe("values and handles", () => {
  it("gather keeps the structure", async () => {
    const one = executor.submit(() => 1, []);
    const gathered = executor.gather({ a: one, list: [one, "x"], map: new Map([[one, one]]), set: new Set([one]) });
    expectTypeOf<Awaited<typeof gathered>["a"]>().toEqualTypeOf<number>();
    expect(await gathered).toEqual({ a: 1, list: [1, "x"], map: new Map([[1, 1]]), set: new Set([1]) });
  });

  it("arguments are copied, and keep what is the same and what is round", async () => {
    const row = [3, 1, 2];
    const round: { self?: unknown; row: number[] } = { row };
    round.self = round;
    const same = executor.submit(
      (one: typeof round, rows: number[][]) => [one.self === one, rows[0] === rows[1], rows[0]?.sort()],
      [round, [row, row]],
    );
    expect(await same.result()).toEqual([true, true, [1, 2, 3]]);
    expect(row).toEqual([3, 1, 2]);
  });
});

describe("gridSearch", () => {
  const options = { estimator: kNeighborsClassifier(), params: { nNeighbors: [1, 5] }, X, y, cv: 3 };

  it("is the same search", async () => {
    const { cvResults } = await executor.gridSearch(options).result();
    const expected = await gridSearch(new InlineExecutor(), options).result();
    expect(cvResults.splitTestScores).toEqual(expected.cvResults.splitTestScores);
  });

  it("takes closures as scorers, typed by their names", async () => {
    const costs = new Map([[0, 5]]);
    const costOf = (label: number | string): number => costs.get(Number(label)) ?? 1;
    const cost: Scorer = (yTrue, yPred) =>
      -Array.from(yTrue as number[]).reduce((sum, label, row) => (label === yPred[row] ? sum : sum + costOf(label)), 0);
    const search = executor.gridSearch({
      ...options,
      scoring: { cost, count: (yTrue, yPred) => yTrue.length + costs.size - yPred.length },
      refit: "cost",
    });
    const { cvResults, bestScore } = await search.result();
    expectTypeOf(cvResults.meanTestCost).toEqualTypeOf<readonly number[]>();
    expect(cvResults.meanTestCount).toEqual([1, 1]);
    expect(bestScore).toBe(Math.max(...cvResults.meanTestCost));
    expect(bestScore).toBeLessThan(0);
  });
});
