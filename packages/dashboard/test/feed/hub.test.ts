import type { FeedTopic, FeedWish } from "@taskflock/protocol/words";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Hub } from "../../server/feed/hub.ts";
import { BEHIND_BYTES, BEHIND_MS, type Page } from "../../server/feed/page-book.ts";
import { FakeClock, FakePage, FakeScheduler, manySpans, overviewOf, spansOf, workerOf } from "./fakes.ts";

let scheduler: FakeScheduler;
let clock: FakeClock;
let hub: Hub;
beforeEach(() => {
  scheduler = new FakeScheduler();
  clock = new FakeClock();
  hub = new Hub(scheduler, clock);
});

const wish = (...topics: FeedTopic[]): FeedWish => ({ topics, run: 0, paused: false });
function open(...topics: FeedTopic[]): { outlet: FakePage; page: Page } {
  const outlet = new FakePage();
  const page = hub.join(outlet);
  hub.wish(page, wish(...topics));
  return { outlet, page };
}
/** Something happens: the rounds stay quick. */
function work(): void {
  scheduler.overview = overviewOf({ ...scheduler.overview, transitions: scheduler.overview.transitions + 1 });
}

describe("what the scheduler is asked", () => {
  test("nothing before somebody opens a page, and nothing for a page that wishes nothing", async () => {
    hub.join(new FakePage());
    await clock.pass(60_000);
    expect(scheduler.kinds()).toEqual([]);
  });

  test("ten times a second while tasks move, once a second while nothing does", async () => {
    open();
    scheduler.answer = () => void work();
    await clock.pass(1_000);
    expect(scheduler.kinds()).toHaveLength(11);
    scheduler.answer = () => undefined;
    await clock.pass(10_000);
    scheduler.kinds();
    await clock.pass(10_000);
    expect(scheduler.kinds()).toHaveLength(10);
  });

  test("no round before the last one is answered", async () => {
    const { outlet } = open();
    scheduler.hold();
    await clock.pass(5_000);
    expect(scheduler.kinds()).toEqual(["pageOverview"]);
    scheduler.release();
    await clock.pass(0);
    expect(outlet.messages()).toHaveLength(1);
  });

  test("rounds that take long are rare", async () => {
    open();
    scheduler.answer = () => void work();
    const slowly = async (): Promise<number> => {
      scheduler.hold();
      await clock.pass(150);
      scheduler.release();
      await clock.pass(850);
      return scheduler.kinds().length;
    };
    await slowly();
    expect(await slowly()).toBeLessThanOrEqual(2);
  });

  test("what pages wish, when it is due, and not what nobody wishes any more", async () => {
    const { page } = open("workers", "spans");
    scheduler.answer = () => void work();
    await clock.pass(950);
    const asked = scheduler.kinds();
    expect(asked.filter((kind) => kind === "pageWorkers")).toHaveLength(1);
    expect(asked.filter((kind) => kind === "pageSpans")).toHaveLength(4);
    hub.wish(page, wish("events"));
    await clock.pass(950);
    expect(new Set(scheduler.kinds())).toEqual(new Set(["pageOverview"]));
  });

  test("events are asked for when there are new ones", async () => {
    const { outlet } = open("events");
    const event = { at: 1, cause: 1, kind: "note", who: "", key: "", text: "one" } as const;
    scheduler.answer = (question) =>
      question.q === "events" ? { now: 0, items: [{ ...event, seq: 501 }], missed: 0 } : undefined;
    scheduler.overview = overviewOf({ lastEvent: 501 });
    await clock.pass(0);
    expect(scheduler.asked.at(-1)).toEqual({ q: "events", since: 301, limit: 500, wait: false });
    expect(outlet.messages()[0].events).toEqual({ items: [{ seq: 501, ...event }], missed: 0 });
    scheduler.kinds();
    await clock.pass(3_000);
    expect(scheduler.kinds()).not.toContain("events");
  });

  test("every five seconds for an hour after the last page, then no more", async () => {
    const { page } = open("workers");
    await clock.pass(0);
    hub.leave(page);
    await clock.pass(2_000);
    scheduler.kinds();
    await clock.pass(60_000);
    expect(scheduler.kinds()).toEqual(new Array(12).fill("pageOverview"));
    await clock.pass(3_600_000);
    scheduler.kinds();
    await clock.pass(3_600_000);
    expect(scheduler.kinds()).toEqual([]);
    hub.opened();
    await clock.pass(0);
    expect(scheduler.kinds()).toEqual(["pageOverview"]);
  });
});

describe("what a page is sent", () => {
  test("everything at first, then what changed", async () => {
    scheduler.workers = { now: 0, workers: [workerOf(1), workerOf(2)] };
    const { outlet } = open("workers");
    await clock.pass(1_000);
    const [first, ...later] = outlet.messages();
    expect(first).toMatchObject({
      fresh: true,
      connected: true,
      limit: "No worker is connected, and there is nothing to do.",
    });
    expect(first.workers.added.map(({ name }: { name: string }) => name)).toEqual(["worker-1", "worker-2"]);
    expect(first.workers.rows[0]).toEqual([1, 0, 2, 1, 10, 3, 4096, null, null, null, null, 2000, 0, null, null]);
    expect(first.points).toHaveLength(1);
    expect(later.every(({ fresh, workers }) => !fresh && workers === undefined)).toBe(true);
    scheduler.workers = { now: 0, workers: [workerOf(2, { running: 4 }), workerOf(3)] };
    await clock.pass(1_200);
    const told = outlet.messages().find(({ workers }) => workers !== undefined);
    expect(told.workers.gone).toEqual([1]);
    expect(told.workers.added.map(({ worker }: { worker: number }) => worker)).toEqual([3]);
    expect(told.workers.rows.map(([worker]: [number]) => worker)).toEqual([2, 3]);
  });

  test("numbers that rise by one, and the two clocks at one moment", async () => {
    const { outlet } = open();
    scheduler.answer = () => void work();
    await clock.pass(500);
    const messages = outlet.messages();
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => messages[0].seq + index));
    expect(messages[1].wall).toBe(messages[0].wall + 100);
  });

  test("the last minutes at once, also of the time before it was opened", async () => {
    hub.opened();
    await clock.pass(60_000);
    const { outlet } = open();
    await clock.pass(0);
    expect(outlet.messages()[0].points).toHaveLength(13);
    await clock.pass(5_000);
    expect(outlet.messages().flatMap(({ points }) => points).length).toBeGreaterThanOrEqual(3);
  });

  test("pages with the same wish share the bytes; those with another get theirs", async () => {
    const [one, two, other] = [open("spans", "workers"), open("spans", "workers"), open("events")];
    await clock.pass(0);
    expect(one.outlet.sent[0] === two.outlet.sent[0]).toBe(true);
    expect(other.outlet.sent[0] === one.outlet.sent[0]).toBe(false);
    expect(other.outlet.messages()[0].workers).toBeUndefined();
  });

  test("one that comes later gets the last spans, the first only new ones", async () => {
    const first = open("spans");
    let from = 1;
    scheduler.answer = (question) => {
      if (question.q !== "pageSpans") return undefined;
      from += 10;
      return manySpans(from - 10, 10);
    };
    await clock.pass(300);
    const second = open("spans");
    await clock.pass(300);
    const told = (outlet: FakePage): number[] => outlet.messages().flatMap(({ spans }) => spans?.task ?? []);
    const all = Array.from({ length: from - 1 }, (_, index) => index + 1);
    expect(told(first.outlet)).toEqual(all);
    expect(told(second.outlet)).toEqual(all);
  });

  test("the last spans where more end than it can be told, and how many it missed", async () => {
    let last = 1_000;
    const asked: number[] = [];
    scheduler.answer = (question) => {
      if (question.q === "pageOverview") return overviewOf({ lastSpan: last, transitions: last });
      if (question.q !== "pageSpans") return undefined;
      asked.push(question.since);
      return manySpans(question.since + 1, Math.min(question.limit, last - question.since));
    };
    const { outlet } = open("spans");
    await clock.pass(0);
    last = 10_000;
    await clock.pass(300);
    // Between them, for the sums of what is left out.
    expect(asked).toEqual([0, 1_000, 10_000 - 2_048]);
    const told = outlet.messages().flatMap(({ spans }) => spans ?? []);
    expect(told.map(({ last, missed }) => [last, missed])).toEqual([
      [1_000, 0],
      [10_000, 9_000 - 1 - 2_048],
    ]);
  });

  test("what can be told, after a round that failed; that is a warning, and does not end the process", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const { outlet, page } = open();
    const send = outlet.send.bind(outlet);
    outlet.send = () => {
      throw new Error("no more");
    };
    await clock.pass(0);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining("no more"));
    outlet.send = send;
    await clock.pass(1_000);
    expect(outlet.messages()).toMatchObject([{ fresh: true }]);
    hub.leave(page);
    warned.mockRestore();
  });

  test("nothing while it is paused, and all anew after", async () => {
    const { outlet, page } = open();
    await clock.pass(0);
    hub.wish(page, { ...wish(), paused: true });
    await clock.pass(2_000);
    expect(outlet.messages()).toHaveLength(1);
    hub.wish(page, wish());
    await clock.pass(0);
    expect(outlet.messages()).toMatchObject([{ fresh: true }]);
  });

  test("all anew when it wishes something else", async () => {
    const { outlet, page } = open("spans");
    await clock.pass(0);
    hub.wish(page, wish("workers"));
    await clock.pass(0);
    expect(outlet.messages().map(({ fresh }) => fresh)).toEqual([true, true]);
  });

  test("one that falls behind gets nothing until it has read all, then everything; others go on", async () => {
    const slow = open();
    const quick = open();
    scheduler.answer = () => void work();
    await clock.pass(200);
    slow.outlet.messages();
    quick.outlet.messages();
    slow.outlet.bufferedAmount = BEHIND_BYTES + 1;
    await clock.pass(500);
    slow.outlet.bufferedAmount = 1;
    await clock.pass(500);
    expect(slow.outlet.messages()).toEqual([]);
    expect(quick.outlet.messages().length).toBeGreaterThanOrEqual(9);
    slow.outlet.bufferedAmount = 0;
    await clock.pass(100);
    expect(slow.outlet.messages()[0]).toMatchObject({ fresh: true });
  });

  test("one that reads nothing for half a minute is closed", async () => {
    const { outlet } = open();
    await clock.pass(0);
    outlet.bufferedAmount = BEHIND_BYTES + 1;
    await clock.pass(BEHIND_MS - 1_000);
    expect(outlet.isTerminated).toBe(false);
    await clock.pass(3_000);
    expect(outlet.isTerminated).toBe(true);
    expect(hub.pages).toBe(0);
  });

  test("that the link is lost, with what was known; and all anew when it leads to another scheduler", async () => {
    scheduler.overview = overviewOf({ slots: 5, ended: 12 });
    const { outlet } = open();
    await clock.pass(0);
    outlet.messages();
    scheduler.setConnected(false);
    await clock.pass(0);
    expect(outlet.messages()).toMatchObject([{ fresh: false, connected: false, overview: { slots: 5 } }]);
    scheduler.overview = overviewOf({ scheduler: { ...overviewOf().scheduler, id: "two" }, slots: 9 });
    scheduler.setConnected(true);
    await clock.pass(0);
    const [again] = outlet.messages();
    expect(again).toMatchObject({ fresh: true, connected: true, overview: { slots: 9 } });
    expect(again.points).toHaveLength(1);
  });

  test("who holds up the end, when spans and workers are known", async () => {
    scheduler.workers = { now: 0, workers: [workerOf(3)] };
    scheduler.overview = overviewOf({ now: 60e6, workers: { running: 1 }, slots: 4, busy: 1, tasks: { running: 1 } });
    const running = { task: [5], fn: [7], worker: [3], startedAt: [20e6] };
    scheduler.answer = ({ q }) =>
      q === "pageSpans" ? spansOf({ running, names: { 7: "fit" }, runningKeys: ["fit-5"] }) : undefined;
    const { outlet } = open("spans", "workers");
    await clock.pass(0);
    expect(outlet.messages()[0].limit).toBe("The last task has run for 40 s, fit on worker-3.");
  });

  test("that there is no scheduler at all", async () => {
    scheduler.connected = false;
    const { outlet } = open();
    await clock.pass(0);
    expect(outlet.messages()).toMatchObject([
      { fresh: true, connected: false, limit: "There is no link to the scheduler yet.", overview: { slots: 0 } },
    ]);
  });
});
