import * as acorn from "acorn";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asCompleted, type Client, Future, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

/** Exported, though not in the package's types. */
const { isIdentifierStart } = acorn as unknown as { isIdentifierStart(code: number): boolean };

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start();
  client = await cluster.connect();
});
afterEach(() => cluster.close());

test("submit: a function, its arguments, its result; a key by name, session and number", async () => {
  const future = client.submit(
    function add(x: number, y: number) {
      return x + y;
    },
    [40, 2],
  );
  expect(future).toBeInstanceOf(Future);
  expect(future.status).toBe("pending");
  expect(await future.result()).toBe(42);
  expect(await future.result()).toBe(42);
  expect(future.status).toBe("done");
  expect(future.name).toBe("add");
  expect(future.key).toMatch(/^add-\d+-1$/);
  expect(cluster.workers[0]!.ran).toEqual([future.key]);
  expect(await future.error()).toBeNull();
});

test("a future is no promise", async () => {
  const future = client.submit((x: number) => x, [1]);
  expect(Reflect.get(future, "then")).toBeUndefined(); // a getter, which warns of `await future`
  expect(await future).toBe(future);
});

test("futures stand anywhere in the arguments, and one that is used twice is one dependency", async () => {
  const one = client.submit(() => 1, []);
  const two = client.submit(() => 2, []);
  const sum = client.submit(
    (a: number, rest: { list: number[]; map: Map<string, number>; set: Set<number> }) =>
      a + rest.list.reduce((x, y) => x + y, 0) + (rest.map.get("k") ?? 0) + [...rest.set][0]!,
    [one, { list: [two, two], map: new Map([["k", one]]), set: new Set([two]) }],
  );
  expect(await sum.result()).toBe(1 + 4 + 1 + 2);
});

test("functions stand in the arguments too", async () => {
  const square = (x: number) => x * x;
  const apply = (f: (x: number) => number, options: { g: (x: number) => number }, x: number) => options.g(f(x));
  expect(await client.call(apply, [square, { g: square }, 3])).toBe(81);
});

test("map: one future for each item, in order; several iterables side by side", async () => {
  expect(await client.gather(client.map((x: number) => x * 2, range(500)))).toEqual(range(500).map((x) => x * 2));
  expect(await client.gather(client.map((x: number, y: string) => `${x}${y}`, [1, 2], new Set(["a", "b"])))).toEqual([
    "1a",
    "2b",
  ]);
  expect(() => client.map((x: number, y: number) => x + y, [1, 2], [3])).toThrowError(/ends after 1/);
});

test("map closes the iterators that it does not read to their end", () => {
  const closed: string[] = [];
  function* items(name: string, count: number): Generator<unknown> {
    try {
      for (let i = 0; i < count; i++) yield i === 2 ? Symbol("cannot travel") : i;
    } finally {
      closed.push(name);
    }
  }
  const pair = (a: unknown, b: unknown) => [a, b];
  expect(() => client.map(pair, items("short", 1), items("long", 2))).toThrow(/ends after 1 items/);
  expect(closed).toEqual(["short", "long"]);
  expect(() => client.map((item: unknown) => item, items("symbol", 9))).toThrow(/symbol/i);
  expect(closed.at(-1)).toBe("symbol");
});

test("map: when an item cannot travel nothing is left behind", async () => {
  const items = [1, 2, Symbol("no")];
  expect(() => client.map((x: unknown) => x, items)).toThrowError(
    expect.objectContaining({ code: "FLOCK_NOT_SERIALIZABLE" }),
  );
  await expect.poll(async () => Object.values((await client.cluster()).tasks).every((count) => count === 0)).toBe(true);
});

test("gather: nested structures, errors raised or skipped", async () => {
  const good = client.submit(() => 1, []);
  const bad = client.submit(() => {
    throw new RangeError("no");
  }, []);
  expect(await client.gather({ a: [good, 5], m: new Map([["x", good]]), s: new Set([good]) })).toEqual({
    a: [1, 5],
    m: new Map([["x", 1]]),
    s: new Set([1]),
  });
  await expect(client.gather([good, bad])).rejects.toThrow(RangeError);
  expect(await client.gather([bad, good, [bad]], { errors: "skip" })).toEqual([1, []]);
  expect(await client.gather(bad, { errors: "skip" })).toBeUndefined();
  expect(await client.gather([])).toEqual([]);
});

test("asCompleted gives every future once, and those that are added", async () => {
  const futures = client.map((x: number) => x, range(50));
  const seen: number[] = [];
  const completed = asCompleted(futures);
  for await (const future of completed) {
    seen.push(await future.result());
    if (seen.length === 10) completed.add(client.submit(() => 999, []));
  }
  expect(completed.count).toBe(0);
  expect([...seen].sort((a, b) => a - b)).toEqual([...range(50), 999]);
});

describe("keys", () => {
  const twice = (x: number) => x * 2;

  test("the same key and work is one task, counted by its handles", async () => {
    const first = client.submit(twice, [4], { key: "mine" });
    const second = client.submit(twice, [4], { key: "mine" });
    expect(second).not.toBe(first);
    expect(await client.gather([first, second])).toEqual([8, 8]);
    first.release();
    expect(await second.result()).toBe(8);
    expect(cluster.workers[0]!.ran).toEqual(["mine"]);
    await expect(first.result()).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
  });

  test("the same key with other arguments or code is a conflict, here and from another client", async () => {
    const kept = client.submit(twice, [4], { key: "mine" });
    expect(() => client.submit(twice, [5], { key: "mine" })).toThrowError(
      expect.objectContaining({ code: "FLOCK_KEY_CONFLICT" }),
    );
    expect(() => client.submit((x: number) => x, [4], { key: "mine" })).toThrowError(/mine/);
    expect(await kept.result()).toBe(8);
    const other = await cluster.connect();
    expect(await other.submit(twice, [4], { key: "mine" }).result()).toBe(8);
    const third = await cluster.connect();
    await expect(third.submit(twice, [5], { key: "mine" }).result()).rejects.toMatchObject({
      code: "FLOCK_KEY_CONFLICT",
    });
    expect(cluster.workers[0]!.ran).toEqual(["mine"]);
  });

  test("a key is free again after its release", async () => {
    const first = client.submit(twice, [4], { key: "mine" });
    await first.result();
    first.release();
    expect(await client.submit(twice, [5], { key: "mine" }).result()).toBe(10);
  });

  test("pure calls with equal arguments are one task", async () => {
    const futures = [1, 2, 1].map((x) => client.submit(twice, [x], { pure: true }));
    expect(await client.gather(futures)).toEqual([2, 4, 2]);
    expect(cluster.workers[0]!.ran.length).toBe(2);
    expect(futures[0]!.key).toBe(futures[2]!.key);
  });

  test("a name of one's own shows in the key", async () => {
    const future = client.submit(twice, [1], { name: "double" });
    expect(await future.result()).toBe(2);
    expect(cluster.workers[0]!.ran).toEqual([future.key]);
    expect(future.key).toMatch(/^double-\d+-\d+$/);
  });
});

test("an exported function of an installed package goes by name, before what depends on it", async () => {
  const starts = client.submit(isIdentifierStart, [0x61], { key: "starts" });
  const shown = client.submit((yes: boolean) => `it is ${yes}`, [starts]);
  expect(await shown.result()).toBe("it is true");
  expect(await client.submit(isIdentifierStart, [0x61], { key: "starts" }).result()).toBe(true);
  expect(cluster.workers[0]!.ran.filter((key) => key === "starts").length).toBe(1);
});

test("workers, runs, waitForWorkers, story", async () => {
  expect((await client.workers()).map(({ name }) => name)).toEqual(["w1"]);
  expect((await client.waitForWorkers(1)).length).toBe(1);
  await expect(client.waitForWorkers(2, { timeoutMs: 5 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
  const two = client.waitForWorkers(2);
  await cluster.addWorker("w2");
  expect((await two).length).toBe(2);
  using run = client.run("mine", { steps: 4, weight: 2 });
  const future = client.submit(() => 1, [], { run });
  await future.result();
  run.step(3);
  await expect
    .poll(async () => (await client.runs()).find(({ name }) => name === "mine"))
    .toMatchObject({
      weight: 2,
      steps: 4,
      stepsDone: 3,
      counts: { total: 1, done: 1 },
    });
  expect((await client.story(future)).at(-1)?.to).toBe("done");
  await expect(client.retireWorkers(["nobody"])).rejects.toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
});
