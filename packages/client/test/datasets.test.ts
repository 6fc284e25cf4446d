// Published data, persisted graphs, and tasks that nobody waits for.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eachBounded } from "../src/bounded.ts";
import { type Client, delayed, type Future, fireAndForget, isFuture, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
let other: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(2);
  client = await cluster.connect({ name: "first", logs: "ignore" });
  other = await cluster.connect({ name: "second", logs: "ignore" });
});
afterEach(() => cluster.close());

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const large = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);
const square = (x: number): number => x * x;
const ran = (): string[] => cluster.workers.flatMap((worker) => worker.ran);

describe("published data", () => {
  test("comes back to any client in its structure", async () => {
    const X = client.submit(large, [50_000]);
    const parts = client.map(square, [2, 3]);
    await client.publish("set", { X, parts, again: X, rate: 0.5, names: new Map([["a", parts[1]]]) });
    interface Set {
      X: Future<Float64Array>;
      parts: Future<number>[];
      again: Future<Float64Array>;
      rate: number;
      names: Map<string, Future<number>>;
    }
    const set = await other.getDataset<Set>("set");
    expect(isFuture(set.X) && set.X.key).toBe(X.key);
    expect(set.again).toBe(set.X);
    expect(set.rate).toBe(0.5);
    expect(await other.gather({ parts: set.parts, a: set.names.get("a")! })).toEqual({ parts: [4, 9], a: 9 });
    expect((await set.X.result()).at(-1)).toBe(49_999);
    expect(await other.call((x: Float64Array) => x.length, [set.X])).toBe(50_000);
    const own = await client.getDataset<Set>("set");
    expect(await own.parts[1]!.result()).toBe(9);
  });

  test("outlives the client that published it, and its name", async () => {
    await client.publish("x", client.submit(square, [7]));
    await client.close();
    const [info] = await other.datasets();
    expect((await other.cluster()).datasets).toBe(1);
    expect(info).toMatchObject({ name: "x", results: 1, publishedBy: "first" });
    expect(Math.abs(Date.now() - info!.publishedAt.getTime())).toBeLessThan(60_000);
    const future = await other.getDataset<Future<number>>("x");
    await other.unpublish("x");
    expect(await other.datasets()).toEqual([]);
    expect(await future.result()).toBe(49);
    expect(ran()).toHaveLength(1);
  });

  test("has names that are told in errors", async () => {
    await client.publish("x", [client.submit(square, [1])]);
    await expect(other.publish("x", 1)).rejects.toMatchObject({ code: "FLOCK_DATASET_EXISTS" });
    await expect(other.getDataset("y")).rejects.toThrowError(/"y"; published are "x"/);
    await expect(other.unpublish("y")).rejects.toMatchObject({ code: "FLOCK_DATASET_UNKNOWN" });
    await other.publish("x", { only: "values" }, { override: true });
    expect(await client.getDataset("x")).toEqual({ only: "values" });
  });

  test("refuses what it cannot keep", async () => {
    const future = client.submit(square, [1]);
    await expect(other.publish("x", future)).rejects.toThrowError(/another client/);
    await expect(client.publish("", future)).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await expect(client.publish("x", future, { overwrite: true } as object)).rejects.toThrowError(/override/);
    await expect(client.publish("x", { f: () => 1 })).rejects.toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
    await expect(client.publish("x", new Uint8Array(2 ** 21))).rejects.toMatchObject({ code: "FLOCK_TOO_LARGE" });
    await expect(client.publish("x", [delayed(square)(2)])).rejects.toThrowError(/delayed call/);
    future.release();
    await expect(client.publish("x", future)).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
    expect(await client.datasets()).toEqual([]);
  });

  test("is published once through a link that is cut", async () => {
    const { cable, address } = await cluster.cable();
    const far = await cluster.connect({ name: "far", logs: "ignore" }, address);
    const future = far.submit(square, [5]);
    await future.error();
    cable.cut(true);
    const published = far.publish("x", future);
    cable.cut(true);
    await published;
    const get = far.getDataset<Future<number>>("x");
    cable.cut(true);
    expect(await (await get).result()).toBe(25);
    const gone = far.unpublish("x");
    cable.cut(true);
    await gone;
    expect(await other.datasets()).toEqual([]);
  });
});

describe("persist", () => {
  test("gives the nodes back, and further graphs begin with their results", async () => {
    const load = delayed(function load(n: number) {
      return large(n);
    });
    const count = delayed(function count(values: Float64Array, by: number) {
      return values.length * by;
    });
    const nodes = { X: load(20_000), few: [load(10)] };
    expect(client.persist(nodes)).toBe(nodes);
    expect(
      await client.gather(client.compute([count(nodes.X, 1), count(nodes.X, 2), count(nodes.few[0]!, 3)])),
    ).toEqual([20_000, 40_000, 30]);
    expect(ran().filter((key) => key.startsWith("load"))).toHaveLength(2);
    client.unpersist(nodes);
    expect(await client.compute(count(nodes.X, 1)).result()).toBe(20_000);
    expect(ran().filter((key) => key.startsWith("load"))).toHaveLength(3);
    expect(() => client.persist(1)).toThrowError(/persist takes a delayed call/);
  });

  test("keeps the results as long as somebody has the node", async () => {
    const load = delayed(large, { name: "load" });
    const done = async (): Promise<number> => (await other.cluster()).tasks.done;
    const nodes = [load(20_000)];
    client.persist(nodes);
    await expect.poll(done).toBe(1);
    for (let round = 0; round < 5; round++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.compute(nodes[0]!).error()).toBeNull();
    expect(ran()).toHaveLength(1);
    nodes.length = 0;
    const collectedAndDone = async (): Promise<number> => {
      collectGarbage();
      return await done();
    };
    await expect.poll(collectedAndDone, { timeout: 10_000 }).toBe(0);
  });
});

describe("fireAndForget", () => {
  test("the task runs to its end though its client is gone", async () => {
    const future = client.submit(square, [3], { workers: ["late"] });
    await client.fireAndForget(future);
    const second = client.submit(square, [future]);
    void fireAndForget(second);
    await client.close();
    await cluster.addWorker("late");
    await expect.poll(() => ran().length).toBe(2);
    await expect
      .poll(async () => Object.values((await other.cluster()).tasks).every((count) => count === 0))
      .toBe(true);
  });

  test("refuses what is no future of the client's", async () => {
    expect(() => fireAndForget(1 as never)).toThrowError(/takes futures/);
    expect(() => other.fireAndForget(client.submit(square, [1]))).toThrowError(/another client/);
    const released = client.submit(square, [1]);
    released.release();
    expect(() => client.fireAndForget([released])).toThrowError(/released/);
  });
});

describe("scatter", () => {
  const bytes = (fill: number, n = 100_000): Uint8Array => new Uint8Array(n).fill(fill);

  test("by hash: equal content of any client is stored once", async () => {
    const [one, two, three] = [
      await client.scatter(bytes(1), { hash: true, name: "pixels" }),
      await other.scatter(bytes(1), { hash: true, name: "pixels" }),
      await other.scatter(bytes(2), { hash: true, name: "pixels" }),
    ];
    expect(one.key).toMatch(/^pixels-[0-9a-f]{32}$/);
    expect(two.key).toBe(one.key);
    expect(three.key).not.toBe(one.key);
    expect(cluster.workers.reduce((sum, { held }) => sum + held, 0)).toBe(2);
    await expect(client.scatter(1, { hash: true, key: "x" })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });

  test("to the workers that are named", async () => {
    await client.scatter(bytes(1), { workers: ["w2"] });
    await client.scatter(bytes(2), { workers: ["w2"], broadcast: true });
    expect(cluster.workers.map(({ held }) => held)).toEqual([0, 2]);
    await expect(client.scatter(bytes(1), { workers: ["w7"] })).rejects.toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
  });

  test("several values at once, spread over the workers", async () => {
    const data = await client.scatterAll(range(40).map((fill) => bytes(fill)));
    expect(cluster.workers.map(({ held }) => held)).toEqual([20, 20]);
    const first = (values: Uint8Array): number => values[0]!;
    expect(await client.gather(client.map(first, data))).toEqual([...range(40)]);
    await expect(client.scatterAll([1, () => 1])).rejects.toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
    await expect(client.scatterAll([1], { key: "x" } as object)).rejects.toThrowError(/no option "key"/);
    expect(await client.whoHas(data.slice(0, 2))).toEqual(
      Object.fromEntries(data.slice(0, 2).map(({ key }) => [key, [expect.stringMatching(/^w[12]$/)]])),
    );
    const held = await client.hasWhat();
    expect(Object.keys(held).sort()).toEqual(["w1", "w2"]);
    expect(held["w1"]).toMatchObject({ count: 20 });
  });
});

test("options and arguments of copies and moves are checked", async () => {
  const future = client.submit(square, [1]);
  const invalid = (words: string) => ({ code: "FLOCK_OPTION_INVALID", message: expect.stringContaining(words) });
  await expect(client.replicate(future, { copys: 2 } as object)).rejects.toMatchObject(invalid("copies"));
  await expect(client.replicate(future, { copies: 0 })).rejects.toMatchObject(invalid("from 1"));
  await expect(client.rebalance(undefined, { workers: "w1" as never })).rejects.toMatchObject(
    invalid("an array of names"),
  );
  await expect(client.replicate(1)).rejects.toThrowError(/replicate takes futures, not 1/);
  await expect(client.whoHas([other.submit(square, [1])])).rejects.toThrowError(/another client/);
  await expect(client.hasWhat("w1" as never)).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
  await expect(client.hasWhat(["w9"])).rejects.toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
  await expect(client.replicate([], { copies: 2 })).resolves.toMatchObject({ count: 0 });
  // A small result is the scheduler's: there is nothing to copy.
  await expect(client.replicate(future)).resolves.toMatchObject({ count: 0, refusedCount: 0 });
  const fails = client.submit((): number => JSON.parse("{"), []);
  await expect(client.replicate([future, fails])).rejects.toThrowError(SyntaxError);
});

test("eachBounded begins so many at a time, and nothing after a failure", async () => {
  const open: (() => void)[] = [];
  const begun: number[] = [];
  const all = eachBounded(range(10), 3, (n) => {
    begun.push(n);
    return new Promise<void>((resolve, reject) => open.push(n === 4 ? () => reject(new Error("four")) : resolve));
  });
  expect(begun).toEqual([0, 1, 2]);
  open[0]!();
  open[1]!();
  await Promise.resolve();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3, 4]);
  open[4]!();
  await expect(all).rejects.toThrowError("four");
  for (const end of open) end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});
