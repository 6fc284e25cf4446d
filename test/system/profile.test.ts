// Profiles of real slots: functions by name and place, also of code that does not return.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, taskflock } from "./processes.ts";

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect();
}, 60_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

function rootsOf(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.sqrt(i) * Math.sin(i);
  return sum;
}

function fitted(n: number): number {
  return rootsOf(n) + rootsOf(n >> 4);
}

test("time is found in the user's functions, with their place", async () => {
  const going = await client.startProfile({ intervalUs: 500 });
  expect(going.workers).toHaveLength(2);
  await client.gather(
    client.map(
      fitted,
      Array.from({ length: 20 }, () => 2_000_000),
    ),
  );
  const profile = await going.stop();
  expect(profile.threads).toBe(2);
  const fit = profile.functions.find(({ name }) => name === "fitted");
  const roots = fit?.calls.find(({ name }) => name === "rootsOf");
  // V8 may have put one into the other.
  const longest = roots ?? fit;
  expect(longest?.file).toBe(fileURLToPath(import.meta.url));
  expect(longest!.totalMs).toBeGreaterThan(profile.idleMs / 100);
  expect(String(profile)).toMatch(/threads of 2 workers for .*\n.*total.*\n.*fitted {2}/);
  expect(await going.stop()).toBe(profile);
}, 60_000);

test("a slot whose code does not return is sampled, too, and goes on", async () => {
  const name = (await client.workers())[0]!.name;
  const endless = client.submit(
    () => {
      for (;;) Math.sqrt(2);
    },
    [],
    { workers: [name], cancelGraceMs: 0 },
  );
  await expect.poll(async () => (await client.workers())[0]!.running).toBe(1);
  const profile = await client.profile({ durationMs: 100, workers: [name] });
  expect(profile).toMatchObject({ threads: 1, silent: 0, workers: [name] });
  expect(profile.idleMs).toBeLessThan(profile.durationMs / 2);
  expect(endless.status).toBe("pending");
  await endless.cancel();
  expect(await client.call(() => 7, [], { workers: [name] })).toBe(7);
}, 60_000);

async function steps(count: number): Promise<number> {
  let sum = 0;
  for (let step = 0; step < count; step++) {
    sum += rootsOf(300_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sum;
}

test("a process slot is sampled while its code lets its event loop turn; one that does not is silent", async () => {
  expect(await client.call(() => 1, [], { isolation: "process" })).toBe(1);
  const [name] = (await client.workers()).map((worker) => worker.name) as [string];
  await client.call(() => 1, [], { isolation: "process", workers: [name] });
  const going = await client.startProfile({ workers: [name] });
  await client.call(steps, [60], { isolation: "process", workers: [name] });
  const profile = await going.stop();
  expect(profile.silent).toBe(0);
  expect(profile.functions.map((one) => one.name)).toContain("steps");
  const again = await client.startProfile({ workers: [name] });
  const endless = client.submit(
    () => {
      console.log("spinning");
      for (;;) Math.sqrt(2);
    },
    [],
    { isolation: "process", workers: [name], cancelGraceMs: 0 },
  );
  await expect.poll(async () => (await client.logs({ task: endless })).length, { timeout: 20_000 }).toBe(1);
  expect((await again.stop()).silent).toBe(1);
  await endless.cancel();
}, 60_000);

test("one client at a time; wrong options are refused; the command line prints it", async () => {
  const other = await cluster.connect({ name: "other" });
  const going = await other.startProfile();
  await expect(client.startProfile()).rejects.toMatchObject({ code: "FLOCK_PROFILE" });
  await other.close();
  const taken = (): Promise<string> =>
    client.profile({ durationMs: 1 }).then(
      () => "taken",
      (error) => error.code,
    );
  await expect.poll(taken, { timeout: 20_000 }).toBe("taken");
  await expect(going.stop()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  await expect(client.profile({ workers: ["nobody"] })).rejects.toMatchObject({ code: "FLOCK_WORKER_UNKNOWN" });
  await expect(client.profile({ intervalUs: 1 })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  const place = ["--address", cluster.address];
  const printed = await taskflock(["profile", "--seconds", "1", ...place], { TASKFLOCK_TOKEN: cluster.token });
  expect(printed).toMatchObject({ code: 0, stderr: "" });
  expect(printed.stdout).toMatch(/^2 threads of 2 workers for 1\.\d s: tasks 0 %/);
}, 60_000);

test("Ctrl-C ends it on the command line, and leaves the workers to the next one", async () => {
  const since = (await client.events()).at(-1)?.seq ?? 0;
  const child = spawn(process.execPath, [cli, "profile", "--seconds", "300", "--address", cluster.address], {
    env: { ...process.env, TASKFLOCK_TOKEN: cluster.token },
    stdio: "ignore",
  });
  const ended = once(child, "close");
  for await (const { kind, who } of client.followEvents({ since })) {
    if (kind === "clientJoined" && who === "taskflock profile") break;
  }
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect((await client.profile({ durationMs: 10 })).workers).toHaveLength(2);
}, 60_000);
