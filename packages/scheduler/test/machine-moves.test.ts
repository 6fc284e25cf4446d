// Copies that people ask for: more of them, or elsewhere; and which workers receive scattered data.

import type { Acquire, Answer, Moves, Question, TaskId, UploadTo } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { type Assigned, Stage } from "./machine-stage.ts";

let asked = 0;

function say(stage: Stage, question: object, id = ++asked): void {
  stage.say(1, { t: "ask", id, question: question as Question });
}

function answerOf(stage: Stage): Answer | undefined {
  return stage.told().find((message) => message.t === "answer") as Answer | undefined;
}

function movesOf(stage: Stage): Moves {
  const answer = answerOf(stage);
  expect(answer?.error).toBeNull();
  return answer!.value as Moves;
}

/** `count` results of `bytes` each at worker 1, then workers 2 … `workers`. */
function stored(count: number, bytes: number, workers: number): Stage {
  const stage = new Stage();
  stage.client();
  stage.worker(1, { slots: count });
  for (let n = 1; n <= count; n++) stage.submit(1, n);
  for (const one of stage.assigned(1)) stage.store(1, one, bytes);
  for (let id = 2; id <= workers; id++) stage.worker(id);
  stage.told();
  return stage;
}

function acquired(stage: Stage, id: number): TaskId[] {
  return (stage.take(id, "acquire") as Acquire[]).map(({ task }) => task);
}

function holds(stage: Stage, id: number, task: TaskId, bytes = 100): void {
  stage.tell(id, { t: "held", task, bytes, version: 5 });
}

const storedAt = (stage: Stage): number[] => stage.machine.workers().map((worker) => worker.stored);

describe("replicate", () => {
  it("brings copies to the emptiest workers, and says when they are there", () => {
    const stage = stored(1, 100, 4);
    stage.scatter(1, 9, 50_000);
    const [to] = stage.told().filter((m) => m.t === "uploadTo") as UploadTo[];
    holds(stage, to!.holders[0]!.worker, to!.task, 50_000);
    stage.told();
    say(stage, { q: "replicate", ns: [1], copies: 3, workers: [] });
    expect(answerOf(stage)).toBeUndefined();
    const targets = [2, 3, 4].filter((id) => id !== to!.holders[0]!.worker);
    for (const id of targets) {
      const [task] = acquired(stage, id);
      holds(stage, id, task!);
    }
    const { count, bytes, moves } = movesOf(stage);
    expect([count, bytes]).toEqual([2, 200]);
    expect(moves).toEqual(targets.map((id) => ({ key: "f-1-1", bytes: 100, from: null, to: `w${id}` })));
    say(stage, { q: "whoHas", ns: [1, 9, 77] });
    expect(answerOf(stage)?.value).toEqual([["w1", ...targets.map((id) => `w${id}`)], [expect.any(String)], []]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("counts the copies that there are, and asks only the workers named", () => {
    const stage = stored(1, 100, 3);
    say(stage, { q: "replicate", ns: [1], copies: 5, workers: ["w1", "w3"] });
    expect(acquired(stage, 2)).toEqual([]);
    holds(stage, 3, acquired(stage, 3)[0]!);
    expect(movesOf(stage).count).toBe(1);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: [] });
    expect(movesOf(stage)).toMatchObject({ count: 0, refusedCount: 0 });
    expect(stage.leftOver()).toEqual([]);
  });

  it("says which worker refused, left, or was cut, and why", () => {
    const stage = stored(1, 100, 5);
    say(stage, { q: "replicate", ns: [1], copies: 5, workers: [] });
    const [task] = acquired(stage, 2);
    stage.tell(2, { t: "notHeld", task: task!, message: "the arena has no room", code: null });
    stage.lose(3);
    stage.cut(4);
    stage.tell(5, { t: "wantsToRetire", reason: "" });
    const { refusedCount, refused } = movesOf(stage);
    expect(refusedCount).toBe(4);
    expect(refused[0]).toEqual({ key: "f-1-1", to: "w2", why: "the arena has no room" });
    expect(refused.map(({ to }) => to)).toEqual(["w2", "w3", "w4", "w5"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("ends with the result: nobody waits for copies of what is gone", () => {
    const stage = stored(2, 100, 2);
    say(stage, { q: "replicate", ns: [1, 2], copies: 2, workers: [] });
    const [one] = acquired(stage, 2);
    stage.release(1, 2);
    expect(answerOf(stage)).toBeUndefined();
    stage.lose(1);
    expect(movesOf(stage)).toMatchObject({ count: 0, refusedCount: 2 });
    holds(stage, 2, one!); // the copy comes after all, and saves the computation
    expect(stage.machine.taskCounts().done).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("asked again after a cut is one request", () => {
    const stage = stored(1, 100, 2);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: [] }, 5);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: [] }, 5);
    const tasks = acquired(stage, 2);
    expect(tasks).toHaveLength(1);
    holds(stage, 2, tasks[0]!);
    const [first, ...more] = stage.told().filter((m) => m.t === "answer");
    expect(more).toEqual([]);
    stage.release(1, 1);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: [] }, 5); // the answer was lost
    expect(stage.told()).toEqual([first]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("goes on when its client is gone", () => {
    const stage = stored(1, 100, 2);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: [] });
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
    expect(stage.leftOver()).toEqual([]);
  });

  it("refuses workers and tasks that are not known", () => {
    const stage = stored(1, 100, 2);
    say(stage, { q: "replicate", ns: [1], copies: 2, workers: ["w7"] });
    expect(answerOf(stage)?.error).toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
    say(stage, { q: "rebalance", ns: [4], workers: [] });
    expect(answerOf(stage)?.error).toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("rebalance", () => {
  it("moves results until workers store about as much, each only when its copy is there", () => {
    const stage = stored(8, 100, 2);
    say(stage, { q: "rebalance", ns: null, workers: [] });
    const tasks = acquired(stage, 2);
    expect(tasks).toHaveLength(4);
    expect(stage.take(1, "drop")).toEqual([]);
    for (const task of tasks.slice(0, 3)) holds(stage, 2, task);
    expect(stage.take(1, "drop")).toEqual(tasks.slice(0, 3).map((task) => ({ t: "drop", task })));
    expect(answerOf(stage)).toBeUndefined();
    holds(stage, 2, tasks[3]!);
    const { count, bytes, moves } = movesOf(stage);
    expect([count, bytes]).toEqual([4, 400]);
    expect(moves[0]).toMatchObject({ from: "w1", to: "w2", bytes: 100 });
    expect(storedAt(stage)).toEqual([4, 4]);
    say(stage, { q: "rebalance", ns: null, workers: [] });
    expect(movesOf(stage).count).toBe(0);
    expect(stage.leftOver()).toEqual([]);
  });

  it("keeps what could not be moved", () => {
    const stage = stored(2, 100, 2);
    say(stage, { q: "rebalance", ns: null, workers: [] });
    const [task] = acquired(stage, 2);
    stage.tell(2, { t: "notHeld", task: task!, message: "the arena has no room", code: null });
    expect(movesOf(stage)).toMatchObject({ count: 0, refusedCount: 1 });
    expect(storedAt(stage)).toEqual([2, 0]);
    expect(stage.take(1, "drop")).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("does not take the last copy away when the receiver dies after it confirmed", () => {
    const stage = stored(2, 100, 2);
    say(stage, { q: "rebalance", ns: null, workers: [] });
    const [task] = acquired(stage, 2);
    holds(stage, 2, task!);
    stage.lose(2);
    const again = stage.assigned(1) as Assigned[];
    expect(again.map((a) => a.task)).toEqual([task]); // computed again from its lineage
    stage.store(1, again[0]!, 100);
    expect(stage.leftOver()).toEqual([]);
  });

  it("takes only the results and the workers that were named", () => {
    const stage = stored(4, 100, 3);
    say(stage, { q: "rebalance", ns: [1], workers: ["w1", "w3"] });
    expect(acquired(stage, 2)).toEqual([]);
    const tasks = acquired(stage, 3);
    expect(tasks).toHaveLength(1);
    holds(stage, 3, tasks[0]!);
    expect(movesOf(stage).moves).toMatchObject([{ key: "f-1-1", from: "w1", to: "w3" }]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("leaves one large result where it is", () => {
    const stage = stored(1, 1_000_000, 3);
    say(stage, { q: "rebalance", ns: null, workers: [] });
    expect(movesOf(stage).count).toBe(0);
    say(stage, { q: "hasWhat", workers: [] });
    expect(answerOf(stage)?.value).toEqual({
      w1: { count: 1, bytes: 1_000_000, keys: ["f-1-1"] },
      w2: { count: 0, bytes: 0, keys: [] },
      w3: { count: 0, bytes: 0, keys: [] },
    });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("scattered data", () => {
  function receivers(stage: Stage): number[][] {
    const told = stage.told().filter((m) => m.t === "uploadTo") as UploadTo[];
    return told.map(({ holders }) => holders.map(({ worker }) => worker));
  }

  function threeWorkers(): Stage {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2, 3]) stage.worker(id);
    return stage;
  }

  it("that is still on its way counts: several values go to several workers", () => {
    const stage = threeWorkers();
    for (const n of [1, 2, 3, 4]) stage.scatter(1, n, 100_000);
    expect(receivers(stage).slice(0, 3).flat().sort()).toEqual([1, 2, 3]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("goes to the workers named, to all of them with broadcast", () => {
    const stage = threeWorkers();
    stage.scatter(1, 1, 100_000, { workers: ["w2"] });
    stage.scatter(1, 2, 100_000, { workers: ["w2", "w3"], broadcast: true });
    expect(receivers(stage)).toEqual([[2], [2, 3]]);
    stage.scatter(1, 3, 100_000, { workers: ["w9"] });
    stage.scatter(1, 4, 10, { workers: ["w9"], small: true });
    expect(stage.outcomes()).toEqual(["failed 3 FLOCK_WORKER_UNKNOWN", "failed 4 FLOCK_WORKER_UNKNOWN"]);
    stage.cut(3);
    stage.scatter(1, 5, 100_000, { workers: ["w3"] });
    expect(receivers(stage)).toEqual([]);
    stage.snapshot(3);
    expect(receivers(stage)).toContainEqual([3]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("stays on every worker when it was broadcast, however long nobody reads it", () => {
    const stage = threeWorkers();
    stage.scatter(1, 1, 100_000, { broadcast: true });
    const [to] = stage.told().filter((m) => m.t === "uploadTo") as UploadTo[];
    for (const id of [1, 2, 3]) holds(stage, id, to!.task, 100_000);
    for (let second = 0; second < 60; second++) {
      stage.pass(1_000_000);
      stage.tell(1, { t: "heartbeat", metrics: {} as never });
    }
    expect(storedAt(stage)).toEqual([1, 1, 1]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("goes elsewhere when a worker has no room, and fails when none has", () => {
    const stage = threeWorkers();
    stage.scatter(1, 1, 100_000);
    const tried: number[] = [];
    for (let i = 0; i < 3; i++) {
      const [to] = stage.told().filter((m) => m.t === "uploadTo") as UploadTo[];
      const { worker } = to!.holders[0]!;
      tried.push(worker);
      stage.tell(worker, { t: "notHeld", task: to!.task, message: "it has no room", code: null });
    }
    expect(tried.sort()).toEqual([1, 2, 3]);
    const [failed] = stage.told();
    expect(failed).toMatchObject({ t: "failed", failure: { code: "FLOCK_OUT_OF_MEMORY" } });
    expect(stage.leftOver()).toEqual([]);
  });
});
