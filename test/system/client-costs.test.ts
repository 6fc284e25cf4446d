// What a task costs its client, in what does not depend on time: allocations, frames, looks of the inspector. The limits are about
// a third above what was measured when they were last set.

import { type HeapProfiler, Session } from "node:inspector";
import { type Client, type Future, range, Client as Taskflock } from "taskflock";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Role, startRole } from "./processes.ts";

const TASKS = 10_000;
const CALLS = 2_000;
/** Bytes that the client allocates per task, from the call to the release. */
const limits = { map: 810, submit: 1_240, dependent: 1_520 };
/** And per call, where each waits for the one before. */
const callLimit = 5_700;

const roles: Role[] = [];
let client: Client;
beforeAll(async () => {
  const quiet = ["--log-level", "warn"];
  const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", ...quiet]);
  roles.push(scheduler);
  const { address, tokenFile } = scheduler.ready;
  const token = ["--token-file", tokenFile];
  roles.push(await startRole(["worker", address, "--threads", "1", "--no-nanny", ...token, ...quiet]));
  client = await Taskflock.connect(address, { tokenFile });
  await client.waitForWorkers(1);
});
afterAll(async () => {
  await client?.close();
  for (const role of roles.reverse()) await role.stop();
});

interface Sampled {
  readonly selfSize: number;
  readonly children: readonly Sampled[];
}

function sizeOf({ selfSize, children }: Sampled): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize);
}

/** Bytes that this thread allocates while `work` runs, sampled, the dead included. */
async function allocated(work: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  session.post("HeapProfiler.startSampling", { samplingInterval: 1024, ...all });
  await work();
  let profile: HeapProfiler.SamplingHeapProfile | undefined;
  session.post("HeapProfiler.stopSampling", (_error, found) => {
    profile = found?.profile;
  });
  session.disconnect();
  return sizeOf(profile!.head);
}

const works: Readonly<Record<keyof typeof limits, () => Future<number>[]>> = {
  map: () => client.map((x: number) => x, range(TASKS)),
  submit: () => range(TASKS).map((i) => client.submit((x: number) => x, [i])),
  dependent: () => {
    const futures: Future<number>[] = [client.submit((x: number) => x, [0])];
    for (let i = 1; i < TASKS; i++) futures.push(client.submit((x: number) => x + 1, [futures[i >> 1]!]));
    return futures;
  },
};

test.each(Object.keys(limits) as (keyof typeof limits)[])("%s: in allocations", async (name) => {
  const run = async (): Promise<void> => {
    const futures = works[name]();
    await client.gather(futures);
    client.release(futures);
  };
  for (let round = 0; round < 5; round++) await run(); // compiles the code
  const bytesPerTask = (await allocated(run)) / TASKS;
  expect(bytesPerTask).toBeGreaterThan(100); // it is they that were measured
  expect(bytesPerTask).toBeLessThan(limits[name]);
});

test("calls one after the other, in allocations", async () => {
  const calls = async (): Promise<void> => {
    let right = 0; // `expect` allocates more than a call
    for (let i = 0; i < CALLS; i++) if ((await client.call((x: number) => x + 2, [i])) === i + 2) right++;
    expect(right).toBe(CALLS);
  };
  await calls(); // compiles the code
  const bytesPerCall = (await allocated(calls)) / CALLS;
  expect(bytesPerCall).toBeGreaterThan(1_000); // it is they that were measured
  expect(bytesPerCall).toBeLessThan(callLimit);
});

test("functions of one text, made anew for each call: the inspector is asked once", async () => {
  const connect = vi.spyOn(Session.prototype, "connect");
  try {
    for (let i = 0; i < 20; i++) expect(await client.call((x: number) => x - 1, [i])).toBe(i - 1);
    expect(connect.mock.calls.length).toBeLessThanOrEqual(1);
  } finally {
    connect.mockRestore();
  }
});
