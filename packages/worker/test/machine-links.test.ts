// Attempts that follow one another run in one batch of a slot.

import type { Assign, Attempt, StopTask, TaskId } from "@taskflock/protocol/words";
import { afterEach, beforeEach, expect, test } from "vitest";
import { from, MachineBench } from "./machine-bench.ts";

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench();
  bench.take();
});
afterEach(() => expect(bench.leftOver()).toEqual([]));

const tiny: Partial<Assign> = { expectedUs: 10 };
const after = (task: number, ...makers: number[]): Assign =>
  bench.assign(task, { ...tiny, inputs: makers.map((maker) => from(maker)) });
const stop = (task: number): StopTask => ({
  t: "stop",
  task: task as TaskId,
  attempt: 1 as Attempt,
  why: "cancelled",
});
/** Links of the items that the slot has. */
const links = (): (readonly number[])[] => (bench.slots[0]?.items ?? []).map((item) => item.links);

test("a chain is one batch", () => {
  bench.say(bench.assign(1, tiny), after(2, 1), after(3, 2));
  expect(bench.take()).toEqual(["run 0: 1 2 3"]);
  expect(links()).toEqual([[], [0], [1]]);
  for (let i = 0; i < 3; i++) bench.finish(0, 1);
  expect(bench.take()).toEqual(["> finished 1.1 inline", "> finished 2.1 inline", "> finished 3.1 inline"]);
});

test("one that joins two runs behind both; one that needs more waits", () => {
  bench.say(bench.assign(1, tiny), bench.assign(2, tiny), after(3, 1, 2), after(4, 3, 9), bench.assign(9));
  expect(bench.take()).toEqual(["> stopped 4.1 predecessor", "run 0: 1 2 3"]);
  expect(links().at(-1)).toEqual([0, 1]);
  for (let i = 0; i < 3; i++) bench.finish(0, 1);
  bench.finish(0, 1);
});

test("a batch with followers is bounded as others are", () => {
  bench = new MachineBench({ maxBatch: 2 });
  bench.take();
  bench.say(bench.assign(1, tiny), after(2, 1), after(3, 2));
  expect(bench.take()).toEqual(["run 0: 1 2"]);
  bench.finish(0, 1);
  bench.finish(0, 1);
  expect(bench.take().at(-1)).toBe("then 0: 3");
  bench.finish(0, 1);
});

test("long ones, and those of unknown duration, wait for the result", () => {
  bench.say(bench.assign(1, tiny), bench.assign(2, { inputs: [from(1)] }));
  expect(bench.take()).toEqual(["run 0: 1"]);
  bench.finish(0, 1);
  expect(bench.take()).toContain("run 0: 2");
  bench.finish(0, 1);
});

test("when a maker fails, those behind it are stopped as they come back", () => {
  bench.say(bench.assign(1, tiny), after(2, 1), after(3, 2));
  bench.take();
  bench.fail(0);
  bench.giveBack(0);
  bench.giveBack(0);
  expect(bench.take()).toEqual(["> errored 1.1 null", "> stopped 2.1 predecessor", "> stopped 3.1 predecessor"]);
});

test("when a maker is cancelled, those behind it are stopped, whether or not they ran", () => {
  bench.say(bench.assign(1, tiny), after(2, 1), after(3, 2));
  bench.take();
  bench.say(stop(1));
  bench.finish(0, 1); // it had ended by then
  bench.finish(0, 1);
  bench.giveBack(0);
  expect(bench.takeSent()).toEqual(["stopped 1.1 cancelled", "stopped 2.1 predecessor", "stopped 3.1 predecessor"]);
});

test("one that is stopped for its maker can still be cancelled", () => {
  bench.say(bench.assign(1, tiny), after(2, 1));
  bench.take();
  bench.say(stop(1), stop(2));
  expect(bench.take()).toEqual(["abort 0: 1 cancelled", "abort 0: 2 cancelled"]);
  bench.fail(0);
  bench.giveBack(0);
  expect(bench.takeSent()).toEqual(["stopped 1.1 cancelled", "stopped 2.1 cancelled"]);
});

test("what a large result brings back runs with the stored bytes; the function's next results are not waited for in a batch", () => {
  bench.say(bench.assign(1, tiny), after(2, 1));
  bench.take();
  bench.finish(0, 5000);
  bench.giveBack(0);
  expect(bench.take()).toEqual(["> finished 1.1 v1", "then 0: 2"]);
  expect(links()).toEqual([[]]);
  bench.finish(0, 5000);
  bench.say(bench.assign(3, tiny), after(4, 3));
  expect(bench.take().at(-1)).toBe("run 0: 3");
  bench.finish(0, 1);
  bench.finish(0, 1);
  bench.say(bench.assign(5, tiny), after(6, 5));
  expect(bench.take().at(-1)).toBe("run 0: 5 6");
  bench.finish(0, 1);
  bench.finish(0, 1);
  for (const task of [1, 2]) bench.say({ t: "drop", task: task as TaskId });
});

test("when the slot dies, what had not run is queued again, in the order of the chain", () => {
  bench.say(bench.assign(1, tiny), after(2, 1), after(3, 2));
  bench.take();
  bench.finish(0, 1);
  bench.fail(0); // it took the slot along
  bench.replace(0);
  expect(bench.takeSent()).toEqual(["finished 1.1 inline", "errored 2.1 null", "stopped 3.1 predecessor"]);

  bench.say(bench.assign(4, tiny), bench.assign(5, tiny), after(6, 5));
  bench.take();
  bench.fail(0);
  bench.slots[0]!.items = []; // none of the others began
  bench.replace(0);
  expect(bench.take().at(-1)).toBe("run 0: 5 6");
  bench.finish(0, 1);
  bench.finish(0, 1);
});

test("a retiring worker gives back what waits behind a returned one", () => {
  bench.say(bench.assign(1, tiny), after(2, 1));
  bench.say({ t: "retire" });
  bench.finish(0, 5000);
  bench.giveBack(0);
  expect(bench.takeSent()).toEqual(["finished 1.1 v1", "stopped 2.1 retiring"]);
  bench.say({ t: "drop", task: 1 as TaskId });
});

test("an input that is fetched, and made by the batch too, is let go of once when all is dropped", () => {
  const fresh = (): void => bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
  bench = new MachineBench({ maxFetches: 1 });
  bench.say(bench.assign(2, { ...tiny, inputs: [from(1, 3)] }), bench.assign(1, tiny));
  expect(bench.take()).toContain("run 0: 1 2");
  fresh();
  bench.replace(0);
  bench.take();
  // the numbers mean other tasks now
  bench.say(bench.assign(2, { inputs: [from(1, 3)] }), bench.assign(4, { inputs: [from(5, 3)] }));
  expect(bench.take()).toEqual(["fetch 1 from 3"]);
  fresh();
});
