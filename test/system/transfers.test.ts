// Data between real processes whose connections are slow, break, or cannot be made at all.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Client, type EventLine } from "taskflock";
import { afterEach, describe, expect, test } from "vitest";
import { Gate } from "./gate.ts";
import { PageAsker } from "./page-questions.ts";
import { type Role, startRole, taskflock } from "./processes.ts";

const MIB = 1024 * 1024;
/** Nobody listens there. */
const NOWHERE = "127.0.0.1:9";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(args: readonly string[]): Promise<Role> {
  const role = await startRole(args);
  cleanups.push(() => role.stop());
  return role;
}

class Site {
  readonly #scheduler: Role;
  readonly #tokenFile: string;

  static async start(): Promise<Site> {
    return new Site(await start(["scheduler", "--port", "0", "--dashboard-port", "0"]));
  }

  constructor(scheduler: Role) {
    this.#scheduler = scheduler;
    this.#tokenFile = scheduler.ready.tokenFile;
  }

  get address(): string {
    return this.#scheduler.ready.address;
  }

  worker(name: string, ...flags: string[]): Promise<Role> {
    const common = ["--threads", "1", "--no-nanny", "--token-file", this.#tokenFile];
    return start(["worker", this.address, "--name", name, ...common, ...flags]);
  }

  async page(): Promise<PageAsker> {
    const page = await PageAsker.connect(this.address, readFileSync(this.#tokenFile, "utf8").trim());
    cleanups.push(() => page.close());
    return page;
  }

  async client(): Promise<Client> {
    const client = await Client.connect(this.address, { tokenFile: this.#tokenFile, logs: "ignore" });
    cleanups.push(() => client.close());
    return client;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const make = (bytes: number, step: number): Uint8Array => {
  const made = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) made[i] = (i >> 8) * step + i;
  return made;
};
const digest = (bytes: Uint8Array): number => {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = (Math.imul(sum, 31) + (bytes[i] ?? 0)) | 0;
  return sum;
};

const relayed = async (client: Client): Promise<EventLine[]> =>
  (await client.events()).filter(({ kind }) => kind === "relayed");

describe("workers that nobody reaches", () => {
  test("exchange data with each other and with clients through the scheduler; it is said once for each pair", async () => {
    const site = await Site.start();
    for (const name of ["a", "b"]) await site.worker(name, "--advertise", NOWHERE);
    const client = await site.client();
    const made = [1, 3].map((step) => client.submit(make, [64 * MIB, step], { workers: ["a"] }));
    for (const [i, future] of made.entries()) {
      const expected = digest(make(64 * MIB, [1, 3][i] ?? 0));
      expect(await client.submit(digest, [future], { workers: ["b"] }).result()).toBe(expected);
      expect(digest(await future.result())).toBe(expected);
    }
    const data = make(24 * MIB, 7);
    const scattered = await client.scatter(data, { broadcast: true });
    const read = ["a", "b"].map((name) => client.submit(digest, [scattered], { workers: [name] }));
    expect(await client.gather(read)).toEqual([digest(data), digest(data)]);
    const pairs = (await relayed(client)).map(({ who, text }) => `${who} > ${/reach (\w+)/.exec(text)?.[1]}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs).toContain("b > a");
    expect(pairs.filter((pair) => pair.endsWith("> a")).length).toBe(2); // b's, and the client's
  });

  test("are not even tried when that is known; control goes on meanwhile", async () => {
    const site = await Site.start();
    for (const name of ["a", "b"]) await site.worker(name, "--relay", "always");
    const [client, other] = [await site.client(), await site.client()];
    const made = client.submit(make, [64 * MIB, 1], { workers: ["a"] });
    await client.submit((bytes: Uint8Array) => bytes.length, [made], { workers: ["a"] }).result();
    const gathering = made.result();
    expect(await other.submit((x: number) => x + 1, [1]).result()).toBe(2);
    expect(await client.submit(digest, [made], { workers: ["b"] }).result()).toBe(digest(await gathering));
    expect(await relayed(client)).toEqual([]);
  });
});

test("an address to advertise is checked at once", async () => {
  const one = await taskflock(["worker", "127.0.0.1:1", "--advertise", "no address"]);
  expect([one.code, one.stderr]).toEqual([1, expect.stringContaining("FLOCK_ADDRESS_INVALID")]);
  const two = await taskflock(["worker", "127.0.0.1:1", "--advertise", "10.0.0.1:9", "--processes", "2"]);
  expect([two.code, two.stderr]).toEqual([1, expect.stringContaining("FLOCK_OPTION_INVALID")]);
});

test("a holder that is killed in the middle: another gives the rest, and only the rest", async () => {
  const site = await Site.start();
  const holders = await Promise.all(
    ["a", "b"].map(async (name) => {
      const port = await freePort();
      const gate = await Gate.start(port);
      cleanups.push(() => gate.close());
      return { gate, role: await site.worker(name, "--port", String(port), "--advertise", gate.address) };
    }),
  );
  const client = await site.client();
  const made = client.submit(make, [64 * MIB, 5], { workers: ["a"] });
  const expected = await client.submit(digest, [made], { workers: ["b"] }).result();
  await site.worker("c");
  for (const { gate } of holders) {
    gate.passed = 0;
    gate.stopAt(32 * MIB);
  }
  const there = client.submit(digest, [made], { workers: ["c"] });
  const first = await Promise.race(holders.map(({ gate }, i) => gate.stopped().then(() => i)));
  holders[first]?.role.child.kill("SIGKILL");
  holders[first]?.gate.close();
  const other = holders[1 - first]?.gate;
  other?.open();
  expect(await there.result()).toBe(expected);
  expect(other?.passed).toBeGreaterThan(16 * MIB);
  expect(other?.passed).toBeLessThan(56 * MIB);
});

test("what moved between workers and from clients is told: pairs, and the large ones with their keys", async () => {
  const site = await Site.start();
  for (const name of ["a", "b"]) await site.worker(name);
  const [client, page] = [await site.client(), await site.page()];
  const made = client.submit(make, [8 * MIB, 1], { workers: ["a"] });
  expect(await client.submit(digest, [made], { workers: ["b"] }).result()).toBe(digest(make(8 * MIB, 1)));
  await client.scatter(make(4 * MIB, 3), { workers: ["a"] });
  const asked = async (): Promise<string[]> => {
    const { pairs } = await page.ask({ q: "pageTransfers" });
    return pairs.map(({ from, to, count, failures }) => `${from} > ${to}: ${count}, ${failures}`);
  };
  await expect.poll(asked, { timeout: 10_000 }).toEqual(["a > b: 1, 0", "client > a: 1, 0"]);
  const { pairs, recent, totalBytes } = await page.ask({ q: "pageTransfers" });
  const sizes = pairs.map(({ bytes }) => bytes);
  expect(Math.round((sizes[0] ?? 0) / MIB)).toBe(8);
  expect(Math.round((sizes[1] ?? 0) / MIB)).toBe(4);
  expect(totalBytes).toBe(sizes.reduce((sum, bytes) => sum + bytes));
  expect(pairs.every(({ us }) => us > 0)).toBe(true);
  expect(recent.find(({ to }) => to === "b")).toMatchObject({ from: "a", key: made.key, bytes: sizes[0] });
  expect(recent.map(({ endedAt }) => endedAt)).toEqual(recent.map(({ endedAt }) => endedAt).sort((x, y) => y - x));
  expect((await page.ask({ q: "pageOverview" })).movedBytes).toBe(totalBytes);
});
