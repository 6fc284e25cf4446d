// A second batch behind the one that runs, in real threads.

import { afterEach, beforeEach, expect, test } from "vitest";
import { Harness, type Told } from "./slot-harness.ts";

let harness: Harness;
beforeEach(async () => {
  harness = new Harness();
  await harness.slots.start();
});
afterEach(() => harness.slots.close());

const say = ({ what, task }: Told): string => (task === undefined ? what : `${what} ${task}`);
const outcomes = (): string[] =>
  harness.told.filter(({ what }) => what !== "started" && what !== "log").map((told) => say(told));
const sleep = (ms: number): string => `() => new Promise((done) => setTimeout(done, ${ms}, ${ms}))`;
const spinning = "() => { console.log('spins'); for (;;); }";

test("it runs when the first is through, and each tells its end", async () => {
  harness.run([
    { task: 1, fn: sleep(5) },
    { task: 2, fn: "() => 2" },
  ]);
  harness.run([{ task: 3, fn: "() => 3" }]);
  await harness.next("finished", 3);
  await expect.poll(outcomes).toEqual(["finished 1", "finished 2", "free", "free"]);
});

test("many batches, two at a time, lose and mix up nothing", async () => {
  const results: unknown[] = [];
  const give = (first: number): void =>
    harness.run(Array.from({ length: 20 }, (_, i) => ({ task: first + i, fn: "(x) => x", args: [first + i] })));
  give(0);
  give(20);
  for (let first = 40; first <= 400; first += 20) {
    await harness.next("free");
    results.push(...harness.told.splice(0).map(({ value }) => value));
    if (first < 400) give(first);
  }
  await harness.next("free");
  results.push(...harness.told.splice(0).map(({ value }) => value));
  expect(results.filter((value) => value !== undefined)).toEqual(Array.from({ length: 400 }, (_, i) => i));
});

test("results that the outbox has no room for stay with their batch", async () => {
  const large = Array.from({ length: 400 }, (_, i) => ({
    task: i + 1,
    fn: "(n) => String(n).padEnd(4000, '.')",
    args: [i + 1],
  }));
  harness.run(large.slice(0, 350));
  harness.run(large.slice(350));
  await harness.next("free");
  await harness.next("free");
  const values = harness.told
    .filter(({ what }) => what === "finished")
    .map(({ task, value }) => [task, Number.parseInt(String(value), 10)]);
  expect(values.every(([task, value]) => task === value)).toBe(true);
  expect(values.length).toBe(400);
});

test("an item of it can be cancelled before its turn", async () => {
  harness.run([{ task: 1, fn: sleep(20) }]);
  harness.run([
    { task: 2, fn: "() => { throw new Error('must not run'); }" },
    { task: 3, fn: "() => 3" },
  ]);
  harness.slots.abort(0, 2 as never, "cancelled");
  expect((await harness.next("failed", 2)).failure?.code).toBe("FLOCK_CANCELLED");
  expect(await harness.next("finished", 3)).toMatchObject({ value: 3 });
});

test("two attempts of one task in the slot are told to stop one after the other", async () => {
  harness.run([
    {
      task: 1,
      // It throws, so that it fails also where it had begun before it was told to stop.
      fn: "async () => { while (!taskContext().signal.aborted) await new Promise(setImmediate); throw 'stopped'; }".replace(
        "taskContext()",
        "globalThis[Symbol.for('taskflock.taskContext')]()",
      ),
    },
  ]);
  harness.run([{ task: 1, fn: "() => 'second'" }]);
  harness.slots.abort(0, 1 as never, "cancelled");
  expect((await harness.next("failed", 1)).failure?.code).toBe("FLOCK_CANCELLED");
  expect(await harness.next("finished", 1)).toMatchObject({ value: "second" });
});

test("when the slot is ended, it comes back with the replacement", async () => {
  harness.run([{ task: 1, fn: spinning }]);
  harness.run([{ task: 2, fn: "() => 2" }]);
  await harness.next("log", 1);
  harness.slots.end(0, "cancelled");
  expect((await harness.next("failed", 1)).failure?.code).toBe("FLOCK_CANCELLED");
  await harness.next("replaced");
  expect(outcomes()).toEqual([]);
  expect(await harness.outcome({ task: 2, fn: "() => 2" })).toMatchObject({ value: 2 });
});

test("what it had done by then is not lost when its thread dies", async () => {
  harness.run([{ task: 1, fn: "() => 1" }]);
  harness.run([
    { task: 2, fn: "() => 2" },
    { task: 3, fn: "() => process.exit(3)" },
    { task: 4, fn: "() => 4" },
  ]);
  await harness.next("replaced");
  expect(outcomes().filter((told) => told !== "free")).toEqual(["finished 1", "finished 2", "failed 3"]);
  harness.told.length = 0;
  expect(await harness.outcome({ task: 4, fn: "() => 4" })).toMatchObject({ value: 4 });
});

test("no item is to blame for what an earlier one left running", async () => {
  const exits = "() => { queueMicrotask(() => process.exit(3)); return 2; }";
  harness.run([
    { task: 1, fn: sleep(5) },
    { task: 2, fn: exits },
  ]);
  harness.run([{ task: 3, fn: "() => 3" }]);
  await harness.next("replaced");
  expect(outcomes().filter((told) => told !== "free")).toEqual(["finished 1", "finished 2"]);
  harness.told.length = 0;
  harness.run([{ task: 2, fn: exits }]);
  harness.run([{ task: 3, fn: "() => 3" }]);
  await harness.next("replaced");
  expect(outcomes().filter((told) => told !== "free")).toEqual(["finished 2"]);
});

test("what is given while the thread is replaced comes back, too", async () => {
  harness.run([{ task: 1, fn: "() => process.exit(3)" }]);
  await harness.next("failed", 1);
  harness.run([{ task: 2, fn: "() => 2" }]);
  await harness.next("replaced");
  expect(outcomes()).toEqual([]);
  expect(await harness.outcome({ task: 3, fn: "() => 3" })).toMatchObject({ value: 3 });
});

test("an end that comes when all is done is answered once the thread is through", async () => {
  for (let round = 0; round < 30; round++) {
    harness.run([
      { task: 1, fn: "() => 1" },
      { task: 2, fn: sleep(0) },
    ]);
    await harness.next("finished", 2);
    harness.slots.end(0, "cancelled");
    await harness.next("replaced");
    harness.told.length = 0;
    expect(await harness.outcome({ task: 3, fn: "() => 3" })).toMatchObject({ value: 3 });
  }
});
