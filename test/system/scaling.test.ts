// Clusters that grow, shrink, and begin anew: real processes.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { totalmem } from "node:os";
import { type Client, LocalCluster, range, type WorkerInfo } from "taskflock";
import { afterEach, describe, expect, test } from "vitest";
import { cli, type Role, startRole, taskflock } from "./processes.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: Parameters<typeof LocalCluster.start>[0]): Promise<[LocalCluster, Client]> {
  const cluster = await LocalCluster.start(options);
  closing.push(() => cluster.close());
  const client = await cluster.connect({ logs: "ignore" });
  closing.push(() => client.close());
  return [cluster, client];
}

async function until(client: Client, holds: (workers: readonly WorkerInfo[]) => boolean): Promise<void> {
  while (!holds(await client.workers())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const running = (workers: readonly WorkerInfo[]): string[] =>
  workers.filter(({ status }) => status === "running").map(({ name }) => name);

/** So that a test need not wait: a task is as long as it takes. */
function sleepy(x: number): Float64Array {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  return new Float64Array(2_000).fill(x);
}

/** Roles that this process started and that run. */
function children(): string[] {
  const lines = execFileSync("ps", ["-A", "-o", "ppid=,stat=,args="], { encoding: "utf8" }).split("\n");
  return lines.filter(
    (line) => line.includes(cli) && line.trim().startsWith(`${process.pid} `) && !/^\s*\d+\s+Z/.test(line),
  );
}

describe("a cluster that adapts", () => {
  test("grows with its work and shrinks after it; nothing fails, no result is lost", async () => {
    const [cluster, client] = await start({ workers: 1, threadsPerWorker: 1 });
    const adaptive = await cluster.adapt({
      minimum: 1,
      maximum: 4,
      targetDurationMs: 500,
      intervalMs: 50,
      waitCount: 2,
    });
    const futures = client.map(sleepy, range(60));
    await until(client, (workers) => running(workers).length === 4);
    // One that shares the machine with three others is not given all of its memory.
    const limits = (await client.workers()).map(({ memoryLimitBytes }) => memoryLimitBytes);
    expect(Math.min(...limits)).toBeLessThanOrEqual(totalmem() / 4);
    // They hold results that somebody wants; those that leave hand them over.
    const results = await client.gather(futures);
    await until(client, (workers) => workers.length === 1);
    expect(results.map((values) => values[7])).toEqual(range(60));
    await adaptive.stop();
    const again = await client.gather(client.map((values: Float64Array) => values[1999], futures));
    expect(again).toEqual(range(60));
    expect(adaptive.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["scaleUp", "scaleDown"]));
    expect(adaptive.events.filter(({ kind }) => kind === "failed")).toEqual([]);
    // What left by plan is not started again.
    expect(running(await client.workers())).toHaveLength(1);
    expect((await client.cluster()).tasks).toMatchObject({ failed: 0, cancelled: 0 });
    const kinds = (await client.events()).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["scaleUp", "scaleDown", "workerRetiring", "workerLeft"]));
    expect(kinds).not.toContain("workerLost");
  });

  test("can be closed at any time: no process is left, nothing waits", async () => {
    const [cluster, client] = await start({ workers: 0, threadsPerWorker: 1 });
    const adaptive = await cluster.adapt({ minimum: 3, maximum: 3 });
    expect(children().length).toBeGreaterThan(0);
    const closed = cluster.close(); // while workers start
    await Promise.all([closed, adaptive.stop()]);
    expect(children()).toEqual([]);
    await expect(cluster.adapt({ maximum: 1 })).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
    await client.close();
  });

  test("from nothing, for tasks that ask for what its workers have; and tells what it cannot serve", async () => {
    const [cluster, client] = await start({ workers: 0, threadsPerWorker: 1, resources: { GPU: 1 } });
    const adaptive = await cluster.adapt({ maximum: 2, intervalMs: 50, waitCount: 1 });
    const gpu = client.map((x: number) => x + 1, [1, 2], { resources: { GPU: 1 } });
    expect(await client.gather(gpu)).toEqual([2, 3]);
    await until(client, (workers) => workers.length === 0);
    const tpu = client.submit(() => 1, [], { resources: { TPU: 1 } });
    while (!adaptive.events.some(({ kind }) => kind === "cannotServe")) await client.workers();
    expect(await client.workers()).toEqual([]);
    await tpu.cancel();
    // A size that is asked for ends the adapting.
    await cluster.scale(1);
    expect(await client.workers()).toHaveLength(1);
  });
});

describe("a fresh start", () => {
  test("of the cluster: all tasks are cancelled, all processes are new", async () => {
    const [cluster, client] = await start({ workers: 2, threadsPerWorker: 1 });
    const other = await cluster.connect({ logs: "ignore" });
    const before = await client.workers();
    const small = client.submit(() => 42, []);
    const large = client.submit(() => new Float64Array(100_000), []);
    expect(await small.result()).toBe(42);
    await large.result();
    const endless = client.map(() => {
      for (;;);
    }, range(3));
    const theirs = other.submit((x: unknown) => x, [other.submit(() => new Promise(() => {}), [])]);
    await until(client, (workers) => workers.every((w) => w.running === 1));
    const { restarted, kept, workers, dropped } = await client.restart();
    expect([...restarted].sort()).toEqual(before.map(({ name }) => name).sort());
    expect([kept, dropped]).toEqual([[], 1]);
    expect(workers.map(({ name }) => name).sort()).toEqual([...restarted].sort());
    const pids = new Set(before.map(({ pid }) => pid));
    expect(workers.filter(({ pid }) => pids.has(pid))).toEqual([]);
    for (const future of [...endless, theirs])
      await expect(future.result()).rejects.toMatchObject({
        code: "FLOCK_CANCELLED",
        message: expect.stringContaining("restarted by"),
      });
    await expect(large.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    expect(await small.result()).toBe(42);
    const kinds = (await client.events()).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "clusterRestarted")).toHaveLength(1);
    expect(kinds).not.toContain("workerLost");
    expect(await client.gather(client.map((x: number) => x * 2, [1, 2, 3]))).toEqual([2, 4, 6]);
    await other.close();
  });

  test("of single workers: what they hold and what waits for them is there afterwards", async () => {
    const [, client] = await start({ workers: 2, threadsPerWorker: 1 });
    const futures = client.map(sleepy, range(10));
    const data = await client.scatter(new Float64Array(50_000).fill(3));
    const before = await client.workers();
    const names = before.map(({ name }) => name);
    for (const name of names) {
      const [back] = await client.restartWorkers([name]);
      expect(back?.name).toBe(name);
      expect(before.map(({ pid }) => pid)).not.toContain(back?.pid);
    }
    expect((await client.gather(futures)).map((values) => values[0])).toEqual(range(10));
    expect((await data.result())[49_999]).toBe(3);
    expect((await client.cluster()).tasks).toMatchObject({ failed: 0, cancelled: 0 });
  });

  test("of workers without a nanny: they stay, and are named; alone they are refused", async () => {
    const [, client] = await start({ workers: 1, nanny: false });
    const [worker] = await client.workers();
    await expect(client.restartWorkers([worker!.name])).rejects.toMatchObject({ code: "FLOCK_NO_NANNY" });
    await expect(client.restartWorkers(["nobody"])).rejects.toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
    expect(await client.restart()).toMatchObject({ restarted: [], kept: [worker!.name], workers: [] });
    expect(await client.call(() => process.pid, [])).toBe(worker!.pid);
  });

  test("that takes too long names who did not come back", async () => {
    const [, client] = await start({ workers: 1, threadsPerWorker: 1 });
    const long = client.submit(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
      return process.pid;
    }, []);
    await until(client, ([worker]) => worker?.running === 1);
    const [worker] = await client.workers();
    await expect(client.restartWorkers([worker!.name], { timeoutMs: 50 })).rejects.toMatchObject({
      code: "FLOCK_WAIT_TIMEOUT",
      message: expect.stringContaining(worker!.name),
    });
    expect(await long.result()).toBe(worker!.pid); // and it was not hurt
  });
});

describe("processes that are told to stop", () => {
  async function scheduler(...args: string[]): Promise<Role> {
    const role = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", ...args]);
    closing.push(() => role.stop());
    return role;
  }

  async function worker(at: Role, ...args: string[]): Promise<Role> {
    const token = ["--token-file", at.ready.tokenFile as string];
    const role = await startRole(["worker", at.ready.address as string, "--threads", "1", ...token, ...args]);
    closing.push(() => role.stop());
    return role;
  }

  async function endOf({ child }: Role): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  async function connect(at: Role): Promise<Client> {
    const { Client } = await import("taskflock");
    const client = await Client.connect(at.ready.address, { tokenFile: at.ready.tokenFile, logs: "ignore" });
    closing.push(() => client.close());
    return client;
  }

  test.each([["worker", "--no-nanny"] as const, ["nanny"] as const])(
    "SIGTERM to a %s: what runs is finished, what is held survives",
    async (_, ...args) => {
      const at = await scheduler();
      const client = await connect(at);
      const first = await worker(at, "--name", "first", ...args);
      const held = client.submit(() => new Float64Array(10_000).fill(process.pid), []);
      const pid = (await held.result())[0];
      const long = client.submit(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
        return process.pid;
      }, []);
      await until(client, ([one]) => one?.running === 1);
      await worker(at, "--name", "second");
      await client.waitForWorkers(2); // a nanny is ready before its worker has joined
      first.child.kill("SIGTERM");
      expect(await endOf(first)).toBe(0);
      expect(await long.result()).toBe(pid);
      expect((await client.call((values: Float64Array) => [values[0], process.pid], [held]))[0]).toBe(pid);
      expect(running(await client.workers())).toEqual(["second"]);
      const told = (await client.story(held)).filter(({ to }) => to === "running" || to === "assigned");
      expect(told.length).toBeLessThanOrEqual(2); // it was not computed again
    },
  );

  test("a second SIGTERM hurries", async () => {
    const at = await scheduler();
    const client = await connect(at);
    const one = await worker(at);
    const endless = client.submit(() => {
      for (;;);
    }, []);
    await until(client, ([first]) => first?.running === 1);
    one.child.kill("SIGTERM");
    await until(client, ([first]) => first?.status === "retiring");
    one.child.kill("SIGTERM");
    await endOf(one);
    await until(client, (workers) => workers.length === 0);
    await endless.cancel();
  });

  test("a lifetime ends with a planned stop, and begins anew where that is asked for", async () => {
    const at = await scheduler();
    const client = await connect(at);
    const short = await worker(at, "--name", "short", "--lifetime", "200ms", "--lifetime-stagger", "50ms");
    expect(await endOf(short)).toBe(0);
    await worker(at, "--name", "again", "--lifetime", "500ms", "--lifetime-restart");
    const [first] = await client.waitForWorkers(1);
    await until(client, (workers) => workers.some(({ name, pid }) => name === "again" && pid !== first?.pid));
    // Longer than a lifetime all together; nothing but small results, because nobody else could take large ones.
    const reasons = (await client.events()).filter(({ kind }) => kind === "workerRetiring").map(({ text }) => text);
    expect(reasons).toEqual(expect.arrayContaining([expect.stringContaining("its lifetime is over")]));
    const results = client.map((x: number) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      return x;
    }, range(20));
    expect(await client.gather(results)).toEqual(range(20));
  });

  test("a scheduler that nobody uses ends, and its workers with it; a task keeps it", async () => {
    const at = await scheduler("--idle-timeout", "500ms");
    const client = await connect(at);
    const role = await worker(at);
    const long = client.submit(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200);
      return 7;
    }, []);
    expect(await long.result()).toBe(7);
    await client.close();
    const codes = await Promise.all([at, role].map(endOf));
    expect(codes).toEqual([0, 0]);
  });

  test("by the command line: retire, restart", async () => {
    const at = await scheduler();
    const client = await connect(at);
    const place = ["--address", at.ready.address as string, "--token-file", at.ready.tokenFile as string];
    await worker(at, "--name", "a");
    const b = await worker(at, "--name", "b");
    const before = await client.workers();
    const one = await taskflock(["restart", "a", ...place]);
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/^a \(pid \d+\): back\.\n$/) });
    expect((await taskflock(["retire", "b", ...place])).stdout).toMatch(
      /^b leaves; it still runs 0 tasks and holds 0 results\.\n$/,
    );
    await endOf(b);
    const all = await taskflock(["restart", ...place]);
    expect(all).toMatchObject({ code: 0, stdout: "1 worker back; 0 tasks and 0 results cancelled.\n" });
    const now = await client.workers();
    expect(now.map(({ name }) => name)).toEqual(["a"]);
    expect(before.map(({ pid }) => pid)).not.toContain(now[0]?.pid);
    expect((await taskflock(["retire", "nobody", ...place])).stderr).toContain("FLOCK_WORKER_UNKNOWN");
  });
});
