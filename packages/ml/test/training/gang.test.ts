// A gang as its client sees it: tasks whose words and ends the test decides.
import { FlockError } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runAsTask, type TaskHere } from "../../src/task-here.ts";
import { Gang, type GangOptions, type GangTask } from "../../src/training/gang/gang.ts";
import { runMember } from "../../src/training/gang/member.ts";
import type { GangEnd, GangWord } from "../../src/training/gang/words.ts";
import type { JoinGroup, MemberGroup } from "../../src/training/member-group.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Task implements GangTask<GangEnd<string>> {
  readonly told: unknown[] = [];
  readonly onReport: (report: unknown) => void;
  cancelled = false;
  end!: (end: GangEnd<string>) => void;
  fail!: (error: Error) => void;
  readonly #ended: Promise<GangEnd<string>>;

  constructor(onReport: (report: unknown) => void) {
    this.onReport = onReport;
    this.#ended = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  }

  result(): Promise<GangEnd<string>> {
    return this.#ended;
  }

  release(): void {}

  async cancel(): Promise<void> {
    this.cancelled = true;
    this.fail(new FlockError("FLOCK_CANCELLED", "cancelled"));
  }

  async tell(value: unknown): Promise<boolean> {
    this.told.push(value);
    return true;
  }

  waits(after = 0, attempt = 1): void {
    this.onReport({ gang: "waits", attempt, after });
  }

  /** "formation: rank of size" of the place that it was told last. */
  get place(): string {
    const word = this.told.findLast((one): one is GangWord => (one as Partial<GangWord>).gang === "form");
    return word === undefined ? "none" : `${word.formation}: ${word.rank} of ${word.size}`;
  }
}

interface Stage {
  readonly gang: Gang<string>;
  /** The last one of each member. */
  readonly tasks: readonly Task[];
  readonly heard: unknown[];
  places(): string[];
}

function stage(options: Partial<GangOptions<string>> = {}): Stage {
  const tasks: Task[] = [];
  const heard: unknown[] = [];
  const gang = new Gang<string>({
    ...{ size: 3, minimum: 3, patienceMs: 100, noWorkerTimeoutMs: null },
    onReport: (report) => heard.push(report),
    mayReplace: (error) => error instanceof FlockError && error.code === "FLOCK_TASK_EXITED",
    submit: (member, onReport) => {
      tasks[member] = new Task(onReport);
      return tasks[member];
    },
    ...options,
  });
  return { gang, tasks, heard, places: () => tasks.map(({ place }) => place) };
}

describe("a gang", () => {
  it("forms when all wait, hears its leader alone, and ends with what that gives", async () => {
    const { gang, tasks, heard, places } = stage();
    tasks[2]!.waits();
    tasks[0]!.waits();
    expect(places()).toEqual(["none", "none", "none"]);
    tasks[1]!.waits();
    expect(places()).toEqual(["1: 0 of 3", "1: 1 of 3", "1: 2 of 3"]);
    tasks[0]!.onReport("from the leader");
    tasks[1]!.onReport("from another");
    expect(heard).toEqual(["from the leader"]);
    expect(await gang.tell("stop")).toBe(true);
    expect(tasks.map(({ told }) => told.at(-1) === "stop")).toEqual([true, false, false]);
    tasks[2]!.end(null);
    tasks[0]!.end({ value: "trained" });
    expect(await gang.result()).toBe("trained");
  });

  it("forms again when a member waits anew, once all do, with the next number", () => {
    const { tasks, places } = stage();
    for (const task of tasks) task.waits();
    tasks[1]!.waits(0, 2); // its worker was lost: a new attempt
    tasks[0]!.waits(1);
    expect(places()).toEqual(["1: 0 of 3", "1: 1 of 3", "1: 2 of 3"]);
    tasks[2]!.waits(1);
    expect(places()).toEqual(["2: 0 of 3", "2: 1 of 3", "2: 2 of 3"]);
  });

  it("does not take what a member said before it had its place for the end of the formation", () => {
    const { tasks, places, heard } = stage();
    for (const task of tasks) task.waits();
    tasks[1]!.waits(0);
    tasks[0]!.onReport("goes on");
    expect([places(), heard]).toEqual([["1: 0 of 3", "1: 1 of 3", "1: 2 of 3"], ["goes on"]]);
  });

  it("begins with fewer where that is enough, and takes those that come late into the next formation", async () => {
    const formed: string[] = [];
    const onFormed = (size: number, formation: number): unknown => formed.push(`${formation}: ${size}`);
    const { gang, tasks, places } = stage({ minimum: 2, onFormed });
    tasks[2]!.waits();
    await vi.advanceTimersByTimeAsync(100);
    expect(places()).toEqual(["none", "none", "none"]); // one is too few
    tasks[0]!.waits();
    expect(places()).toEqual(["1: 0 of 2", "none", "1: 1 of 2"]);
    tasks[1]!.waits();
    expect(places()).toEqual(["1: 0 of 2", "none", "1: 1 of 2"]);
    expect(gang.formed).toBe(2);
    tasks[2]!.waits(1);
    tasks[0]!.waits(1);
    expect(places()).toEqual(["2: 0 of 3", "2: 1 of 3", "2: 2 of 3"]);
    expect(formed).toEqual(["1: 2", "2: 3"]);
  });

  it("waits anew for all after a loss, before it goes on with fewer, whoever leads then", async () => {
    const { tasks, places, heard } = stage({ minimum: 2 });
    for (const task of tasks) task.waits();
    await vi.advanceTimersByTimeAsync(500);
    tasks[1]!.waits(1);
    tasks[2]!.waits(1);
    await vi.advanceTimersByTimeAsync(99);
    expect(places()).toEqual(["1: 0 of 3", "1: 1 of 3", "1: 2 of 3"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(places()).toEqual(["1: 0 of 3", "2: 0 of 2", "2: 1 of 2"]);
    tasks[1]!.onReport("leads now");
    expect(heard).toEqual(["leads now"]);
  });

  it("begins another task for a member whose process ended", async () => {
    const { gang, tasks, places } = stage();
    for (const task of tasks) task.waits();
    const [, dead] = tasks;
    dead!.fail(new FlockError("FLOCK_TASK_EXITED", "killed"));
    await vi.advanceTimersByTimeAsync(0);
    expect(tasks[1]).not.toBe(dead);
    tasks[0]!.waits(1);
    tasks[2]!.waits(1);
    dead!.waits(1); // what is said late of one that is no more
    expect(tasks[1]!.place).toBe("none");
    tasks[1]!.waits();
    expect(places()).toEqual(["2: 0 of 3", "2: 1 of 3", "2: 2 of 3"]);
    tasks[0]!.end({ value: "trained" });
    expect(await gang.result()).toBe("trained");
  });

  it("begins those anew that the leader had let go, when the leader is lost before it ends", async () => {
    const { gang, tasks, places } = stage();
    for (const task of tasks) task.waits();
    const [, first, second] = tasks;
    first!.end(null);
    await vi.advanceTimersByTimeAsync(0);
    tasks[0]!.waits(0, 2); // its worker was lost: a new attempt
    second!.end(null); // what was on its way
    await vi.advanceTimersByTimeAsync(0);
    expect([tasks[1] === first, tasks[2] === second]).toEqual([false, false]);
    for (const task of tasks.slice(1)) task.waits();
    expect(places()).toEqual(["2: 0 of 3", "2: 1 of 3", "2: 2 of 3"]);
    tasks[0]!.end({ value: "trained" });
    expect(await gang.result()).toBe("trained");
  });

  it("ends with the first error that is no loss, and cancels the others", async () => {
    const { gang, tasks } = stage();
    for (const task of tasks) task.waits();
    tasks[2]!.fail(new Error("a defect"));
    await expect(gang.result()).rejects.toThrow("a defect");
    expect(tasks.map(({ cancelled }) => cancelled)).toEqual([true, true, true]);
  });

  it("gives up when there are too few for too long, each time anew", async () => {
    const { gang, tasks } = stage({ noWorkerTimeoutMs: 1000 });
    await vi.advanceTimersByTimeAsync(900);
    for (const task of tasks) task.waits();
    await vi.advanceTimersByTimeAsync(5000); // it runs
    tasks[0]!.waits(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(tasks[0]!.cancelled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await expect(gang.result()).rejects.toMatchObject({
      code: "FLOCK_NO_WORKER_TIMEOUT",
      message: expect.stringContaining("Of the 3 tasks that have to run at the same time, 1 had a slot after 1000 ms."),
    });
    expect(tasks.every(({ cancelled }) => cancelled)).toBe(true);
  });
});

describe("a member", () => {
  it("says again that it waits, for a report may be left out, until it has its place", async () => {
    const reports: unknown[] = [];
    let tell: (word: unknown) => void = () => {};
    const signal = new AbortController().signal;
    const here: TaskHere = {
      ...{ signal, retiring: signal, task: { key: "member", attempt: 1, worker: "w" }, log: () => {} },
      report: (value) => reports.push(value),
      onTell: (hear) => {
        tell = hear;
        return () => {};
      },
    };
    const alone: MemberGroup = {
      ...{ rank: 0, size: 1, send: async () => {}, receive: () => Promise.reject(new Error("alone")) },
      ...{ allReduce: async (values) => values, broadcast: async (bytes) => bytes ?? new Uint8Array(0) },
    };
    const join: JoinGroup = async () => ({ ...alone, close: async () => {} });
    const end = runAsTask(here, () => runMember("gang", join, async ({ size }) => `of ${size}`));
    expect(reports).toEqual([{ gang: "waits", attempt: 1, after: 0 }]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(reports).toEqual([reports[0], reports[0]]);
    tell({ gang: "form", formation: 1, rank: 0, size: 1 });
    expect(await end).toEqual({ value: "of 1" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
