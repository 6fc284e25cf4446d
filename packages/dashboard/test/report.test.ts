// Reports: what they collect, how much they may take, and that nothing in them can break out of the file.
import { FlockError, type PageOverview, type PageSpans } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { emptyOverview } from "../server/feed/empty-overview.ts";
import type { ReportAsks } from "../server/report/collection.ts";
import { Collection, REPORT_LIMITS } from "../server/report/collection.ts";
import { KeptLines } from "../server/report/kept-lines.ts";
import { leftOut } from "../server/report/left-out.ts";
import { LimitTimes } from "../server/report/limit-times.ts";
import type { ReportData } from "../server/report/report-data.ts";
import { PLACE, reportHtml, scriptJson } from "../server/report/report-html.ts";
import { KEPT_MS, MOST_REPORTS, Reports } from "../server/report/reports.ts";
import { SpanColumns } from "../server/report/span-columns.ts";

const template = `<head></head><script type="application/json" id="report">${PLACE}</script><script>run()</script>`;

function spansOf(tasks: readonly number[], more: Partial<PageSpans> = {}): PageSpans {
  const fill = (value: number): number[] => tasks.map(() => value);
  const columns = { task: tasks, fn: fill(1), worker: fill(1), endedAt: tasks, durationUs: fill(10), end: fill(0) };
  const running = { task: [], fn: [], worker: [], startedAt: [] };
  const skipped = { worker: [], fn: [], count: [], us: [] };
  const facts = { now: 0, last: tasks.at(-1) ?? 0, missed: 0, names: { 1: "f" }, runningKeys: [] };
  return { ...facts, ...columns, running, skipped, ...more };
}

describe("the file of a report", () => {
  const hostile = [
    "</script><script>alert(1)</script>",
    "</SCRIPT ><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "]]>",
    "\u2028\u2029",
    '"},"x":"',
    "\\",
    "$& $1 $$ $`",
    PLACE,
    "&lt;/script&gt;",
    "\u0000\ud800",
  ];

  it.each(hostile)("holds %j as data and no more", (text) => {
    const data = { title: text, message: { names: { [text]: text } } } as unknown as ReportData;
    const html = reportHtml(template, data);
    // What a browser would take for the end of the data: as the HTML standard has it, also within comments.
    expect(html.match(/<\/script/gi)).toHaveLength(2);
    expect(html).not.toMatch(/<!--/);
    const json = /id="report">(.*?)<\/script>/s.exec(html)?.[1] ?? "";
    expect(json).not.toMatch(/[<>&\u2028\u2029]/);
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(data)));
    expect(html.startsWith("<head>")).toBe(true);
    expect(html.endsWith("<script>run()</script>")).toBe(true);
  });

  it("refuses a template without its place, or with two", () => {
    for (const damaged of ["<p></p>", template + template]) {
      expect(() => reportHtml(damaged, {} as ReportData)).toThrow(FlockError);
    }
    expect(JSON.parse(scriptJson({ a: [1, "<"] }))).toEqual({ a: [1, "<"] });
  });
});

describe("what a report keeps", () => {
  it("is bounded: the oldest attempts go, and are counted", () => {
    const columns = new SpanColumns(4);
    expect(columns.spans()).toBeNull();
    columns.add(spansOf([1, 2, 3]));
    columns.add(spansOf([4, 5, 6], { missed: 2 }));
    const spans = columns.spans();
    expect(spans?.task).toEqual([3, 4, 5, 6]);
    expect(spans?.durationUs).toHaveLength(4);
    expect(columns.left).toBe(4);
  });

  it("counts sums from its beginning", () => {
    const sums = (count: number, us: number) => ({ skipped: { worker: [1], fn: [1], count: [count], us: [us] } });
    const columns = new SpanColumns(4);
    columns.begin(spansOf([], sums(10, 100)));
    columns.add(spansOf([], sums(25, 160)));
    expect(columns.spans()?.skipped).toEqual({ worker: [1], fn: [1], count: [15], us: [60] });
    columns.begin(spansOf([], sums(25, 160)));
    expect(columns.spans()?.skipped).toEqual({ worker: [], fn: [], count: [], us: [] });
  });

  it("drops the oldest lines by number and by length", () => {
    const lines = new KeptLines<string>(3, 10, (text) => text.length);
    lines.add(["a", "b", "c", "d"], 5);
    expect([lines.items, lines.left]).toEqual([["b", "c", "d"], 6]);
    lines.add(["123456789"], 0);
    expect([lines.items, lines.left]).toEqual([["d", "123456789"], 8]);
  });

  it("says what is not in it", () => {
    const nothing = { spans: 0, events: 0, logs: 0, details: 0, failedRounds: 0 };
    expect(leftOut(nothing)).toEqual([]);
    expect(leftOut({ ...nothing, spans: 1200, failedRounds: 1 })).toEqual([
      "1,200 attempts of tasks are not drawn, the oldest of them: there were more than a report holds, or they came faster than they could be asked for.",
      "1 time the scheduler did not answer; what happened then may be missing.",
    ]);
  });

  it("adds up how long what limited the cluster, whatever the figures in it", () => {
    const times = new LimitTimes();
    times.add("38 tasks wait for GPU", 0);
    times.add("37 tasks wait for GPU", 1_000_000);
    times.add("Idle", 2_000_000);
    times.add("Idle", 2_500_000);
    times.add("Idle", 3_600_000_000);
    expect(times.longest()).toEqual([
      { text: "Idle", seconds: 3.5 },
      { text: "37 tasks wait for GPU", seconds: 2 },
    ]);
  });
});

/** A scheduler whose tasks end as the test says. */
class FakeScheduler implements ReportAsks {
  ended = 0;
  isThere = true;
  readonly asked: string[] = [];

  get overview(): PageOverview {
    const { ended } = this;
    return {
      ...emptyOverview,
      now: ended * 1000,
      ended,
      lastSpan: ended,
      lastEvent: ended,
      lastLine: ended,
      lastDetail: ended,
    };
  }

  ask: ReportAsks["ask"] = async (question) => {
    this.asked.push(question.q);
    if (!this.isThere) throw new FlockError("FLOCK_CONNECTION_LOST", "it is gone");
    return { value: this.#answer(question) as never };
  };

  #answer(question: Parameters<ReportAsks["ask"]>[0]): unknown {
    if (question.q === "pageOverview") return this.overview;
    if (question.q === "pageWorkers") return { now: 0, workers: [] };
    if (question.q === "pageTransfers") return { now: 0, pairs: [], recent: [], totalBytes: 0 };
    const { since, limit } = question;
    const numbers = Array.from({ length: Math.min(limit, this.ended - since) }, (_, at) => since + at + 1);
    if (question.q === "pageSpans") return spansOf(numbers, { last: numbers.at(-1) ?? since });
    const items = numbers.map((seq) => ({
      seq,
      at: seq,
      run: 1,
      text: "line",
      entry: { e: "remark", trial: -1, text: "" },
    }));
    return { now: 0, items, last: numbers.at(-1) ?? since, missed: 0 };
  }
}

describe("collecting", () => {
  it("takes what happens from its beginning to its end", async () => {
    const asks = new FakeScheduler();
    asks.ended = 1000;
    let wall = 5_000;
    const collection = new Collection({ asks, back: false, wall: () => wall, points: [] });
    await collection.round();
    asks.ended = 1010;
    wall = 9_000;
    const { message, from, to, leftOut: missing } = await collection.end("t");
    expect(message.spans?.task).toEqual(Array.from({ length: 10 }, (_, at) => 1001 + at));
    for (const part of [message.events, message.logs, message.details]) {
      expect(part?.items.map(({ seq }) => seq)).toEqual(message.spans?.task);
    }
    expect({ from, to, missing, fresh: message.fresh }).toEqual({ from: 5_000, to: 9_000, missing: [], fresh: true });
    expect(message.points.map(({ at, ended }) => [at, ended])).toEqual([
      [5_000, 1000],
      [9_000, 1010],
    ]);
  });

  it("takes what is remembered, and the charts that somebody looked at", async () => {
    const asks = new FakeScheduler();
    asks.ended = 700;
    const point = { ...(await pointAt(1_000)), ended: 3 };
    const collection = new Collection({ asks, back: true, wall: () => 9_000, points: [point] });
    const { message, from } = await collection.end("");
    expect(message.spans?.task).toHaveLength(700);
    expect(message.events?.items).toHaveLength(700);
    expect(message.points).toHaveLength(2);
    expect(from).toBe(1_000);
  });

  it("goes on when the scheduler does not answer for a while, and says so", async () => {
    const asks = new FakeScheduler();
    const collection = new Collection({ asks, back: false, wall: () => 0, points: [] });
    await collection.round();
    asks.isThere = false;
    await collection.round();
    asks.isThere = true;
    asks.ended = 2;
    const { message, leftOut: missing } = await collection.end("");
    expect(message.spans?.task).toEqual([1, 2]);
    expect(missing).toHaveLength(1);
    const never = new FakeScheduler();
    never.isThere = false;
    const failed = new Collection({ asks: never, back: true, wall: () => 0, points: [] });
    await expect(failed.end("")).rejects.toMatchObject({ code: "FLOCK_CONNECTION_LOST" });
  });

  it("keeps fewer points of a long time, from its beginning on", async () => {
    const asks = new FakeScheduler();
    let wall = 0;
    const collection = new Collection({ asks, back: false, wall: () => wall, points: [] });
    for (let round = 0; round < REPORT_LIMITS.points + 10; round++) {
      wall += 1_000;
      await collection.round();
    }
    const { message } = await collection.end("");
    expect(message.points.length).toBeLessThanOrEqual(REPORT_LIMITS.points / 2 + 20);
    expect(message.points[0]?.at).toBe(1_000);
  });
});

describe("the reports that are being collected", () => {
  it("are few, are fetched once, and are forgotten when nobody does", async () => {
    let wall = 0;
    const reports = new Reports({ asks: new FakeScheduler(), wall: () => wall, points: () => [] });
    const { id, endsAt } = await reports.start("one", 60);
    expect(endsAt).toBe(60_000);
    expect((await reports.end(id)).title).toBe("one");
    await expect(reports.end(id)).rejects.toMatchObject({ code: "FLOCK_REPORT_UNKNOWN" });
    for (let count = 0; count < MOST_REPORTS; count++) await reports.start("", 60);
    await expect(reports.start("", 60)).rejects.toMatchObject({ code: "FLOCK_REPORTS_FULL" });
    wall = 60_000 + KEPT_MS;
    await reports.start("", 60);
    expect(reports.size).toBe(1);
    reports.close();
    expect(reports.size).toBe(0);
  });
});

async function pointAt(wall: number) {
  const collection = new Collection({ asks: new FakeScheduler(), back: true, wall: () => wall, points: [] });
  const [point] = (await collection.end("")).message.points;
  if (point === undefined) throw new Error("no point");
  return point;
}
