import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, type Future, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(2);
  client = await cluster.connect();
});
afterEach(() => cluster.close());

const makeLarge = (n: number) => Float64Array.from({ length: n }, (_, i) => i);
const numbers = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i / 3);

describe("large results stay on their worker until they are asked for", () => {
  test("each call of result() gives memory of its own", async () => {
    const future = client.submit(makeLarge, [100_000]);
    const [one, two] = await Promise.all([future.result(), future.result()]);
    expect(one).toEqual(two);
    one.fill(0);
    expect(two[5]).toBe(5);
    expect((await future.result())[5]).toBe(5);
  });

  test("gather fetches them too, beside small ones", async () => {
    const futures = [client.submit(makeLarge, [50_000]), client.submit(makeLarge, [3])];
    const [large, small] = await client.gather(futures);
    expect(large!.length).toBe(50_000);
    expect(small).toEqual(Float64Array.of(0, 1, 2));
  });

  test("a holder that does not have it any more: the task runs again", async () => {
    const future = client.submit(makeLarge, [100_000]);
    expect(await future.error()).toBeNull();
    for (const worker of cluster.workers) worker.hide = 1;
    expect((await future.result()).length).toBe(100_000);
    expect(cluster.workers.flatMap(({ ran }) => ran)).toEqual([future.key, future.key]);
  });

  test("release() ends the wait for one", async () => {
    const future = client.submit(makeLarge, [100_000]);
    expect(await future.error()).toBeNull();
    const waiting = future.result();
    future.release();
    await expect(waiting).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
  });
});

describe("scatter", () => {
  test.each([
    ["small", 10],
    ["large", 200_000],
  ])("%s data comes back equal and goes into tasks", async (_, n) => {
    const values = numbers(n);
    const data = await client.scatter(values);
    expect(data.status).toBe("done");
    expect(await data.result()).toEqual(values);
    const last = (array: Float64Array) => array.at(-1);
    expect(await client.call(last, [data])).toBe(values.at(-1));
  });

  test("broadcast puts it on every worker", async () => {
    await client.scatter(numbers(50_000), { broadcast: true });
    expect(cluster.workers.map(({ held }) => held)).toEqual([1, 1]);
  });

  test("what changes after the call does not change the data", async () => {
    const values = numbers(50_000);
    const scattered = client.scatter(values);
    values.fill(-1);
    expect((await (await scattered).result())[3]).toBe(1);
  });

  test("memory that is used again holds each value until it was sent", async () => {
    const fills = range(6);
    const array = (fill: number): Uint8Array => new Uint8Array(2_000_000 + fill).fill(fill);
    const one = await client.scatter(array(9));
    const data = await Promise.all(fills.map((fill) => client.scatter(array(fill), { broadcast: fill % 2 === 0 })));
    const check = (bytes: Uint8Array, fill: number): boolean =>
      bytes.length === 2_000_000 + fill && bytes.every((byte) => byte === fill);
    expect(await client.gather(data.map((each, fill) => client.submit(check, [each, fill])))).toEqual(
      fills.map(() => true),
    );
    expect(await client.call(check, [one, 9])).toBe(true);
  });

  test("a key is shared; with other data it is a conflict", async () => {
    const first = await client.scatter([1, 2], { key: "xs" });
    expect(first.key).toBe("xs");
    expect(await (await client.scatter([1, 2], { key: "xs" })).result()).toEqual([1, 2]);
    await expect(client.scatter([3], { key: "xs" })).rejects.toMatchObject({ code: "FLOCK_KEY_CONFLICT" });
  });

  test("futures and functions cannot stand in data", async () => {
    const future = client.submit(() => 1, []);
    await expect(client.scatter({ a: [future] })).rejects.toThrowError(/value\.a\[0\] is a future/);
    await expect(client.scatter({ f: () => 1 })).rejects.toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
  });
});

describe("large arguments", () => {
  const sum = (array: Float64Array, extra: number) => array.reduce((a, b) => a + b, 0) + extra;

  test("the same array in many calls is sent once", async () => {
    const values = numbers(100_000);
    const expected = values.reduce((a, b) => a + b, 0);
    const columns = range(20).map(() => values);
    expect(await client.gather(client.map(sum, columns, range(20)))).toEqual(range(20).map((x) => expected + x));
    expect(await client.call(sum, [values, 1])).toBe(expected + 1);
    expect((await client.cluster()).workers.reduce((all, worker) => all + worker.stored, 0)).toBeLessThanOrEqual(2);
    const { tasks } = await client.cluster();
    expect(tasks.done).toBeLessThanOrEqual(21);
  });

  test("an array that changes between two calls is another one", async () => {
    const values = new Float64Array(20_000).fill(1);
    const before = client.submit(sum, [values, 0]);
    values.fill(2);
    const after = client.submit(sum, [values, 0]);
    expect(await client.gather([before, after])).toEqual([20_000, 40_000]);
  });

  test("an array that changes after a map that was refused is another one", async () => {
    const values = new Float64Array(20_000).fill(1);
    const state: { values: Float64Array; waiting?: Promise<void> } = { values };
    const fn = (x: number) => state.values.length + x + Object.keys(state).length;
    expect(await client.call(fn, [1])).toBe(20_002);
    state.waiting = Promise.resolve();
    expect(() => client.map(fn, [1])).toThrowError(/state\.waiting is a Promise/);
    values.fill(2);
    expect(await client.call(sum, [values, 0])).toBe(40_000);
  });

  test("an iterator that yields the same memory again and again", async () => {
    function* frames(): Generator<Float64Array> {
      const frame = new Float64Array(10_000);
      for (let i = 0; i < 3; i++) yield frame.fill(i);
    }
    const first = (frame: Float64Array) => frame[0];
    expect(await client.gather(client.map(first, frames()))).toEqual([0, 1, 2]);
  });

  test("more than is kept for later calls", async () => {
    const future = client.submit((array: Uint8Array) => array.length, [new Uint8Array(257 * 1024 * 1024)]);
    expect(await future.result()).toBe(257 * 1024 * 1024);
  });

  test("parts deep inside, strings, and futures beside them", async () => {
    const one = client.submit(() => 1, []);
    const text = "ä".repeat(100_000);
    const seen = await client.call(
      (arg: { list: (Uint8Array | string)[]; map: Map<string, ArrayBuffer>; one: number }) => [
        arg.list[0]?.length,
        arg.list[1]?.length,
        arg.map.get("x")?.byteLength,
        arg.one,
      ],
      [{ list: [new Uint8Array(80_000), text], map: new Map([["x", new ArrayBuffer(70_000)]]), one }],
    );
    expect(seen).toEqual([80_000, 100_000, 70_000, 1]);
  });

  test("a plain array that is larger than a frame travels as data", async () => {
    const rows = range(400_000).map((x) => [x / 3]);
    expect(await client.call((all: number[][]) => all.length, [rows])).toBe(400_000);
  });

  test("what cannot be taken apart and is larger than a frame is refused, with its size", () => {
    const future: Future<number> = client.submit(() => 1, []);
    const rows: (number[] | Future<number>)[] = range(500_000).map((x) => [x / 3]);
    expect(() => client.submit((all: unknown[]) => all.length, [[...rows, future]])).toThrowError(
      expect.objectContaining({ code: "FLOCK_TOO_LARGE", message: expect.stringContaining("MiB") }),
    );
  });
});
