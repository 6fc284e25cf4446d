import type { TaskId, WorkerId } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

describe("a worker that retires", () => {
  it("gives back what has not begun, finishes what runs, hands over, leaves", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2), stage.submission(3));
    const [a, b] = stage.assigned(1);
    stage.store(1, a!, 5000, 1);
    const [c] = stage.assigned(1);
    stage.started(1, b!);
    stage.tell(1, { t: "wantsToRetire", reason: "spot notice" });
    expect(stage.take(1, "retire")).toHaveLength(1);
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: c!.task, attempt: 1, why: "stolen" }]);
    stage.stopped(1, c!.task, c!.attempt, "stolen");
    stage.worker(2);
    expect(stage.assigned(2).map((x) => x.key)).toEqual(["f-1-3"]);
    stage.store(1, b!, 6000, 2);
    const moves = stage.take(2, "acquire") as { task: number }[];
    expect(moves.map((m) => m.task)).toEqual([a!.task, b!.task]);
    for (const m of moves) {
      expect(stage.take(1, "leave")).toEqual([]);
      stage.tell(2, { t: "held", task: m.task as never, bytes: 5000, version: m.task });
    }
    expect(stage.take(1, "leave")).toHaveLength(1);
    stage.lose(1, "left", true);
    expect(stage.closed).toEqual([1]);
    expect(stage.assigned(2)).toEqual([]);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("hands over while something runs yet; who had no room then is asked once more at the end", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 3 });
    for (const n of [1, 2, 3]) stage.submit(1, n);
    const [a, b, c] = stage.assigned(1);
    stage.started(1, c!);
    stage.store(1, a!, 5000, 1);
    stage.store(1, b!, 5000, 2);
    stage.worker(2);
    stage.tell(1, { t: "spotNotice", text: "spot notice: the instance ends at 12:34:56 UTC" });
    stage.tell(1, { t: "wantsToRetire", reason: "spot notice" });
    const moves = stage.take(2, "acquire") as unknown as { task: never }[];
    expect(moves.map(({ task }) => task)).toEqual([a!.task, b!.task]);
    stage.tell(2, { t: "held", task: moves[0]!.task, bytes: 5000, version: 1 });
    stage.tell(2, { t: "notHeld", task: moves[1]!.task, message: "the arena is full", code: null });
    expect([stage.take(2, "acquire"), stage.take(1, "leave")]).toEqual([[], []]);
    stage.finish(1, c!);
    expect((stage.take(2, "acquire") as unknown as { task: never }[]).map(({ task }) => task)).toEqual([b!.task]);
    stage.tell(2, { t: "notHeld", task: moves[1]!.task, message: "the arena is full", code: null });
    // Nobody takes it: it is left behind, and made again.
    expect(stage.take(1, "leave")).toHaveLength(1);
    expect(stage.assigned(2).map(({ task, attempt }) => [task, attempt])).toEqual([[b!.task, 2]]);
    expect(stage.machine.eventsSince(0, 100).filter(({ kind }) => kind === "spotNotice")).toMatchObject([
      { who: "w1", text: "spot notice: the instance ends at 12:34:56 UTC" },
    ]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("tries another keeper when one has no room, and leaves results behind when there is none", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.store(1, stage.assigned(1)[0]!, 5000, 1);
    stage.worker(2);
    stage.worker(3);
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    for (const id of [2, 3]) {
      const [move] = stage.take(id, "acquire") as { task: number }[];
      stage.tell(id, { t: "notHeld", task: move!.task as never, message: "the arena is full", code: null });
    }
    expect(stage.take(1, "leave")).toHaveLength(1);
    expect([...stage.assigned(2), ...stage.assigned(3)].map((a) => a.attempt)).toEqual([2]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("keeps scattered data until another worker is there to take it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 9000);
    const [expected] = stage.take(1, "expect") as unknown as { task: never }[];
    stage.tell(1, { t: "held", task: expected!.task, bytes: 9000, version: 1 });
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    expect(stage.take(1, "leave")).toEqual([]);
    stage.worker(2);
    expect(stage.take(2, "acquire")).toHaveLength(1);
    stage.tell(2, { t: "held", task: expected!.task, bytes: 9000, version: 1 });
    expect(stage.take(1, "leave")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is named in the answer; an unknown name is a coded error", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, { t: "ask", id: 1, question: { q: "retire", workers: ["w1"] } });
    expect(stage.told()).toMatchObject([{ id: 1, value: [{ name: "w1", status: "retiring" }], error: null }]);
    stage.say(1, { t: "ask", id: 2, question: { q: "retire", workers: ["w9"] } });
    expect(stage.told()).toMatchObject([{ id: 2, value: null, error: { code: "FLOCK_WORKER_UNKNOWN" } }]);
  });
});

describe("a link that is cut", () => {
  it("leaves the worker its tasks; the snapshot says what never arrived", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 2 });
    stage.say(1, stage.submission(1), stage.submission(2), stage.submission(3));
    const [a, b] = stage.assigned(1);
    stage.cut(1);
    expect(stage.machine.workers()[0]).toMatchObject({ status: "cut", assigned: 3 });
    stage.worker(2);
    expect(stage.assigned(2)).toEqual([]);
    stage.release(1, 2);
    stage.step({ e: "workerResumed", worker: 1 as never });
    stage.snapshot(1, { tasks: [a!, b!].map((x) => ({ task: x.task, attempt: x.attempt, running: x === a })) });
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: b!.task, attempt: 1, why: "cancelled" }]);
    expect(stage.assigned(2).map((x) => [x.key, x.attempt])).toEqual([["f-1-3", 2]]);
    expect(stage.machine.taskCounts().running).toBe(1);
    stage.finish(1, a!);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("sets holdings right, and sends functions that are missing", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.submit(1, 2);
    const [a, b] = stage.assigned(1);
    stage.store(1, a!, 5000, 1);
    stage.store(1, b!, 5000, 2);
    stage.take(1, "function");
    stage.cut(1);
    stage.release(1, 1);
    stage.step({ e: "workerResumed", worker: 1 as never });
    stage.snapshot(1, { holds: [{ task: a!.task, bytes: 5000, version: 1 }], functions: [77 as never] });
    expect(stage.take(1, "drop")).toEqual([{ t: "drop", task: a!.task }]);
    expect(stage.take(1, "forgetFunction")).toEqual([{ t: "forgetFunction", fn: 77 }]);
    // The second result was not in the snapshot: computed again, with its function sent anew.
    expect(stage.take(1, "function")).toHaveLength(1);
    expect(stage.assigned(1).map((x) => [x.key, x.attempt])).toEqual([["f-1-2", 2]]);
  });
});

describe("rebalancing", () => {
  it("asks a busy worker for what has not begun, and gives it to the idle one on confirmation", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2));
    const [a, b] = stage.assigned(1);
    stage.started(1, a!);
    stage.worker(2);
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: b!.task, attempt: 1, why: "stolen" }]);
    expect(stage.assigned(2)).toEqual([]);
    stage.stopped(1, b!.task, b!.attempt, "stolen");
    expect(stage.assigned(2).map((x) => [x.key, x.attempt])).toEqual([["f-1-2", 2]]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("lets the worker keep it when it had begun after all", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.say(1, stage.submission(1), stage.submission(2));
    const [a, b] = stage.assigned(1);
    stage.worker(2);
    expect(stage.take(1, "stop")).toHaveLength(1);
    stage.finish(1, a!);
    stage.finish(1, b!);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a snapshot in parts", () => {
  it("keeps what the parts name, also when the link is cut between them, and no more", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1, { slots: 3 });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n)));
    const [a, b, c] = stage.assigned(1);
    for (const assigned of [a!, b!, c!]) stage.store(1, assigned);
    const held = (assigned: Assigned): { task: TaskId; bytes: number; version: number } => ({
      ...{ task: assigned.task, bytes: 10_000, version: 1 },
    });
    stage.cut(1);
    stage.step({ e: "workerResumed", worker: 1 as WorkerId });
    stage.tell(1, { t: "snapshotPart", holds: [held(a!)] });
    stage.cut(1);
    stage.step({ e: "workerResumed", worker: 1 as WorkerId });
    stage.snapshot(1, { holds: [held(b!)] });
    expect(stage.machine.workers()[0]).toMatchObject({ stored: 2, storedBytes: 20_000 });
    expect(stage.assigned(1)).toMatchObject([{ task: c!.task, attempt: 2 }]);
    stage.cut(1);
    stage.snapshot(1, { holds: [held(b!)] });
    expect(stage.machine.workers()[0]).toMatchObject({ stored: 1 });
  });

  it("takes no data any more once it was told to leave: another gets it", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.scatter(1, 1, 5000);
    const [{ task } = { task: 0 as TaskId }] = stage.take(1, "expect") as { task: TaskId }[];
    stage.worker(2);
    stage.tell(1, { t: "wantsToRetire", reason: "spot notice" });
    expect(stage.take(1, "leave")).toHaveLength(1);
    stage.tell(1, { t: "held", task, bytes: 5000, version: 1 });
    expect(stage.outcomes()).toEqual([]);
    expect(stage.take(2, "expect")).toMatchObject([{ task }]);
    stage.lose(1, "left", true);
    stage.tell(2, { t: "held", task, bytes: 5000, version: 1 });
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.leftOver()).toEqual([]);
  });
});
