// Results that are handed on within a batch, in real threads.

import { afterEach, beforeEach, expect, test } from "vitest";
import { Harness, input, type Wanted } from "./slot-harness.ts";

let harness: Harness;
beforeEach(async () => {
  harness = new Harness();
  await harness.slots.start();
});
afterEach(() => harness.slots.close());

/** That one was seen running depends on the clock. */
const outcomes = (): string[] =>
  harness.told.filter(({ what }) => what !== "started").map(({ what, task }) => `${what} ${task}`);

/** Task `task` calls `fn` with the result of the item at `from`. */
const link = (task: number, fn: string, ...from: number[]): Wanted => ({
  task,
  fn,
  args: from.map((_, index) => input(index)),
  inputs: from.map((place) => place + 1),
  links: from,
});

test("a chain runs in one batch", async () => {
  const first: Wanted = { task: 1, fn: "(x) => x + 1", args: [0] };
  const links = Array.from({ length: 99 }, (_, i) => link(i + 2, "(x) => x + 1", i));
  harness.run([first, ...links]);
  await harness.next("free");
  expect(harness.told.filter(({ what }) => what === "finished").map(({ value }) => value)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test("a result that a promise brings is handed on, and one can have several inputs", async () => {
  harness.run([
    { task: 1, fn: "async () => new Promise((done) => setTimeout(done, 5, 20))" },
    { task: 2, fn: "() => 22" },
    link(3, "(a, b) => a + b", 0, 1),
  ]);
  expect(await harness.next("finished", 3)).toMatchObject({ value: 42 });
});

test("each reader has a result of its own", async () => {
  harness.run([
    { task: 1, fn: "() => new Float64Array([1, 2])" },
    link(2, "(x) => x.fill(7)[0]", 0),
    link(3, "(x) => x[0]", 0),
  ]);
  expect(await harness.next("finished", 3)).toMatchObject({ value: 1 });
});

test("what follows a failure is returned, and what follows that; the rest runs", async () => {
  harness.run([
    { task: 1, fn: "() => { throw new Error('no') }" },
    link(2, "(x) => x", 0),
    link(3, "(x) => x", 1),
    { task: 4, fn: "() => 4" },
  ]);
  await harness.next("free");
  expect(outcomes()).toEqual(["failed 1", "returned 2", "returned 3", "finished 4"]);
});

test("what follows a large result is returned", async () => {
  harness.run([{ task: 1, fn: "() => new Uint8Array(100_000)" }, link(2, "(x) => x.length", 0)]);
  await harness.next("free");
  expect(outcomes()).toEqual(["stored 1", "returned 2"]);
});

test("a result that does not fit into the outbox any more is handed on all the same", async () => {
  const many = Array.from({ length: 300 }, (_, i) => ({ task: i + 1, fn: "() => 'x'.repeat(4000)" }));
  harness.run([...many, link(301, "(x) => x.length", 299)]);
  expect(await harness.next("finished", 301)).toMatchObject({ value: 4000 });
});

test("results are not handed on to another batch", async () => {
  harness.run([{ task: 1, fn: "() => 1" }, link(2, "(x) => x", 0)]);
  await harness.next("free");
  harness.told.length = 0;
  harness.run([{ task: 3, fn: "() => { throw new Error('no') }" }, link(4, "(x) => x", 0)]);
  await harness.next("free");
  expect(outcomes()).toEqual(["failed 3", "returned 4"]);
});
