// What `taskflock top` draws, and what its keys do.

import { EventEmitter } from "node:events";
import { LimitWatch } from "@taskflock/dashboard/watch";
import type { PageOverview, PageRun, PageWorker } from "@taskflock/protocol/words";
import { describe, expect, test } from "vitest";
import { bar, clip, renderLine, tame, widthOf, wrap } from "../src/top/styled.ts";
import { type Column, table } from "../src/top/table.ts";
import { runTop, type Terminal } from "../src/top/top.ts";
import { type Screen, topLines } from "../src/top/top-lines.ts";
import { firstView, pressed, type Shown, sortColumns, sorted, TopWatch, type View } from "../src/top/top-state.ts";

function workerOf(worker: number, some: Partial<PageWorker> = {}): PageWorker {
  const heartbeat = { arenaBytes: 0, arenaUsedBytes: 0, spilledBytes: 0, spillCount: 0, resumedFetches: 0 };
  const metrics = {
    ...heartbeat,
    damagedParts: 0,
    eventLoopDelayMs: 1,
    gpus: [],
    cpuPercent: worker * 10,
    rssBytes: 2 ** 28,
  };
  return {
    ...{ name: `worker-${worker}`, worker, address: "127.0.0.1:1", status: "running", slots: 4, pid: 1, actors: 0 },
    ...{ memoryLimitBytes: 2 ** 33, resources: {}, resourcesUsed: {}, assigned: 6, running: 4, stored: 3, tensors: [] },
    ...{ storedBytes: 4096, finished: 1234, joinedAt: 0, silentUs: 0, occupancyUs: 0, hasNanny: true, metrics },
    ...some,
  };
}

function runOf(run: number, some: Partial<PageRun> = {}): PageRun {
  const counts = { total: 200, done: 54, failed: 1, cancelled: 0, running: 8 };
  return {
    ...{
      run,
      session: 1,
      name: `search ${run}`,
      weight: 1,
      status: "open",
      steps: 0,
      stepsDone: 0,
      spentUs: 0,
      detached: false,
    },
    ...{ counts, client: "notebook", startedAt: 0, endedAt: null, kind: "" },
    ...some,
  };
}

const overview: PageOverview = {
  scheduler: { id: "one", version: "0.1.0", pid: 7, startedAtMs: 0, dashboard: null },
  ...{ now: 110e6, sessions: 1, datasets: 0, slots: 8, busy: 8, storedBytes: 0, spilledBytes: 0, movedBytes: 0 },
  tasks: { waiting: 0, queued: 138, assigned: 0, running: 8, done: 53, failed: 1, cancelled: 0 },
  workers: { running: 2, paused: 0, retiring: 0, cut: 0 },
  ...{ memoryLimitBytes: 2 ** 34, rssBytes: 2 ** 30, ended: 54, transitions: 9, runs: [runOf(1)], runCount: 1 },
  functions: ["fit", "score"].map((name, fn) => ({
    ...{ fn, name, waiting: 0, queued: 69, active: 4, done: 26, failed: fn, cancelled: 0, spentUs: 5e6, medianUs: 2e5 },
  })),
  ...{ functionCount: 2, queues: [], lastEvent: 0, lastLine: 0, lastSpan: 0, lastDetail: 0 },
};

function shownOf(
  some: Partial<PageOverview> = {},
  workers: readonly PageWorker[] = [1, 2].map((one) => workerOf(one)),
): Shown {
  return new TopWatch("10.0.0.1:8786").answered({ ...overview, ...some }, workers, 7_200_000, 1);
}

const draw = (shown: Shown, screen: Partial<Screen> = {}, view: Partial<View> = {}): string[] =>
  topLines(shown, { ...firstView, ...view }, { columns: 80, rows: 24, colour: false, ...screen });

test("80 by 24: everything", () => {
  expect(draw(shownOf()).map((line) => line.trimEnd())).toEqual([
    "Taskflock 10.0.0.1:8786                                         up 2 h, 1 client",
    "All 8 slots of 2 workers are busy, 138 tasks to come: more workers would help.",
    "Tasks  138 queued, 8 running, 53 done, 1 failed",
    "Slots  8 of 8 busy, memory 1.0 GiB of 16.0 GiB",
    "",
    "RUN                          DONE   RATE   LEFT  FAILED  STATUS",
    "search 1  ███░░░░░░░░░  55 of 200  0.5/s  5 min       1  open",
    "",
    "WORKER    STATUS    TASKS  CPU▼     MEMORY    LIMIT   STORED  ENDED",
    "worker-2  running  4/4 +2  20 %  256.0 MiB  8.0 GiB  4.0 KiB  1,234",
    "worker-1  running  4/4 +2  10 %  256.0 MiB  8.0 GiB  4.0 KiB  1,234",
    "",
    "FUNCTION  TO COME  ACTIVE  DONE  FAILED  MEDIAN  TIME SPENT",
    "fit            69       4    26       0  200 ms         5 s",
    "score          69       4    26       1  200 ms         5 s",
    ...new Array(8).fill(""),
    "q quit   s sort: cpu   ↑↓ scroll   p pause",
  ]);
});

test("40 by 12: what matters most", () => {
  const workers = Array.from({ length: 30 }, (_, index) => workerOf(index + 1));
  expect(draw(shownOf({}, workers), { columns: 40, rows: 12 }).map((line) => line.trimEnd())).toEqual([
    "Taskflock 10.0.0.1:8786  up 2 h, 1 clie…",
    "All 8 slots of 2 workers are busy, 138",
    "tasks to come: more workers would help.",
    "Tasks  138 queued, 8 running, 53 done,",
    "Slots  8 of 8 busy,",
    "",
    "RUN            DONE   LEFT  FAILED",
    "search 1  55 of 200  5 min       1",
    "",
    "WORKER      TASKS   CPU▼     MEMORY",
    "worker-30  4/4 +2  300 %  256.0 MiB",
    "q quit   s sort: cpu   ↑↓ scroll   p pa…",
  ]);
});

describe("any size", () => {
  const names = ["x".repeat(300), "two\nlines\u001b[2J", "日本"];
  const workers = names.map((name, index) => workerOf(index, { name, metrics: null, status: "cut" }));
  const many = shownOf(
    { runs: names.map((name, run) => runOf(run, { name })) },
    workers.flatMap((one) => new Array(50).fill(one)),
  );
  test.each([
    [80, 24],
    [40, 12],
    [20, 8],
    [300, 100],
    [1, 2],
  ])("%i by %i: not one character more, and no control characters", (columns, rows) => {
    const lines = draw(many, { columns, rows });
    expect(lines).toHaveLength(rows);
    for (const line of lines) {
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });

  test("without a height: all workers, no keys", () => {
    const lines = draw(
      shownOf(
        {},
        Array.from({ length: 99 }, (_, index) => workerOf(index)),
      ),
      { rows: null },
    );
    expect(lines.filter((line) => line.startsWith("worker-"))).toHaveLength(99);
    expect(lines.join("\n")).not.toContain("quit");
  });
});

test("what does not fit is counted, and scrolled to", () => {
  const shown = shownOf(
    {},
    Array.from({ length: 50 }, (_, index) => workerOf(index + 1)),
  );
  const first = draw(shown).join("\n");
  expect(first).toMatch(/worker-50 .*worker-49 .*and \d+ workers more/s);
  const last = draw(shown, {}, { scroll: 49 }).join("\n");
  expect(last).toMatch(/worker-1 /);
  expect(last).not.toContain("worker-50");
});

test("no workers, no runs", () => {
  const empty = {
    tasks: { ...overview.tasks, queued: 0, running: 0 },
    workers: { running: 0, paused: 0, retiring: 0, cut: 0 },
  };
  const text = draw(shownOf({ ...empty, runs: [], functions: [], slots: 0, busy: 0 }, [])).join("\n");
  expect(text).toContain("No worker is connected, and there is nothing to do.");
  expect(text).not.toContain("WORKER");
});

test("colours only where they are wanted", () => {
  expect(draw(shownOf(), { colour: true }).join("")).toContain("\u001b[31m1 failed\u001b[0m");
  expect(draw(shownOf()).join("")).not.toContain("\u001b");
});

test("a lost link stands there, with the last that was known", () => {
  const watch = new TopWatch("a:1");
  watch.answered(overview, [workerOf(1)], 1, 1);
  watch.lost(2);
  const text = draw(watch.shown!).join("\n");
  expect(text).toContain("no link");
  expect(text).toContain("The link to the scheduler is lost");
  expect(text).toContain("worker-1");
});

test("another scheduler: rates begin anew", () => {
  const watch = new TopWatch("a:1");
  watch.answered({ ...overview, ended: 0, now: 0 }, [], 1, 1);
  expect(watch.answered({ ...overview, ended: 100, now: 1e6 }, [], 2, 1).rates.get(0)?.perSecond).toBe(100);
  const other = { ...overview.scheduler, id: "two" };
  expect(
    watch.answered({ ...overview, scheduler: other, ended: 5, now: 1 }, [], 3, 1).rates.get(0)?.perSecond,
  ).toBeNull();
  expect(new LimitWatch().sentence({ connected: false, secondsLeft: null, running: [] })).toContain("no link");
});

describe("keys", () => {
  test.each(["q", "Q", "\u0003"])("%j quits", (key) => {
    expect(pressed(firstView, key, 3)).toBe("quit");
  });

  test("s and arrows to the side sort by each column in turn", () => {
    let view: View | "quit" = firstView;
    const seen = new Set<string>();
    for (const _ of sortColumns) {
      view = pressed(view as View, "s", 3);
      seen.add((view as View).sort);
    }
    expect([...seen].sort()).toEqual([...sortColumns].sort());
    expect(view).toEqual(firstView);
    expect(pressed(pressed(firstView, "\u001b[C", 3) as View, "\u001b[D", 3)).toEqual(firstView);
  });

  test("arrows scroll, and not beyond the ends", () => {
    expect(pressed(firstView, "\u001b[A", 3)).toMatchObject({ scroll: 0 });
    expect(pressed({ ...firstView, scroll: 1 }, "\u001b[B", 3)).toMatchObject({ scroll: 2 });
    expect(pressed({ ...firstView, scroll: 2 }, "\u001b[B", 3)).toMatchObject({ scroll: 2 });
  });

  test("p and the space bar pause; others do nothing", () => {
    expect(pressed(firstView, "p", 3)).toMatchObject({ isPaused: true });
    expect(pressed({ ...firstView, isPaused: true }, " ", 3)).toMatchObject({ isPaused: false });
    expect(pressed(firstView, "x", 3)).toBe(firstView);
  });
});

test("workers in the order of any column, and of their names as people count", () => {
  const workers = [workerOf(10, { metrics: null }), workerOf(9, { assigned: 1 }), workerOf(2, { storedBytes: 1 })];
  const order = (sort: View["sort"]): number[] => sorted(workers, sort).map(({ worker }) => worker);
  expect(order("name")).toEqual([2, 9, 10]);
  expect(order("cpu")).toEqual([9, 2, 10]);
  expect(order("tasks")).toEqual([2, 10, 9]);
  expect(order("stored")).toEqual([9, 10, 2]);
});

describe("lines", () => {
  test("are cut and wrapped by characters", () => {
    expect(clip("日本語", 2)).toBe("日…");
    expect(wrap("one two three", 7, 3)).toEqual(["one two", "three"]);
    expect(wrap("one two three four", 9, 2)).toEqual(["one two", "three fo…"]);
    expect(wrap("abcdefgh", 3, 2)).toEqual(["abc", "de…"]);
    expect(bar(0.5, 4)).toBe("██░░");
    expect(bar(7, 2)).toBe("██");
    expect(tame("a\u202eb\n")).toBe("a·b·");
    expect(renderLine([["abc", "bold"], ["def"]], 4, true)).toBe("\u001b[1mabc\u001b[0m…");
  });

  test("a table leaves out what matters least, and then cuts its first column", () => {
    const columns: Column<string>[] = [
      { title: "A", rank: 0, least: 3, cell: (text) => text },
      { title: "B", rank: 2, cell: () => "bb" },
      { title: "C", rank: 1, align: "right", cell: () => "c" },
    ];
    const lines = (width: number): string[] =>
      table(columns, ["aaaaa"], width).map((line) => renderLine(line, width, false));
    expect(lines(12)).toEqual(["A      B   C", "aaaaa  bb  c"]);
    expect(lines(10)).toEqual(["A    B   C", "aa…  bb  c"]);
    expect(lines(8)).toEqual(["A      C", "aaaaa  c"]);
    expect(lines(2)).toEqual(["A ", "a…"]);
  });
});

test("a terminal is left as it was found, and drawn anew when its size or the view changes", async () => {
  const written: string[] = [];
  const output = Object.assign(new EventEmitter(), {
    write: (text: string) => written.push(text) > 0,
    columns: 80,
    rows: 24,
  });
  const raw: boolean[] = [];
  const input = Object.assign(new EventEmitter(), {
    setRawMode: (isRaw: boolean) => raw.push(isRaw),
    resume: () => undefined,
    pause: () => undefined,
  });
  const answers: Readonly<Record<string, unknown>> = {
    pageOverview: overview,
    pageWorkers: { now: 0, workers: [workerOf(1)] },
  };
  const observer = { ask: async ({ q }: { readonly q: string }) => ({ value: answers[q] }) };
  const terminal = { input, output, colour: false } as unknown as Terminal;
  const over = runTop("a:1", observer as never, terminal, new AbortController().signal);
  await expect.poll(() => written.length).toBe(2);
  expect(written[0]).toContain("\u001b[?1049h");
  output.columns = 40;
  output.emit("resize");
  input.emit("data", Buffer.from("s\u001b[B"));
  expect(written).toHaveLength(4);
  expect(written[3]).toContain("sort: memory");
  input.emit("data", Buffer.from("q"));
  await over;
  expect(written.at(-1)).toContain("\u001b[?1049l");
  expect(raw).toEqual([true, false]);
  expect(input.listenerCount("data") + output.listenerCount("resize")).toBe(0);
});
