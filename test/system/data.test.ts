// Data that outlives who made it: the death of its client, and the retirement of its worker; and data that is copied and moved.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startScheduler } from "@taskflock/scheduler";
import { pino } from "pino";
import { Client, type Future, LocalCluster, range } from "taskflock";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CountingProxy } from "./counting-proxy.ts";
import { type Role, startRole } from "./processes.ts";

const MB = 1_000_000;
const publisher = fileURLToPath(new URL("./programs/publisher.mjs", import.meta.url));

const names = async (client: Client): Promise<string[]> => (await client.workers()).map(({ name }) => name).sort();

describe("a client that is killed", () => {
  const token = "a-token-of-the-data-tests";
  const folder = mkdtempSync(join(tmpdir(), "taskflock-data-"));
  const closing: (() => Promise<unknown>)[] = [];
  let killed: ChildProcess;
  let client: Client;

  beforeAll(async () => {
    const logger = pino({ level: "silent" });
    // A client that does not come back is given up soon.
    const scheduler = await startScheduler({ port: 0, token, logger, sessionReconnectMs: 300 });
    closing.push(() => scheduler.close());
    const worker: Role = await startRole(
      ["worker", scheduler.address, "--threads", "3", "--no-nanny", "--log-level", "warn"],
      { env: { TASKFLOCK_TOKEN: token } },
    );
    closing.push(() => worker.stop());
    const env = { ...process.env, TASKFLOCK_TOKEN: token };
    killed = spawn(process.execPath, [publisher, scheduler.address, folder], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    killed.stderr?.on("data", (chunk) => {
      printed += chunk;
    });
    await vi.waitUntil(() => existsSync(join(folder, "published")) || printed, { timeout: 30_000 });
    expect(printed).toBe("");
    client = await Client.connect(scheduler.address, { token, logs: "ignore", name: "heir" });
    closing.push(() => client.close());
    expect((await client.cluster()).sessions).toBe(2);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await vi.waitUntil(async () => (await client.cluster()).sessions === 1, { timeout: 20_000 });
  }, 60_000);

  afterAll(async () => {
    killed?.kill("SIGKILL");
    for (const close of closing.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("leaves what it published, and nothing else", async () => {
    interface Kept {
      large: Future<Float64Array>;
      scattered: Future<Float64Array>;
      small: Future<number>;
      note: string;
    }
    expect(await client.datasets()).toMatchObject([{ name: "kept", results: 3, publishedBy: "publisher" }]);
    // 1.6 MB and 0.8 MB are published; the array that was not is gone.
    const stored = await client.hasWhat();
    expect(Object.values(stored)).toMatchObject([{ count: 2 }]);
    const kept = await client.getDataset<Kept>("kept");
    expect(kept.note).toBe("by the publisher");
    const { large, scattered, small } = await client.gather(kept);
    expect([large.length, large[7], scattered.length, scattered[7], small]).toEqual([200_000, 1.5, 100_000, 2.5, 42]);
    const sum = (a: Float64Array, b: Float64Array): number => a[0]! + b[0]!;
    expect(await client.call(sum, [kept.large, kept.scattered])).toBe(4);
    await client.unpublish("kept");
    client.release([kept.large, kept.scattered, kept.small]);
    await expect.poll(async () => Object.values(await client.hasWhat())).toMatchObject([{ count: 0 }]);
  });

  test("leaves the tasks running that nobody need wait for; a failure is an event", async () => {
    expect((await client.cluster()).tasks.running).toBe(2);
    writeFileSync(join(folder, "opened"), "");
    await expect.poll(() => existsSync(join(folder, "done")), { timeout: 20_000 }).toBe(true);
    expect(readFileSync(join(folder, "done"), "utf8")).toBe("ran to its end");
    const busy = async (): Promise<number> => (await client.cluster()).tasks.running;
    await expect.poll(busy).toBe(0);
    expect(Object.values((await client.cluster()).tasks).every((count) => count === 0)).toBe(true);
    const failed = (await client.events()).filter(({ kind }) => kind === "forgottenFailed");
    expect(failed).toMatchObject([{ text: "nobody hears this", key: expect.stringMatching(/^fails-/) }]);
  });
});

describe("data and its workers", () => {
  let cluster: LocalCluster;
  let client: Client;
  beforeAll(async () => {
    cluster = await LocalCluster.start({ workers: 3, threadsPerWorker: 1 });
    client = await cluster.connect({ logs: "ignore" });
  });
  afterAll(async () => {
    await client?.close();
    await cluster?.close();
  });

  const array = (fill: number): Float64Array => new Float64Array(125_000).fill(fill);

  test("rebalance moves 24 MB off one worker, and every value is still right", async () => {
    const [first] = await names(client);
    const made = client.map((n: number) => new Float64Array(125_000).fill(n), range(24), { workers: [first!] });
    const { count, moves, refusedCount } = await client.rebalance(made);
    expect([count, refusedCount]).toEqual([16, 0]);
    expect(new Set(moves.map(({ from }) => from))).toEqual(new Set([first]));
    const held = Object.values(await client.hasWhat());
    expect(held.map((worker) => worker.count)).toEqual([8, 8, 8]);
    expect((await client.gather(made)).map((values) => values[9])).toEqual([...range(24)]);
    client.release(made);
  });

  test("replicated results survive workers that are killed: nothing is computed again", async () => {
    const own = await LocalCluster.start({ workers: 3, threadsPerWorker: 1 });
    try {
      const other = await own.connect({ logs: "ignore" });
      const made = other.map((n: number) => ({ pid: process.pid, data: new Float64Array(50_000).fill(n) }), range(6));
      const { count, refusedCount } = await other.replicate(made, { copies: 3 });
      expect([count, refusedCount]).toEqual([12, 0]);
      const holders = await other.whoHas(made);
      expect(Object.values(holders).every((list) => list.length === 3)).toBe(true);
      const before = (await other.gather(made)).map(({ pid }) => pid);
      const [a, b] = await other.workers();
      for (const { pid } of [a!, b!]) process.kill(pid, "SIGKILL");
      await expect.poll(async () => Object.values(await other.whoHas(made)).every((l) => l.length === 1)).toBe(true);
      expect((await other.gather(made)).map(({ pid }) => pid)).toEqual(before);
      await other.close();
    } finally {
      await own.close();
    }
  });

  test("scatterAll spreads values; by hash, two clients store one", async () => {
    const data = await client.scatterAll(range(6).map(array));
    const held = Object.values(await client.hasWhat());
    expect(held.map((worker) => worker.count)).toEqual([2, 2, 2]);
    const other = await cluster.connect({ logs: "ignore" });
    const one = await client.scatter(array(77), { hash: true });
    const same = await other.scatter(array(77), { hash: true });
    expect(same.key).toBe(one.key);
    const total = Object.values(await client.hasWhat()).reduce((sum, worker) => sum + worker.count, 0);
    expect(total).toBe(7);
    await client.close();
    expect((await same.result())[5]).toBe(77);
    await other.close();
    client = await cluster.connect({ logs: "ignore" });
    expect(data.map(({ status }) => status)).toEqual(range(6).map(() => "done"));
  });

  test("64 MB are gathered from the workers, and none of it passes through the scheduler", async () => {
    const proxy = await CountingProxy.start(cluster.address, "client", "toClient");
    const far = await Client.connect(proxy.address, { token: cluster.token, logs: "ignore" });
    try {
      const made = far.map((n: number) => new Float64Array(125_000).fill(n), range(64));
      const values = await far.gather(made);
      expect(values.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(64 * MB);
      expect(values.map((each) => each[124_999])).toEqual([...range(64)]);
      const { up, down } = proxy.take();
      expect(down.messages["located"]).toBe(64);
      expect(up.bytes + down.bytes).toBeLessThan(200_000);
    } finally {
      await far.close();
      proxy.close();
    }
  });

  test("what a retired worker alone holds is moved: scattered, computed and published", async () => {
    const own = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    try {
      const other = await own.connect({ logs: "ignore" });
      const [first, second] = await names(other);
      const scattered = await other.scatter(array(3), { workers: [first!] });
      const makes = (n: number): object => ({ pid: process.pid, data: new Float64Array(50_000).fill(n) });
      const made = other.submit(makes, [4], { workers: [first!] });
      const { pid } = (await made.result()) as { pid: number };
      const published = other.submit(makes, [5], { workers: [first!] });
      await other.publish("kept", [published]);
      await published.error();
      published.release();
      expect((await other.hasWhat())[first!]).toMatchObject({ count: 3 });
      await other.retireWorkers([first!]);
      await expect.poll(() => names(other), { timeout: 20_000 }).toEqual([second]);
      expect((await other.hasWhat())[second!]).toMatchObject({ count: 3 });
      expect((await scattered.result())[9]).toBe(3);
      expect(await made.result()).toMatchObject({ pid });
      const [kept] = await other.gather(await other.getDataset<[Future<{ pid: number }>]>("kept"));
      expect(kept!.pid).toBe(pid);

      // The last worker stays until another can take the data; what can be computed again need not be kept.
      await other.retireWorkers([second!]);
      expect(await scattered.result()).toHaveLength(125_000);
      expect((await other.workers())[0]).toMatchObject({ name: second, status: "retiring" });
      await own.scale(2);
      await expect.poll(() => names(other), { timeout: 30_000 }).not.toContain(second);
      expect((await scattered.result())[9]).toBe(3);
      await other.close();
    } finally {
      await own.close();
    }
  });

  test("data that no worker can store is refused with the reason", async () => {
    const own = await LocalCluster.start({
      workers: 2,
      threadsPerWorker: 1,
      memoryLimit: "256MiB", // with room for a value of 1 MB beside what Node takes itself
      spillDirectory: null,
    });
    try {
      const other = await own.connect({ logs: "ignore" });
      const large = other.scatter(new Uint8Array(400 * MB));
      await expect(large).rejects.toMatchObject({
        code: "FLOCK_OUT_OF_MEMORY",
        message: expect.stringContaining("--memory-limit"),
      });
      expect((await (await other.scatter(new Uint8Array(MB))).result()).length).toBe(MB);
      await other.close();
    } finally {
      await own.close();
    }
  });
});
