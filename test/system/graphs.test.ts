// Graphs over real processes: how much is stored at one time, and graphs that are deep or wide.

import { type Client, type Delayed, delayed, LocalCluster, range } from "taskflock";
import { afterAll, beforeAll, expect, test } from "vitest";

const MB = 1_000_000;

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

const stored = async (): Promise<number> =>
  (await client.workers()).reduce((sum, { storedBytes }) => sum + storedBytes, 0);

/** Asks again and again, until `over` is, how much is stored; how often it asked, and the most that it saw. */
async function watchStored(over: Promise<unknown>): Promise<{ looks: number; peak: number }> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  over.then(end, end);
  const seen = { looks: 0, peak: 0 };
  while (!ended) {
    seen.peak = Math.max(seen.peak, await stored());
    seen.looks++;
  }
  return seen;
}

const load = delayed((seed: number) => new Float64Array(125_000).fill(seed), { name: "load" });
const add = delayed((a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!), { name: "add" });
const first = delayed((values: Float64Array) => values[0]!, { name: "first" });

function pairwise(nodes: readonly Delayed<Float64Array>[]): Delayed<Float64Array> {
  const half = nodes.length >> 1;
  return half === 0 ? nodes[0]! : add(pairwise(nodes.slice(0, half)), pairwise(nodes.slice(half)));
}

test("a tree over 256 arrays of 1 MB stores a small part of them at one time", async () => {
  const total = client.compute(first(pairwise(range(256).map((seed) => load(seed)))));
  const result = total.result();
  const { looks, peak } = await watchStored(result);
  expect(await result).toBe((256 * 255) / 2);
  expect(looks).toBeGreaterThan(20);
  expect(peak).toBeGreaterThan(2 * MB);
  expect(peak).toBeLessThan(64 * MB);
  await expect.poll(stored).toBe(0);
});

test("a chain of maps takes each array through all of them before the next", async () => {
  const scale = delayed((values: Float64Array, by: number) => values.map((value) => value * by), { name: "scale" });
  const ends = range(256).map((seed) => first(scale(scale(scale(load(seed), 2), 3), 4)));
  const results = client.gather(client.compute(ends));
  const { looks, peak } = await watchStored(results);
  expect(await results).toEqual(range(256).map((seed) => seed * 24));
  expect(looks).toBeGreaterThan(20);
  expect(peak).toBeGreaterThan(1 * MB);
  expect(peak).toBeLessThan(64 * MB); // 1 GB is made in all
  await expect.poll(stored).toBe(0);
});

test("a chain of 100,000 calls", async () => {
  const next = delayed((x: number) => x + 1, { name: "next" });
  let end = next(0);
  for (let i = 1; i < 100_000; i++) end = next(end);
  expect(await client.compute(end).result()).toBe(100_000);
});

test("a failure at the head of a long chain reaches its end", async () => {
  const next = delayed((x: number) => x + 1, { name: "next" });
  let end = delayed((): number => JSON.parse("{"), { name: "head" })();
  for (let i = 0; i < 20_000; i++) end = next(end);
  expect(await client.compute(end).error()).toMatchObject({
    ...{ code: "FLOCK_DEPENDENCY_FAILED", cause: { name: "SyntaxError" } },
  });
});

test("50,000 calls need one result, and one call needs theirs", async () => {
  const one = delayed(() => 1, { name: "one" })();
  const plus = delayed((x: number, y: number) => x + y, { name: "plus" });
  const sum = delayed((all: readonly number[]) => all.reduce((a, b) => a + b, 0), { name: "sum" });
  expect(await client.compute(sum(range(50_000).map((n) => plus(one, n)))).result()).toBe(50_000 + 1_249_975_000);
});
