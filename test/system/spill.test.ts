// Memory pressure for real: results that together, or alone, are larger than a worker's memory for them; disks that are full; workers
// that are killed.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asCompleted, type Client, type Future, LocalCluster, type LocalClusterOptions, range } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MIB = 1024 * 1024;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "taskflock-spill-test-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function withCluster(options: Partial<LocalClusterOptions>, act: (client: Client) => Promise<void>) {
  const cluster = await LocalCluster.start({
    workers: 1,
    threadsPerWorker: 2,
    spillDirectory: directory,
    logLevel: "error",
    ...options,
  });
  try {
    const client = await cluster.connect({ logs: "ignore" });
    await act(client);
    await client.close();
  } finally {
    await cluster.close();
  }
}

const block = (seed: number, mib: number) => new Float64Array(mib * 131_072).fill(seed);
const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0);
const ended = async (futures: readonly Future<unknown>[]): Promise<void> => {
  for await (const future of asCompleted(futures)) expect(future.status).toBe("done");
};
const paths = (): string[] =>
  readdirSync(directory).flatMap((name) =>
    readdirSync(join(directory, name)).map((file) => join(directory, name, file)),
  );

describe("64 MiB for results", () => {
  const small = { memoryLimit: "640MiB", memoryTarget: 0.1 } as const;

  test(
    "hold four times as many, read back by tasks and by the client; a chain runs over them; nothing stays",
    () =>
      withCluster(small, async (client) => {
        const blocks = client.map(
          block,
          range(64),
          range(64).map(() => 4),
        );
        await ended(blocks);
        await expect.poll(async () => (await client.workers())[0]!.metrics?.spilledBytes).toBeGreaterThan(180 * MIB);
        const { metrics } = (await client.workers())[0]!;
        expect(metrics!.arenaBytes).toBeLessThanOrEqual(64 * MIB);
        expect(metrics!.spillCount).toBeGreaterThanOrEqual(45);
        expect(paths().length).toBeGreaterThanOrEqual(45);
        const sums = await client.gather(client.map(total, blocks));
        expect(sums).toEqual(range(64).map((seed) => seed * 4 * 131_072));
        for (const seed of [0, 31, 63]) {
          const back = (await blocks[seed]!.result()) as Float64Array;
          expect([back.length, back[0], back.at(-1)]).toEqual([4 * 131_072, seed, seed]);
        }
        let link = client.submit(block, [1, 4]);
        for (let i = 0; i < 20; i++) {
          const next = client.submit((x: Float64Array) => x.map((v) => v + 1), [link]) as typeof link;
          link.release();
          link = next;
        }
        expect(await client.call(total, [link])).toBe(21 * 4 * 131_072);
        for (const future of blocks) future.release();
        link.release();
        await expect.poll(() => paths().length).toBe(0);
      }),
    120_000,
  );

  test(
    "one result larger than that, one that is scattered, and one that another worker fetches",
    () =>
      withCluster({ memoryLimit: "2GiB", memoryTarget: 0.03, workers: 2, threadsPerWorker: 1 }, async (client) => {
        const [one, two] = (await client.workers()).map(({ name }) => name);
        const large = client.submit(block, [3, 96], { workers: [one!] });
        expect(await client.call(total, [large], { workers: [two!] })).toBe(3 * 96 * 131_072);
        const own = client.submit((x: Float64Array) => x.map((v) => v * 2), [large], {
          workers: [one!],
          isolation: "process",
        });
        expect(await client.call(total, [own], { workers: [one!] })).toBe(6 * 96 * 131_072);
        const given = await client.scatter(block(2, 80));
        expect(await client.call(total, [given])).toBe(2 * 80 * 131_072);
        expect(((await large.result()) as Float64Array).length).toBe(96 * 131_072);
      }),
    120_000,
  );

  test(
    "a worker that is killed leaves no files behind, and what it held is made again",
    () =>
      withCluster(small, async (client) => {
        const blocks = client.map(
          block,
          range(32),
          range(32).map(() => 4),
        );
        await ended(blocks);
        await expect.poll(() => paths().length).toBeGreaterThan(10);
        const [folder] = readdirSync(directory);
        process.kill((await client.workers())[0]!.pid, "SIGKILL");
        expect(await client.gather(client.map(total, blocks))).toEqual(range(32).map((seed) => seed * 4 * 131_072));
        expect(readdirSync(directory)).not.toContain(folder);
      }),
    120_000,
  );

  test(
    "and data larger than all the memory of its worker, there and back",
    () =>
      withCluster({ memoryLimit: "400MiB", threadsPerWorker: 1 }, async (client) => {
        const bytes = new Uint8Array(Buffer.alloc(450 * MIB, "0123456").buffer);
        const given = await client.scatter(bytes);
        const back = (await given.result()) as Uint8Array;
        expect(Buffer.compare(back, bytes)).toBe(0);
        expect((await client.events()).map(({ kind }) => kind)).not.toContain("workerLost");
      }),
    120_000,
  );

  test(
    "a file that is damaged is noticed by whoever reads it, and the result is made again",
    () =>
      withCluster(small, async (client) => {
        const blocks = client.map(
          block,
          range(32),
          range(32).map(() => 4),
        );
        await ended(blocks);
        await expect.poll(async () => (await client.workers())[0]!.metrics?.spilledBytes).toBeGreaterThan(40 * MIB);
        for (const path of paths()) {
          const file = openSync(path, "r+");
          writeSync(file, "damaged", 2 * MIB);
          closeSync(file);
        }
        for (const seed of range(16)) {
          const back = (await blocks[seed]!.result()) as Float64Array;
          expect([back.length, total(back)]).toEqual([4 * 131_072, seed * 4 * 131_072]);
        }
        expect(await client.gather(client.map(total, blocks))).toEqual(range(32).map((seed) => seed * 4 * 131_072));
      }),
    120_000,
  );
});

/** A disk of 16 MiB, if this user may make one. */
function mountSmallDisk(): string | null {
  const path = join(directory, "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", path], { stdio: "ignore" });
    return path;
  } catch {
    rmSync(path, { recursive: true });
    return null;
  }
}

describe("a disk that is full", () => {
  test("fails the one task that found no room, coded; what was there stays", async ({ skip }) => {
    const disk = mountSmallDisk();
    if (disk === null) skip("a small disk cannot be mounted: that takes root, and Linux");
    try {
      await withCluster({ memoryLimit: "640MiB", memoryTarget: 0.1, spillDirectory: disk! }, async (client) => {
        const blocks = client.map(
          block,
          range(14),
          range(14).map(() => 4),
        );
        await ended(blocks);
        const error = await client.submit(block, [1, 48]).error();
        expect(error).toMatchObject({ code: "FLOCK_DISK_FULL", message: expect.stringContaining("ENOSPC") });
        expect(await client.gather(client.map(total, blocks))).toEqual(range(14).map((seed) => seed * 4 * 131_072));
        await expect(client.scatter(block(1, 48))).rejects.toMatchObject({
          code: "FLOCK_DISK_FULL",
          message: expect.stringContaining("ENOSPC"),
        });
        for (const future of blocks) future.release();
        expect(await client.call(total, [client.submit(block, [2, 4])])).toBe(8 * 131_072);
      });
    } finally {
      execFileSync("umount", ["-l", disk!]);
    }
  }, 120_000);

  test("or not there at all: the same", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    await withCluster({ memoryLimit: "640MiB", memoryTarget: 0.1, spillDirectory: file }, async (client) => {
      const error = await client.submit(block, [1, 96]).error();
      expect(error).toMatchObject({ code: "FLOCK_DISK_FULL", message: expect.stringContaining("--spill-directory") });
      expect(await client.call((x: number) => x, [7])).toBe(7);
    });
  }, 60_000);
});

describe("memory that tasks take", () => {
  const marks = { memoryLimit: "640MiB", threadsPerWorker: 2 } as const;

  test(
    "pauses the worker until it is free again, and the events say so",
    () =>
      withCluster({ ...marks, memoryPause: 0.5 }, async (client) => {
        const go = join(directory, "go");
        const hog = async (file: string) => {
          const { existsSync } = process.getBuiltinModule("node:fs");
          const held = Buffer.alloc(300 * 1024 * 1024, 1);
          while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
          return held.length;
        };
        const hogging = client.submit(hog, [go]);
        const status = async () => (await client.workers())[0]!.status;
        await expect.poll(status, { timeout: 30_000 }).toBe("paused");
        const waiting = client.map((x: number) => x + 1, range(20));
        expect(await status()).toBe("paused");
        expect(waiting.filter((future) => future.status === "done")).toEqual([]);
        writeFileSync(go, "");
        expect(await hogging.result()).toBe(300 * MIB);
        expect(await client.gather(waiting)).toEqual(range(20).map((x) => x + 1));
        await expect.poll(status, { timeout: 30_000 }).toBe("running");
        const kinds = (await client.events()).map(({ kind, text }) => `${kind}: ${text}`).join("\n");
        expect(kinds).toMatch(/workerPaused: it takes \d+ MiB of 640 MiB; no new tasks above 50 %\n/);
        expect(kinds).toMatch(/workerResumed: it takes /);
      }),
    120_000,
  );

  test(
    "without end has the nanny restart it; the task fails and says so, others run",
    () =>
      withCluster(marks, async (client) => {
        const runaway = () => {
          const held: Buffer[] = [];
          for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));
        };
        const error = await client.submit(runaway, [], { allowedFailures: 0 }).error();
        expect(error).toMatchObject({ code: "FLOCK_KILLED_WORKER" });
        expect(error!.message).toMatch(/above its memory limit \([\d.]+ [MG]iB of 640 MiB\)/);
        expect(await client.call((x: number) => x, [7])).toBe(7);
        const lost = (await client.events()).filter(({ kind }) => kind === "workerLost");
        expect(lost).toHaveLength(1);
        expect(lost[0]!.text).toContain("above its memory limit");
      }),
    120_000,
  );
});
