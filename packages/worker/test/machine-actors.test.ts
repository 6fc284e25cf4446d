// Actors in the worker's machine: a slot of their own, calls one at a time, and how they end.

import type { Assign, Attempt, StopTask, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { from, holder, MachineBench } from "./machine-bench.ts";

const ACTOR = 50 as TaskId;
/** The first slot beyond the numbered ones. */
const OWN = 1;

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench();
  bench.take();
});
afterEach(() => {
  expect(bench.leftOver()).toEqual([]);
});

const make = (): void => {
  bench.say(bench.assign(ACTOR, { isolation: "actor" }));
  bench.finish(OWN, 10);
  bench.stored.delete(ACTOR);
};
const callOf = (task: number, more: Partial<Assign> = {}): Assign => {
  const { inputs = [], ...rest } = more;
  const actor = { task: ACTOR, bytes: 0, inline: 0 as never, holders: [holder(9)] };
  return bench.assign(task, { isolation: "call", inputs: [actor, ...inputs], ...rest });
};
const stop = (task: number, why: StopTask["why"] = "cancelled"): StopTask => ({
  ...{ t: "stop", task: task as TaskId, attempt: 1 as Attempt, why },
});
const drop = (): void => bench.say({ t: "drop", task: ACTOR });
const runs = (): string[] => bench.take().filter((call) => /^(run|close|end|abort)/.test(call));

describe("an actor", () => {
  test("is made beside the numbered slots, is told as held, and ends when it is dropped", () => {
    bench.say(bench.assign(1), bench.assign(ACTOR, { isolation: "actor" }));
    expect(runs()).toEqual(["run 0: 1", "run 1: 50"]);
    bench.finish(OWN, 10);
    expect(bench.sent.at(-1)).toMatchObject({ t: "finished", task: ACTOR, bytes: 0, result: 0, version: 1 });
    expect(bench.machine.snapshot().holds).toEqual([{ task: ACTOR, bytes: 0, version: 1 }]);
    drop();
    expect(runs()).toEqual(["close 1"]);
    bench.finish(0, 1);
  });

  test("that failed to be made is let go, also what its slot still says; the next has a slot of its own", () => {
    bench.say(bench.assign(ACTOR, { isolation: "actor" }));
    bench.fail(OWN);
    expect(bench.take()).toEqual(["run 1: 50", "> started 50.1", "> errored 50.1 null", "close 1"]);
    bench.say(bench.assign(51, { isolation: "actor" }));
    expect(runs()).toEqual(["run 2: 51"]);
    bench.fail(OWN + 1);
  });

  test("keeps its worker busy while a call runs", () => {
    make();
    expect(bench.machine.isBusy).toBe(false);
    bench.say(callOf(61));
    expect(bench.machine.isBusy).toBe(true);
    bench.finish(OWN, 61);
    expect(bench.machine.isBusy).toBe(false);
    drop();
  });

  test("runs its calls one at a time, in the order in which they came", () => {
    make();
    bench.take();
    bench.say(callOf(61), callOf(62), callOf(63));
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      seen.push(...runs());
      bench.finish(OWN, 1);
    }
    expect(seen).toEqual(["run 1: 61", "run 1: 62", "run 1: 63"]);
    drop();
    expect(runs()).toEqual(["close 1"]);
  });

  test("waits for an input of a call, which the calls that have theirs do not", () => {
    make();
    bench.take();
    bench.say(callOf(61, { inputs: [from(3, 7)] }), callOf(62));
    expect(runs()).toEqual(["run 1: 62"]);
    bench.finish(OWN, 1);
    bench.fetches.delete(3 as TaskId);
    bench.stored.set(3 as TaskId, 5000);
    bench.event({ e: "fetched", task: 3 as TaskId, bytes: 5000 });
    expect(runs()).toEqual(["run 1: 61"]);
    bench.finish(OWN, 1);
    bench.say({ t: "drop", task: 3 as TaskId });
    drop();
  });

  test("is kept until the call that runs is over", () => {
    make();
    bench.say(callOf(61));
    bench.take();
    drop();
    expect(runs()).toEqual([]);
    bench.finish(OWN, 1);
    expect(runs()).toEqual(["close 1"]);
  });

  test("stores a large result of a call as any task does", () => {
    make();
    bench.say(callOf(61));
    bench.finish(OWN, 5000);
    expect(bench.machine.snapshot().holds.map(({ task }) => task)).toEqual([ACTOR, 61]);
    bench.say({ t: "drop", task: 61 as TaskId });
    drop();
  });
});

describe("a call that is stopped", () => {
  test("before it runs is left out", () => {
    make();
    bench.say(callOf(61), callOf(62), callOf(63));
    bench.take();
    bench.say(stop(62));
    expect(bench.takeSent()).toEqual([expect.stringContaining("stopped 62")]);
    bench.finish(OWN, 1);
    expect(runs()).toEqual(["run 1: 63"]);
    bench.finish(OWN, 1);
    drop();
  });

  test("while it runs has its grace; if it heeds its signal, the actor lives on", () => {
    make();
    bench.say(callOf(61, { cancelGraceMs: 5 }), callOf(62));
    bench.take();
    bench.say(stop(61));
    expect(runs()).toEqual(["abort 1: 61 cancelled"]);
    bench.fail(OWN, "FLOCK_CANCELLED");
    expect(runs()).toEqual(["run 1: 62"]);
    bench.finish(OWN, 1);
    drop();
  });

  test("if it does not, the actor is lost, and its calls with it", () => {
    make();
    bench.say(callOf(61, { cancelGraceMs: 5 }), callOf(62), callOf(63));
    bench.say(stop(61));
    bench.take();
    bench.now += 5000;
    bench.event({ e: "woken" });
    expect(runs()).toEqual(["end 1: cancelled"]);
    bench.replace(OWN);
    expect(bench.sent.at(-1)).toMatchObject({
      t: "actorEnded",
      task: ACTOR,
      how: expect.stringContaining("cancelGraceMs"),
    });
    expect(runs()).toEqual(["close 1"]);
    expect(bench.machine.snapshot()).toMatchObject({ holds: [], tasks: [] });
    bench.say(stop(62), stop(63));
    drop();
    bench.say(callOf(64));
    expect(bench.sent.at(-1)).toMatchObject({ t: "stopped", task: 64 });
  });
});

describe("an actor whose thread is gone", () => {
  test("while it did nothing is told", () => {
    make();
    bench.take();
    bench.event({ e: "slotReplaced", slot: OWN });
    expect(bench.sent.at(-1)).toMatchObject({ t: "actorEnded", task: ACTOR });
    expect(runs()).toEqual(["close 1"]);
  });

  test("during a call fails that, and is told", () => {
    make();
    bench.say(callOf(61), callOf(62));
    bench.fail(OWN);
    bench.sent.length = 0;
    bench.replace(OWN);
    expect(bench.sent.map(({ t }) => t)).toContain("actorEnded");
  });
});

describe("the scheduler", () => {
  test("that is a new one: idle actors end at once, others with their call, before the first snapshot", () => {
    make();
    bench.say(bench.assign(51, { isolation: "actor" }));
    bench.finish(OWN + 1, 10);
    bench.stored.delete(51 as TaskId);
    bench.say(callOf(61));
    bench.take();
    bench.sent.length = 0;
    bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
    expect(runs()).toEqual(["abort 1: 61 cancelled", "end 1: cancelled", "close 2"]);
    expect(bench.sent).toEqual([]);
    bench.replace(OWN);
    expect(runs()).toEqual(["close 1"]);
    expect(bench.sent).toMatchObject([{ t: "snapshot", holds: [], tasks: [] }]);
  });

  test("that was away learns of it by the snapshot", () => {
    make();
    bench.say(callOf(61));
    bench.sent.length = 0;
    bench.event({ e: "linkUp", fresh: false, inlineLimitBytes: 100, snapshotPending: false });
    expect(bench.sent).toMatchObject([
      { t: "snapshot", holds: [{ task: ACTOR }], tasks: [{ task: 61, attempt: 1, running: true }] },
    ]);
    bench.finish(OWN, 1);
    drop();
  });

  test("that retires the worker gets back what has not begun", () => {
    make();
    bench.say(callOf(61), callOf(62));
    bench.take();
    bench.say({ t: "retire" });
    expect(bench.takeSent()).toEqual([expect.stringContaining("stopped 62")]);
    bench.finish(OWN, 1);
    drop();
  });
});
