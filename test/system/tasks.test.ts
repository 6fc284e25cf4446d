// Tasks over real processes: many of them, those that misbehave, and the processes that die under them.

import { asCompleted, type Client, LocalCluster, range } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

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

test("50,000 tiny tasks finish, each with one outcome", async () => {
  const futures = client.map((x: number) => x * 2, range(50_000));
  const seen = new Set<string>();
  let sum = 0;
  for await (const future of asCompleted(futures)) {
    expect(seen.has(future.key)).toBe(false);
    seen.add(future.key);
    sum += await future.result();
    future.release();
  }
  expect(seen.size).toBe(50_000);
  expect(sum).toBe(50_000 * 49_999);
});

test("futures nest anywhere in the arguments, and large results move between workers", async () => {
  const big = client.map((n: number) => new Float64Array(n).fill(n), [100_000, 200_000]);
  const total = client.submit(
    (parts: Float64Array[], extra: { more: Map<string, number> }) =>
      parts.reduce((sum, part) => sum + part.reduce((a, b) => a + b, 0), 0) + (extra.more.get("one") ?? 0),
    [big, { more: new Map([["one", client.submit(() => 1, [])]]) }],
  );
  expect(await total.result()).toBe(100_000 ** 2 + 200_000 ** 2 + 1);
});

test("scattered data reaches every task, and comes back equal", async () => {
  const values = Float64Array.from({ length: 300_000 }, (_, i) => i / 3);
  const data = await client.scatter(values, { broadcast: true });
  expect(await data.result()).toEqual(values);
  const sums = await client.gather(
    client.map((array: Float64Array, from: number) => array[from], [data, data, data], [1, 2, 3]),
  );
  expect(sums).toEqual([values[1], values[2], values[3]]);
});

describe("misbehaving tasks fail alone, with a code", () => {
  test("one that throws: the error comes back as it was", async () => {
    const future = client.submit(() => {
      throw new RangeError("no such row", { cause: new Error("deeper") });
    }, []);
    const error = await future.error();
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "no such row", cause: { message: "deeper" } });
    await expect(future.result()).rejects.toThrow("no such row");
  });

  test("a dependant of it names the first failure", async () => {
    const bad = client.submit((): number => JSON.parse("{"), []);
    const after = client.submit((x: number) => x, [bad]);
    const error = await after.error();
    expect(error).toMatchObject({ code: "FLOCK_DEPENDENCY_FAILED" });
    expect((error as Error).cause).toBeInstanceOf(SyntaxError);
  });

  test("one that never returns runs into timeoutMs, in a tight loop too", async () => {
    const future = client.submit(
      () => {
        for (;;);
      },
      [],
      { timeoutMs: 300 },
    );
    await expect(future.result()).rejects.toMatchObject({ code: "FLOCK_TIMEOUT" });
    expect(await client.call((x: number) => x, [1])).toBe(1);
  });

  test("one that is cancelled stops, in a tight loop too", async () => {
    const future = client.submit(() => {
      for (;;);
    }, []);
    await expect.poll(async () => (await client.story(future)).some((line) => line.to === "running")).toBe(true);
    await future.cancel("enough");
    await expect(future.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    expect(await client.gather(client.map((x: number) => x, range(10)))).toEqual([...range(10)]);
  });

  test("one that exits the process", async () => {
    await expect(client.call(() => process.exit(3), [])).rejects.toMatchObject({ code: "FLOCK_TASK_EXITED" });
  });

  test("one that exits its own process slot", async () => {
    await expect(client.call(() => process.exit(3), [], { isolation: "process" })).rejects.toMatchObject({
      code: "FLOCK_TASK_EXITED",
    });
  });

  test("one that fills its heap", async () => {
    const fill = () => {
      const held: unknown[] = [];
      for (;;) held.push(new Array(10_000).fill(held.length));
    };
    const small = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, heapLimit: "64MiB" });
    try {
      const own = await small.connect();
      await expect(own.call(fill, [])).rejects.toMatchObject({ code: "FLOCK_TASK_OUT_OF_MEMORY" });
      expect(await own.call((x: number) => x, [7])).toBe(7);
      await own.close();
    } finally {
      await small.close();
    }
  });

  test("one whose result cannot travel: the path is named", async () => {
    const future = client.submit(() => ({ open: { handle: Symbol("x") } }), []);
    await expect(future.result()).rejects.toMatchObject({
      code: "FLOCK_NOT_SERIALIZABLE",
      message: expect.stringContaining("open.handle"),
    });
  });

  test("one that throws twice and then works, with retries", async () => {
    const { mkdtempSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const file = `${mkdtempSync(`${tmpdir()}/taskflock-`)}/count`;
    const flaky = (path: string) => {
      // A test runner rewrites import(), so it would be captured here.
      const { appendFileSync, readFileSync } = process.getBuiltinModule("node:fs");
      appendFileSync(path, "x");
      const tries = readFileSync(path, "utf8").length;
      if (tries < 3) throw new Error(`try ${tries}`);
      return tries;
    };
    expect(await client.call(flaky, [file], { retries: 2, backoffMs: 1 })).toBe(3);
  });

  test("one that kills every worker it meets", async () => {
    const own = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    try {
      const other = await own.connect();
      const future = other.submit(() => process.kill(process.pid, "SIGKILL"), [], { allowedFailures: 1 });
      const error = await future.error();
      expect(error).toMatchObject({ code: "FLOCK_KILLED_WORKER" });
      expect(error?.message).toContain("SIGKILL");
      await other.waitForWorkers(2);
      expect(await other.gather(other.map((x: number) => x, range(100)))).toEqual([...range(100)]);
      await other.close();
    } finally {
      await own.close();
    }
  });
});

test("resources bound what runs at once", async () => {
  const own = await LocalCluster.start({ workers: 1, threadsPerWorker: 4, resources: { GPU: 1 } });
  try {
    const other = await own.connect();
    const spans = await other.gather(
      other.map(
        async (_: number) => {
          // One clock for all threads; each has a timeOrigin of its own.
          const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
          const from = nowMs();
          await new Promise((resolve) => setTimeout(resolve, 20));
          return [from, nowMs()] as const;
        },
        range(6),
        { resources: { GPU: 1 } },
      ),
    );
    const ordered = [...spans].sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < ordered.length; i++) expect(ordered[i]![0]).toBeGreaterThanOrEqual(ordered[i - 1]![1]);
    await other.close();
  } finally {
    await own.close();
  }
});

test("a retired worker hands its results over and costs no recomputation", async () => {
  const own = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  try {
    const other = await own.connect();
    const made = other.map(
      (n: number) => ({ n, where: process.pid, data: new Float64Array(50_000).fill(n) }),
      range(8),
    );
    const before = await other.gather(made);
    const [first] = await other.workers();
    await other.retireWorkers([first!.name]);
    await expect.poll(async () => (await other.workers()).map(({ name }) => name)).not.toContain(first!.name);
    expect((await other.gather(made)).map(({ where }) => where)).toEqual(before.map(({ where }) => where));
    await other.close();
  } finally {
    await own.close();
  }
});

test("a local cluster grows and shrinks, and refuses what is no number of workers", async () => {
  await expect(cluster.scale(-1)).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  await cluster.scale(3);
  expect(await client.workers()).toHaveLength(3);
  await cluster.scale(2);
  await expect.poll(async () => (await client.workers()).length).toBe(2);
  expect(await client.gather(client.map((x: number) => -x, range(1, 5)))).toEqual([-1, -2, -3, -4]);
});
