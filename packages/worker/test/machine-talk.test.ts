import type { Attempt, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MachineBench } from "./machine-bench.ts";

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench();
});
afterEach(() => expect(bench.leftOver()).toEqual([]));

function tell(task: number, attempt = 1): void {
  bench.say({ t: "tell", task: task as TaskId, attempt: attempt as Attempt, data: bench.payload(), dataBytes: 3 });
}
const talked = (): string[] => bench.take().filter((call) => /^(tell|retiring)/.test(call));

describe("words to tasks", () => {
  test("reach the slot that has the attempt, and no other", () => {
    bench.say(bench.assign(1), bench.assign(2));
    tell(1);
    expect(talked()).toEqual(["tell 0: 1.1"]);
    tell(1, 2);
    tell(2);
    tell(9);
    expect(talked()).toEqual([]);
    bench.finish(0, 1);
    tell(1);
    tell(2);
    expect(talked()).toEqual(["tell 0: 2.1"]);
    bench.finish(0, 1);
  });

  test("after the end of it all are dropped", () => {
    bench.say({ t: "leave", restart: false });
    tell(1);
    expect(talked()).toEqual([]);
  });
});

describe("a retiring worker", () => {
  test("says so to its slots once, and takes it back for a scheduler that knows nothing of it", () => {
    bench.say({ t: "retire" });
    bench.say({ t: "retire" });
    expect(talked()).toEqual(["retiring true"]);
    bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
    expect(talked()).toEqual(["retiring false"]);
  });

  test("gives back a task that gives up its place", () => {
    bench.say(bench.assign(1));
    bench.say({ t: "retire" });
    bench.take();
    bench.fail(0, "FLOCK_TASK_YIELDED");
    expect(bench.takeSent()).toEqual(["stopped 1.1 retiring"]);
  });

  test("and no other: where nothing retires, and while an actor is made, it is an error", () => {
    bench.say(bench.assign(1));
    bench.take();
    bench.fail(0, "FLOCK_TASK_YIELDED");
    expect(bench.takeSent()).toEqual(["errored 1.1 FLOCK_TASK_YIELDED"]);
    bench.say(bench.assign(2, { isolation: "actor" }));
    bench.say({ t: "retire" });
    bench.take();
    bench.fail(1, "FLOCK_TASK_YIELDED");
    expect(bench.takeSent()).toEqual(["errored 2.1 FLOCK_TASK_YIELDED"]);
  });
});
