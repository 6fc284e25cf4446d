// Groups of tasks on real workers, which send each other bytes; some of their members end in the middle.

import { importFrom } from "@taskflock/protocol/code";
import { Client, type Future, joinGroup, type TaskOptions } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, startRole } from "./processes.ts";

const MIB = 1024 * 1024;
// biome-ignore lint/suspicious/noExplicitAny: the tasks are JavaScript
let tasks: Record<string, (...args: any[]) => Promise<any>>;
let scheduler: Role;
let client: Client;
const workers: Record<string, Role> = {};

async function worker(name: string, ...flags: string[]): Promise<Role> {
  const common = ["--token-file", scheduler.ready.tokenFile, "--no-nanny", "--log-level", "silent"];
  workers[name] = await startRole(["worker", scheduler.ready.address, "--name", name, ...common, ...flags]);
  return workers[name];
}

beforeAll(async () => {
  tasks = (await importFrom(import.meta.dirname, "./group-tasks.mjs")) as typeof tasks;
  scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "silent"]);
  await Promise.all([worker("a", "--threads", "2"), worker("b", "--threads", "2")]);
  client = await Client.connect(scheduler.ready.address, {
    tokenFile: scheduler.ready.tokenFile,
    logs: "ignore",
    packages: "installed",
  });
});
afterAll(async () => {
  await client?.close();
  await Promise.all(Object.values(workers).map((role) => role.stop()));
  await scheduler?.stop();
});

/** Submits one task per list of arguments, so that two run on each worker; what they do with errors is their own. */
function start<R>(task: string, calls: readonly unknown[][], options: readonly TaskOptions[] = []): Future<R>[] {
  return calls.map((args, i) =>
    client.submit(tasks[task]!, args, { workers: [i % 2 === 0 ? "a" : "b"], retries: 0, ...options[i] }),
  ) as Future<R>[];
}

const process = { isolation: "process" } as const;
const all = <R>(futures: readonly Future<R>[]): Promise<R[]> =>
  Promise.all(futures.map((future) => future.result())) as Promise<R[]>;

interface Joined {
  readonly rank: number;
  readonly pid: number;
}

/** Resolves when so many members have said that they joined. */
async function joined(name: string, count: number): Promise<Joined[]> {
  const queue = client.queue<Joined>(`${name} joined`);
  const members: Joined[] = [];
  while (members.length < count) members.push(await queue.get({ timeoutMs: 30_000 }));
  return members;
}

describe("members on two workers", () => {
  test.each([
    ["threads", []],
    ["threads and processes", [process, process, {}, {}]],
  ])("in %s add up, wait for each other and get the same bytes", async (kind, options) => {
    const calls = [0, 1, 2, 3].map((rank) => [kind, rank, 4]);
    const results = await all(start<{ sum: number[]; sentBytes: number; said: string }>("together", calls, options));
    for (const { sum, said } of results) expect({ sum, said }).toEqual({ sum: [0, 10, 9990], said: "from 1" });
    // Besides the sum, only the empty messages of the barrier.
    for (const { sentBytes } of results) expect(sentBytes).toBe((2 * 3 * 4000) / 4);
  });

  test.each([
    ["threads of two workers", [{}, {}]],
    ["threads of one worker", [{ workers: ["a"] }, { workers: ["a"] }]],
    ["processes of two workers", [process, process]],
    ["a process and a thread of one worker", [{ workers: ["b"], ...process }, { workers: ["b"] }]],
  ])("in %s get messages of any size, in order, whole", async (kind, options) => {
    const sizes = [0, 1, 1000, 256 * 1024, 0, 3 * MIB + 5, 10 * MIB, 7];
    const calls = [0, 1].map((rank) => [`exchange in ${kind}`, rank, sizes]);
    const results = await all(
      start<{ wrong: number[]; sentBytes: number; receivedBytes: number }>("exchange", calls, options),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(results).toEqual([0, 1].map(() => ({ wrong: [], sentBytes: bytes, receivedBytes: bytes })));
  });

  test("whose arrays differ in length are told so, and break the group", async () => {
    const ends = await all(
      start<string>(
        "wrongLength",
        [0, 1].map((rank) => ["lengths", rank]),
      ),
    );
    for (const end of ends) expect(end).toMatch(/^FLOCK_(ARGUMENT_INVALID|GROUP_BROKEN): .*differ in length/);
    expect(ends.join()).toContain("FLOCK_ARGUMENT_INVALID");
  });

  test("that retry form the group again, under the same name", async () => {
    const calls = [0, 1, 2].map((rank) => ["again", rank]);
    const results = await all(
      start<{ sum: number; attempt: number }>("failFirst", calls, Array(3).fill({ retries: 3 })),
    );
    expect(results.map(({ sum }) => sum)).toEqual([3, 3, 3]);
    expect(results[2]!.attempt).toBe(2);
  });
});

describe("a member that ends", () => {
  test.each([
    ["throw", {}, "FLOCK_GROUP_BROKEN", "member 1 ended without leaving the group"],
    ["exit", process, "FLOCK_GROUP_BROKEN", "member 1 ended its process (exit code 3)"],
    ["exit", {}, "FLOCK_GROUP_BROKEN", "member 1 ended its thread"],
    ["close", {}, "FLOCK_GROUP_BROKEN", "member 1 has left it"],
  ])("by %s (%o) is named to all who wait", async (how, isolation, code, why) => {
    const name = `ends by ${how} ${JSON.stringify(isolation)}`;
    const waiting = start<string>("wait", [
      [name, 0, 3],
      [name, 2, 3],
    ]);
    const [ending] = start("end", [[name, 3, how]], [{ ...isolation, workers: ["b"], allowedFailures: 0 }]);
    await joined(name, 2);
    await client.event(`${name} end`).set();
    for (const end of await all(waiting)) {
      expect(end).toContain(`${code}: `);
      expect(end).toContain(why);
    }
    await ending!.error();
  });

  test.each([
    ["thread", {}],
    ["process", process],
  ])("because it is cancelled, in a %s, is named to all who wait", async (kind, isolation) => {
    const name = `cancelled ${kind}`;
    const members = start<string>(
      "ring",
      [0, 1, 2].map((rank) => [name, rank, 3]),
      [{}, isolation, {}],
    );
    await joined(name, 3);
    await members[1]!.cancel();
    for (const end of await all([members[0]!, members[2]!])) {
      expect(end).toBe(`FLOCK_GROUP_BROKEN: The group "${name}" (epoch 0) is broken: member 1 was cancelled.`);
    }
  });

  test("with its worker is named to all who wait, also to those who wait for others", async () => {
    const victim = await worker("c", "--threads", "1");
    const name = "killed";
    const members = start<string>(
      "ring",
      [0, 1, 2].map((rank) => [name, rank, 3]),
      [{}, { workers: ["c"] }, {}],
    );
    await joined(name, 3);
    victim.child.kill("SIGKILL");
    for (const end of await all([members[0]!, members[2]!])) {
      expect(end).toBe(
        `FLOCK_GROUP_BROKEN: The group "${name}" (epoch 0) is broken: member 1 was lost: the connection to it ended.`,
      );
    }
    await members[1]!.cancel();
  });
});

describe("joining", () => {
  test("takes no member of another epoch", async () => {
    const stale = start("joinOnly", [["epochs", 0, 2, { epoch: 1 }]]);
    const fresh = start<number>(
      "joinOnly",
      [0, 1].map((rank) => ["epochs", rank, 2, { epoch: 2 }]),
    );
    expect(await all(fresh)).toEqual([2, 2]);
    expect(stale[0]!.status).toBe("pending");
    await stale[0]!.cancel();
  });

  test("says which members did not come", async () => {
    const late = start(
      "joinOnly",
      [1, 3].map((rank) => ["late", rank, 4, { timeoutMs: 500 }]),
    );
    for (const future of late) {
      const error = await future.error();
      expect(error).toMatchObject({ code: expect.stringMatching(/FLOCK_WAIT_TIMEOUT|FLOCK_GROUP_BROKEN/) });
      expect(error?.message).toMatch(/did not come within 500 ms: 0, 2|did not join/);
    }
  });

  test("says when workers cannot reach each other", async () => {
    await worker("far", "--threads", "1", "--advertise", "127.0.0.1:9");
    const members = start(
      "joinOnly",
      [0, 1].map((rank) => ["far", rank, 2, {}]),
      [{ workers: ["far"] }, {}],
    );
    const error = await members[1]!.error();
    expect(error).toMatchObject({ code: "FLOCK_GROUP_UNREACHABLE" });
    expect(error?.message).toContain('Member 1 of the group "far" cannot connect to the worker of member 0');
    await members[0]!.cancel();
  });

  test("refuses wrong options, and code outside of tasks", async () => {
    await expect(joinGroup({ name: "x", rank: 0, size: 1 })).rejects.toMatchObject({ code: "FLOCK_NOT_IN_TASK" });
    const wrong = start("joinOnly", [
      ["x", 2, 2, {}],
      ["x", 0, 2, { epoc: 1 }],
      ["", 0, 1, {}],
    ]);
    for (const future of wrong) expect(await future.error()).toMatchObject({ code: "FLOCK_OPTION_INVALID" });
  });

  test("lets nobody join whose task was cancelled", async () => {
    // It is to have the time to say what it was told.
    const [task] = start("joinLate", [["late"]], [{ cancelGraceMs: 30_000 }]);
    await client.variable("late began").get({ timeoutMs: 30_000 });
    await task!.cancel();
    expect(await client.variable("late said").get({ timeoutMs: 30_000 })).toBe("FLOCK_CANCELLED");
    for (const name of ["late began", "late said"]) await client.variable(name).delete();
  });

  test("a group of one needs nobody", async () => {
    expect(await all(start("joinOnly", [["alone", 0, 1, {}]]))).toEqual([0]);
  });

  test("leaves nothing behind at the scheduler", async () => {
    // Names come back when nothing is under them: a get that does not wait finds no card.
    for (const name of ["threads 0 0", "killed 0 0", "again 0 0", "late 0 1"]) {
      const card = client.variable(`taskflock.group ${name}`);
      await expect(card.get({ timeoutMs: 0 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
    }
  });
});
