// What the sentence says of clusters that stand still, or could be faster.

import type { PageOverview } from "@taskflock/protocol/words";
import { describe, expect, test } from "vitest";
import type { Flow, LimitFacts } from "../../server/feed/limit/facts.ts";
import { limitOf } from "../../server/feed/limit/limit-sentence.ts";
import { bytes, count, duration, name, SENTENCE_UNITS } from "../../server/feed/limit/phrases.ts";
import { overviewOf, runOf } from "./fakes.ts";

type Overview = Parameters<typeof overviewOf>[0];

const still: Flow = {
  endedPerSecond: 0,
  submittedPerSecond: 0,
  mostUnfinished: 100,
  movedBytesPerSecond: 0,
  computing: null,
  taskSeconds: null,
};

function say(
  overview: Overview,
  facts: Partial<Omit<LimitFacts, "overview" | "flow">> = {},
  flow: Partial<Flow> = {},
): string {
  const rest = { secondsLeft: null, answerMs: 2, quietSeconds: 0, running: [] };
  const said = limitOf({ overview: overviewOf(overview), flow: { ...still, ...flow }, ...rest, ...facts });
  expect(said.length).toBeLessThanOrEqual(SENTENCE_UNITS);
  expect(said).toMatch(/^[A-Z0-9].*[.…]$/);
  return said;
}

const workers = (running: number, some: Partial<PageOverview["workers"]> = {}): Overview => ({
  workers: { running, ...some },
  slots: 4 * running,
});
const busyWorkers = (running: number): Overview => ({ ...workers(running), busy: 4 * running });
const line = (asks: string, queued: number, places: number, running: number = places): PageOverview["queues"] => [
  { asks, queued, places, running },
];
const fn = (
  called: string,
  some: Partial<PageOverview["functions"][number]> = {},
): PageOverview["functions"][number] => ({
  ...{ fn: 1, name: called, waiting: 0, queued: 0, active: 0, done: 0, failed: 0, cancelled: 0, spentUs: 0 },
  ...{ medianUs: null },
  ...some,
});

describe("nobody works", () => {
  test.each<[Overview, string]>([
    [{}, "No worker is connected, and there is nothing to do."],
    [{ tasks: { queued: 1 } }, "1 task cannot run: no worker is connected."],
    [{ tasks: { queued: 1200, waiting: 34 } }, "1,234 tasks cannot run: no worker is connected."],
    [
      { tasks: { queued: 1 }, workers: { paused: 1 } },
      "1 task waits: no worker takes tasks; 1 worker is paused because memory is full.",
    ],
    [
      { tasks: { queued: 5 }, workers: { paused: 2, cut: 1, retiring: 3 } },
      "5 tasks wait: no worker takes tasks; 2 workers are paused because memory is full, 1 is cut off, 3 are retiring.",
    ],
    [{ workers: { cut: 2 } }, "Nothing to do; 2 workers are cut off."],
    [workers(1), "Idle: 1 worker with 4 slots, and nothing to do."],
    [workers(2), "Idle: 2 workers with 8 slots, and nothing to do."],
    [
      { ...workers(2), runs: [runOf({ steps: 54, stepsDone: 12 })] },
      "Nothing to do: grid search has 12 of 54 steps, and its client submits nothing now.",
    ],
    [
      { ...workers(2), runs: [runOf({ status: "done", steps: 54, stepsDone: 54 })] },
      "Idle: 2 workers with 8 slots, and nothing to do.",
    ],
  ])("%j", (overview, said) => {
    expect(say(overview)).toBe(said);
  });

  test("a client that waits for each task before it submits the next", () => {
    expect(say(workers(2), {}, { endedPerSecond: 123, mostUnfinished: 1 })).toBe(
      "Slots are idle: tasks come one by one, 120 per second. Submit many before waiting for one.",
    );
  });
});

describe("tasks that no worker could run", () => {
  test.each<[string, number, string]>([
    ["GPU 1", 3, "3 tasks wait for GPU 1, and no worker has that."],
    ["GPU 1, disk 0.5", 1, "1 task waits for GPU 1, disk 0.5, and no worker has that."],
    ["worker gpu-box", 1, "1 task waits for worker gpu-box, and no such worker is there."],
    ["GPU 2, worker a or b", 9, "9 tasks wait for GPU 2 on worker a or b, and no such worker is there."],
  ])("%s", (asks, queued, said) => {
    expect(say({ ...busyWorkers(2), tasks: { queued, running: 8 }, queues: line(asks, queued, 0) })).toBe(said);
  });

  test("do not hide what limits the others", () => {
    const queues = [...line("GPU 2", 1, 0), ...line("", 90, 8, 8)];
    expect(say({ ...busyWorkers(2), tasks: { queued: 91, running: 8 }, queues })).toBe(
      "All 8 slots of 2 workers are busy, 90 tasks to come: more workers would help. 1 task waits for GPU 2, and no worker has that.",
    );
  });

  test("but a line that any worker can run is no such line, though none is there for a moment", () => {
    expect(say({ ...workers(1, { paused: 1 }), tasks: { queued: 5 }, queues: line("", 5, 0) })).toContain("paused");
  });
});

describe("tasks that wait for something scarce", () => {
  const partly = { ...workers(2), busy: 2 };
  test.each<[string, number, number, string]>([
    ["GPU 1", 38, 2, "38 tasks wait for GPU; 2 GPUs, both busy."],
    ["GPU 1", 1, 1, "1 task waits for GPU; the only GPU is busy."],
    ["GPU 1", 7, 16, "7 tasks wait for GPU; 16 GPUs, all busy."],
    ["GPU 2", 7, 3, "7 tasks wait for GPU 2; 3 places, all busy."],
    ["worker gpu-box", 7, 2, "7 tasks wait for worker gpu-box; 2 places, both busy."],
    ["disk 1, worker a or b", 7, 1, "7 tasks wait for disk 1 on worker a or b; the only place is busy."],
  ])("%s", (asks, queued, places, said) => {
    expect(say({ ...partly, tasks: { queued, running: 2 }, queues: line(asks, queued, places) })).toBe(said);
  });

  test("not while every slot is busy anyway, nor while places are free", () => {
    const tasks = { queued: 5, running: 8 };
    expect(say({ ...busyWorkers(2), tasks, queues: line("GPU 1", 5, 2) })).toMatch(/^All 8 slots/);
    expect(say({ ...partly, tasks: { queued: 5, running: 2 }, queues: line("GPU 1", 5, 4, 2) })).toBe(
      "2 of 8 slots busy; 5 tasks to come.",
    );
  });
});

describe("all slots are busy", () => {
  const tasks = { queued: 120, running: 8 };
  test.each<[Overview, number | null, string]>([
    [
      { ...busyWorkers(2), tasks },
      null,
      "All 8 slots of 2 workers are busy, 120 tasks to come: more workers would help.",
    ],
    [
      { ...busyWorkers(2), tasks },
      240,
      "All 8 slots of 2 workers are busy, 120 tasks to come: with twice the workers about 2 min instead of 4 min.",
    ],
    [
      { ...busyWorkers(2), tasks: { queued: 4, running: 8 } },
      40,
      "All 8 slots of 2 workers are busy, 4 tasks to come: with twice the workers about 30 s instead of 40 s.",
    ],
    [
      { workers: { running: 1 }, slots: 1, busy: 1, tasks: { queued: 1, running: 1 } },
      null,
      "The slot is busy, 1 task to come: more workers would help.",
    ],
    [
      { workers: { running: 1 }, slots: 2, busy: 2, tasks: { queued: 9, running: 2 } },
      1,
      "Both slots of 1 worker are busy, 9 tasks to come: about 1 s left.",
    ],
    [{ ...busyWorkers(2), tasks: { running: 8 } }, 9, "All 8 slots are busy, and nothing waits."],
  ])("%j, %s s left", (overview, secondsLeft, said) => {
    expect(say(overview, { secondsLeft })).toBe(said);
  });

  test("a worker with full memory is told first", () => {
    const overview = { workers: { running: 3, paused: 1 }, slots: 16, busy: 16, tasks: { queued: 38, running: 16 } };
    expect(say(overview)).toBe("1 of 4 workers is paused because memory is full; 38 tasks wait.");
  });
});

describe("slots are idle although there is work", () => {
  test.each<[string, Overview, Partial<LimitFacts>, Partial<Flow>, string]>([
    [
      "a chain",
      {
        ...workers(2),
        busy: 1,
        tasks: { waiting: 40, running: 1 },
        functions: [fn("load", { active: 1 }), fn("fit", { waiting: 40 })],
      },
      {},
      {},
      "1 of 8 slots busy: 40 tasks wait for the result of load.",
    ],
    [
      "a narrow place",
      { ...workers(2), busy: 3, tasks: { waiting: 1, running: 3 }, functions: [fn("fit", { active: 3 })] },
      {},
      {},
      "3 of 8 slots busy: 1 task waits for results of fit, of which 3 run.",
    ],
    [
      "retries",
      { ...workers(2), tasks: { waiting: 2 } },
      {},
      {},
      "2 tasks wait, and none can begin yet: for a retry, or for what their client still sends.",
    ],
    [
      "transfers",
      { ...workers(2), busy: 2, tasks: { assigned: 5, running: 2, queued: 9 } },
      {},
      { movedBytesPerSecond: 350e6 },
      "5 tasks wait for data on the way: 350 MB per second move between workers.",
    ],
    [
      "a slow client",
      { ...workers(2), busy: 2, tasks: { running: 2 } },
      {},
      { submittedPerSecond: 40, endedPerSecond: 40 },
      "2 of 8 slots busy: tasks are submitted more slowly (40 per second) than the workers could do them.",
    ],
    [
      "a busy scheduler",
      { ...workers(2), busy: 2, tasks: { queued: 900, running: 2 } },
      { answerMs: 400 },
      { endedPerSecond: 96_400, submittedPerSecond: 3 },
      "The scheduler has too much to do: it takes 400 ms to answer, at 96,000 tasks per second. Larger tasks would keep more slots busy.",
    ],
    [
      "a busy machine",
      { ...workers(2), busy: 2, tasks: { queued: 900, running: 2 } },
      { answerMs: 700 },
      { endedPerSecond: 60 },
      "The scheduler takes 700 ms to answer though it has little to do: its machine is busy with something else.",
    ],
    [
      "tasks that wait at their workers for the one before",
      {
        ...workers(2),
        busy: 1,
        tasks: { waiting: 6, running: 1, assigned: 2 },
        functions: [fn("step", { active: 3 })],
      },
      {},
      {},
      "1 of 8 slots busy: 6 tasks wait for the result of step.",
    ],
    [
      "tasks that are about to begin",
      { ...workers(2), busy: 1, tasks: { running: 1, assigned: 2 } },
      {},
      {},
      "1 of 8 slots busy; 2 tasks to begin at their workers.",
    ],
    [
      "tiny tasks",
      { ...busyWorkers(2), tasks: { queued: 900, running: 8 }, functions: [fn("add", { done: 9000 })] },
      {},
      { endedPerSecond: 24_000, computing: 0.04, taskSeconds: 12e-6 },
      "Tasks of add take 12 µs each, less than it costs to hand them out: give each more to do (24,000 per second now).",
    ],
  ])("%s", (_what, overview, facts, flow, said) => {
    expect(say(overview, facts, flow)).toBe(said);
  });

  test("tasks that are short but fill their slots are not called tiny", () => {
    const overview = { ...busyWorkers(2), tasks: { queued: 900, running: 8 } };
    expect(say(overview, {}, { endedPerSecond: 9_000, computing: 0.8, taskSeconds: 0.0007 })).toMatch(/^All 8 slots/);
  });
});

describe("the end of a run", () => {
  const counts = { total: 54, done: 52, failed: 0, cancelled: 0, running: 2 };
  const overview = { ...workers(2), busy: 2, tasks: { running: 2 }, runs: [runOf({ counts })] };
  const slow = { function: "fit", worker: "worker-3", seconds: 40 };
  test.each<[string, Overview, Partial<LimitFacts>, string]>([
    [
      "some",
      overview,
      { running: [slow, { ...slow, seconds: 3 }] },
      "The last 2 tasks of grid search have run for 40 s, the longest fit on worker-3.",
    ],
    [
      "one",
      { ...overview, tasks: { running: 1 } },
      { running: [slow] },
      "The last task of grid search has run for 40 s, fit on worker-3.",
    ],
    ["nothing known of them", overview, { quietSeconds: 7 }, "The last 2 tasks of grid search have run for 7 s."],
    ["not long yet", overview, { quietSeconds: 2 }, "2 of 8 slots busy: all 2 tasks run."],
    [
      "several runs",
      { ...overview, runs: [runOf({ counts }), runOf({ counts })] },
      { quietSeconds: 7 },
      "The last 2 tasks have run for 7 s.",
    ],
    ["one of its own", { ...overview, tasks: { running: 1 }, runs: [] }, {}, "2 of 8 slots busy: the only task runs."],
  ])("%s", (_what, given, facts, said) => {
    expect(say(given, facts)).toBe(said);
  });
});

test("names without end leave room for what is said", () => {
  const endless = "x".repeat(10_000);
  const tasks = { queued: 5, running: 2, waiting: 3 };
  expect(say({ ...workers(2), tasks, queues: line(`worker ${endless}`, 5, 0) })).toContain("no such worker is there");
  expect(say({ ...workers(2), tasks, queues: line(`${endless} 1`, 5, 2) })).toContain("both busy");
  expect(say({ ...workers(2), runs: [runOf({ name: `${endless}\n`, steps: 3 })] })).toContain("submits nothing now");
});

test.each<[string, string]>([
  [count(1, "task"), "1 task"],
  [count(0, "task"), "0 tasks"],
  [duration(0), "0 s"],
  [duration(12e-6), "12 µs"],
  [duration(0.25), "250 ms"],
  [duration(59.6), "60 s"],
  [duration(150), "3 min"],
  [duration(9000), "2.5 h"],
  [duration(3 * 86_400), "3 days"],
  [bytes(0), "0 B"],
  [bytes(1_500_000), "1.5 MB"],
  [bytes(999_600), "1 MB"],
  [name("a\n b"), "a b"],
])("%s", (said, expected) => {
  expect(said).toBe(expected);
});
