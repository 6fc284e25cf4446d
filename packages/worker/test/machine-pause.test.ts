import type { Attempt, TaskId } from "@taskflock/protocol/words";
import { describe, expect, test } from "vitest";
import { from, MachineBench } from "./machine-bench.ts";

const pause = { e: "pausing", paused: true, reason: "full" } as const;
const resume = { e: "pausing", paused: false, reason: "free" } as const;
const linkUp = { e: "linkUp", inlineLimitBytes: 100, snapshotPending: false } as const;
const drop = (task: number): { t: "drop"; task: TaskId } => ({ t: "drop", task: task as TaskId });

describe("a paused worker", () => {
  test("finishes what runs, begins nothing, and goes on where it was", () => {
    const bench = new MachineBench();
    bench.say(bench.assign(1), bench.assign(2), bench.assign(3));
    bench.take();
    bench.event(pause);
    bench.event(pause);
    bench.finish(0, 1);
    expect(bench.takeSent()).toEqual(["pausing", "finished 1.1 inline"]);
    bench.say({ t: "stop", task: 2 as TaskId, attempt: 1 as Attempt, why: "stolen" });
    expect(bench.takeSent()).toEqual(["stopped 2.1 stolen"]);
    bench.event(resume);
    expect(bench.take().filter((call) => !call.startsWith("free"))).toEqual(["> pausing", "run 0: 3", "> started 3.1"]);
    bench.finish(0, 1);
    expect(bench.leftOver()).toEqual([]);
  });

  test("a scheduler that does not know it hears of it after its first snapshot", () => {
    const bench = new MachineBench();
    bench.event({ e: "linkDown" });
    bench.event({ ...linkUp, fresh: true });
    bench.take();
    bench.event(pause);
    bench.event({ e: "linkDown" });
    bench.event({ ...linkUp, fresh: true });
    expect(bench.takeSent()).toEqual(["pausing", "snapshot ||", "pausing"]);
  });
});

describe("what is stored and cannot be read any more", () => {
  test("is said, then that its reader was not run; it goes when the scheduler has let go of it", () => {
    const bench = new MachineBench();
    bench.say(bench.assign(1));
    bench.finish(0, 5000);
    bench.say(bench.assign(2, { inputs: [from(1)] }));
    bench.take();
    bench.spoil(0, 1);
    expect(bench.takeSent()).toEqual(["spoiled", "stopped 2.1 input"]);
    expect(bench.sent.find(({ t }) => t === "spoiled")).toMatchObject({ task: 1, version: 1 });
    bench.say(drop(1));
    expect(bench.leftOver()).toEqual([]);
  });

  test("a reader that was told to stop says only that", () => {
    const bench = new MachineBench();
    bench.say(bench.assign(1));
    bench.finish(0, 5000);
    bench.say(bench.assign(2, { inputs: [from(1)] }));
    bench.say({ t: "stop", task: 2 as TaskId, attempt: 1 as Attempt, why: "cancelled" }, drop(1));
    bench.take();
    bench.spoil(0, 1);
    expect(bench.takeSent()).toEqual(["stopped 2.1 cancelled"]);
    expect(bench.leftOver()).toEqual([]);
  });

  test("the same, noticed while a peer fetched it", () => {
    const bench = new MachineBench();
    bench.say(bench.assign(1));
    bench.finish(0, 5000);
    bench.take();
    bench.event({ e: "spoiled", task: 1 as TaskId });
    bench.event({ e: "spoiled", task: 7 as TaskId });
    expect(bench.takeSent()).toEqual(["spoiled"]);
    bench.say(drop(1));
    expect(bench.leftOver()).toEqual([]);
  });
});
