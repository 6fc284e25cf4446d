// The task stream's model: which slot ran what, what is seen of it, and where the reader is.
import type { PageSpans } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { emptyModel, type Spans } from "../../web/feed/model.ts";
import { DONE, FAILED, Lane, RUNNING } from "../../web/pages/status/lane.ts";
import { type StreamRow, TaskStream } from "../../web/pages/status/stream-model.ts";
import {
  afterKey,
  atTime,
  firstView,
  keyOf,
  panned,
  pixelAt,
  rowHeight,
  rowsSeen,
  scrolled,
  ticksOf,
  timeAt,
  zoomed,
} from "../../web/pages/status/stream-view.ts";
import { barAt, neighbour, newBars, visibleBars } from "../../web/pages/status/visible-bars.ts";

type Attempt = readonly [task: number, fn: number, worker: number, endedAt: number, durationUs: number, end?: number];
type Running = readonly [task: number, fn: number, worker: number, startedAt: number];
type Skipped = readonly [worker: number, fn: number, count: number, us: number];

/** A feed that says things one after the other, as the page keeps them. */
function feed(): (
  now: number,
  ended: readonly Attempt[],
  running?: readonly Running[],
  skipped?: readonly Skipped[],
) => Spans {
  const { ring } = emptyModel().spans;
  let version = 0;
  return (now, ended, running = [], skipped = []) => {
    const message: PageSpans = {
      now,
      last: 0,
      missed: 0,
      task: ended.map(([task]) => task),
      fn: ended.map(([, fn]) => fn),
      worker: ended.map(([, , worker]) => worker),
      endedAt: ended.map(([, , , at]) => at),
      durationUs: ended.map(([, , , , us]) => us),
      end: ended.map(([, , , , , end = DONE]) => end),
      skipped: {
        worker: skipped.map(([worker]) => worker),
        fn: skipped.map(([, fn]) => fn),
        count: skipped.map(([, , count]) => count),
        us: skipped.map(([, , , us]) => us),
      },
      running: {
        task: running.map(([task]) => task),
        fn: running.map(([, fn]) => fn),
        worker: running.map(([, , worker]) => worker),
        startedAt: running.map(([, , , at]) => at),
      },
      names: {},
      runningKeys: running.map(([task]) => `key-${task}`),
    };
    ring.push(message);
    return { ...message, ring, version: ++version };
  };
}

function streamOf(slots: number, ...names: string[]): TaskStream {
  const stream = new TaskStream();
  stream.setWorkers(new Map(names.map((name, i) => [i + 1, { name, slots }])));
  return stream;
}

const barsOf = (stream: TaskStream): string[] =>
  stream.rows.map(({ lane }) =>
    Array.from({ length: lane.count }, (_, i) => `${lane.tasks[i]}:${lane.starts[i]}-${lane.ends[i]}`).join(" "),
  );

/** Whatever was told: bars of a row are in order, and none lies over another. */
function expectNoOverlap(rows: readonly StreamRow[]): void {
  for (const { lane } of rows)
    for (let i = 0; i < lane.count; i++) {
      expect(lane.ends[i]!).toBeGreaterThan(lane.starts[i]!);
      if (i > 0) expect(lane.starts[i]!).toBeGreaterThanOrEqual(lane.ends[i - 1]!);
    }
}

describe("which slot ran what", () => {
  it("lays attempts that ended in one message one before the other, in as many rows as there are slots", () => {
    const stream = streamOf(1, "alpha");
    const say = feed();
    stream.take(
      say(1000, [
        [1, 7, 1, 1000, 100],
        [2, 7, 1, 1000, 200],
        [3, 7, 1, 1000, 300],
      ]),
      1000,
    );
    expect(barsOf(stream)).toEqual(["1:400-500 2:500-700 3:700-1000"]);
    const two = streamOf(2, "alpha");
    two.take(
      feed()(1000, [
        [1, 7, 1, 1000, 400],
        [2, 7, 1, 1000, 400],
        [3, 7, 1, 1000, 300],
      ]),
      1000,
    );
    expect(barsOf(two)).toEqual(["1:300-700 3:700-1000", "2:600-1000"]);
  });

  it("shows what follows one another in one row, although others are free", () => {
    const stream = streamOf(3, "alpha");
    const say = feed();
    for (const n of [1, 2, 3]) stream.take(say(n * 1000, [[n, 7, 1, n * 1000, 900]]), n * 1000);
    expect(barsOf(stream).filter((row) => row !== "")).toEqual(["1:100-1000 2:1100-2000 3:2100-3000"]);
  });

  it("keeps an attempt in the row it was shown in while it ran, and lays others beside it", () => {
    const stream = streamOf(2, "alpha");
    const say = feed();
    stream.take(say(1000, [], [[9, 7, 1, 100]]), 1000);
    const row = stream.rows.findIndex(({ of, slot }) => [...of.running.values()].some(({ lane }) => lane === slot));
    stream.take(
      say(
        2000,
        [
          [1, 7, 1, 2000, 500],
          [2, 7, 1, 2000, 500],
        ],
        [[9, 7, 1, 100]],
      ),
      2000,
    );
    expect(barsOf(stream)[row]).toBe("");
    expect(barsOf(stream)[1 - row]).toBe("1:1000-1500 2:1500-2000");
    stream.take(say(3000, [[9, 7, 1, 3000, 2900]]), 3000);
    expect(barsOf(stream)[row]).toBe("9:100-3000");
    expect(stream.rows[row]!.of.running.size).toBe(0);
  });

  it("never lays bars over another, and counts work without room in a band", () => {
    const stream = streamOf(2, "alpha");
    const say = feed();
    let random = 12345;
    const next = (most: number): number => {
      random = (random * 1103515245 + 12345) % 2147483648;
      return 1 + (random % most);
    };
    let told = 0;
    for (let now = 1000; now <= 100_000; now += 1000) {
      const ended = Array.from({ length: next(6) }, (_, i): Attempt => [now + i, 7, 1, now - next(300), next(900)]);
      told += ended.reduce((sum, [, , , , us]) => sum + us, 0);
      stream.take(say(now, ended), now);
    }
    expectNoOverlap(stream.rows);
    const shown = stream.rows.reduce(
      (sum, { lane }) =>
        sum + Array.from({ length: lane.count }, (_, i) => lane.ends[i]! - lane.starts[i]!).reduce((a, b) => a + b, 0),
      0,
    );
    const inBands = stream.rows[0]!.of.bands.reduce((sum, { us }) => sum + us, 0);
    expect(shown).toBeGreaterThan(0.5 * told);
    expect(Math.round(shown + inBands)).toBe(told);
  });

  it("shows work that is told in sums as bands of the time since the message before", () => {
    const stream = streamOf(1, "alpha");
    const say = feed();
    stream.take(say(10_000_000, [], [], [[1, 7, 100, 5000]]), 10_000_000);
    expect(stream.rows[0]!.of.bands).toEqual([]);
    stream.take(
      say(
        10_500_000,
        [],
        [],
        [
          [1, 7, 300, 205_000],
          [1, 8, 10, 50_000],
        ],
      ),
      10_500_000,
    );
    expect(stream.rows[0]!.of.bands).toEqual([
      { from: 10_000_000, to: 10_500_000, us: 250_000, count: 210, fn: 7, fnUs: 200_000 },
    ]);
  });

  it("keeps the rows of a worker that is gone until it is long ago, without what ran", () => {
    const stream = streamOf(1, "worker-2", "worker-10", "worker-1");
    expect(stream.rows.map(({ of }) => of.name)).toEqual(["worker-1", "worker-2", "worker-10"]);
    stream.take(feed()(1000, [[1, 7, 2, 900, 100]], [[5, 7, 2, 950]]), 1000);
    stream.setWorkers(new Map([[1, { name: "worker-2", slots: 1 }]]));
    expect(stream.rows.map(({ of }) => [of.name, of.isGone, of.running.size])).toEqual([
      ["worker-1", true, 0],
      ["worker-2", false, 0],
      ["worker-10", true, 0],
    ]);
    stream.forgetGone(500);
    expect(stream.rows.map(({ of }) => of.name)).toEqual(["worker-2", "worker-10"]);
    stream.forgetGone(901);
    expect(stream.rows.map(({ of }) => of.name)).toEqual(["worker-2"]);
  });

  it("learns later whose rows those of a worker are that was gone before, and how many", () => {
    const stream = streamOf(1, "alpha");
    stream.take(
      feed()(1000, [
        [1, 7, 9, 1000, 100],
        [2, 7, 9, 1000, 200],
        [3, 7, 9, 1000, 300],
      ]),
      1000,
    );
    expect(stream.rows.filter(({ of }) => of.isGone).map(({ of }) => of.name)).toEqual(Array(4).fill("worker 9"));
    stream.nameGone([{ worker: 9, name: "beta", slots: 1 }]);
    expect(stream.rows.map(({ of, slot }) => [of.name, slot])).toEqual([
      ["alpha", 0],
      ["beta", 0],
    ]);
    expect(barsOf(stream)[1]).toMatch(/^\d:400-\d+ \d:\d+-\d+ \d:\d+-1000$/);
    expectNoOverlap(stream.rows);
    // Who was told before it was met is known at once.
    const second = streamOf(1, "alpha");
    second.nameGone([{ worker: 9, name: "beta", slots: 1 }]);
    second.take(feed()(1000, [[1, 7, 9, 1000, 100]]), 1000);
    expect(second.rows.map(({ of }) => of.name)).toEqual(["alpha", "beta"]);
  });

  it("begins anew when the feed does", () => {
    const stream = streamOf(1, "alpha");
    stream.take(feed()(1000, [[1, 7, 1, 1000, 100]]), 1000);
    stream.take(feed()(50, [[2, 7, 1, 50, 10]]), 50);
    expect(barsOf(stream)).toEqual(["2:40-50"]);
  });

  it("holds a bounded number of bars, the newest", () => {
    const lane = new Lane();
    for (let i = 0; i < 1000; i++) lane.push({ start: i * 10, end: i * 10 + 5, task: i, fn: 1, kind: DONE }, 64);
    expect(lane.count).toBeLessThanOrEqual(64);
    expect(lane.count).toBeGreaterThanOrEqual(48);
    expect(lane.at(lane.count - 1)).toEqual({ start: 9990, end: 9995, task: 999, fn: 1, kind: DONE });
    expect(lane.firstAfter(9985)).toBe(lane.count - 1);
    expect(lane.firstAfter(9995)).toBe(lane.count);
  });
});

describe("what is seen", () => {
  const window = { from: 0, to: 1000, width: 100 };
  const all = { first: 0, last: 10 };

  it("gives pixels of the bars in the window, and open bars up to now", () => {
    const stream = streamOf(1, "a", "b", "c");
    stream.take(
      feed()(
        900,
        [
          [1, 7, 1, 200, 100],
          [2, 8, 2, 5000, 100],
        ],
        [[3, 9, 3, 500]],
      ),
      900,
    );
    const bars = visibleBars(stream, window, all, 950, newBars());
    expect(bars.count).toBe(2);
    expect([bars.row[0], bars.left[0], bars.right[0], bars.fn[0], bars.kind[0]]).toEqual([0, 10, 20, 7, DONE]);
    expect([bars.row[1], bars.left[1], bars.right[1], bars.fn[1], bars.kind[1]]).toEqual([2, 50, 95, 9, RUNNING]);
    expect(visibleBars(stream, window, { first: 1, last: 2 }, 950, bars).count).toBe(0);
  });

  it("draws bars below one pixel as one, with their number, and failed when one of them is", () => {
    const stream = streamOf(1, "a");
    const ended = Array.from(
      { length: 100 },
      (_, i): Attempt => [i, i === 42 ? 8 : 7, 1, i + 1, 0.5, i === 42 ? FAILED : DONE],
    );
    stream.take(feed()(100, ended), 100);
    const bars = visibleBars(stream, window, all, 100, newBars());
    expect(bars.count).toBe(10);
    expect([...bars.of.slice(0, 10)].reduce((a, b) => a + b, 0)).toBe(100);
    expect([...bars.kind.slice(0, 10)].filter((kind) => kind === FAILED)).toHaveLength(1);
    expect(bars.cover[3]).toBeCloseTo(0.5);
    expect(bars.right[3]! - bars.left[3]!).toBe(1);
  });

  it("finds the bar under a pointer, or the nearest", () => {
    const stream = streamOf(1, "a");
    stream.take(
      feed()(
        900,
        [
          [1, 7, 1, 200, 100],
          [2, 8, 1, 400, 100, FAILED],
        ],
        [[3, 9, 1, 500]],
      ),
      900,
    );
    expect(barAt(stream, 0, 150, 0, 900)).toMatchObject({ task: 1, start: 100, end: 200 });
    expect(barAt(stream, 0, 205, 10, 900)).toMatchObject({ task: 1 });
    expect(barAt(stream, 0, 250, 10, 900)).toBeNull();
    expect(barAt(stream, 0, 700, 0, 900)).toMatchObject({ task: 3, key: "key-3", end: null, kind: RUNNING });
    expect(barAt(stream, 5, 700, 0, 900)).toBeNull();
    expect(neighbour(stream, 0, 150, 1, 900)).toMatchObject({ task: 2 });
    expect(neighbour(stream, 0, 350, 1, 900)).toMatchObject({ task: 3 });
    expect(neighbour(stream, 0, 350, -1, 900)).toMatchObject({ task: 1 });
    expect(neighbour(stream, 0, 150, -1, 900)).toBeNull();
  });

  it("looks only at what is in sight: 4,000 rows with a full history", () => {
    const stream = new TaskStream();
    stream.setWorkers(new Map(Array.from({ length: 1000 }, (_, i) => [i + 1, { name: `worker-${i + 1}`, slots: 4 }])));
    const say = feed();
    for (let round = 1; round <= 16; round++) {
      const now = round * 100_000;
      const ended = Array.from({ length: 8000 }, (_, i): Attempt => [i, i % 20, (i % 1000) + 1, now, 30_000]);
      stream.take(say(now, ended), now);
    }
    expect(stream.rows).toHaveLength(4000);
    const bars = visibleBars(
      stream,
      { from: 0, to: 2_000_000, width: 1000 },
      { first: 1000, last: 1100 },
      1_600_000,
      newBars(),
    );
    expect(bars.count).toBeGreaterThan(1000);
    expect(Math.min(...bars.row.slice(0, bars.count))).toBe(1000);
    expect(Math.max(...bars.row.slice(0, bars.count))).toBe(1099);
    expectNoOverlap(stream.rows.slice(0, 20));
  });
});

describe("where the reader is", () => {
  const now = 1_000_000_000;
  const live = atTime(firstView, now);

  it("follows the clock until the reader goes back, and again when they reach it", () => {
    expect(live.to).toBe(now);
    const back = panned(live, -10_000_000, now);
    expect(back).toMatchObject({ isLive: false, to: now - 10_000_000 });
    expect(atTime(back, now + 5_000_000).to).toBe(now - 10_000_000);
    expect(panned(back, 20_000_000, now)).toMatchObject({ isLive: true, to: now });
  });

  it("keeps the place under the pointer where it is", () => {
    const still = { ...live, isLive: false };
    const time = timeAt(still, 250, 1000);
    const near = zoomed(still, 0.5, 0.25);
    expect(near.span).toBe(still.span / 2);
    expect(pixelAt(near, time, 1000)).toBeCloseTo(250);
    expect(zoomed(live, 0.5, 0.25)).toMatchObject({ isLive: true, to: now });
    expect(zoomed(still, 1e-12).span).toBeGreaterThan(0);
  });

  it("takes keys", () => {
    expect(["+", "-", "ArrowLeft", "ArrowRight", " ", "Home", "x"].map(keyOf)).toEqual([
      "zoomIn",
      "zoomOut",
      "earlier",
      "later",
      "pause",
      "home",
      undefined,
    ]);
    expect(afterKey(live, "zoomIn", now).span).toBeLessThan(live.span);
    expect(afterKey(live, "zoomOut", now).span).toBeGreaterThan(live.span);
    expect(afterKey(live, "earlier", now)).toMatchObject({ isLive: false });
    const stopped = afterKey(live, "pause", now);
    expect(stopped).toMatchObject({ isLive: false, to: now });
    expect(afterKey(stopped, "pause", now + 1)).toMatchObject({ isLive: true });
    expect(afterKey(afterKey(stopped, "zoomIn", now), "home", now)).toEqual(live);
  });

  it("shows as many rows as there is room for, and scrolls over the others", () => {
    const few = { width: 800, height: 400, rows: 4 };
    const many = { width: 800, height: 400, rows: 1000 };
    expect(rowHeight(few)).toBe(22);
    expect(rowsSeen(live, few)).toEqual({ first: 0, last: 4 });
    expect(rowHeight(many)).toBe(4);
    expect(rowsSeen(scrolled(live, 100, many), many)).toEqual({ first: 25, last: 125 });
    expect(scrolled(live, 1e9, many).top).toBe(4000 - 400);
    expect(scrolled(live, 50, few).top).toBe(0);
  });

  it("marks round times of the reader's clock", () => {
    const view = { to: 30_000_000, span: 30_000_000, isLive: false, top: 0 };
    const { stepMs, ticks } = ticksOf(view, 900, 1_700_000_000_500);
    expect(stepMs).toBe(5000);
    expect(ticks.map(({ wallMs }) => wallMs % 5000)).toEqual(ticks.map(() => 0));
    expect(ticks).toHaveLength(6);
    expect(ticks[0]!.x).toBeCloseTo(((1_700_000_005_000 - 1_700_000_000_500) / 30_000) * 900);
    expect(ticksOf({ ...view, span: 100 }, 900, 0).stepMs).toBe(0.01);
  });
});
