import type { PageTasks } from "@taskflock/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";
import { World } from "./machine-world.ts";
import { ALL, answerTo, ask, OBSERVER, observe } from "./page-stage.ts";

function withObserver(): Stage {
  const stage = new Stage();
  observe(stage);
  return stage;
}

describe("an observer", () => {
  it("is no session, no event and no run", () => {
    const stage = withObserver();
    expect(stage.machine.sessionCount()).toBe(0);
    expect(stage.machine.clusterInfo().sessions).toBe(0);
    expect(stage.machine.runs()).toEqual([]);
    stage.client(1);
    expect(stage.machine.sessionCount()).toBe(1);
    stage.step({ e: "clientGone", session: OBSERVER as never });
    expect(stage.machine.eventsSince(0, 10).map(({ kind, who }) => `${kind} ${who}`)).toEqual([
      "clientJoined client-1",
    ]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("asks; work that it brings is not taken, and its bytes are freed", () => {
    const stage = withObserver();
    expect(ask(stage, { q: "pageOverview" }).sessions).toBe(0);
    stage.submit(OBSERVER, 1);
    stage.define(OBSERVER, 1, "f");
    stage.scatter(OBSERVER, 2, 3, { small: true });
    expect(stage.live.size).toBe(0);
    expect(ask(stage, { q: "pageTasks", filter: ALL, before: 0, limit: 10 }).items).toEqual([]);
  });

  it("hears the answer when it reads again", () => {
    const stage = withObserver();
    stage.speakable.delete(`c${OBSERVER}`);
    stage.step({ e: "clientBlocked", session: OBSERVER as never });
    stage.say(OBSERVER, { t: "ask", id: 1, question: { q: "pageOverview" } });
    expect(stage.told(OBSERVER)).toEqual([]);
    stage.speakable.add(`c${OBSERVER}`);
    stage.step({ e: "clientReady", session: OBSERVER as never });
    expect(stage.told(OBSERVER).map((m) => m.t)).toEqual(["answer"]);
  });
});

describe("the overview", () => {
  it("counts tasks of a function by where they are, and all that ended", () => {
    const stage = withObserver();
    stage.client();
    stage.worker(1);
    for (let n = 1; n <= 6; n++) stage.submit(1, n, n === 6 ? { deps: [5] } : {});
    const first = stage.assigned(1);
    stage.started(1, first[0]!);
    const [f] = ask(stage, { q: "pageOverview" }).functions;
    expect(f).toMatchObject({ name: "f", waiting: 1, queued: 3, active: 2, done: 0, medianUs: null, spentUs: 0 });
    stage.finish(1, first[0]!, 1_000);
    stage.error(1, first[1]!, false);
    stage.cancel(1, 4);
    const after = ask(stage, { q: "pageOverview" });
    expect(after.functions).toHaveLength(1);
    expect(after.functions[0]).toMatchObject({ done: 1, failed: 1, cancelled: 1, spentUs: 1_000 });
    expect(after.functions[0]!.medianUs).toBeGreaterThan(800);
    expect(after.ended).toBe(3);
    expect(after.tasks).toMatchObject({ done: 1, failed: 1, cancelled: 1 });
    // What ended stays counted when it is forgotten.
    stage.release(1, 1, 2, 4);
    expect(ask(stage, { q: "pageOverview" }).functions[0]).toMatchObject({ done: 1, failed: 1, cancelled: 1 });
  });

  it("sums up the workers by what they may do", () => {
    const stage = withObserver();
    stage.client();
    for (let id = 1; id <= 4; id++) stage.worker(id, { slots: 2 });
    stage.tell(2, { t: "pausing", paused: true, reason: "memory" });
    stage.cut(3);
    stage.submit(1, 1);
    stage.submit(1, 2);
    const { workers, slots, busy, memoryLimitBytes } = ask(stage, { q: "pageOverview" });
    expect({ workers, slots, busy, memoryLimitBytes }).toEqual({
      workers: { running: 2, paused: 1, retiring: 0, cut: 1 },
      slots: 8,
      busy: 2,
      memoryLimitBytes: 4e9,
    });
  });

  it("says what queued tasks ask for, and how many could run", () => {
    const stage = withObserver();
    stage.client();
    stage.worker(1, { slots: 2, resources: { GPU: 10_000 } });
    stage.worker(2, { slots: 4, resources: { GPU: 10_000 }, name: "gpu-box" });
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.options(1, 2, { workers: ["gpu-box"], resources: { GPU: 5_000 } });
    stage.options(1, 3, { resources: { TPU: 10_000 } });
    for (let n = 1; n <= 12; n++) stage.submit(1, n, { options: 1 });
    for (let n = 13; n <= 17; n++) stage.submit(1, n, { options: 2 });
    stage.submit(1, 18, { options: 3 });
    expect(ask(stage, { q: "pageOverview" }).queues).toEqual([
      { asks: "GPU 1", queued: 10, places: 2, running: 2 },
      { asks: "GPU 0.5, worker gpu-box", queued: 5, places: 2, running: 2 },
      { asks: "TPU 1", queued: 1, places: 0, running: 0 },
    ]);
  });

  it("has runs with their client and their times", () => {
    const stage = withObserver();
    stage.client();
    stage.pass(500);
    stage.say(1, { t: "openRun", run: 1 as never, name: "grid", weight: 1, steps: 3, keepMs: null });
    stage.pass(500);
    stage.say(1, { t: "closeRun", run: 1 as never, outcome: "done" });
    const { runs, runCount } = ask(stage, { q: "pageOverview" });
    expect(
      runs.map(({ name, client, startedAt, endedAt, status }) => [name, client, startedAt, endedAt, status]),
    ).toEqual([
      ["client-1", "client-1", 1000, null, "open"],
      ["grid", "client-1", 1500, 2000, "done"],
    ]);
    expect(runCount).toBe(2);
  });

  it("shows at most 200 runs and 100 functions: those that are under way, and the last", () => {
    const stage = withObserver();
    stage.check = "touched";
    stage.client();
    stage.define(1, 200, "travels inside another");
    for (let n = 1; n <= 150; n++) {
      stage.define(1, n + 1, `f${n}`);
      stage.submit(1, n, { fn: n + 1 });
      if (n !== 3) stage.say(1, { t: "cancel", n: n as never, reason: "" });
    }
    for (let run = 1; run <= 240; run++) {
      stage.pass(10);
      stage.say(1, { t: "openRun", run: run as never, name: `r${run}`, weight: 1, steps: 0, keepMs: null });
      if (run > 5) stage.say(1, { t: "closeRun", run: run as never, outcome: "done" });
    }
    const { functions, functionCount, runs, runCount } = ask(stage, { q: "pageOverview" });
    expect([functions.length, functionCount, runs.length, runCount]).toEqual([100, 150, 200, 241]);
    expect(functions.map(({ name }) => name)).toEqual(["f3", ...Array.from({ length: 99 }, (_, i) => `f${52 + i}`)]);
    expect(runs.slice(0, 7).map(({ name }) => name)).toEqual(["client-1", "r1", "r2", "r3", "r4", "r5", "r47"]);
  });

  it("counts what a recount counts, whatever happens (property)", () => {
    const tapes = fc.array(fc.nat(2 ** 30), { minLength: 20, maxLength: 200 });
    const property = fc.property(tapes, (tape) => {
      const world = new World();
      const { stage } = world;
      for (const choice of [10, 100, 10, ...tape]) world.act(choice);
      observe(stage);
      const overview = ask(stage, { q: "pageOverview" });
      const found = new Map<string, number[]>();
      let [before, pages]: [number | null, number] = [0, 0];
      while (before !== null && pages++ < 100) {
        const page: PageTasks = ask(stage, { q: "pageTasks", filter: ALL, before, limit: 7 });
        for (const { function: name, state } of page.items) {
          const of = found.get(name) ?? [0, 0, 0];
          found.set(name, of);
          if (state === "waiting" || state === "delayed") of[0]!++;
          else if (state === "queued") of[1]!++;
          else if (state === "assigned" || state === "running") of[2]!++;
        }
        before = page.next;
      }
      for (const { name, waiting, queued, active } of overview.functions)
        expect([waiting, queued, active]).toEqual(found.get(name) ?? [0, 0, 0]);
      const all = overview.runs.reduce((sum, { counts }) => sum + counts.done + counts.failed + counts.cancelled, 0);
      expect(overview.ended).toBeGreaterThanOrEqual(all);
    });
    fc.assert(property, { seed: 20261122, numRuns: 60 });
  });
});

describe("a question about what is not there", () => {
  it("is answered with a code", () => {
    const stage = withObserver();
    const codes = [
      answerTo(stage, { q: "pageTask", task: 77 as never, key: "" }),
      answerTo(stage, { q: "pageTask", task: 0 as never, key: "nobody" }),
      answerTo(stage, { q: "pageGraph", run: 0, task: 77 as never, limit: 10 }),
    ].map(({ error }) => error?.code);
    expect(codes).toEqual(["FLOCK_TASK_UNKNOWN", "FLOCK_TASK_UNKNOWN", "FLOCK_TASK_UNKNOWN"]);
  });
});
