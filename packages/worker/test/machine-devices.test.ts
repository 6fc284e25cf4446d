// GPUs in the worker's machine: which task gets which devices, in which slot.

import type { Attempt, StopTask, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MachineBench } from "./machine-bench.ts";

const UNIT = 10_000;

let bench: MachineBench;
function begin(devices: number, slots = 1): void {
  bench = new MachineBench({ devices, slots });
  bench.take();
}
beforeEach(() => begin(2));
afterEach(() => {
  expect(bench.leftOver()).toEqual([]);
});

const ask = (task: number, gpus: number, more: object = {}): void =>
  bench.say(bench.assign(task, { gpu: gpus * UNIT, ...more }));
const calls = (): string[] => bench.take().filter((call) => /^(run|then|pin|close|end|abort)/.test(call));
const stop = (task: number): StopTask => ({
  ...{ t: "stop", task: task as TaskId, attempt: 1 as Attempt, why: "cancelled" },
});
/** The slot in which the task runs now. */
const slotOf = (task: number): number =>
  bench.slots.findIndex((slot) => slot?.items.some(({ assign }) => assign.task === task));
const finish = (...tasks: number[]): void => {
  for (const task of tasks) bench.finish(slotOf(task), 1);
};

describe("devices", () => {
  test("each task gets one of its own, beside the numbered slots; who comes too late waits, and passes nobody", () => {
    ask(1, 1);
    ask(2, 1);
    ask(3, 1);
    bench.say(bench.assign(4));
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1", "pin 2: 1", "run 2: 2", "run 0: 4"]);
    finish(2);
    expect(calls()).toEqual(["run 2: 3"]);
    finish(1, 3, 4);
  });

  test("a slot is used again by who asks for the same: its process knows its device", () => {
    ask(1, 1);
    ask(2, 1);
    calls();
    finish(1, 2);
    ask(3, 1);
    ask(4, 1);
    expect(calls()).toEqual(["run 1: 3", "run 2: 4"]);
    finish(3, 4);
  });

  test("two halves share one device, in processes of their own; a whole one takes the other", () => {
    ask(1, 0.5);
    ask(2, 0.5);
    ask(3, 1);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1", "pin 2: 0", "run 2: 2", "pin 3: 1", "run 3: 3"]);
    finish(1, 2, 3);
    ask(4, 0.5);
    ask(5, 0.5);
    expect(calls()).toEqual(["run 1: 4", "run 2: 5"]);
    finish(4, 5);
  });

  test("two devices for one task: once both are free, and the processes that held memory there go first", () => {
    ask(1, 0.5);
    ask(2, 2);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1"]);
    finish(1);
    expect(calls()).toEqual(["close 1", "pin 2: 0,1", "run 2: 2"]);
    ask(3, 1);
    expect(calls()).toEqual([]);
    finish(2);
    expect(calls()).toEqual(["close 2", "pin 3: 0", "run 3: 3"]);
    finish(3);
  });

  test("one and a half: a whole one, and a share of another", () => {
    ask(1, 1.5);
    ask(2, 0.5);
    expect(calls()).toEqual(["pin 1: 0,1", "run 1: 1", "pin 2: 0", "run 2: 2"]);
    finish(1, 2);
  });

  test("shares that fit only together wait for a device; nothing that comes later passes them", () => {
    ask(1, 0.6);
    ask(2, 0.6);
    ask(3, 0.6);
    ask(4, 0.2);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1", "pin 2: 1", "run 2: 2"]);
    finish(2);
    expect(calls()).toEqual(["run 2: 3", "pin 3: 0", "run 3: 4"]);
    finish(1, 3, 4);
  });

  test("the most urgent of those that wait goes first", () => {
    begin(1);
    ask(1, 1);
    ask(5, 1);
    ask(3, 1);
    finish(1);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1", "run 1: 3"]);
    finish(3, 5);
  });

  test("a process that died is followed by one with the same devices; who ran there comes back, too", () => {
    ask(1, 1);
    ask(2, 1);
    ask(3, 1);
    calls();
    bench.fail(slotOf(1), null);
    expect(calls()).toEqual(["run 1: 3"]);
    bench.slots[1]!.items = []; // nothing had begun in it when its process ended
    bench.replace(1);
    expect(calls()).toEqual(["run 1: 3"]);
    finish(2, 3);
  });

  test("one that is stopped while it waits says so at once; one that runs has its grace, and its device until its slot is new", () => {
    begin(1);
    ask(1, 1, { cancelGraceMs: 5 });
    ask(2, 1);
    ask(3, 1);
    calls();
    bench.say(stop(2));
    expect(bench.takeSent()).toEqual(["stopped 2.1 cancelled"]);
    bench.say(stop(1));
    expect(calls()).toEqual(["abort 1: 1 cancelled"]);
    bench.now = 5_000;
    bench.event({ e: "woken" });
    expect(calls()).toEqual(["end 1: cancelled"]);
    bench.fail(1, "FLOCK_CANCELLED");
    expect(calls()).toEqual([]);
    bench.replace(1);
    expect(calls()).toEqual(["run 1: 3"]);
    finish(3);
  });

  test("tiny tasks that ask for a device stand alone, and are no followers of others", () => {
    ask(1, 0.5, { expectedUs: 5 });
    ask(2, 0.5, { expectedUs: 5 });
    bench.say(bench.assign(3, { expectedUs: 5 }), bench.assign(4, { expectedUs: 5 }));
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1", "pin 2: 0", "run 2: 2", "run 0: 3 4"]);
    finish(1, 2, 3, 4);
  });

  test("a paused worker gives out no device, and one that retires sends back what waits", () => {
    begin(1);
    bench.event({ e: "pausing", paused: true, reason: "full" });
    ask(1, 1);
    expect(calls()).toEqual([]);
    bench.event({ e: "pausing", paused: false, reason: "free" });
    ask(2, 1);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1"]);
    bench.say({ t: "retire" });
    expect(bench.takeSent()).toEqual(["stopped 2.1 retiring"]);
    finish(1);
  });

  test("where the worker gives out none, what asks for one runs as all else does", () => {
    begin(0);
    ask(1, 1);
    expect(calls()).toEqual(["run 0: 1"]);
    finish(1);
  });
});

describe("an actor that asks for a device", () => {
  const ACTOR = 50;
  const make = (gpus: number): void => ask(ACTOR, gpus, { isolation: "actor" });

  test("keeps it as long as it lives, and waits for it before", () => {
    begin(1);
    ask(1, 1);
    make(1);
    expect(calls()).toEqual(["pin 1: 0", "run 1: 1"]);
    finish(1);
    expect(calls()).toEqual(["close 1", "pin 2: 0", "run 2: 50"]);
    ask(2, 1);
    bench.finish(2, 10);
    bench.stored.delete(ACTOR as TaskId);
    expect(calls()).toEqual([]);
    bench.say({ t: "drop", task: ACTOR as TaskId });
    expect(calls()).toEqual(["close 2", "pin 3: 0", "run 3: 2"]);
    finish(2);
  });

  test("gives it back when it could not be made", () => {
    make(2);
    ask(1, 2);
    expect(calls()).toEqual(["pin 1: 0,1", "run 1: 50"]);
    bench.fail(1);
    expect(calls()).toEqual(["close 1", "pin 2: 0,1", "run 2: 1"]);
    finish(1);
  });
});
