// Large arguments whose only holder is killed: their client sends them again, as long as it is there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startScheduler } from "@taskflock/scheduler";
import { pino } from "pino";
import { Client, type ClientOptions, range } from "taskflock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Role, startRole } from "./processes.ts";
import { sumOf } from "./programs/sum-of.mjs";

const token = "a-token-of-the-argument-tests";
const sender = fileURLToPath(new URL("./programs/argument-sender.mjs", import.meta.url));
const LENGTH = 625_000; // 5 MB
/** What only workers have that join later. */
const later = { resources: { LATER: 1 } };

let scheduler: Awaited<ReturnType<typeof startScheduler>>;
let clients: Client[];
let closing: (() => unknown)[];

beforeEach(async () => {
  // A client that does not come back is given up soon.
  scheduler = await startScheduler({
    port: 0,
    token,
    logger: pino({ level: "silent" }),
    sessionReconnectMs: 300,
    workerReconnectMs: 300,
  });
  clients = [];
  closing = [() => scheduler.close()];
});

afterEach(async () => {
  // Before the workers, which would wait for others to take what clients have there.
  for (const client of clients) await client.close();
  for (const close of closing.reverse()) await close();
});

async function worker(name: string, ...flags: string[]): Promise<Role> {
  const args = ["worker", scheduler.address, "--name", name, "--no-nanny", "--log-level", "silent", ...flags];
  const role = await startRole(args, { env: { TASKFLOCK_TOKEN: token } });
  closing.push(() => role.stop());
  return role;
}

async function connect(options: ClientOptions = {}): Promise<Client> {
  const client = await Client.connect(scheduler.address, { token, logs: "ignore", packages: "installed", ...options });
  clients.push(client);
  return client;
}

async function kill({ child }: Role): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** All that large arguments consist of is at workers, so many parts. */
async function stored(client: Client, count: number): Promise<void> {
  await vi.waitUntil(
    async () => Object.values(await client.hasWhat()).reduce((sum, has) => sum + has.count, 0) === count,
    { timeout: 20_000 },
  );
}

test("20 tasks that wait with a 5 MB argument end right when its only holder is killed, twice", async () => {
  const first = await worker("first");
  const client = await connect();
  const values = new Float64Array(LENGTH).fill(0.5);
  const sums = range(20).map((n) => client.submit(sumOf, [values, n], later));
  await stored(client, 1);
  values.fill(99); // what was sent counts
  await kill(first);
  await vi.waitUntil(async () => (await client.why(sums[0]!)).text.includes("waits for its client's data again"), {
    timeout: 20_000,
  });
  const second = await worker("second");
  await stored(client, 1);
  await kill(second);
  await worker("third", "--resources", "LATER=2");
  expect(await client.gather(sums)).toEqual(range(20).map((n) => LENGTH / 2 + n));
  const asked = (await client.events()).filter(({ kind }) => kind === "dataAsked");
  expect(asked).toHaveLength(2);
  // It is used again, and sent once more when that worker dies, too.
  expect(await client.call(sumOf, [values, 1], later)).toBe(LENGTH * 99 + 1);
}, 60_000);

test("calls that come after the loss send what they need again", async () => {
  const first = await worker("first");
  const client = await connect();
  const values = new Float64Array(LENGTH).fill(0.5);
  expect(await client.call(sumOf, [values, 1])).toBe(LENGTH / 2 + 1);
  await kill(first);
  await worker("second");
  expect(await client.call(sumOf, [values, 2])).toBe(LENGTH / 2 + 2);
}, 60_000);

test("a client that keeps no bytes loses them with the worker", async () => {
  const first = await worker("first");
  const client = await connect({ keptArgumentBytes: 0 });
  const sum = client.submit(sumOf, [new Float64Array(LENGTH), 1], later);
  await stored(client, 1);
  await kill(first);
  await expect(sum.result()).rejects.toMatchObject({
    code: "FLOCK_DEPENDENCY_FAILED",
    cause: { code: "FLOCK_DATA_LOST" },
  });
}, 60_000);

test("one of two clients with the same bytes leaves: the other's tasks end right", async () => {
  const first = await worker("first");
  const [leaves, stays] = [await connect(), await connect()];
  const calls = [leaves, stays].map((client) =>
    range(3).map((n) => client.submit(sumOf, [new Float64Array(LENGTH).fill(0.5), n], later)),
  );
  await stored(stays, 2);
  await leaves.close();
  await kill(first);
  await worker("second", "--resources", "LATER=1");
  expect(await stays.gather(calls[1]!)).toEqual(range(3).map((n) => LENGTH / 2 + n));
}, 60_000);

test("client and holder are killed: who shares the task hears that the data is lost, and nothing hangs", async () => {
  const first = await worker("first");
  const heir = await connect();
  const env = { ...process.env, TASKFLOCK_TOKEN: token };
  const child = spawn(process.execPath, [sender, scheduler.address], { env, stdio: ["ignore", "pipe", "inherit"] });
  closing.push(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  await stored(heir, 1);
  const shared = heir.submit(sumOf, [new Float64Array(LENGTH).fill(0.5), 1], { key: "sum", ...later });
  await stored(heir, 2);
  child.kill("SIGKILL");
  await kill(first);
  const error = await shared.error();
  expect(error).toMatchObject({ code: "FLOCK_DEPENDENCY_FAILED", cause: { code: "FLOCK_DATA_LOST" } });
  await worker("second", "--resources", "LATER=1");
  expect(await heir.call(sumOf, [new Float64Array(LENGTH).fill(0.5), 3], later)).toBe(LENGTH / 2 + 3);
}, 60_000);
