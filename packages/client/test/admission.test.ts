import { submitCost } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Client, delayed, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

/** Some forty small tasks at a time. */
const ADMISSION = { config: { admissionBytes: 40 * submitCost(10) } };
const MOST = 42;

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(0, ADMISSION);
  client = await cluster.connect();
});
afterEach(() => cluster.close());

const twice = (x: number): number => 2 * x;

async function known(): Promise<number> {
  const { tasks } = await client.cluster();
  return Object.values(tasks).reduce((sum, count) => sum + count, 0);
}

describe("more tasks than the scheduler takes", () => {
  test("a loop that hears nothing: they wait in the client, and all are done in the end", async () => {
    const futures = Array.from({ length: 2000 }, (_, i) => client.submit(twice, [i]));
    expect(await known()).toBeLessThanOrEqual(MOST);
    expect(await known()).toBeGreaterThan(MOST / 2);
    let most = 0;
    const worker = await cluster.addWorker("w1");
    worker.beforeRun = () => {
      const { waiting, queued, assigned, running } = cluster.scheduler.clusterInfo().tasks;
      most = Math.max(most, waiting + queued + assigned + running);
    };
    expect(await client.gather(futures)).toEqual(range(2000).map(twice));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(MOST);
  });

  test("a map, and a task that needs all of it", async () => {
    const futures = client.map(twice, range(500));
    const sum = client.submit((all: number[]) => all.reduce((a, b) => a + b, 0), [futures]);
    client.release(futures);
    await cluster.addWorker("w1");
    expect(await sum.result()).toBe(249_500);
  });

  test("a graph of many calls", async () => {
    const add = delayed((a: number, b: number) => a + b);
    let level = range(256).map((x) => add(x, 0));
    while (level.length > 1) level = level.filter((_, i) => i % 2 === 0).map((node, i) => add(node, level[2 * i + 1]!));
    const total = client.compute(level[0]!);
    await cluster.addWorker("w1");
    expect(await total.result()).toBe(32_640);
  });

  test("an input that is let go at once stays until all who wait with it were sent", async () => {
    const input = client.submit(twice, [5]);
    const others = client.map(twice, range(200));
    const after = client.submit((x: number) => x + 1, [input]);
    input.release();
    await cluster.addWorker("w1");
    expect(await after.result()).toBe(11);
    expect((await client.gather(others)).length).toBe(200);
  });

  test("a question that waits keeps what it names: a sent task that is let go at once", async () => {
    const sent = client.submit(twice, [5]);
    const others = client.map(twice, range(200));
    const fired = client.fireAndForget([sent, others[199]!]);
    client.release(sent);
    await cluster.addWorker("w1");
    await expect(fired).resolves.toBeUndefined();
    expect(await client.gather(others)).toEqual(range(200).map(twice));
  });

  test("cancelling overtakes them, and so empties a scheduler that is full", async () => {
    const futures = client.map(twice, range(300));
    await client.cancel(futures, "no more");
    expect(futures.every(({ status }) => status === "cancelled")).toBe(true);
  });

  test("answers overtake them; questions about one that waits are asked once it was sent", async () => {
    const futures = client.map(twice, range(300));
    const last = futures.at(-1)!;
    const story = client.story(last);
    const kept = client.fireAndForget(last);
    expect((await client.workers()).length).toBe(0);
    await cluster.addWorker("w1");
    expect(await story).not.toEqual([]);
    await kept;
    expect(await last.result()).toBe(598);
  });

  test("a cut while they wait", async () => {
    const { cable, address } = await cluster.cable();
    const other = await cluster.connect({}, address);
    const futures = other.map(twice, range(1000));
    const worker = await cluster.addWorker("w1");
    worker.beforeRun = ({ key }) => {
      if (/-(100|300|301|700)$/.test(key)) cable.cut(true);
    };
    expect(await other.gather(futures)).toEqual(range(1000).map(twice));
  });
});

describe("drained", () => {
  test("a loop that awaits it keeps little in the client, which warns of one that does not", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    await cluster.addWorker("w1");
    const futures = [];
    for (let i = 0; i < 1000; i++) {
      futures.push(client.submit(twice, [i]));
      if (i % 10 === 0) await client.drained();
    }
    await client.drained();
    expect(await client.gather(futures)).toEqual(range(1000).map(twice));
    expect(warned).not.toHaveBeenCalled();

    const more = client.map(twice, range(1000));
    await client.drained();
    process.off("warning", warned);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]![0]).toMatchObject({ code: "FLOCK_SUBMISSIONS_WAIT" });
    expect(await client.gather(more)).toEqual(range(1000).map(twice));
  });

  test("resolves when nothing waits, and rejects when the client is closed", async () => {
    await client.drained();
    client.map(twice, range(100));
    const drained = expect(client.drained()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
    await new Promise((resolve) => setImmediate(resolve));
    await client.close();
    await drained;
    expect(() => client.drained()).toThrow(expect.objectContaining({ code: "FLOCK_CLOSED" }));
  });
});

describe("a client that leaves while tasks wait", () => {
  test("what is in a detached run is sent before", async () => {
    const run = client.run("night", { detached: true });
    client.map(twice, range(200), { run });
    client.map(twice, range(300)); // of no use to anybody
    run.close();
    const closed = client.close();
    await cluster.addWorker("w1");
    await closed;
    const heir = await cluster.connect();
    const attached = await heir.attach("night");
    const values = (await heir.gather(attached.futures)) as number[];
    expect([...values].sort((a, b) => a - b)).toEqual(range(200).map(twice));
  });

  test("so is what is to run to its end; the rest is dropped at once", async () => {
    client.map(twice, range(100));
    await client.close();
    const other = await cluster.connect();
    const futures = other.map(twice, range(100));
    other.fireAndForget(futures[80]!);
    const worker = await cluster.addWorker("w1");
    await other.close();
    await vi.waitFor(() => expect(worker.ran.some((key) => key.endsWith("-81"))).toBe(true));
    expect(worker.ran.some((key) => key.endsWith("-100"))).toBe(false);
  });
});
