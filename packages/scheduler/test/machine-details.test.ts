import type { DetailEntry, RunId } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetailStore } from "../src/machine/details.ts";

const header: DetailEntry = {
  e: "search",
  kind: "grid search",
  estimator: "svc",
  parameters: ["C"],
  scorings: ["score"],
  mode: "max",
  folds: 5,
  total: 3,
};
const remark = (text: string): DetailEntry => ({ e: "remark", trial: -1, text });
const textOf = (entry: DetailEntry): string => (entry.e === "remark" ? entry.text : entry.e);
const run = (n: number): RunId => n as RunId;

/** What stands in `store`, of a run or of all, page by page. */
function read(store: DetailStore, of: number, limit = 3): { seq: number; text: string }[] {
  const found: { seq: number; text: string }[] = [];
  for (let since = 0; ; since = found.at(-1)!.seq) {
    const page = store.since(run(of), since, limit, 100_000);
    if (page.length === 0) return found;
    found.push(...page.map(({ seq, entry }) => ({ seq, text: textOf(entry) })));
  }
}

describe("the store of details", () => {
  it("gives them in their order, of one run and of all, and by its size in pages", () => {
    const store = new DetailStore(100_000, 100_000);
    for (let i = 1; i <= 6; i++) store.add(run(1 + (i % 2)), 10 * i, remark(`${i}`));
    expect(read(store, 0).map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(read(store, 2)).toEqual([
      { seq: 1, text: "1" },
      { seq: 3, text: "3" },
      { seq: 5, text: "5" },
    ]);
    expect(store.since(run(1), 2, 10, 1000)).toMatchObject([
      { seq: 4, at: 40, run: 1 },
      { seq: 6, at: 60, run: 1 },
    ]);
    // One is always given, however large it is.
    expect(store.since(run(0), 0, 10, 1)).toHaveLength(1);
    expect(store.since(run(9), 0, 10, 1000)).toEqual([]);
  });

  it("says what a run is about", () => {
    const store = new DetailStore(100_000, 100_000);
    const training: DetailEntry = {
      e: "training",
      trial: 0,
      model: "mlp",
      parameters: 10,
      epochs: 2,
      samples: 100,
      workers: 1,
    };
    store.add(run(1), 0, header);
    store.add(run(2), 0, training);
    store.add(run(3), 0, header);
    store.add(run(3), 0, training);
    store.add(run(4), 0, remark("nothing else"));
    expect([1, 2, 3, 4, 5].map((n) => store.kindOf(run(n)))).toEqual([
      "search",
      "training",
      "search of trainings",
      "",
      "",
    ]);
  });

  it("forgets the oldest of a run, and never its header", () => {
    const store = new DetailStore(2_000, 100_000);
    store.add(run(1), 0, remark("first"));
    store.add(run(1), 0, header);
    for (let i = 0; i < 50; i++) store.add(run(1), 0, remark(`${i}`));
    const texts = read(store, 1).map(({ text }) => text);
    expect(texts[0]).toBe("search");
    expect(texts.slice(1)).toEqual(Array.from({ length: texts.length - 1 }, (_, i) => `${51 - texts.length + i}`));
    expect(texts.length).toBeGreaterThan(5);
    expect(store.missedSince(run(1), 0)).toBe(52 - texts.length);
    expect(store.missedSince(run(0), 0)).toBe(52 - texts.length);
    expect(store.missedSince(run(1), store.last)).toBe(0);
  });

  it("forgets runs that closed before those that are open, the first to close first", () => {
    const store = new DetailStore(4_000, 8_000);
    for (let n = 1; n <= 4; n++) store.add(run(n), 0, remark("x".repeat(1000)));
    store.closed(run(3));
    store.closed(run(2));
    const left = (): number[] => [1, 2, 3, 4, 5].filter((n) => read(store, n).length > 0);
    store.add(run(5), 0, remark("x".repeat(2500)));
    expect(left()).toEqual([1, 2, 4, 5]);
    for (let i = 0; i < 3; i++) store.add(run(1), 0, remark("x".repeat(800)));
    expect(left()).toEqual([1, 4, 5]);
  });

  it("keeps to its bounds whatever is told, and its books agree", () => {
    const telling = fc.record({
      run: fc.integer({ min: 1, max: 6 }),
      what: fc.oneof(fc.integer({ min: 0, max: 900 }), fc.constantFrom("header" as const, "close" as const)),
    });
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 200 }), (tellings) => {
        const store = new DetailStore(3_000, 9_000);
        const open = new Set<RunId>([1, 2, 3, 4, 5, 6].map(run));
        let told = 0;
        for (const { run: n, what } of tellings) {
          if (!open.has(run(n))) continue;
          if (what === "close") {
            open.delete(run(n));
            store.closed(run(n));
          } else {
            store.add(run(n), 0, what === "header" ? header : remark("x".repeat(what)));
            told++;
          }
          expect(store.check(open)).toBeNull();
        }
        expect(store.last).toBe(told);
        const all = read(store, 0);
        expect(all.length + store.missedSince(run(0), 0)).toBe(told);
        const byRun = [1, 2, 3, 4, 5, 6].flatMap((n) => read(store, n));
        expect(byRun.sort((a, b) => a.seq - b.seq)).toEqual(all);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
