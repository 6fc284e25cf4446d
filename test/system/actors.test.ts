// Actors over real processes: the order of calls, what they take and give, how they end, and what is left of them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import {
  type Actor,
  actorKey,
  actorValue,
  Client,
  closeActor,
  LocalCluster,
  taskContext,
  type WorkerInfo,
} from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRole } from "./processes.ts";

class Ledger {
  readonly entries: number[] = [];
  readonly kept: Float64Array[] = [];
  readonly start: number;
  readonly #folder: string;

  constructor(start: number, folder = "") {
    if (start < 0) throw new RangeError("a ledger does not begin below zero");
    this.start = start;
    this.#folder = folder;
  }

  add(entry: number): number {
    this.entries.push(entry);
    return this.entries.length;
  }

  async later(entry: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return this.add(entry);
  }

  fail(): never {
    throw new RangeError("no such page");
  }

  keep(values: Float64Array): number {
    this.kept.push(values);
    return this.kept.length;
  }

  sum(): number {
    return this.kept.reduce((sum, values) => sum + values.reduce((a, b) => a + b, 0), this.start);
  }

  large(count: number): Float64Array {
    return new Float64Array(count).fill(this.start);
  }

  exit(): void {
    process.exit(3);
  }

  spin(): void {
    for (;;);
  }

  async wait(): Promise<string> {
    const { signal } = taskContext();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    throw signal.reason;
  }

  pid(): number {
    return process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { writeFileSync: write } = await import("node:fs");
    if (this.#folder !== "") write(`${this.#folder}/${this.start}`, String(this.entries.length));
  }
}

/** Inside the repository, so that programs there find the package. */
const programs = fileURLToPath(new URL("../../.cache/actors", import.meta.url));

let cluster: LocalCluster;
let client: Client;
let folder: string;
beforeAll(async () => {
  mkdirSync(programs, { recursive: true });
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, logLevel: "silent" });
  client = await cluster.connect({ logs: "ignore" });
  folder = mkdtempSync(join(tmpdir(), "taskflock-actors-"));
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const actorsAt = (workers: readonly WorkerInfo[]): number => workers.reduce((sum, { actors }) => sum + actors, 0);
const noActors = (): Promise<void> =>
  expect.poll(async () => actorsAt(await client.workers()), { timeout: 30_000 }).toBe(0);
const codeOf = async (future: { error(): Promise<Error | null> }): Promise<unknown> =>
  ((await future.error()) as { code?: string } | null)?.code;

describe("calls", () => {
  test("of one client run in their order, one at a time, whether or not they wait", async () => {
    const ledger = await client.actor(Ledger, [0]);
    const futures = Array.from({ length: 1000 }, (_, i) => (i % 10 === 3 ? ledger.later(i) : ledger.add(i)));
    expect(await client.gather(futures)).toEqual(futures.map((_, i) => i + 1));
    expect(await actorValue(ledger, "entries").result()).toEqual(futures.map((_, i) => i));
    closeActor(ledger);
    await noActors();
  });

  test("of two clients keep the order of each", async () => {
    const other = await cluster.connect();
    const shared = { key: "ledger" };
    const [mine, theirs] = [await client.actor(Ledger, [0], shared), await other.actor(Ledger, [0], shared)];
    const calls = [];
    for (let i = 0; i < 300; i++) calls.push((i % 2 === 0 ? mine : theirs).add(i));
    await Promise.all(calls.map((call) => call.result()));
    const entries = await actorValue(mine, "entries").result();
    expect(entries.filter((i) => i % 2 === 0)).toEqual(Array.from({ length: 150 }, (_, i) => 2 * i));
    expect(entries.filter((i) => i % 2 === 1)).toEqual(Array.from({ length: 150 }, (_, i) => 2 * i + 1));
    closeActor(mine);
    expect(await theirs.add(1).result()).toBe(301);
    await other.close();
    await noActors();
  });

  test("take futures and large arguments, which the actor may keep, and give large results", async () => {
    using ledger = await client.actor(Ledger, [client.submit(() => 5, [])]);
    const data = await client.scatter(new Float64Array(100_000).fill(1));
    ledger.keep(data);
    ledger.keep(client.submit((n: number) => new Float64Array(n).fill(2), [50_000]));
    data.release();
    // Memory that was the arguments' is used again by then.
    for (let i = 0; i < 4; i++) await client.call((n: number) => new Float64Array(n).fill(9), [100_000]);
    expect(await ledger.sum().result()).toBe(5 + 100_000 + 100_000);
    const large = ledger.large(200_000);
    expect(await client.call((values: Float64Array) => values.length + values[0]!, [large])).toBe(200_005);
    expect((await large.result())[199_999]).toBe(5);
  });

  test("fail alone with what the method threw; what is no method is told", async () => {
    using ledger = await client.actor(Ledger, [0]);
    const failed = ledger.fail();
    expect(await failed.error()).toMatchObject({ name: "RangeError", message: "no such page", taskKey: failed.key });
    expect(failed.key).toMatch(/^Ledger\.fail-/);
    const odd = (ledger as unknown as { nothing(): ReturnType<typeof ledger.add> }).nothing();
    expect((await odd.error())?.message).toContain("no method nothing");
    expect(await ledger.add(1).result()).toBe(1);
  });

  test("are refused of what is closed, and of what is no class or no actor", async () => {
    const ledger = await client.actor(Ledger, [0]);
    closeActor(ledger);
    expect(() => ledger.add(1)).toThrow(expect.objectContaining({ code: "FLOCK_RELEASED" }));
    expect(() => closeActor({} as never)).toThrow(expect.objectContaining({ code: "FLOCK_ARGUMENT_INVALID" }));
    await expect(client.actor(5 as never, [])).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await expect(client.actor(Ledger, 5 as never)).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    await expect(client.actor(Ledger, [0], { retries: 1 } as never)).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
    using other = await client.actor(Ledger, [0]);
    expect(() => client.submit((a: unknown) => a, [other])).toThrow(
      expect.objectContaining({ code: "FLOCK_NOT_SERIALIZABLE" }),
    );
  });

  test("by a handle that prints as its key, and takes no properties", async () => {
    const ledger = await client.actor(Ledger, [0]);
    expect([inspect(ledger), `${ledger}`]).toEqual(Array(2).fill(`Actor(${actorKey(ledger)})`));
    expect(() => Object.assign(ledger, { start: 1 })).toThrow(/start cannot be set on the handle of an actor/);
    closeActor(ledger);
  });

  test("that are cancelled before they run are left out; one that heeds its signal ends without the actor", async () => {
    using ledger = await client.actor(Ledger, [0]);
    const waits = ledger.wait();
    const [never, after] = [ledger.add(1), ledger.add(2)];
    await never.cancel();
    await waits.cancel();
    expect(await codeOf(waits)).toBe("FLOCK_CANCELLED");
    expect(await after.result()).toBe(1);
  });
});

/** A program beside the package, as users write it: tasks and an actor that call another by its key. */
const byKey = `
import { Client, closeActor, taskClient } from "taskflock";
const client = await Client.connect(process.argv[2]);
const addAll = async (key, from) => {
  const found = await (await taskClient()).getActor(key);
  const counts = await Promise.all([from, from + 1, from + 2].map((entry) => found.add(entry).result()));
  closeActor(found);
  return counts;
};
class Asker {
  async ask(key) {
    const own = await taskClient();
    const twice = await own.call((x) => x * 2, [20]);
    const found = await own.getActor(key);
    const added = found.add(twice);
    closeActor(found);
    return added.result();
  }
}
const key = process.argv[3];
const counts = [await client.call(addAll, [key, 10]), await client.call(addAll, [key, 20])];
const asker = await client.actor(Asker, []);
console.log(JSON.stringify([...counts, await asker.ask(key).result()]));
await client.close();
`;

/** Runs a program with the cluster's address, and gives what it printed first. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const child = start(program, cluster, ...args);
  const [data] = (await once(child.stdout!, "data")) as [Buffer];
  await once(child, "close");
  return String(data).trim();
}

function start(
  program: string,
  at: { readonly address: string; readonly token: string },
  ...args: string[]
): ChildProcess {
  const file = join(programs, "actors.mjs");
  writeFileSync(file, program);
  return spawn(process.execPath, [file, at.address, ...args], {
    env: { ...process.env, TASKFLOCK_TOKEN: at.token },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

describe("an actor by its key", () => {
  test("is called by tasks, other actors and other clients, while somebody has it", async () => {
    const ledger = await client.actor(Ledger, [0]);
    const key = actorKey(ledger);
    expect(await run(byKey, key)).toBe("[[1,2,3],[4,5,6],7]");
    const other = await cluster.connect();
    const theirs = await other.getActor<Ledger>(key, { timeoutMs: 10_000 });
    closeActor(ledger);
    expect(await actorValue(theirs, "entries").result()).toHaveLength(7);
    await other.close();
    await noActors();
    await expect(client.getActor(key)).rejects.toMatchObject({ code: "FLOCK_ACTOR_LOST" });
  });

  test("is refused in the place of an argument, with what to pass", async () => {
    using ledger = await client.actor(Ledger, [0]);
    expect(() => client.submit((a: unknown) => a, [{ ledger }])).toThrow(/pass actorKey/);
    await expect(client.getActor("")).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
  });
});

describe("an actor", () => {
  test("whose constructor throws is none", async () => {
    await expect(client.actor(Ledger, [-1])).rejects.toThrow(RangeError);
    await noActors();
  });

  test("in a process of its own keeps its state there", async () => {
    using ledger = await client.actor(Ledger, [7], { isolation: "process" });
    const pids = new Set([await ledger.pid().result(), await ledger.pid().result()]);
    expect(pids.size).toBe(1);
    expect((await client.workers()).map(({ pid }) => pid)).not.toContain([...pids][0]);
    expect((await ledger.large(100_000).result())[5]).toBe(7);
    await ledger.add(1).result();
    expect(await ledger.add(1).result()).toBe(2);
  });

  test("is disposed of once its calls are over", async () => {
    const ledger: Actor<Ledger> = await client.actor(Ledger, [41, folder]);
    for (let i = 0; i < 20; i++) ledger.later(i);
    closeActor(ledger);
    await expect.poll(() => readdirSync(folder), { timeout: 30_000 }).toContain("41");
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(join(folder, "41"), "utf8")).toBe("20");
  });

  test.each([
    ["exits", "FLOCK_TASK_EXITED", (ledger: Actor<Ledger>) => ledger.exit()],
    ["runs longer than it may", "FLOCK_TIMEOUT", (ledger: Actor<Ledger>) => ledger.spin()],
  ])("of which a call %s is lost, and says so", async (_, code, call) => {
    const ledger = await client.actor(Ledger, [0], { timeoutMs: 300, cancelGraceMs: 10 });
    const [fatal, next] = [call(ledger), ledger.add(1)];
    expect(await codeOf(fatal)).toBe(code);
    expect(await codeOf(next)).toBe("FLOCK_ACTOR_LOST");
    expect(await codeOf(ledger.add(2))).toBe("FLOCK_ACTOR_LOST");
    closeActor(ledger);
    await noActors();
  });

  test("is lost with its worker, and never made again unasked", async () => {
    const ledger = await client.actor(Ledger, [0]);
    const large = ledger.large(100_000);
    await large.error();
    const [at] = (await client.workers()).filter(({ actors }) => actors > 0);
    const waits = ledger.wait();
    const waiting = ledger.add(1);
    process.kill(at!.pid, "SIGKILL");
    expect((await waits.error())?.message).toContain(`${at!.name} is gone (SIGKILL)`);
    expect(await codeOf(waiting)).toBe("FLOCK_ACTOR_LOST");
    expect(await codeOf(ledger.add(2))).toBe("FLOCK_ACTOR_LOST");
    await expect(large.result()).rejects.toMatchObject({ code: "FLOCK_DATA_LOST" });
    await client.waitForWorkers(2);
    expect(actorsAt(await client.workers())).toBe(0);
  });
});

test("a hundred actors leave nothing", async () => {
  const use = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 10) {
      const ten = await Promise.all(Array.from({ length: 10 }, () => client.actor(Ledger, [1])));
      const calls = ten.map((ledger) => ledger.large(20_000));
      await client.gather(calls);
      client.release(calls);
      for (const ledger of ten) closeActor(ledger);
    }
    await noActors();
  };
  const memory = async (): Promise<number> => {
    const { workers } = await client.cluster();
    return workers.reduce((sum, { metrics }) => sum + (metrics?.rssBytes ?? Number.NaN), 0);
  };
  await use(20);
  await expect.poll(memory, { timeout: 20_000 }).toBeGreaterThan(0); // both have told it
  const known = async (): Promise<number> => {
    const { tasks } = await client.cluster();
    return Object.values(tasks).reduce((sum, count) => sum + count, 0);
  };
  const [before, knownBefore] = [await memory(), await known()];
  await use(100);
  expect(await known()).toBeLessThanOrEqual(knownBefore);
  // A heartbeat may be of the time when their threads were still there.
  await expect.poll(async () => (await memory()) - before, { timeout: 30_000, interval: 500 }).toBeLessThan(100e6);
});

/** Another program with a client: it makes an actor whose call never ends, says so, and stays. */
const holder = `
import { Client } from "taskflock";
class Endless { wait() { return new Promise(() => {}); } }
const client = await Client.connect(process.argv[2]);
const actor = await client.actor(Endless, [], { cancelGraceMs: 10 });
actor.wait();
console.log("there");
setInterval(() => actor, 1000);
`;

test("a client that is killed takes its actors along", async () => {
  // What it has is kept for a while, in which it might come back: for a second here.
  const flags = ["--port", "0", "--dashboard-port", "0", "--session-reconnect", "1s", "--log-level", "silent"];
  const scheduler = await startRole(["scheduler", ...flags]);
  const { address, tokenFile } = scheduler.ready;
  const common = ["--token-file", tokenFile, "--processes", "1", "--log-level", "silent"];
  const worker = await startRole(["worker", address, ...common]);
  const watching = await Client.connect(address, { tokenFile, logs: "ignore" });
  const child = start(holder, { address, token: readFileSync(tokenFile, "utf8").trim() });
  const actors = async (): Promise<number> => actorsAt(await watching.workers());
  try {
    await once(child.stdout!, "data");
    await expect.poll(actors, { timeout: 30_000 }).toBe(1);
    child.kill("SIGKILL");
    await expect.poll(actors, { timeout: 60_000 }).toBe(0);
  } finally {
    child.kill("SIGKILL");
    await watching.close();
    await worker.stop();
    await scheduler.stop();
  }
});
