// Queues, locks and their kin between real processes, some of which die; and clients inside of tasks.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { importFrom } from "@taskflock/protocol/code";
import { Client, range, taskClient } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, startRole } from "./processes.ts";

let folder: string;
let scheduler: Role;
let worker: Role;
let client: Client;
let tasks: Record<
  "work" | "add" | "waitInVain" | "acquire" | "acquireAndLeave" | "acquireAndSpin",
  (argument?: unknown) => Promise<unknown>
>;
const children: ChildProcess[] = [];

const PATIENT = { timeout: 20_000 };

/** `grace`: how long the scheduler waits for a client that is cut off. */
function onCluster(grace: string): void {
  beforeAll(async () => {
    tasks = (await importFrom(import.meta.dirname, "./coordination-tasks.mjs")) as typeof tasks;
    const cache = fileURLToPath(new URL("../../.cache", import.meta.url));
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, "coordination-")); // inside the repository, so that `taskflock` resolves
    const ports = ["--port", "0", "--dashboard-port", "0"];
    scheduler = await startRole(["scheduler", ...ports, "--session-reconnect", grace, "--log-level", "silent"]);
    const { address, tokenFile } = scheduler.ready;
    const flags = ["--token-file", tokenFile, "--threads", "2", "--processes", "1", "--log-level", "silent"];
    worker = await startRole(["worker", address, "--name", "w", ...flags]);
    client = await Client.connect(address, { tokenFile, logs: "ignore", packages: "installed" });
  });
  afterAll(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await client?.close();
    await worker?.stop();
    await scheduler?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** A client in a process of its own, and the first line that it prints. */
async function program(...lines: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const file = join(folder, `${children.length}.mjs`);
  const { address, tokenFile } = scheduler.ready;
  const connect = `const client = await Client.connect("${address}", ${JSON.stringify({ tokenFile, name: "other" })});`;
  writeFileSync(file, ['import { Client, taskClient } from "taskflock";', connect, ...lines].join("\n"));
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  return { child, line };
}

describe("a process that is killed", () => {
  onCluster("200ms");

  test("with a lock, a lease and a place in a line: the next ones get them", async () => {
    const { child } = await program(
      'await client.lock("model").acquire();',
      'await client.semaphore("licences", { leases: 1 }).acquire();',
      'client.queue("work").get().catch(() => {});',
      "await client.cluster();",
      'console.log("holds");',
    );
    const waiting = [client.lock("model").acquire(), client.semaphore("licences", { leases: 1 }).acquire()];
    expect((await client.lock("model").info()).holders).toEqual(["other"]);
    expect(await client.lock("model").tryAcquire()).toBeUndefined();
    child.kill("SIGKILL");
    for (const lease of await Promise.all(waiting)) await lease.release();
    await client.queue("work").put("for somebody who lives");
    expect(await client.queue("work").tryGet()).toBe("for somebody who lives");
  });

  test("after it put futures and values: they stay", async () => {
    const { child } = await program(
      'const queue = client.queue("results");',
      "await queue.put(client.submit((x) => x ** 2, [7]));",
      'await client.variable("best").set({ score: 0.5 });',
      'await client.event("ready").set();',
      'console.log("put");',
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect
      .poll(async () => (await client.cluster()).runs.some(({ name }) => name === "other"), PATIENT)
      .toBe(false);
    await client.event("ready").wait();
    expect(await client.variable("best").get()).toEqual({ score: 0.5 });
    const future = await client.queue<import("taskflock").Future<number>>("results").get();
    expect(await future.result()).toBe(49);
    future.release();
  });
});

describe("a client inside a task", () => {
  // So long that nothing is free because of it: what is, was let go.
  onCluster("10m");

  test("takes from queues, puts into them, and submits tasks, in threads and in processes", async () => {
    for (const isolation of ["thread", "process"] as const) {
      const future = client.submit(tasks.work, [`items ${isolation}`], { isolation });
      await client.queue(`items ${isolation}`).put(12);
      expect(await future.result()).toBe("shared");
      expect(await client.queue(`items ${isolation} out`).tryGet()).toBe(144);
    }
  });

  test("imported at the top of a program, it is the worker's own", async () => {
    const { line } = await program(
      "const nested = async (x) => (await (await taskClient()).call((y) => y + 1, [x])) * 2;",
      "console.log(await client.call(nested, [20]));",
      "await client.close();",
    );
    expect(line).toBe("42");
  });

  test("a lock makes tasks take turns", async () => {
    await client.variable("total").set(0);
    await client.gather(client.map(tasks.add, range(1, 21)));
    expect(await client.variable("total").get()).toBe(210);
  });

  test("what a task forgets to release is free when it ends", async () => {
    await client.call(tasks.acquire, ["forgotten"]);
    expect((await client.lock("forgotten").acquire()).held).toBe(true);
  });

  test("what a task gets that has ended is free at once", async () => {
    const lock = client.lock("left");
    const held = await lock.acquire();
    await client.call(tasks.acquireAndLeave, ["left"]);
    await expect.poll(async () => (await lock.info()).waiting, PATIENT).toBe(1);
    await held.release();
    await expect.poll(() => lock.info(), PATIENT).toEqual({ holders: [], waiting: 0 });
  });

  test("a cancelled task waits no more, and holds nothing any more: also one whose slot has to be ended", async () => {
    const blocked = await client.lock("blocked").acquire();
    const waiting = client.submit(tasks.acquire, ["blocked"]);
    await expect.poll(async () => (await client.lock("blocked").info()).waiting, PATIENT).toBe(1);
    await waiting.cancel();
    await expect.poll(async () => (await client.lock("blocked").info()).waiting, PATIENT).toBe(0);
    await blocked.release();

    for (const isolation of ["thread", "process"] as const) {
      const spinning = client.submit(tasks.acquireAndSpin, ["spun"], { cancelGraceMs: 0, isolation });
      await expect.poll(async () => (await client.lock("spun").info()).holders, PATIENT).toEqual(["task on w"]);
      const next = client.lock("spun").acquire();
      await spinning.cancel();
      await (await next).release();
    }
  });

  test("tasks that wait for tasks while they have all slots are told so in their log", async () => {
    const lines: string[] = [];
    const { address, tokenFile } = scheduler.ready;
    const logs = ({ text }: { text: string }): void => void lines.push(text);
    await using listener = await Client.connect(address, { tokenFile, logs, packages: "installed" });
    const both = [0, 1].map(() => listener.submit(tasks.waitInVain, []));
    await expect.poll(() => lines.join("\n"), PATIENT).toMatch(/waits for tasks that find no free slot/);
    await listener.cancel(both);
    expect(await client.call((x: number) => x, [1])).toBe(1);
  });

  test("there is none outside of tasks", async () => {
    await expect(taskClient()).rejects.toMatchObject({ code: "FLOCK_NOT_IN_TASK" });
  });
});
