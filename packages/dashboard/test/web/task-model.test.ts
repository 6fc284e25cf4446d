import type { PageTask, StoryLine, Why } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { placeOf, placeText, readStack } from "../../web/pages/tasks/stack-model.ts";
import {
  attemptsText,
  bareError,
  isUnfinished,
  outcomeText,
  refreshMs,
  resultText,
  rootOf,
  storySteps,
} from "../../web/pages/tasks/task-model.ts";

function line(at: number, from: string, to: string, detail = ""): StoryLine {
  return { at, cause: 1, from, to, detail };
}

describe("a task's story", () => {
  const story = [
    line(1000, "forgotten", "waiting"),
    line(3000, "waiting", "queued"),
    line(4000, "queued", "assigned", "worker-1"),
    line(5000, "assigned", "running"),
    line(7000, "running", "queued", "worker-1 was lost"),
    line(8000, "queued", "assigned", "worker-2"),
    line(9000, "assigned", "done", ""),
  ];

  it("is a line of times: when, how long, what", () => {
    const steps = storySteps(story, 100_000);
    expect(steps.map(({ since, lasted, text }) => [since, lasted, text])).toEqual([
      [0, 2000, "waits for its inputs"],
      [2000, 1000, "in the queue"],
      [3000, 1000, "given to a worker"],
      [4000, 2000, "runs"],
      [6000, 1000, "in the queue again"],
      [7000, 1000, "given to a worker"],
      [8000, null, "done"],
    ]);
    expect(steps[4]!.detail).toBe("worker-1 was lost");
    expect(steps[3]).toMatchObject({ tone: "active", start: 0.5, share: 0.25 });
  });

  it("goes on to the present while the task has not ended", () => {
    const steps = storySteps(story.slice(0, 2), 13_000);
    expect(steps[1]).toMatchObject({ lasted: 10_000, start: 2 / 12, share: 10 / 12 });
  });

  it("is empty when nothing is remembered", () => {
    expect(storySteps([], 5)).toEqual([]);
  });

  it("decides how often to ask again", () => {
    expect(isUnfinished("queued")).toBe(true);
    expect(isUnfinished("failed")).toBe(false);
    expect(refreshMs("waiting")).toBeLessThan(refreshMs("done"));
  });
});

describe("what became of a task", () => {
  const attempts = {
    attempt: 0,
    retriesUsed: 0,
    retries: 0,
    nextInUs: null,
    deaths: [],
    deadlineInUs: null,
    noWorkerInUs: null,
  };

  it("tells of attempts, retries and deaths", () => {
    expect(attemptsText({ attempts })).toBe("No attempt yet.");
    expect(attemptsText({ attempts: { ...attempts, attempt: 1 } })).toBe("1 attempt.");
    const many = { ...attempts, attempt: 3, retries: 5, retriesUsed: 1, deaths: ["w-1"], nextInUs: 2e6 };
    expect(attemptsText({ attempts: many })).toBe(
      "3 attempts; 1 of 5 retries used; 1 worker died under it: w-1; the next in 2.00 s.",
    );
    expect(attemptsText({ attempts: { ...attempts, deadlineInUs: 3e6 } })).toBe(
      "No attempt yet; it fails in 3.00 s, at its deadline.",
    );
  });

  const outcome = {
    kind: "done",
    code: "",
    message: "",
    worker: "w-1",
    failedKey: "",
    bytes: 9,
    holders: [],
    tookUs: 1500,
  };
  const told = (changes: object): string =>
    outcomeText({ outcome: { ...outcome, ...changes } } as Pick<Why, "outcome">);

  it("tells how it ended", () => {
    expect(told({})).toBe("Done after 1.50 ms on w-1.");
    expect(told({ kind: "failed" })).toBe("Failed after 1.50 ms on w-1.");
    expect(told({ kind: "failed", failedKey: "load-1" })).toBe("Failed, because load-1 failed.");
    expect(told({ kind: "cancelled", message: "by ada" })).toBe("Cancelled: by ada.");
    expect(outcomeText({ outcome: null })).toBe("");
  });

  const task = (isInline: boolean, holders: readonly string[], state = "done"): Pick<PageTask, "task" | "why"> =>
    ({ task: { key: "f-1", bytes: 2048, isInline, holders }, why: { status: "done", state } }) as never;

  it("tells where the result is", () => {
    expect(resultText(task(true, []))).toBe("2.00 KiB, kept by the scheduler.");
    expect(resultText(task(false, ["w-1", "w-2"]))).toBe("2.00 KiB, on 2 workers: w-1, w-2.");
    expect(resultText(task(false, [], "released"))).toMatch(/^Made, and given up again/);
  });

  it("tells of a failure whose error did not travel what the scheduler knows", () => {
    const failure = { code: "FLOCK_KILLED_WORKER", name: "FlockError", message: "3 workers died" };
    expect(bareError(failure)).toMatchObject({ ...failure, place: null, stack: "", causes: [] });
  });

  it("leads to the task that failed first", () => {
    const of = (failedKey: string) => ({ task: { key: "f-1" }, why: { outcome: { failedKey } } }) as never;
    expect(rootOf(of("load-1"))).toBe("load-1");
    expect(rootOf(of("f-1"))).toBe("");
    expect(rootOf(of(""))).toBe("");
  });
});

describe("an error's stack", () => {
  const stack = [
    "RangeError: row 3 is bad",
    "    at Array.map (<anonymous>)",
    "    at parse (/app/parse.ts:12:9)",
    "    at async load (file:///app/load.ts:40:11)",
    "    at run (/srv/node_modules/@taskflock/worker/dist/slot.js:9:1)",
    "    at node:internal/process/task_queues:105:5",
  ].join("\n");

  it("has the user's first line, and dims what is not the user's", () => {
    const { lines, first } = readStack(stack, "row 3 is bad");
    expect(lines.map(({ kind }) => kind)).toEqual(["header", "other", "user", "user", "other", "other"]);
    expect(first).toEqual({ function: "parse", file: "/app/parse.ts", line: 12, column: 9 });
    expect(placeText(first!)).toBe("/app/parse.ts:12:9");
  });

  it("does not take lines of the message for frames", () => {
    const message = "broken:\n    at home (/not/a/frame.ts:1:1)";
    const { lines, first } = readStack(`Error: ${message}\n    at f (/app/f.ts:5:6)`, message);
    expect(first?.file).toBe("/app/f.ts");
    expect(lines.filter(({ kind }) => kind === "header")).toHaveLength(2);
  });

  it("reads frames of every form, and code that travelled", () => {
    expect(placeOf("    at /app/a.ts:1:2")).toEqual({ function: "", file: "/app/a.ts", line: 1, column: 2 });
    expect(placeOf("    at new Thing (C:\\app\\a.ts:1:2)")?.file).toBe("C:\\app\\a.ts");
    expect(placeOf("    at Array.map (<anonymous>)")).toBeNull();
    const place = placeOf("    at fit (taskflock:fit-0a1b2c3d:7:15)")!;
    expect(placeText(place)).toBe("fit, line 7, column 15 of its code");
  });

  it("is a header alone for what has no frames", () => {
    expect(readStack("oh no", "oh no")).toEqual({ lines: [{ text: "oh no", kind: "header" }], first: null });
  });
});
