import type { SessionId, TaskNumber } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

function pause(stage: Stage, e: "clientBlocked" | "clientCut"): void {
  stage.speakable.delete("c1");
  stage.step({ e, session: 1 as SessionId });
}

function goOn(stage: Stage, e: "clientReady" | "clientResumed"): void {
  stage.speakable.add("c1");
  stage.step({ e, session: 1 as SessionId });
}

describe("a client that does not read", () => {
  it("gets what is due when it reads again, each outcome once", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 8 });
    stage.say(1, ...[1, 2, 3, 4].map((n) => stage.submission(n)));
    const [a, b, c, d] = stage.assigned(1);
    stage.finish(1, a!);
    pause(stage, "clientBlocked");
    stage.finish(1, b!);
    stage.finish(1, c!);
    stage.release(1, 3);
    stage.locate(1, 2);
    stage.say(1, { t: "ask", id: 5, question: { q: "ping" } });
    goOn(stage, "clientReady");
    stage.finish(1, d!);
    expect(stage.told().map((m) => m.t)).toEqual(["done", "done", "located", "answer", "done"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("gets much that is due in parts, and no more once it stops to read again", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    const count = 1200;
    stage.say(1, ...Array.from({ length: count }, (_, i) => stage.submission(i + 1)));
    pause(stage, "clientBlocked");
    for (let given = stage.assigned(1); given.length > 0; given = stage.assigned(1))
      for (const assigned of given) stage.finish(1, assigned);
    goOn(stage, "clientReady");
    expect(stage.told()).toHaveLength(512);
    pause(stage, "clientBlocked");
    stage.pass(10);
    expect(stage.told()).toHaveLength(0);
    stage.locate(1, 7);
    goOn(stage, "clientReady");
    stage.pass(10);
    const rest = stage.told();
    expect(rest.filter((m) => m.t === "done")).toHaveLength(count - 512);
    expect(rest.at(-1)?.t).toBe("located");
    expect(stage.leftOver()).toEqual([]);
  });

  it("is told all outcomes again after its link was cut", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 8 });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n)));
    const [a, b] = stage.assigned(1);
    stage.finish(1, a!);
    pause(stage, "clientCut");
    stage.error(1, b!);
    stage.told();
    goOn(stage, "clientResumed");
    expect(stage.outcomes()).toEqual(["done 1", "failed 2 TypeError"]);
  });
});

describe("a client that is gone", () => {
  it("takes its tasks, functions and payloads with it, but not what others share", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.worker(1, { slots: 8 });
    stage.submit(1, 1, { key: "k", fingerprint: "x" });
    stage.submit(1, 2);
    stage.submit(2, 1, { key: "k", fingerprint: "x" });
    const [shared, own] = stage.assigned(1);
    stage.say(1, { t: "goodbye" });
    expect(stage.take(1, "stop")).toMatchObject([{ task: own!.task }]);
    stage.finish(1, shared!);
    expect(stage.outcomes(2)).toEqual(["done 1"]);
    stage.submit(1, 9);
    expect(stage.leftOver()).toEqual([]);
    expect(stage.take(1, "forgetFunction")).toHaveLength(1);
  });

  it("hands an upload over to another client that shares the key, or gives it up", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.worker(1);
    stage.scatter(1, 1, 9000, { key: "X" });
    stage.scatter(2, 5, 9000, { key: "X" });
    expect(stage.told(1)).toMatchObject([{ t: "uploadTo", n: 1 }]);
    expect(stage.told(2)).toEqual([]);
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as SessionId });
    expect(stage.told(2)).toMatchObject([{ t: "uploadTo", n: 5 }]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("scattered data", () => {
  it("that is small is done at once; that is large waits for a worker", () => {
    const stage = new Stage();
    stage.client();
    stage.scatter(1, 1, 20, { small: true });
    stage.scatter(1, 2, 9000);
    expect(stage.outcomes()).toEqual(["done 1"]);
    stage.worker(1);
    expect(stage.take(1, "expect")).toHaveLength(1);
    expect(stage.told()).toMatchObject([{ t: "uploadTo", n: 2 }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("fails with what the worker said when there is no room", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 9000);
    stage.submit(1, 2, { deps: [1] });
    const [expected] = stage.take(1, "expect") as unknown as { task: never }[];
    stage.tell(1, { t: "notHeld", task: expected!.task, message: "the arena is full", code: null });
    const failed = stage.told().filter((m) => m.t === "failed");
    expect(failed.map((m) => m.failure.code)).toEqual(["FLOCK_OUT_OF_MEMORY", "FLOCK_OUT_OF_MEMORY"]);
    expect(failed[0]!.failure.message).toContain("the arena is full");
  });

  it("is announced again to both when the receiver's link was cut, unless it expects it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 9000);
    const [expected] = stage.take(1, "expect") as unknown as { task: never }[];
    stage.told();
    stage.cut(1);
    stage.snapshot(1);
    expect(stage.take(1, "expect")).toEqual([expected]);
    expect(stage.told()).toMatchObject([{ t: "uploadTo", n: 1 }]);
    stage.cut(1);
    stage.snapshot(1, { expects: [expected!.task, 99 as never] });
    expect(stage.take(1, "expect")).toEqual([]);
    expect(stage.take(1, "drop")).toEqual([{ t: "drop", task: 99 }]);
  });

  it("is lost when its only receiver dies", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 9000);
    stage.lose(1);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_DATA_LOST"]);
  });
});

describe("inline results", () => {
  it("stay with workers when the budget is spent, until enough is released", () => {
    const stage = new Stage({ inlineBudgetBytes: 16 });
    stage.client();
    stage.worker(1, { slots: 8 });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n)));
    for (const task of stage.assigned(1)) stage.finish(1, task);
    expect(stage.take(1, "configure")).toEqual([{ t: "configure", inlineLimitBytes: 0 }]);
    stage.worker(2);
    expect(stage.take(2, "configure")).toHaveLength(1);
    stage.release(1, 1);
    expect(stage.take(1, "configure")).toEqual([]);
    stage.release(1, 2);
    expect(stage.take(1, "configure")).toEqual([{ t: "configure", inlineLimitBytes: 4096 }]);
  });
});

describe("runs", () => {
  it("tell their owner how far they are, a few times a second and at last", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 8 });
    stage.say(1, { t: "openRun", run: 1 as never, name: "search", weight: 1, steps: 2, keepMs: null });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n, { run: 1 })));
    for (const task of stage.assigned(1)) stage.finish(1, task);
    const progress = () => stage.told().filter((m) => m.t === "runProgress");
    expect(progress()).toMatchObject([{ run: 1, counts: { total: 3, done: 0 } }]);
    stage.pass(300_000);
    expect(progress()).toMatchObject([{ counts: { total: 3, done: 3, failed: 0, cancelled: 0, running: 0 } }]);
    stage.say(
      1,
      { t: "reportRun", run: 1 as never, stepsDone: 2 },
      { t: "closeRun", run: 1 as never, outcome: "done" },
    );
    expect(stage.machine.runs()[1]).toMatchObject({ name: "search", status: "done", steps: 2, stepsDone: 2 });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("what runs took of slots", () => {
  it("is the time of all their attempts that ended, failed ones, too, and of no other run's", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 8 });
    for (const [run, name] of [
      [1, "search"],
      [2, "other"],
    ] as const)
      stage.say(1, { t: "openRun", run: run as never, name, weight: 1, steps: 0, keepMs: null });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n, { run: n === 3 ? 2 : 1 })));
    const [first, others, second] = stage.assigned(1); // runs take turns
    stage.finish(1, first!, 1_500);
    stage.error(1, second!, false);
    stage.finish(1, others!, 70);
    const spent = new Map(stage.machine.runs().map(({ name, spentUs }) => [name, spentUs]));
    expect([spent.get("search"), spent.get("other")]).toEqual([1_510, 70]);
  });
});

describe("the run of a session itself", () => {
  it("stays while the session is there, whatever its client closes", () => {
    const stage = new Stage();
    stage.client();
    stage.say(1, { t: "closeRun", run: 0 as never, outcome: "done" });
    for (let run = 1; run <= 300; run++) {
      stage.say(1, { t: "openRun", run: run as never, name: "r", weight: 1, steps: 0, keepMs: null });
      stage.say(1, { t: "closeRun", run: run as never, outcome: "done" });
    }
    stage.submit(1, 1, { fn: 99 });
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_PROTOCOL"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("questions", () => {
  it("that wait are forgotten with their client, and asked twice they are answered once", () => {
    const stage = new Stage();
    for (const id of [1, 2]) stage.client(id);
    for (const id of [1, 2, 2]) {
      stage.say(id, { t: "ask", id: 3, question: { q: "waitForWorkers", count: 1 } });
      stage.say(id, { t: "ask", id: 4, question: { q: "waitForNamed", workers: ["w1"] } });
    }
    stage.step({ e: "clientGone", session: 1 as never });
    stage.worker(1);
    expect(stage.told(2)).toMatchObject([{ id: 3 }, { id: 4 }]);
  });

  it("for workers are answered when enough are there", () => {
    const stage = new Stage();
    stage.client();
    stage.say(1, { t: "ask", id: 3, question: { q: "waitForWorkers", count: 2 } });
    stage.worker(1);
    expect(stage.told()).toEqual([]);
    stage.worker(2);
    expect(stage.told()).toMatchObject([{ id: 3, value: [{ name: "w1" }, { name: "w2" }] }]);
  });

  it("for the cluster have the facts", () => {
    const stage = new Stage({ facts: { id: "abc", version: "1", pid: 4, startedAtMs: 5, dashboard: null } });
    stage.client();
    stage.worker(1, { slots: 2 });
    stage.submit(1, 1);
    stage.say(1, { t: "ask", id: 1, question: { q: "cluster" } });
    const value = { scheduler: { id: "abc" }, sessions: 1, functions: 1, tasks: { assigned: 1, done: 0 } };
    expect(stage.told()).toMatchObject([{ value }]);
  });

  it("for a result that is not known are failures", () => {
    const stage = new Stage();
    stage.client();
    stage.locate(1, 44);
    expect(stage.outcomes()).toEqual(["failed 44 FLOCK_TASK_UNKNOWN"]);
  });
});

describe("output of tasks", () => {
  it("goes to all who hold a reference", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.worker(1);
    stage.submit(1, 1, { key: "k" });
    stage.submit(2, 7, { key: "k" });
    const [task] = stage.assigned(1);
    stage.tell(1, { t: "log", task: task!.task, attempt: task!.attempt, stream: "stdout", text: "hello" });
    expect(stage.told(1)).toMatchObject([{ t: "log", n: 1, worker: "w1", text: "hello" }]);
    expect(stage.told(2)).toMatchObject([{ t: "log", n: 7 as TaskNumber }]);
  });
});

describe("what a session leaves behind", () => {
  it("is nothing: no lane, no queue, no progress of its runs, though its tasks were queued", () => {
    const stage = new Stage();
    for (let round = 1; round <= 3; round++) {
      stage.client(round);
      stage.options(round, 1, { resources: { [`R${round}`]: 1 } });
      stage.say(round, { t: "openRun", run: 1 as never, name: "r", weight: 1, steps: 0, keepMs: null });
      stage.submit(round, 1, { run: 1 });
      stage.submit(round, 2, { run: 1, options: 1 });
      stage.say(round, { t: "goodbye" });
      stage.machine.checkInvariants("all");
    }
    expect(stage.machine.clusterInfo()).toMatchObject({ sessions: 0, runs: [], functions: 0 });
    expect(stage.leftOver()).toEqual([]);
  });

  it("keeps a requirement that a shared task still has", () => {
    const stage = new Stage();
    stage.client(1);
    stage.client(2);
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 1, key: "k", fingerprint: "x" });
    stage.submit(2, 1, { key: "k", fingerprint: "x" });
    stage.say(1, { t: "goodbye" });
    stage.worker(1);
    expect(stage.assigned(1)).toEqual([]);
    stage.worker(2, { resources: { GPU: 10_000 } });
    expect(stage.assigned(2)).toHaveLength(1);
  });
});

describe("a text for people", () => {
  it("has an end, whatever it quotes", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.submit(1, 2, { deps: [1] });
    stage.say(1, { t: "cancel", n: 1 as TaskNumber, reason: "long".repeat(10_000) });
    stage.submit(1, 3);
    stage.lose(1, "how".repeat(10_000));
    const texts = stage
      .told()
      .flatMap((m) => (m.t === "failed" ? [m.failure.message] : m.t === "notice" ? [m.text] : []));
    expect(texts.map((text) => text.length)).toEqual([4096, 4096]);
  });
});
