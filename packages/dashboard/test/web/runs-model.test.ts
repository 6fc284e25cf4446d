import type { PageRun } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import {
  linksOf,
  matching,
  nameOf,
  orderedRuns,
  progressOf,
  runSentence,
  tookUs,
} from "../../web/pages/runs/runs-model.ts";

const second = 1_000_000;

function run(changes: object = {}): PageRun {
  return {
    run: 7,
    session: 1,
    name: "digits",
    weight: 1,
    status: "open",
    steps: 0,
    stepsDone: 0,
    detached: false,
    counts: { total: 54, done: 10, failed: 0, cancelled: 0, running: 4 },
    client: "ada",
    startedAt: 10 * second,
    endedAt: null,
    kind: "",
    ...changes,
  } as PageRun;
}

describe("a run's progress", () => {
  it("is that of its steps, or of its tasks when nobody counts steps", () => {
    expect(progressOf(run())).toEqual({ done: 10, total: 54, of: "task" });
    expect(progressOf(run({ steps: 20, stepsDone: 5 }))).toEqual({ done: 5, total: 20, of: "step" });
    expect(progressOf(run({ steps: 20, stepsDone: 25 })).done).toBe(20);
    expect(progressOf(run({ counts: { total: 9, done: 1, failed: 2, cancelled: 3, running: 0 } })).done).toBe(6);
  });

  it("took the time until its end, or until now", () => {
    expect(tookUs(run(), 15 * second)).toBe(5 * second);
    expect(tookUs(run({ endedAt: 12 * second }), 99 * second)).toBe(2 * second);
  });
});

describe("how long until it is done", () => {
  const at = 20 * second;

  it("is said with the rate", () => {
    expect(runSentence(run(), { run: 7, perSecond: 4, secondsLeft: 11 }, at)).toBe(
      "10 tasks of 54 are done, 4 tasks/s: about 11.0 s left.",
    );
    expect(runSentence(run(), { run: 7, perSecond: 4, secondsLeft: null }, at)).toBe(
      "10 tasks of 54 are done, 4 tasks/s.",
    );
  });

  it("is not known before there is a rate", () => {
    const unknown = "10 tasks of 54 are done; how long the rest takes is known when some more have ended.";
    expect(runSentence(run(), undefined, at)).toBe(unknown);
    expect(runSentence(run(), { run: 7, perSecond: null, secondsLeft: null }, at)).toBe(unknown);
    const none = run({ counts: { total: 0, done: 0, failed: 0, cancelled: 0, running: 0 } });
    expect(runSentence(none, undefined, at)).toBe("It has begun, and has no task yet.");
  });

  it("is nothing while all that was submitted has ended", () => {
    const counts = { total: 134, done: 132, failed: 2, cancelled: 0, running: 0 };
    expect(runSentence(run({ counts, steps: 0 }), { run: 7, perSecond: 4, secondsLeft: null }, at)).toBe(
      "All 134 tasks so far have ended. 2 tasks failed.",
    );
  });

  it("is over when the run is, and failures are said", () => {
    const counts = { total: 54, done: 52, failed: 2, cancelled: 0, running: 0 };
    expect(runSentence(run({ status: "done", endedAt: 70 * second, counts }), undefined, at)).toBe(
      "Done after 1 min: 54 tasks. 2 tasks failed.",
    );
    expect(runSentence(run({ status: "cancelled", endedAt: 12 * second }), undefined, at)).toBe(
      "Cancelled after 2.00 s: 10 tasks of 54 tasks.",
    );
  });
});

describe("the list of runs", () => {
  it("has the open ones first, then the last that ended", () => {
    const runs = [
      run({ run: 1, status: "done", endedAt: 30 }),
      run({ run: 2, startedAt: 5 }),
      run({ run: 3, status: "failed", endedAt: 40 }),
      run({ run: 4, startedAt: 6 }),
      run({ run: 5, status: "done", endedAt: null, startedAt: 20 }),
    ];
    expect(orderedRuns(runs).map(({ run: id }) => id)).toEqual([4, 2, 3, 1, 5]);
  });

  it("can be searched by name, client and kind", () => {
    const runs = [run({ kind: "search" }), run({ run: 8, name: "", client: "bob" })];
    expect(matching(runs, "SEARCH").map(({ run: id }) => id)).toEqual([7]);
    expect(matching(runs, " bob ").map(({ run: id }) => id)).toEqual([8]);
    expect(matching(runs, "run 8").map(({ run: id }) => id)).toEqual([8]);
    expect(matching(runs, "")).toBe(runs);
    expect(nameOf(runs[1]!)).toBe("run 8");
  });

  it("leads to where more of a run is shown", () => {
    const titles = (kind: string): string[] => linksOf(run({ kind })).map(({ title }) => title);
    expect(titles("")).toEqual(["Graph", "Tasks"]);
    expect(titles("search")).toEqual(["Search", "Graph", "Tasks"]);
    expect(titles("training")).toEqual(["Training", "Graph", "Tasks"]);
    expect(titles("search of trainings")).toEqual(["Search", "Training", "Graph", "Tasks"]);
    expect(linksOf(run({ kind: "search" }))[0]!.href).toBe("/status/searches/7");
  });
});
