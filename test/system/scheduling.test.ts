// Resources, limits and "why" over real processes. Tasks wait for files, so that who runs when is the test's to say.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type ClusterInfo, delayed, dummyClassifier, isFlockError, LocalCluster, range } from "taskflock";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { taskflock } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
const GPU = { resources: { GPU: 1 } };

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 4, resources: { GPU: 1 } });
  client = await cluster.connect({ logs: "ignore" });
});
afterEach(async () => {
  await expect.poll(async () => left(await client.cluster())).toEqual([]);
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true });
});

/** Tasks that have not ended, and resources that are taken. */
function left({ tasks, workers }: ClusterInfo): string[] {
  const { waiting, queued, assigned, running } = tasks;
  const found = waiting + queued + assigned + running > 0 ? [`${waiting} ${queued} ${assigned} ${running}`] : [];
  for (const { name, resourcesUsed } of workers) {
    for (const [resource, amount] of Object.entries(resourcesUsed))
      if (amount !== 0) found.push(`${name} ${resource} ${amount}`);
  }
  return found;
}

/** Returns its number once the file is there. */
async function waitFor(file: string, n: number): Promise<number> {
  const { existsSync } = await import("node:fs");
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
  return n;
}

const counts = async (): Promise<readonly number[]> => {
  const { running, queued, assigned } = (await client.cluster()).tasks;
  return [running, assigned, queued];
};

test("forty tasks of a GPU each on two workers: two run, 38 stay with the scheduler, a third worker gets one at once", async () => {
  const file = join(folder, "forty");
  const futures = client.map((n: number) => waitFor(file, n), range(40), GPU);
  await expect.poll(counts).toEqual([2, 0, 38]);

  const busy = (await client.why(futures[39]!)).text;
  expect(busy).toContain("It asks for GPU=1: 2 workers can run it.");
  expect(busy).toMatch(/GPU is taken by \S+ on \S+ \(running for .*\), \S+ on \S+ \(running for .*\)\./);
  expect(busy).toContain("2 of 2 slots for such tasks are taken; 37 tasks are before it.");

  await cluster.scale(3);
  await expect.poll(counts).toEqual([3, 0, 37]);

  // Deaths, cancels and retires, each with tasks running and queued.
  await client.cancel(futures.slice(0, 10));
  await expect.poll(counts).toEqual([3, 0, 27]);
  await cluster.killWorker(0);
  await expect.poll(counts).toEqual([3, 0, 27]); // its nanny starts it again
  const [name] = (await client.workers()).filter(({ running }) => running > 0).map((worker) => worker.name);
  await client.retireWorkers([name!]);
  writeFileSync(file, "");
  expect(await client.gather(futures.slice(10))).toEqual([...range(10, 40)]);
  client.release(futures);
});

test("why and story from another process, by key", async () => {
  const file = join(folder, "why");
  const load = client.submit((n: number) => waitFor(file, n), [1], { name: "load", key: "the data" });
  const fit = client.submit((n: number) => n + 1, [load], { name: "fit" });
  await expect.poll(async () => (await client.why("the data")).status).toBe("running");
  const env = { TASKFLOCK_TOKEN: cluster.token };
  const at = ["--address", cluster.address];
  const why = await taskflock(["why", fit.key, ...at], env);
  expect(why.stderr).toBe("");
  expect(why.stdout).toMatch(/waits for its input: 1 running \(the data\)|was sent to \S+ ahead/);
  expect(why.stdout).toMatch(/the data has been running on \S+ for /);
  const json = JSON.parse((await taskflock(["why", "the data", "--json", ...at], env)).stdout);
  expect(json).toMatchObject({ key: "the data", status: "running", worker: { status: "running" } });
  expect((await taskflock(["story", "the data", ...at], env)).stdout).toMatch(/assigned.*\n.*running/);
  const unknown = await taskflock(["why", fit.key.replace("fit", "fib"), ...at], env);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain(`Near it: "${fit.key}"`);
  expect(unknown.stderr).toContain("FLOCK_TASK_UNKNOWN");
  writeFileSync(file, "");
  expect(await fit.result()).toBe(2);
  client.release([load, fit]);
});

test("a deadline stops code that runs, and what waits for it", async () => {
  const endless = client.submit(
    () => {
      for (;;);
    },
    [],
    { deadlineMs: 300, cancelGraceMs: 0, retries: 3 },
  );
  const after = client.submit((x: unknown) => x, [endless]);
  const error = await endless.error();
  expect(isFlockError(error, "FLOCK_DEADLINE_EXCEEDED")).toBe(true);
  expect(error!.message).toMatch(/had not ended 300 ms after its submission \(deadlineMs\): it was (running|given)/);
  expect(await after.error()).toMatchObject({
    code: "FLOCK_DEPENDENCY_FAILED",
  });
  client.release([endless, after]);
});

test("a requirement that no worker meets: a notice, and an error after noWorkerTimeoutMs", async () => {
  const future = client.submit(() => 1, [], { resources: { GPU: 2, TPU: 1 }, noWorkerTimeoutMs: 50 });
  const error = await future.error();
  expect(isFlockError(error, "FLOCK_NO_WORKER_TIMEOUT")).toBe(true);
  expect(error!.message).toMatch(
    /It asks for GPU=2 and TPU=1: no worker has GPU=2 \(\S+ has 1.*\), and no worker has any TPU\./,
  );
  future.release();
});

test("options are checked, and pass through map, delayed calls and searches", async () => {
  const refused = (options: object): unknown => {
    try {
      return client.submit(() => 1, [], options);
    } catch (error) {
      return error;
    }
  };
  for (const options of [{ deadlineMs: -1 }, { noWorkerTimeoutMs: "1s" }, { deadlineMs: Number.NaN }]) {
    expect(refused(options)).toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  }
  const never = { workers: ["nobody"], noWorkerTimeoutMs: 10 };
  const [mapped] = client.map(() => 1, [1], never);
  const computed = client.compute(delayed(() => 1).with(never)());
  const searched = client.gridSearch({
    estimator: dummyClassifier(),
    params: { strategy: ["prior"] },
    ...{ X: [[1], [2], [3], [4]], y: [0, 1, 0, 1], cv: 2, errorScore: "raise" },
    task: { resources: { TPU: 1 }, noWorkerTimeoutMs: 10 },
  });
  const late = { code: "FLOCK_NO_WORKER_TIMEOUT" };
  expect(await mapped!.error()).toMatchObject(late);
  expect(await computed.error()).toMatchObject(late);
  const error = await searched.result().catch((reason: Error) => reason);
  expect((error as Error).cause ?? error).toMatchObject(late);
  client.release([mapped!, computed]);
});
