import type { SchedulerToClient, TaskNumber } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

function started(slots = 1): { stage: Stage; first: Assigned } {
  const stage = new Stage();
  stage.client();
  stage.options(1, 1, { retries: 2 });
  stage.options(1, 2, { retries: 3, backoffMs: 40_000 });
  stage.options(1, 3, { allowedFailures: 1 });
  stage.worker(1, { slots });
  stage.submit(1, 1, { options: 1 });
  const [first] = stage.assigned(1);
  return { stage, first: first! };
}

const failureOf = (messages: readonly SchedulerToClient[]) => messages.find((m) => m.t === "failed")!;

describe("a task that throws", () => {
  it("is tried again as often as its retries say", () => {
    const { stage, first } = started();
    stage.error(1, first);
    const [second] = stage.assigned(1);
    expect(second!.attempt).toBe(2);
    stage.error(1, second!);
    stage.error(1, stage.assigned(1)[0]!);
    const failed = failureOf(stage.told());
    expect(failed).toMatchObject({ n: 1, worker: "w1", attempt: 3, failedKey: null, failure: { name: "TypeError" } });
    expect(stage.leftOver()).toEqual([]);
  });

  it("is not tried again when nothing can mend it", () => {
    const { stage, first } = started();
    stage.error(1, first, false);
    expect(stage.outcomes()).toEqual(["failed 1 TypeError"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("waits twice as long each time, at most a minute", () => {
    const { stage, first } = started();
    stage.cancel(1, 1);
    stage.stopped(1, first.task, first.attempt, "cancelled");
    stage.submit(1, 2, { options: 2 });
    stage.error(1, stage.assigned(1)[0]!);
    stage.pass(39_999_999);
    expect(stage.assigned(1)).toEqual([]);
    stage.pass(1);
    stage.error(1, stage.assigned(1)[0]!);
    stage.pass(59_999_999);
    expect(stage.assigned(1)).toEqual([]);
    stage.pass(1);
    expect(stage.assigned(1)).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("fails all that need it, with its key and its error", () => {
    const { stage, first } = started();
    stage.say(1, stage.submission(2, { deps: [1] }), stage.submission(3, { deps: [2] }));
    stage.error(1, first, false);
    const told = stage.told().filter((m) => m.t === "failed");
    expect(told.map((m) => [m.n, m.failure.code, m.failedKey])).toEqual([
      [1, null, null],
      [2, null, "f-1-1"],
      [3, null, "f-1-1"],
    ]);
    expect(new Set(told.map((m) => m.failure.error)).size).toBe(1);
    stage.release(1, 1, 2);
    stage.submit(1, 4, { deps: [3] });
    expect(failureOf(stage.told())).toMatchObject({ n: 4, failedKey: "f-1-1" });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a worker that dies", () => {
  it("counts a failure for what ran, and none for what was queued", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 3, { allowedFailures: 1 });
    stage.say(1, stage.submission(1, { options: 3 }), stage.submission(2, { options: 3 }));
    for (const id of [1, 2, 3]) {
      stage.worker(id);
      const given = stage.assigned(id);
      const runs = given.find((a) => a.key === "f-1-1");
      if (runs !== undefined) stage.started(id, runs);
      stage.lose(id, "SIGKILL");
    }
    const told = stage.told();
    expect(failureOf(told)).toMatchObject({ n: 1, failure: { code: "FLOCK_KILLED_WORKER" } });
    expect(failureOf(told).failure.message).toContain("w1 (SIGKILL), w2 (SIGKILL)");
    expect(told.some((m) => m.t === "notice")).toBe(true);
    expect(stage.machine.taskCounts().queued).toBe(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("ends a task that kills silently, too", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 3, { allowedFailures: 0 });
    stage.submit(1, 1, { options: 3 });
    let lives = 0;
    for (let id = 1; stage.machine.taskCounts().failed === 0; id++, lives++) {
      stage.worker(id);
      expect(stage.assigned(id)[0]!.solo).toBe(id > 1);
      stage.lose(id, "SIGSEGV");
    }
    expect(lives).toBeGreaterThan(2);
    expect(lives).toBeLessThan(10);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_KILLED_WORKER"]);
  });

  it("costs nothing when the stop was planned", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 3, { allowedFailures: 0 });
    stage.submit(1, 1, { options: 3 });
    for (const id of [1, 2, 3]) {
      stage.worker(id);
      stage.started(id, stage.assigned(id)[0]!);
      stage.lose(id, "left", true);
    }
    expect(stage.machine.taskCounts().queued).toBe(1);
    expect(stage.closed).toEqual([1, 2, 3]);
  });

  it("makes its sole copies be computed again, and not what has a replica", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.submit(1, 2);
    const [a, b] = stage.assigned(1);
    stage.store(1, a!, 5000, 1);
    stage.store(1, b!, 5000, 2);
    stage.worker(2);
    stage.tell(2, { t: "held", task: b!.task, bytes: 5000, version: 1 });
    stage.lose(1);
    expect(stage.assigned(2).map((x) => [x.key, x.attempt])).toEqual([["f-1-1", 2]]);
    stage.locate(1, 2);
    expect(stage.told().at(-1)).toMatchObject({ t: "located", holders: [{ worker: 2 }] });
    expect(stage.leftOver()).toEqual([]);
  });

  it("loses scattered data that only it had, and what needs it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 1_000_000);
    const [expected] = stage.take(1, "expect") as { task: number }[];
    expect(stage.told()).toMatchObject([{ t: "uploadTo", holders: [{ worker: 1, address: "h:1" }] }]);
    stage.tell(1, { t: "held", task: expected!.task as never, bytes: 1_000_000, version: 1 });
    expect(stage.outcomes()).toEqual(["done 1"]);
    stage.submit(1, 2, { deps: [1] });
    stage.lose(1);
    expect(stage.outcomes()).toEqual(["failed 2 FLOCK_DATA_LOST of data-1-1"]);
    stage.locate(1, 1);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_DATA_LOST"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("an input that cannot be fetched", () => {
  it("is computed again; a newer version of the holdings protects it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    const [a] = stage.assigned(1);
    stage.store(1, a!, 5000, 7);
    stage.worker(2);
    const missing = { t: "missing", task: a!.task, holder: 1 as never, why: "gone" } as const;
    stage.tell(2, { ...missing, version: 6 });
    expect(stage.assigned(1)).toEqual([]);
    stage.tell(2, { ...missing, version: 7 });
    expect(stage.take(1, "drop")).toHaveLength(1);
    expect([...stage.assigned(1), ...stage.assigned(2)].map((x) => x.attempt)).toEqual([2]);
  });

  it("sends the task round for a while, then fails it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    let rounds = 0;
    for (; stage.machine.taskCounts().failed === 0; rounds++) {
      const [a] = stage.assigned(1);
      stage.stopped(1, a!.task, a!.attempt, "input");
      stage.pass(60_000_000);
    }
    expect(rounds).toBe(13);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_TRANSFER_FAILED"]);
  });
});

describe("cancelling", () => {
  it("is told at once, stops what runs, and fails what needs it", () => {
    const { stage, first } = started();
    stage.started(1, first);
    stage.submit(1, 2, { deps: [1] });
    stage.cancel(1, 1);
    expect(stage.outcomes()).toEqual(["cancelled 1", "failed 2 FLOCK_CANCELLED of f-1-1"]);
    expect(stage.take(1, "stop")).toContainEqual({ t: "stop", task: first.task, attempt: 1, why: "cancelled" });
    stage.finish(1, first);
    stage.cancel(1, 1);
    expect(stage.outcomes()).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves alone what is done", () => {
    const { stage, first } = started();
    stage.finish(1, first);
    stage.cancel(1, 1);
    expect(stage.outcomes()).toEqual(["done 1"]);
  });

  it("frees the resource and the key", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.worker(1, { resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 1, key: "k", fingerprint: "x" });
    stage.submit(1, 2, { options: 1 });
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["k"]);
    stage.cancel(1, 1);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-2"]);
    stage.submit(1, 3, { key: "k", fingerprint: "other" });
    expect(stage.outcomes()).toEqual(["cancelled 1"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a story", () => {
  it("has every transition with its cause", () => {
    const { stage, first } = started();
    stage.error(1, first);
    const lines = stage.machine.story(first.task);
    expect(lines.map((l) => `${l.from} > ${l.to}`)).toEqual([
      "forgotten > queued",
      "queued > assigned",
      "assigned > queued",
      "queued > assigned",
    ]);
    expect(lines[2]!.detail).toContain("retry 1 of 2: bad");
    stage.say(1, { t: "ask", id: 9, question: { q: "story", n: 1 as TaskNumber } });
    expect(stage.told().at(-1)).toMatchObject({ t: "answer", id: 9, value: lines, error: null });
    stage.say(1, { t: "ask", id: 10, question: { q: "story", n: 8 as TaskNumber } });
    expect(stage.told().at(-1)).toMatchObject({ error: { code: "FLOCK_TASK_UNKNOWN" } });
  });
});
