import type { Attempt, FunctionId, Micros, StopTask, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { from, holder, MachineBench, send } from "./machine-bench.ts";

const stop = (task: number, why: StopTask["why"] = "cancelled", attempt = 1): StopTask => ({
  t: "stop",
  task: task as TaskId,
  attempt: attempt as Attempt,
  why,
});
const drop = (task: number) => ({ t: "drop", task: task as TaskId }) as const;

describe("the worker's machine", () => {
  let bench: MachineBench;
  beforeEach(() => {
    bench = new MachineBench();
    expect(bench.takeSent()).toEqual(["snapshot ||"]);
  });
  // whatever a test leaves stored is dropped; then nothing may be left anywhere
  afterEach(() => {
    for (const task of [...bench.stored.keys()]) bench.say(drop(task));
    expect(bench.leftOver()).toEqual([]);
  });

  test("runs a task and reports its small result", () => {
    bench.say(bench.assign(1));
    expect(bench.take()).toEqual(["run 0: 1", "> started 1.1"]);
    bench.finish(0, 10);
    expect(bench.take()).toEqual(["> finished 1.1 inline"]);
  });

  test("holds a large result under a new version until it is dropped", () => {
    bench.say(bench.assign(1), bench.assign(2));
    bench.finish(0, 5000);
    bench.finish(0, 5000);
    expect(bench.takeSent()).toEqual(["started 1.1", "finished 1.1 v1", "started 2.1", "finished 2.1 v2"]);
    expect(bench.machine.counts.storedBytes).toBe(10_000);
    bench.say(drop(1), drop(1));
    expect(bench.take()).toEqual(["drop 1"]);
  });

  test("runs the lowest order first", () => {
    bench.say(
      bench.assign(9),
      bench.assign(5, { order: 50 }),
      bench.assign(6, { order: 40 }),
      bench.assign(7, { order: 50 }),
    );
    const ran: string[] = [];
    for (let i = 0; i < 4; i++) {
      ran.push(...bench.take().filter((c) => c.startsWith("run")));
      bench.finish(0, 1);
    }
    expect(ran).toEqual(["run 0: 9", "run 0: 6", "run 0: 5", "run 0: 7"]);
  });

  test("fetches an input once for all who need it, and reports the copy", () => {
    bench.say(bench.assign(1, { inputs: [from(8, 3)] }), bench.assign(2, { inputs: [from(8, 3)] }));
    expect(bench.take()).toEqual(["fetch 8 from 3"]);
    bench.fetches.clear();
    bench.stored.set(8 as TaskId, 1000);
    bench.event({ e: "fetched", task: 8 as TaskId, bytes: 1000 });
    expect(bench.take()).toEqual(["> held 8 v1", "run 0: 1", "> started 1.1"]);
    bench.say(drop(8));
    expect(bench.take()).toEqual([]); // both attempts still need it
    bench.finish(0, 1);
    expect(bench.take()).not.toContain("drop 8");
    bench.finish(0, 1);
    expect(bench.take()).toContain("drop 8");
  });

  test("tries the next holder, then says that the input cannot be had", () => {
    bench.say(bench.assign(1, { inputs: [from(8, 3, 4)] }));
    bench.fetches.clear();
    bench.event({ e: "fetchFailed", task: 8 as TaskId, holder: holder(3), full: false, why: "gone" });
    expect(bench.take()).toEqual(["fetch 8 from 3", "> missing 8 at 3 v1", "fetch 8 from 4"]);
    bench.fetches.clear();
    bench.event({ e: "fetchFailed", task: 8 as TaskId, holder: holder(4), full: false, why: "gone" });
    expect(bench.take()).toEqual(["> missing 8 at 4 v1", "> stopped 1.1 input"]);
  });

  test("a full arena is not the holder's fault", () => {
    bench.say(bench.assign(1, { inputs: [from(8, 3, 4)] }));
    bench.fetches.clear();
    bench.event({ e: "fetchFailed", task: 8 as TaskId, holder: holder(3), full: true, why: "gone" });
    expect(bench.takeSent()).toEqual(["stopped 1.1 input"]);
  });

  test("stops a fetch that nobody wants any more, and drops what came all the same", () => {
    bench.say(bench.assign(1, { inputs: [from(8, 3)] }), stop(1));
    expect(bench.take()).toEqual(["> stopped 1.1 cancelled"]);
    bench.say(bench.assign(2, { inputs: [from(8, 3)] }));
    bench.say(stop(2));
    expect(bench.take()).toEqual(["fetch 8 from 3", "> stopped 2.1 cancelled", "stopFetch 8"]);
    bench.stored.set(8 as TaskId, 1000);
    bench.event({ e: "fetched", task: 8 as TaskId, bytes: 1000 });
    expect(bench.take()).toEqual(["drop 8"]);
  });

  test("bounds how many fetches run at once, the most urgent first", () => {
    bench = new MachineBench({ maxFetches: 1 });
    bench.take();
    bench.say(bench.assign(3, { inputs: [from(13, 3)] }), bench.assign(1, { inputs: [from(11, 3)] }));
    expect(bench.take()).toEqual(["fetch 11 from 3"]);
    bench.say(stop(1));
    expect(bench.take()).toEqual(["> stopped 1.1 cancelled", "stopFetch 11", "fetch 13 from 3"]);
    bench.say(stop(3));
  });

  test("a chain assigned ahead runs without the scheduler", () => {
    bench.say(bench.assign(1), bench.assign(2, { inputs: [from(1)] }), bench.assign(3, { inputs: [from(2)] }));
    bench.finish(0, 10);
    bench.finish(0, 5000);
    bench.finish(0, 10);
    expect(bench.take().filter((c) => c.startsWith("run"))).toEqual(["run 0: 1", "run 0: 2", "run 0: 3"]);
  });

  test("when a predecessor fails, all that follow it are given back", () => {
    bench.say(bench.assign(1), bench.assign(2, { inputs: [from(1)] }), bench.assign(3, { inputs: [from(2)] }));
    bench.take();
    bench.fail(0);
    expect(bench.takeSent()).toEqual(["errored 1.1 null", "stopped 2.1 predecessor", "stopped 3.1 predecessor"]);
    bench.say(bench.assign(4, { inputs: [from(77)] }));
    expect(bench.takeSent()).toEqual(["stopped 4.1 predecessor"]);
  });

  test("messages that come twice or late change nothing", () => {
    const early = bench.assign(1, { attempt: 1 as Attempt });
    bench.say(bench.assign(1, { attempt: 2 as Attempt }), early, stop(1, "cancelled", 1), stop(5), drop(5));
    expect(bench.take()).toEqual(["run 0: 1", "> started 1.2"]);
    bench.event({ e: "itemStarted", slot: 0, task: 1 as TaskId, attempt: 1 as Attempt });
    bench.event({ e: "fetchFailed", task: 8 as TaskId, holder: holder(3), full: false, why: "gone" });
    bench.event({ e: "uploadFailed", task: 8 as TaskId, message: "late", code: null });
    bench.event({ e: "woken" });
    expect(bench.take()).toEqual([]);
    bench.finish(0, 10);
    bench.event({
      e: "itemsFinished",
      slot: 0,
      items: [
        {
          t: "finished",
          task: 1 as TaskId,
          attempt: 2 as Attempt,
          bytes: 1,
          result: bench.payload(),
          version: 0,
          durationUs: 1,
        },
      ],
    });
    expect(bench.takeSent()).toEqual(["finished 1.2 inline"]);
  });

  test("a newer attempt takes the place of an earlier one that still runs", () => {
    bench = new MachineBench({ slots: 2 });
    bench.say(bench.assign(1));
    bench.take();
    bench.say(bench.assign(1, { attempt: 2 as Attempt }));
    expect(bench.take()).toEqual(["abort 0: 1 cancelled", "run 1: 1", "> started 1.2"]);
    bench.finish(0, 5000);
    expect(bench.take()).toEqual(["drop 1"]);
    bench.finish(1, 10);
    expect(bench.takeSent()).toEqual(["finished 1.2 inline"]);
  });

  test("uploads are held, or said to have failed", () => {
    bench.say({ t: "expect", task: 8 as TaskId, bytes: 9 }, { t: "expect", task: 9 as TaskId, bytes: 9 });
    bench.uploads.clear();
    bench.stored.set(8 as TaskId, 9);
    bench.event({ e: "uploaded", task: 8 as TaskId, bytes: 9 });
    bench.event({ e: "uploadFailed", task: 9 as TaskId, message: "cut", code: null });
    expect(bench.takeSent()).toEqual(["held 8 v1", "notHeld 9"]);
    bench.say({ t: "expect", task: 10 as TaskId, bytes: 9 }, drop(10));
    expect(bench.take()).toEqual(["expect 10", "drop 10"]);
  });

  test("acquires a copy, says again that it has one, and says when it cannot", () => {
    const acquire = (task: number, ...workers: number[]) =>
      ({ t: "acquire", task: task as TaskId, bytes: 9, holders: workers.map((w) => holder(w)) }) as const;
    bench.say(acquire(8, 3), acquire(9));
    expect(bench.take()).toEqual(["> notHeld 9", "fetch 8 from 3"]);
    bench.fetches.clear();
    bench.stored.set(8 as TaskId, 9);
    bench.event({ e: "fetched", task: 8 as TaskId, bytes: 9 });
    bench.say(acquire(8, 3), acquire(10, 3));
    bench.fetches.clear();
    bench.event({ e: "fetchFailed", task: 10 as TaskId, holder: holder(3), full: false, why: "gone" });
    expect(bench.takeSent()).toEqual(["held 8 v1", "held 8 v1", "missing 10 at 3 v1", "notHeld 10"]);
  });

  test("passes functions on once, and forgets them", () => {
    bench.say(send(bench, 1), send(bench, 1), { t: "configure", inlineLimitBytes: 7 });
    expect([...bench.functions]).toEqual([1]);
    expect(bench.take()).toEqual(["configure 7"]);
    expect(bench.payloads.size).toBe(1);
    bench.say({ t: "forgetFunction", fn: 1 as FunctionId });
    expect(bench.payloads.size).toBe(0);
  });

  test("a defect throws with the story of the task", () => {
    bench.say(bench.assign(1));
    expect(() => bench.event({ e: "batchDone", slot: 0 })).toThrow(
      /slot 0 is through without its outcome[\s\S]*gone -> ready[\s\S]*ready -> running/,
    );
    expect(bench.machine.story(1 as TaskId).map((l) => `${l.from}-${l.to}`)).toEqual(["gone-ready", "ready-running"]);
    bench = new MachineBench();
  });

  test("equal states have equal digests", () => {
    const other = new MachineBench();
    for (const b of [bench, other]) b.say(b.assign(1), b.assign(2, { inputs: [from(9, 1)] }));
    expect(bench.machine.digest()).toBe(other.machine.digest());
    other.now = 5;
    other.say(stop(2));
    expect(bench.machine.digest()).not.toBe(other.machine.digest());
    bench.say(stop(2));
    bench.finish(0, 1);
  });

  test("inline inputs travel with the assignment", () => {
    const inline = bench.payload();
    bench.say(bench.assign(1, { inputs: [{ task: 8 as TaskId, bytes: 5, inline, holders: [] }] }));
    expect(bench.slots[0]?.items[0]?.inline).toEqual([inline]);
    expect(bench.payloads.has(inline)).toBe(true);
    bench.finish(0, 1);
  });

  test("rings one alarm, for the nearest deadline", () => {
    bench = new MachineBench({ slots: 2 });
    bench.say(bench.assign(1, { timeoutMs: 20 }), bench.assign(2, { timeoutMs: 10 }));
    expect(bench.alarm).toBe(10_000 as Micros);
    bench.finish(1, 1);
    expect(bench.alarm).toBe(20_000 as Micros);
    bench.finish(0, 1);
    expect(bench.alarm).toBe(null);
  });
});
