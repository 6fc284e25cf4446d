import type { SchedulerToClient } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Durations } from "../src/machine/durations.ts";
import { type Assigned, Stage } from "./machine-stage.ts";

const SECOND = 1_000_000;

/** Five calls of "f" have taken 0.5 s each, at worker 1. */
function measured(): Stage {
  const stage = new Stage();
  stage.client();
  stage.options(1, 1, { speculate: true });
  stage.options(1, 2, { speculate: true, retries: 1 });
  stage.options(1, 3, { speculate: true, allowedFailures: 0 });
  stage.options(1, 4, { speculate: true, resources: { GPU: 10_000 } });
  stage.options(1, 5, { speculate: true, workers: ["w1", "w3"] });
  stage.worker(1);
  for (let n = 101; n <= 105; n++) {
    stage.submit(1, n);
    stage.finish(1, one(stage, 1), SECOND / 2);
    stage.release(1, n);
  }
  stage.told();
  return stage;
}

/** Task 1 runs at worker 1, and at worker 2 for the second time. */
function doubled(options = 1): { stage: Stage; first: Assigned; second: Assigned } {
  const stage = measured();
  stage.submit(1, 1, { options });
  const first = one(stage, 1);
  stage.started(1, first);
  stage.worker(2, { resources: { GPU: 10_000 } });
  stage.pass(3 * SECOND);
  const second = one(stage, 2);
  stage.told();
  return { stage, first, second };
}

function one(stage: Stage, worker: number): Assigned {
  const [assigned, ...more] = stage.assigned(worker);
  if (assigned === undefined || more.length > 0) throw new Error(`not one assignment at worker ${worker}`);
  return assigned;
}

/** A second passes, and the worker says that it is there. */
function beat(stage: Stage, id: number): void {
  stage.pass(SECOND);
  stage.tell(id, { t: "heartbeat", metrics: {} as never });
}

function notices(told: readonly SchedulerToClient[]): string[] {
  return told.flatMap((m) => (m.t === "notice" ? [m.text] : []));
}

describe("stragglers", () => {
  it("are told once to whom they belong, when they take 3 times the median and 1 s", () => {
    const stage = measured();
    stage.submit(1, 1);
    stage.started(1, one(stage, 1));
    stage.pass(1.4 * SECOND);
    expect(notices(stage.told())).toEqual([]);
    stage.pass(SECOND);
    const [text, ...more] = notices(stage.told());
    expect(more).toEqual([]);
    expect(text).toMatch(/f-1-1 has run for 1\.[5-9] s at w1, the median of f is 0\.\d+ s/);
    stage.pass(60 * SECOND);
    expect(notices(stage.told())).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("need a median: the first calls of a function are none, however long they take", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    stage.started(1, one(stage, 1));
    stage.pass(3600 * SECOND);
    expect(notices(stage.told())).toEqual([]);
  });

  it("are an event, and no notice to a client that hears their reports", () => {
    const stage = measured();
    stage.submit(1, 1);
    stage.started(1, one(stage, 1));
    stage.say(1, { t: "ask", id: 1, question: { q: "hearReports", n: 1 as never } });
    stage.pass(10 * SECOND);
    expect(notices(stage.told())).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are named in one notice, however many there are", () => {
    const stage = measured();
    stage.worker(2, { slots: 20 });
    for (let n = 1; n <= 21; n++) stage.submit(1, n);
    for (const id of [1, 2]) for (const assigned of stage.assigned(id)) stage.started(id, assigned);
    stage.pass(10 * SECOND);
    const [text, ...more] = notices(stage.told());
    expect(more).toEqual([]);
    expect(text).toContain("and so do 18 more");
  });

  it("are looked for only while something runs", () => {
    const stage = measured();
    stage.submit(1, 1);
    const assigned = one(stage, 1);
    stage.started(1, assigned);
    stage.finish(1, assigned);
    stage.pass(2 * SECOND);
    expect(stage.alarm).toBeNull();
  });
});

describe("a task with speculate: true that runs long", () => {
  it("is begun a second time elsewhere; the first result counts, and the other attempt is stopped", () => {
    const { stage, first, second } = doubled();
    expect(second).toMatchObject({ task: first.task, solo: true });
    expect(second.attempt).toBeGreaterThan(first.attempt);
    stage.started(2, second);
    stage.finish(2, second);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.take(1, "stop")).toEqual([{ t: "stop", task: first.task, attempt: first.attempt, why: "cancelled" }]);
    stage.stopped(1, first.task, first.attempt, "cancelled");
    expect(stage.leftOver()).toEqual([]);
  });

  it("ends with the first attempt's result when that comes first", () => {
    const { stage, first, second } = doubled();
    stage.finish(1, first);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.take(2, "stop")).toMatchObject([{ task: first.task, attempt: second.attempt, why: "cancelled" }]);
    // It was too late for the stop: its bytes are dropped, and change nothing.
    stage.store(2, second);
    expect(stage.take(2, "drop")).toHaveLength(1);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is not begun again without a slot that is free, and waits for one", () => {
    const stage = measured();
    stage.submit(1, 1, { options: 1 });
    stage.started(1, one(stage, 1));
    stage.pass(5 * SECOND);
    stage.worker(2);
    beat(stage, 2);
    expect(stage.assigned(2)).toHaveLength(1);
    // Once for each attempt.
    stage.worker(3);
    stage.pass(10 * SECOND);
    expect(stage.assigned(3)).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("needs at the other worker what it asks for", () => {
    const stage = measured();
    stage.submit(1, 1, { options: 5 });
    stage.started(1, one(stage, 1));
    stage.worker(2);
    stage.pass(5 * SECOND);
    expect(stage.assigned(2)).toEqual([]);
    stage.worker(3);
    beat(stage, 3);
    expect(stage.assigned(3)).toHaveLength(1);
  });

  it("takes a slot and its resources twice", () => {
    const stage = measured();
    stage.worker(2, { resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 4 });
    stage.started(2, one(stage, 2));
    stage.worker(3, { resources: { GPU: 10_000 } });
    stage.pass(3 * SECOND);
    const second = one(stage, 3);
    stage.submit(1, 2, { options: 4 });
    expect(stage.assigned(2)).toEqual([]);
    expect(stage.machine.workers().map((w) => w.assigned)).toEqual([0, 1, 1]);
    stage.finish(3, second);
    expect([...stage.assigned(2), ...stage.assigned(3)].map((a) => a.key)).toEqual(["f-1-2"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("of two attempts", () => {
  it("an exception counts only when it is the last one", () => {
    const { stage, first, second } = doubled();
    stage.error(1, first, false);
    expect(stage.outcomes()).toEqual([]);
    stage.error(2, second, false);
    expect(stage.outcomes()).toEqual(["failed 1 TypeError"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("an exception of one costs no retry, whichever it is", () => {
    const { stage, first, second } = doubled(2);
    stage.error(2, second);
    stage.error(1, first);
    const retry = [...stage.assigned(1), ...stage.assigned(2)];
    expect(retry).toHaveLength(1);
    // A number that neither of them had.
    expect(retry[0]!.attempt).toBeGreaterThan(second.attempt);
    stage.error(stage.machine.workers()[0]!.assigned === 1 ? 1 : 2, retry[0]!);
    expect(stage.outcomes()).toEqual(["failed 1 TypeError"]);
  });

  it("one that dies with its worker leaves the other, at no cost", () => {
    for (const dies of [1, 2]) {
      const { stage, first, second } = doubled(3);
      stage.started(2, second);
      stage.lose(dies);
      expect(stage.outcomes()).toEqual([]);
      expect(stage.machine.taskCounts()).toMatchObject({ running: 1 });
      stage.finish(3 - dies, dies === 1 ? second : first);
      expect(stage.outcomes()).toEqual(["done 1"]);
      expect(stage.leftOver()).toEqual([]);
    }
  });

  it("the last one that dies with its worker counts", () => {
    const { stage, second } = doubled(3);
    stage.started(2, second);
    stage.lose(1);
    stage.lose(2);
    expect(stage.outcomes()).toEqual(["failed 1 FLOCK_KILLED_WORKER"]);
  });

  it("both are stopped by a cancel, and by the last release", () => {
    for (const ends of ["cancel", "release"] as const) {
      const { stage } = doubled();
      stage[ends](1, 1);
      expect(stage.take(1, "stop")).toHaveLength(1);
      expect(stage.take(2, "stop")).toHaveLength(1);
      expect(stage.leftOver()).toEqual([]);
    }
  });

  it("the second is given up by a worker that retires; the first is finished there", () => {
    const second = doubled();
    second.stage.step({ e: "retireWorkers", workers: ["w2"] });
    expect(second.stage.take(2, "stop")).toHaveLength(1);
    expect(second.stage.take(2, "leave")).toHaveLength(1);
    const { stage, first } = doubled();
    stage.step({ e: "retireWorkers", workers: ["w1"] });
    expect(stage.take(1, "leave")).toEqual([]);
    stage.finish(1, first);
    expect(stage.outcomes()).toEqual(["done 1"]);
    expect(stage.take(1, "leave")).toHaveLength(1);
  });

  it("each is found again after its link was cut, or given up when it never arrived", () => {
    for (const id of [1, 2]) {
      for (const arrived of [true, false]) {
        const { stage, first, second } = doubled();
        const { task, attempt } = id === 1 ? first : second;
        stage.cut(id);
        stage.snapshot(id, { tasks: arrived ? [{ task, attempt, running: true }] : [] });
        expect(stage.take(id, "stop")).toEqual([]);
        const left = stage.machine.workers().map((w) => w.assigned);
        expect(left).toEqual(arrived ? [1, 1] : id === 1 ? [0, 1] : [1, 0]);
        stage.finish(arrived ? 1 : 3 - id, !arrived && id === 1 ? second : first);
        expect(stage.outcomes()).toEqual(["done 1"]);
        expect(stage.leftOver()).toEqual([]);
      }
    }
  });

  it("one that was stopped while its link was cut is stopped when it is back", () => {
    const { stage, first, second } = doubled();
    stage.cut(2);
    stage.finish(1, first);
    stage.snapshot(2, { tasks: [{ task: second.task, attempt: second.attempt, running: true }] });
    expect(stage.take(2, "stop")).toMatchObject([{ attempt: second.attempt, why: "cancelled" }]);
  });

  it("what is assigned ahead follows the first, and begins there once", () => {
    const { stage, first, second } = doubled();
    stage.submit(1, 2, { deps: [1] });
    const ahead = one(stage, 1);
    stage.finish(2, second);
    // Not taken back: the first attempt may have ended a moment before, and this one have begun.
    expect(stage.take(1, "stop")).toMatchObject([{ task: first.task }]);
    stage.stopped(1, ahead.task, ahead.attempt, "predecessor");
    const again = one(stage, 1);
    expect(again.inputs[0]!.inline).not.toBe(0);
    stage.finish(1, again);
    expect(stage.outcomes()).toEqual(["done 1", "done 2"]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("a function's durations", () => {
  it("give the median within an eighth, from 8 µs to a day", () => {
    for (let us = 8; us < 24 * 3600 * SECOND; us = us * 1.7 + 1) {
      const durations = new Durations();
      for (const share of [0.01, 0.5, 1, 1, 1.6, 300]) durations.add(Math.round(us * share));
      expect(Math.abs(durations.median() / us - 1)).toBeLessThan(0.13);
    }
  });

  it("follow a function that changes", () => {
    const durations = new Durations();
    for (let i = 0; i < 10_000; i++) durations.add(1000);
    for (let i = 0; i < 1000; i++) durations.add(100_000);
    expect(durations.median()).toBeGreaterThan(80_000);
    expect(durations.total).toBeLessThan(1000);
  });
});
