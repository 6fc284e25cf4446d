// What the first view, and the table of workers, say in figures and words.
import type {
  ClusterEvent,
  FeedPoint,
  FunctionProgress,
  GoneWorker,
  PageOverview,
  PageRun,
} from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import type { WorkerRow } from "../../web/feed/worker-rows.ts";
import {
  functionRows,
  histogram,
  memoryChart,
  memoryRows,
  nextCounts,
  occupancyRows,
  progressOfRun,
  progressOfTasks,
  queueWords,
  rateChart,
  rateOf,
  sharesOf,
  shownRuns,
  slotsChart,
  totalOf,
} from "../../web/pages/status/status-model.ts";
import {
  busyOf,
  departureWords,
  eventsOf,
  fillOf,
  foundWorkers,
  type HistoryPoint,
  heartbeatWords,
  lineOf,
  moreOf,
  nextHistory,
  statusOrder,
} from "../../web/pages/workers/workers-model.ts";

const GIB = 1024 ** 3;
const worker = (name: string, more: Partial<WorkerRow> = {}): WorkerRow => ({
  worker: 1,
  name,
  address: "127.0.0.1:1",
  slots: 2,
  pid: 1,
  memoryLimitBytes: 4 * GIB,
  resources: {},
  joinedAt: 0,
  status: "running",
  assigned: 0,
  running: 0,
  finished: 0,
  stored: 0,
  storedBytes: 0,
  cpuPercent: 0,
  rssBytes: GIB,
  spilledBytes: 0,
  eventLoopDelayMs: 0,
  occupancyUs: 0,
  silentUs: 0,
  gpuPercent: null,
  gpuMemoryBytes: null,
  ...more,
});
const point = (at: number, ended: number, more: Partial<FeedPoint> = {}): FeedPoint => ({
  at,
  ended,
  queued: 0,
  running: 0,
  busy: 1,
  slots: 2,
  storedBytes: 10,
  rssBytes: 30,
  spilledBytes: 5,
  movedBytes: 0,
  ...more,
});
const progress = (fn: number, name: string, more: Partial<FunctionProgress> = {}): FunctionProgress => ({
  fn,
  name,
  waiting: 0,
  queued: 0,
  active: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
  spentUs: 0,
  medianUs: null,
  ...more,
});
const overview = (now: number, ...functions: FunctionProgress[]): PageOverview =>
  ({ now, functions }) as unknown as PageOverview;

describe("rates and charts", () => {
  it("counts ended tasks per second over the last seconds", () => {
    expect(rateOf([])).toBeNull();
    expect(rateOf([point(1000, 5)])).toBeNull();
    expect(rateOf([point(1000, 0), point(8000, 100), point(9000, 150), point(10_000, 250)])).toBe(75);
    expect(rateOf([point(8000, 100), point(9000, 0)])).toBeNull();
  });

  it("makes columns of points", () => {
    const points = [point(1000, 0), point(2000, 40, { busy: 2 }), point(4000, 100)];
    expect(rateChart(points)).toEqual({ at: [1, 2, 4], values: [[null, 40, 30]] });
    expect(slotsChart(points).values).toEqual([
      [1, 2, 1],
      [2, 2, 2],
    ]);
    expect(memoryChart(points).values[1]).toEqual([10, 10, 10]);
  });
});

describe("progress", () => {
  it("divides a bar by what tasks are doing", () => {
    const tasks = { waiting: 1, queued: 2, assigned: 1, running: 1, done: 4, failed: 1, cancelled: 0 };
    const counts = progressOfTasks(tasks);
    expect(totalOf(counts)).toBe(10);
    expect(sharesOf(counts)).toEqual([
      { state: "done", count: 4, share: 0.4 },
      { state: "failed", count: 1, share: 0.1 },
      { state: "active", count: 2, share: 0.2 },
      { state: "queued", count: 2, share: 0.2 },
      { state: "waiting", count: 1, share: 0.1 },
    ]);
    expect(
      sharesOf(progressOfTasks({ ...tasks, waiting: 0, queued: 0, assigned: 0, running: 0, done: 0, failed: 0 })),
    ).toEqual([]);
  });

  it("puts the function that takes most of the time first, with its rate and the time that is left", () => {
    const before = nextCounts([], overview(1_000_000, progress(1, "load"), progress(2, "fit", { done: 10 })));
    expect(nextCounts(before, overview(1_500_000))).toBe(before);
    const now = overview(
      3_000_000,
      progress(1, "load", { done: 5, spentUs: 100 }),
      progress(2, "fit", { done: 30, queued: 38, active: 2, spentUs: 300, medianUs: 15 }),
    );
    const rows = functionRows(now, before[0]);
    expect(rows.map(({ name, share, perSecond, secondsLeft }) => ({ name, share, perSecond, secondsLeft }))).toEqual([
      { name: "fit", share: 0.75, perSecond: 10, secondsLeft: 4 },
      { name: "load", share: 0.25, perSecond: 2.5, secondsLeft: null },
    ]);
    expect(functionRows(now, undefined)[0]).toMatchObject({ perSecond: null, secondsLeft: null });
    expect(nextCounts(nextCounts(before, now), overview(10)).map(({ at }) => at)).toEqual([10]);
  });

  it("shows open runs first, and a few that ended", () => {
    const run = (number: number, status: PageRun["status"]): PageRun =>
      ({
        run: number,
        name: `run ${number}`,
        status,
        startedAt: number,
        counts: { total: 10, done: 4, failed: 1, cancelled: 0, running: 2 },
      }) as PageRun;
    const ended = Array.from({ length: 8 }, (_, i) => run(i + 10, "done"));
    expect(shownRuns([run(1, "open"), ...ended, run(2, "open")]).map((one) => one.run)).toEqual([
      2, 1, 17, 16, 15, 14, 13,
    ]);
    expect(progressOfRun(run(1, "open"))).toEqual({
      waiting: 0,
      queued: 3,
      active: 2,
      done: 4,
      failed: 1,
      cancelled: 0,
    });
  });

  it("says what a queue waits for", () => {
    const line = { asks: "GPU 1", queued: 38, places: 2, running: 2 };
    expect(queueWords(line)).toBe("38 tasks wait for GPU 1: 2 places, both are busy");
    expect(queueWords({ ...line, asks: "", queued: 1, places: 8, running: 5 })).toBe(
      "1 task waits for a free slot: 8 places, 3 free",
    );
    expect(queueWords({ ...line, queued: 1200, places: 0, running: 0 })).toBe(
      "1,200 tasks wait for GPU 1: no worker that is here could run one",
    );
  });
});

describe("workers", () => {
  it("sorts memory by how full it is, and counts many in a histogram", () => {
    const rows = memoryRows([
      worker("a", { rssBytes: 3 * GIB, memoryLimitBytes: 16 * GIB }),
      worker("b", { rssBytes: 2 * GIB, spilledBytes: 7 }),
      worker("c", { rssBytes: null, memoryLimitBytes: 0 }),
    ]);
    expect(rows.map(({ name, fill }) => [name, fill])).toEqual([
      ["b", 0.5],
      ["a", 0.1875],
      ["c", 0],
    ]);
    const bins = histogram(rows.map(({ fill }) => fill).concat(1.2), 1, 10);
    expect(bins.map(({ count }) => count)).toEqual([1, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(bins[5]).toMatchObject({ from: 0.5, count: 1 });
  });

  it("says how long a worker's slots have to do", () => {
    const rows = occupancyRows([worker("a"), worker("b", { occupancyUs: 6_000_000, assigned: 3, slots: 2 })]);
    expect(rows[0]).toMatchObject({ name: "b", seconds: 3, assigned: 3 });
  });

  it("finds workers by name, address or status", () => {
    const all = [
      worker("worker-10"),
      worker("worker-9", { status: "paused" }),
      worker("gpu-1", { slots: 4, running: 9 }),
    ];
    const names = (text: string): string[] => foundWorkers(all, text).map(({ name }) => name);
    expect(names(" WORKER")).toEqual(["worker-10", "worker-9"]);
    expect(names("paused")).toEqual(["worker-9"]);
    expect(names("127.0.0.1")).toHaveLength(3);
    expect([...all].sort((a, b) => statusOrder(a) - statusOrder(b))[0]?.name).toBe("worker-9");
    expect(busyOf(all[2]!)).toBe(4);
    expect(fillOf(worker("a", { rssBytes: null }))).toBeNull();
    expect(fillOf(worker("a", { memoryLimitBytes: 0 }))).toBeNull();
    expect(fillOf(worker("a"))).toBe(0.25);
    expect([null, 0, 2_000_000, 12_000_000].map(heartbeatWords)).toEqual(["–", "now", "2 s ago", "12 s ago"]);
  });

  it("keeps a point per second, and begins anew with the scheduler's clock", () => {
    let history: readonly HistoryPoint[] = [];
    for (let now = 0; now <= 3_000_000; now += 100_000)
      history = nextHistory(history, worker("a", { cpuPercent: now }), now);
    expect(history.map(({ at }) => at)).toEqual([0, 900_000, 1_800_000, 2_700_000]);
    expect(lineOf(history, "cpuPercent", 2)).toEqual([1_800_000, 2_700_000]);
    expect(nextHistory(history, worker("a"), 5)).toHaveLength(1);
  });

  it("knows its events from two sources once each, the newest first", () => {
    const event = (seq: number, who: string): ClusterEvent => ({
      seq,
      at: seq,
      cause: seq,
      kind: "workerPaused",
      who,
      key: "",
      text: "",
    });
    const found = eventsOf("a", [event(1, "a"), event(2, "b"), event(3, "a")], [event(3, "a"), event(4, "a")]);
    expect(found.map(({ seq }) => seq)).toEqual([4, 3, 1]);
    const kept = moreOf([event(1, "a"), event(2, "a")], [event(2, "a"), event(3, "a")], 2);
    expect(kept.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(moreOf(kept, [event(3, "a")], 2)).toBe(kept);
  });

  it("says how a worker went", () => {
    const running = [{ task: 1, key: "fit-1", startedAt: 5 }] as unknown as GoneWorker["running"];
    expect(departureWords({ planned: false, how: "SIGKILL", running })).toBe(
      "It was lost: SIGKILL. One task was running there.",
    );
    expect(departureWords({ planned: true, how: "", running: [] })).toBe(
      "It left as planned. Nothing was running there.",
    );
  });
});
