import { describe, expect, it } from "vitest";
import { Timers } from "../src/machine/timers.ts";
import { Stage } from "./machine-stage.ts";

const MS = 1000;

/** With options 1: the ones given. */
function stageWith(options: Parameters<Stage["options"]>[2]): Stage {
  const stage = new Stage();
  stage.client();
  stage.options(1, 1, options);
  return stage;
}

function failures(stage: Stage, id = 1): string[] {
  return stage.told(id).flatMap((m) => (m.t === "failed" ? [m.failure.message] : []));
}

describe("a deadline", () => {
  it("ends a task that waits, one that is queued and one that runs, and says how far each was", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    const [running] = stage.assigned(1);
    stage.started(1, running!);
    stage.submit(1, 2);
    stage.submit(1, 3, { options: 1 });
    stage.submit(1, 4);
    stage.submit(1, 5, { options: 1, deps: [4] });
    stage.pass(99 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1 * MS);
    expect(failures(stage)).toEqual([
      "f-1-1 had not ended 100 ms after its submission (deadlineMs): it was running on w1, in attempt 1.",
      "f-1-3 had not ended 100 ms after its submission (deadlineMs): it was queued, with its inputs there.",
      "f-1-5 had not ended 100 ms after its submission (deadlineMs): it was waiting for 1 of its 1 inputs.",
    ]);
    expect(stage.take(1, "stop")).toMatchObject([{ task: running!.task, why: "cancelled" }]);
    stage.stopped(1, running!.task, running!.attempt, "cancelled");
    for (const task of stage.assigned(1)) stage.finish(1, task);
    expect(stage.outcomes()).toEqual(["done 2", "done 4"]);
    stage.pass(1000 * MS); // the look for stragglers
    expect(stage.alarm).toBe(null);
    expect(stage.leftOver()).toEqual([]);
  });

  it("counts from the submission: through retries, their waits and lost workers", () => {
    const stage = stageWith({ deadlineMs: 100, retries: 5, backoffMs: 40 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    stage.error(1, stage.assigned(1)[0]!);
    stage.pass(40 * MS); // the second attempt
    stage.error(1, stage.assigned(1)[0]!); // the third were after 80 ms more
    stage.pass(59 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1 * MS);
    expect(failures(stage)).toEqual([
      "f-1-1 had not ended 100 ms after its submission (deadlineMs): it was waiting for the time of its next attempt, after 2.",
    ]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("takes those along that wait for the task, what was assigned ahead included", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.worker(1, { slots: 2 });
    stage.say(1, stage.submission(1, { options: 1 }), stage.submission(2, { deps: [1] }));
    const [first, ahead] = stage.assigned(1);
    stage.started(1, first!);
    stage.pass(100 * MS);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_DEADLINE_EXCEEDED", "failed 2 FLOCK_DEADLINE_EXCEEDED of f-1-1"]);
    expect(stage.take(1, "stop").map((m) => (m as { task: number }).task)).toEqual([first!.task, ahead!.task]);
    // Both were on their way back when it struck.
    stage.finish(1, first!);
    expect(stage.outcomes()).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is met by a result in time, which may be lost and computed again after it", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    stage.store(1, stage.assigned(1)[0]!);
    expect(stage.alarm).toBe(null);
    stage.pass(200 * MS);
    stage.worker(2);
    stage.lose(1);
    const [again] = stage.assigned(2);
    stage.pass(200 * MS);
    stage.store(2, again!);
    stage.locate(1, 1);
    expect(stage.told().map((m) => m.t)).toEqual(["done", "notice", "located"]);
  });

  it("goes on while the links of worker and client are cut, and is told when the client is back", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    const [task] = stage.assigned(1);
    stage.started(1, task!);
    stage.cut(1);
    stage.speakable.delete("c1");
    stage.step({ e: "clientCut", session: 1 as never });
    stage.pass(100 * MS);
    stage.speakable.add("c1");
    stage.step({ e: "clientResumed", session: 1 as never });
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_DEADLINE_EXCEEDED"]);
    stage.snapshot(1, { tasks: [{ task: task!.task, attempt: task!.attempt, running: true }] });
    expect(stage.take(1, "stop")).toHaveLength(1);
  });

  it("of a shared key is that of the first to submit it, and ends it for all", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.client(2);
    stage.submit(1, 1, { options: 1, key: "k", fingerprint: "x" });
    stage.pass(60 * MS);
    stage.submit(2, 1, { key: "k", fingerprint: "x" });
    stage.release(1, 1);
    stage.pass(40 * MS);
    expect(stage.outcomes(2)).toEqual(["failed 1 FLOCK_DEADLINE_EXCEEDED"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("begins anew for a task that nobody wanted in between", () => {
    const stage = stageWith({ deadlineMs: 100 });
    stage.worker(1);
    stage.options(1, 2, { deadlineMs: 50 });
    stage.say(
      1,
      stage.submission(1, { options: 1, key: "k", fingerprint: "x" }),
      // Its own call fails: its lineage keeps the first, which nobody wants then.
      stage.submission(2, { options: 2, deps: [1] }),
      { t: "release", n: 1 as never },
    );
    stage.pass(50 * MS);
    expect(stage.outcomes()).toEqual(["failed 2 FLOCK_DEADLINE_EXCEEDED"]);
    stage.pass(70 * MS);
    stage.submit(1, 3, { options: 1, key: "k", fingerprint: "x" });
    stage.pass(99 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1 * MS);
    expect(stage.outcomes()).toEqual(["failed 3 FLOCK_DEADLINE_EXCEEDED"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves no timer behind for tasks that end long before it", () => {
    const stage = stageWith({ deadlineMs: 86_400_000 });
    stage.check = "none";
    stage.worker(1, { slots: 8 });
    for (let n = 1; n <= 20_000; n += 500) {
      stage.say(1, ...Array.from({ length: 500 }, (_, i) => stage.submission(n + i, { options: 1 })));
    }
    expect(stage.alarm).not.toBe(null);
    for (let left = 20_000; left > 0; ) {
      for (const task of stage.assigned(1)) {
        stage.finish(1, task);
        left--;
      }
    }
    stage.machine.checkInvariants("all"); // a task that is done has none
    expect(stage.alarm).toBe(null);
  });
});

describe("timers", () => {
  it("come in order, also when others among them were dropped", () => {
    const timers = new Timers();
    const due = (n: number) => ({ what: "due", session: n }) as never;
    const all = Array.from({ length: 500 }, (_, i) => timers.set(((i * 7919) % 500) as never, due((i * 7919) % 500)));
    for (const timer of all) if (timer.at % 3 === 0) timers.drop(timer);
    for (const timer of all) if (timer.at % 3 === 0) timers.drop(timer); // once more does nothing
    const seen: unknown[] = [];
    for (let next = timers.take(1000 as never); next !== null; next = timers.take(1000 as never)) {
      seen.push((next as never as { session: number }).session);
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i).filter((n) => n % 3 !== 0));
    expect(timers.size).toBe(0);
  });
});

describe("a task that no worker can run", () => {
  it.each([
    [
      "a resource",
      { resources: { GPU: 20_000 } },
      "It asks for GPU=2: no worker has GPU=2 (w1 has 1, w3 has 0.5, 1 has none).",
    ],
    ["a resource that nobody has", { resources: { TPU: 1 } }, "It asks for TPU=0.0001: no worker has any TPU."],
    ["a name", { workers: ["bob"] }, "It asks for a worker named bob: no worker named bob is there."],
    [
      "names and a resource",
      { workers: ["bob", "ann"], resources: { GPU: 30_000 } },
      "It asks for GPU=3 and a worker named ann or bob: no worker has GPU=3 (w1 has 1, w3 has 0.5, 1 has none), and none of the workers named is there.",
    ],
    [
      "all of it together",
      { resources: { GPU: 10_000, MEM: 10_000 } },
      "It asks for GPU=1 and MEM=1: each part of that some worker meets, but none meets all of it together.",
    ],
  ])("fails after its time, and says what none has: %s", (_, asks, said) => {
    const stage = stageWith({ ...asks, noWorkerTimeoutMs: 100 });
    stage.worker(1, { resources: { GPU: 10_000 } });
    stage.worker(2, { resources: { MEM: 90_000 } });
    stage.worker(3, { resources: { GPU: 5_000, MEM: 5_000 } });
    stage.submit(1, 1, { options: 1 });
    const [warning] = stage.told();
    expect(warning).toMatchObject({
      t: "notice",
      text: expect.stringContaining("It waits until one joins that can, at most 100 ms (noWorkerTimeoutMs)."),
    });
    stage.pass(99 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1 * MS);
    const [text] = failures(stage);
    expect(text).toContain("f-1-1 waited 100 ms (noWorkerTimeoutMs), and no worker was there that could run it. ");
    expect(text).toContain(said);
    expect(stage.leftOver()).toEqual([]);
  });

  it("fails without any worker, too, which the others do not", () => {
    const stage = stageWith({ noWorkerTimeoutMs: 100 });
    stage.submit(1, 1, { options: 1 });
    stage.submit(1, 2);
    stage.submit(1, 3, { options: 1, deps: [1] });
    stage.pass(100 * MS);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_NO_WORKER_TIMEOUT", "failed 3 FLOCK_NO_WORKER_TIMEOUT of f-1-1"]);
    stage.worker(1);
    expect(stage.assigned(1)).toHaveLength(1);
  });

  it("runs when one joins in time; busy workers count as there", () => {
    const stage = stageWith({ resources: { GPU: 10_000 }, noWorkerTimeoutMs: 100 });
    stage.worker(1);
    stage.say(1, ...[1, 2].map((n) => stage.submission(n, { options: 1 })));
    stage.pass(99 * MS);
    stage.worker(2, { resources: { GPU: 10_000 } });
    const [task] = stage.assigned(2);
    stage.started(2, task!);
    stage.pass(1000 * MS); // the other waits for its GPU
    expect(stage.outcomes()).toEqual([]);
    stage.finish(2, task!);
    stage.finish(2, stage.assigned(2)[0]!);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    stage.pass(1000 * MS); // the look for stragglers
    expect(stage.alarm).toBe(null);
  });

  it("begins to count when the last worker leaves, is cut or retires, and anew each time", () => {
    const stage = stageWith({ noWorkerTimeoutMs: 100 });
    stage.options(1, 2, { resources: { GPU: 10_000 }, noWorkerTimeoutMs: 100 });
    stage.worker(1, { resources: { GPU: 10_000 } });
    stage.say(1, ...[1, 2, 3, 4].map((n) => stage.submission(n, { options: n > 2 ? 2 : 1 })));
    const given = stage.assigned(1);
    expect(given).toHaveLength(2); // one runs, one waits there
    stage.cut(1);
    stage.pass(90 * MS);
    stage.snapshot(1, { tasks: given.map(({ task, attempt }) => ({ task, attempt, running: false })) });
    stage.pass(1000 * MS);
    stage.worker(2);
    expect(stage.outcomes()).toEqual([]);
    stage.step({ e: "retireWorkers", workers: ["w1", "w2"] });
    stage.pass(99 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.pass(1 * MS);
    const said = stage.outcomes();
    expect(said.length).toBeGreaterThan(0);
    expect(said.every((text) => text.includes("FLOCK_NO_WORKER_TIMEOUT"))).toBe(true);
  });

  it("says so also of tasks in line when the last worker for them leaves", () => {
    const stage = stageWith({ resources: { GPU: 10_000 } });
    stage.worker(1, { resources: { GPU: 10_000 } });
    stage.worker(2);
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n, { options: 1 })));
    stage.told();
    stage.lose(1);
    const notices = stage.told().flatMap((m) => (m.t === "notice" ? [m.text] : []));
    expect(notices.filter((text) => text.includes("FLOCK_NO_WORKER: f-1-"))).toHaveLength(1);
  });

  it("counts while it is in line, not while its inputs are made", () => {
    const stage = stageWith({ workers: ["ann"], noWorkerTimeoutMs: 100 });
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2, { options: 1, deps: [1] }));
    const [first] = stage.assigned(1);
    stage.pass(1000 * MS);
    stage.store(1, first!);
    stage.pass(50 * MS);
    stage.lose(1); // its input is lost: it waits again
    stage.worker(2);
    const [again] = stage.assigned(2);
    stage.pass(1000 * MS);
    stage.store(2, again!);
    stage.pass(99 * MS);
    expect(stage.outcomes()).toEqual(["done 1"]);
    stage.pass(1 * MS);
    expect(stage.outcomes()).toEqual(["failed 2 FLOCK_NO_WORKER_TIMEOUT"]);
  });

  it("counts workers that are paused as there, until they leave", () => {
    const stage = stageWith({ workers: ["w1"], noWorkerTimeoutMs: 100 });
    stage.options(1, 2, { noWorkerTimeoutMs: 100 });
    stage.worker(1);
    stage.tell(1, { t: "pausing", paused: true, reason: "memory" });
    stage.say(1, stage.submission(1, { options: 1 }), stage.submission(2, { options: 2 }));
    stage.pass(1000 * MS);
    stage.cut(1);
    stage.pass(99 * MS);
    stage.snapshot(1);
    stage.pass(1000 * MS);
    expect(stage.told()).toEqual([]);
    stage.lose(1);
    stage.pass(100 * MS);
    expect(stage.outcomes().sort()).toEqual(["failed 1 FLOCK_NO_WORKER_TIMEOUT", "failed 2 FLOCK_NO_WORKER_TIMEOUT"]);
  });

  it("may be one that makes an actor: a notice, and an end", () => {
    const stage = stageWith({ isolation: "actor", resources: { GPU: 10_000 }, noWorkerTimeoutMs: 100 });
    stage.worker(1);
    stage.submit(1, 1, { options: 1 });
    expect(stage.told()).toMatchObject([{ t: "notice", text: expect.stringContaining("no worker has any GPU") }]);
    stage.pass(99 * MS);
    stage.worker(2, { resources: { GPU: 10_000 } });
    expect(stage.assigned(2)).toHaveLength(1);
    stage.submit(1, 2, { options: 1 }); // waits for the GPU, which is there
    stage.pass(1000 * MS);
    expect(stage.outcomes()).toEqual([]);
    stage.lose(2);
    stage.pass(100 * MS);
    expect(stage.outcomes().every((text) => text.endsWith("FLOCK_NO_WORKER_TIMEOUT"))).toBe(true);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is allowed others while none of those named is there", () => {
    const stage = stageWith({ workers: ["ann"], allowOtherWorkers: true, noWorkerTimeoutMs: 100 });
    stage.submit(1, 1, { options: 1 });
    stage.pass(99 * MS);
    stage.worker(1);
    stage.finish(1, stage.assigned(1)[0]!);
    expect(stage.outcomes()).toEqual(["done 1"]);
  });
});
