import { describe, expect, test } from "vitest";
import { LimitWatch } from "../../server/feed/limit/limit-watch.ts";
import { overviewOf } from "./fakes.ts";

const base = { workers: { running: 2 }, slots: 8 };
const context = { connected: true, secondsLeft: null, running: [] };

/** One overview after another, 100 ms apart; `of` gives the one after so many seconds. */
function watch(seconds: number, of: (at: number) => Parameters<typeof overviewOf>[0], answerMs = 1): string {
  const limits = new LimitWatch();
  for (let step = 0; step <= seconds * 10; step++) {
    limits.overviewCame(overviewOf({ ...base, ...of(step / 10), now: step * 100_000 }), answerMs);
  }
  return limits.sentence(context);
}

describe("what several overviews tell together", () => {
  test("tasks that come as slowly as they go", () => {
    const said = watch(4, (at) => ({ busy: 2, tasks: { running: 2 }, ended: Math.floor(at * 40) }));
    expect(said).toBe(
      "2 of 8 slots busy: tasks are submitted more slowly (40 per second) than the workers could do them.",
    );
  });

  test("tasks that come one by one, seen while one runs and between two", () => {
    const of = (busy: number) => (at: number) => ({ busy, tasks: { running: busy }, ended: Math.floor(at * 40) });
    const said = "Slots are idle: tasks come one by one, 40 per second. Submit many before waiting for one.";
    expect(watch(4, of(1))).toBe(said);
    expect(watch(4, of(0))).toBe(said);
  });

  test("a pause between two large batches is none of that", () => {
    const of = (at: number) => ({ tasks: { queued: at < 3.5 ? 900 : 0 }, ended: at * 900 });
    expect(watch(4, of)).toBe("Idle: 2 workers with 8 slots, and nothing to do.");
  });

  test("the end of a batch is not called slow submission", () => {
    const of = (at: number) => {
      const queued = Math.max(0, 60 - Math.floor(at * 20));
      return {
        busy: queued > 8 ? 8 : 2,
        tasks: { queued: Math.max(0, queued - 8), running: queued > 8 ? 8 : 2 },
        ended: 60 - queued,
      };
    };
    expect(watch(2.9, of)).toBe("2 of 8 slots busy: all 2 tasks run.");
  });

  test("only the last seconds count", () => {
    const said = watch(20, (at) => ({ busy: 1, tasks: { running: 1 }, ended: Math.min(200, Math.floor(at * 40)) }));
    expect(said).toBe("The last task has run for 15 s.");
  });

  test("how much of the time tasks compute", () => {
    const functions = (at: number) => [
      {
        fn: 1,
        name: "add",
        waiting: 0,
        queued: 0,
        active: 8,
        failed: 0,
        cancelled: 0,
        medianUs: 10,
        done: at * 20_000,
        spentUs: at * 240_000,
      },
    ];
    const of = (at: number) => ({
      busy: 8,
      tasks: { running: 8, queued: 500 },
      ended: at * 20_000,
      functions: functions(at),
    });
    expect(watch(4, of)).toMatch(/^Tasks of add take 12 µs each/);
  });

  test("data that moves", () => {
    const of = (at: number) => ({ busy: 2, tasks: { running: 2, assigned: 3, queued: 9 }, movedBytes: at * 50e6 });
    expect(watch(4, of)).toBe("3 tasks wait for data on the way: 50 MB per second move between workers.");
  });

  test("a scheduler that answers late, and not for one late answer", () => {
    const busy = { busy: 2, tasks: { running: 2, queued: 900 } };
    expect(watch(4, (at) => ({ ...busy, ended: at * 20_000 }), 300)).toContain("it takes 300 ms to answer");
    const limits = new LimitWatch();
    limits.overviewCame(overviewOf({ ...base, ...busy }), 1);
    limits.overviewCame(overviewOf({ ...base, ...busy, now: 1 }), 500);
    expect(limits.sentence(context)).toBe("2 of 8 slots busy; 900 tasks to come.");
  });

  test("sums that shrink because a function was forgotten say nothing", () => {
    const of = (at: number) => ({
      busy: 8,
      tasks: { running: 8, queued: 5 },
      ended: at * 20_000,
      functions: [
        {
          fn: 1,
          name: "add",
          waiting: 0,
          queued: 0,
          active: 8,
          failed: 0,
          cancelled: 0,
          medianUs: 10,
          done: 1e6 - at,
          spentUs: 1e9 - at,
        },
      ],
    });
    expect(watch(4, of)).toMatch(/^All 8 slots/);
  });
});

test("a sentence stays for a second", () => {
  const limits = new LimitWatch();
  const say = (ms: number, queued: number): string => {
    limits.overviewCame(overviewOf({ ...base, busy: 2, tasks: { queued, running: 2 }, now: ms * 1000 }), 1);
    return limits.sentence(context);
  };
  expect([say(0, 9), say(100, 8), say(999, 7), say(1001, 6), say(1100, 5)].map((said) => said.split("; ")[1])).toEqual([
    "9 tasks to come.",
    "9 tasks to come.",
    "9 tasks to come.",
    "6 tasks to come.",
    "6 tasks to come.",
  ]);
});

test("no link: what is seen is old", () => {
  const limits = new LimitWatch();
  expect(limits.sentence({ ...context, connected: false })).toBe("There is no link to the scheduler yet.");
  limits.overviewCame(overviewOf(base), 1);
  expect(limits.sentence({ ...context, connected: false })).toBe(
    "The link to the scheduler is lost; what you see is the last that was known.",
  );
});
