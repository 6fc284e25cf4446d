// A cluster on hosts with networks of their own, over TLS: cables pulled and put back, slow lines, workers and clients behind a router.

import type { ChildProcess } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Client, range } from "taskflock";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { must, until } from "./docker-engine.ts";
import { NetHosts, whyNoHosts } from "./net-hosts.ts";

const cli = fileURLToPath(new URL("../../packages/taskflock/dist/cli.js", import.meta.url));
const why = await whyNoHosts();
if (why !== null) console.log(`skipped: ${why}`);

interface Role {
  readonly child: ChildProcess;
  readonly printed: () => string;
}

let net: NetHosts;
let folder: string;
let certs: string;
let address: string;
let client: Client;
let hub: Role;
let roles: Role[] = [];

const pem = (name: string): string => join(certs, `${name}.pem`);

/** A role of the CLI on a host; resolves when it is ready. */
async function role(host: string, args: readonly string[]): Promise<Role> {
  const tls = args[0] === "scheduler" ? [] : ["--tls-ca", pem("ca")];
  const flags = ["--token-file", join(folder, "token"), "--ready-fd", "3", "--exit-on-stdin-end", ...tls];
  const child = net.host(host).spawn(process.execPath, [cli, ...args, ...flags], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  const printed = (): string => text;
  await new Promise((resolve, reject) => {
    child.stdio[3]?.once("data", resolve);
    child.once("close", () => reject(new Error(`${args[0]} on ${host} ended: ${text}`)));
  });
  const started = { child, printed };
  roles.push(started);
  return started;
}

const worker = (host: string, ...flags: string[]): Promise<Role> =>
  role(host, ["worker", address, "--name", host, "--host", net.host(host).address, "--threads", "2", ...flags]);

const kinds = async (): Promise<readonly string[]> => (await client.events()).map(({ kind }) => kind);
const happened = (kind: string): Promise<void> =>
  until(
    async () => (await kinds()).includes(kind),
    async () => `no ${kind}: ${(await kinds()).join(" ")}\n${roles.map(({ printed }) => printed()).join("\n")}`,
  );

/** Each run of a task leaves a line; the hosts see the same files. */
const noted = (): number[] => readFileSync(join(folder, "runs"), "utf8").trim().split("\n").map(Number);

function noteAndWait(file: string, ms: number, value: number): Promise<number> {
  appendFileSync(file, `${value}\n`);
  return new Promise((resolve) => setTimeout(() => resolve(value), ms));
}

describe.skipIf(why !== null)("hosts on a network", () => {
  beforeAll(async () => {
    certs = mkdtempSync(join(tmpdir(), "taskflock-certs-"));
    await must(process.execPath, [cli, "certs", "init", certs]);
    net = await NetHosts.start(["hub", "one", "two"], ["behind", "laptop"]);
  });
  afterAll(async () => {
    await net?.stop();
    if (certs !== undefined) rmSync(certs, { recursive: true });
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "taskflock-networks-"));
    writeFileSync(join(folder, "token"), "token-for-networks-on-one-machine\n", { mode: 0o600 });
    writeFileSync(join(folder, "runs"), "");
    address = `${net.host("hub").address}:8786`;
    const tls = ["--tls-cert", pem("scheduler"), "--tls-key", pem("scheduler-key")];
    hub = await role("hub", ["scheduler", "--host", "0.0.0.0", "--dashboard-host", "127.0.0.1", ...tls]);
    client = await Client.connect(address, {
      ...{ tokenFile: join(folder, "token"), logs: "ignore" },
      tls: { caFile: pem("ca") },
    });
  });

  afterEach(async () => {
    await client?.close();
    const ended = roles.map(({ child }) => new Promise((resolve) => child.once("close", resolve)));
    for (const { child } of roles) child.stdin?.end();
    await Promise.all(ended);
    roles = [];
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (): string => join(folder, "runs");

  test("connections that are broken off come back: nothing is lost, and nothing runs twice", async () => {
    const [one] = await Promise.all([worker("one"), worker("two")]);
    const futures = range(40).map((i) => client.submit(noteAndWait, [file(), 150, i]));
    await futures[0]?.result();
    await net.host("one").refuse();
    await until(
      async () => one.printed().includes("trying again"),
      async () => "the worker does not notice",
    );
    await net.host("one").heal();
    expect(await client.gather(futures)).toEqual(range(40));
    expect(hub.printed()).toContain('"resumed":true');
    expect(await kinds()).not.toContain("workerLost");
    expect(noted().toSorted((a, b) => a - b)).toEqual(range(40));
  });

  test("so it is when the cable is pulled, until the worker notices the silence, and put back", async () => {
    const [one] = await Promise.all([worker("one"), worker("two")]);
    const futures = range(8).map((i) => client.submit(noteAndWait, [file(), 500, i]));
    await until(
      async () => noted().length >= 4,
      async () => "the tasks do not start",
    );
    await net.host("one").cut();
    await until(
      async () => one.printed().includes("trying again"),
      async () => "the worker does not notice",
    );
    await net.host("one").heal();
    expect(await client.gather(futures)).toEqual(range(8));
    expect(await kinds()).not.toContain("workerLost");
    expect(noted().toSorted((a, b) => a - b)).toEqual(range(8));
  });

  test("when it stays away, its tasks are begun elsewhere; when it is back, it joins again", async () => {
    await Promise.all([worker("one"), worker("two")]);
    const futures = range(8).map((i) => client.submit(noteAndWait, [file(), 500, i]));
    const held = await client.scatter(new Float64Array(50_000).fill(2), { broadcast: true });
    await until(
      async () => noted().length >= 4,
      async () => "the tasks do not start",
    );
    await net.host("one").cut();
    await happened("workerLost");
    expect(await client.gather(futures)).toEqual(range(8));
    expect(noted().length).toBeGreaterThan(8);
    expect((await client.workers()).map(({ name }) => name)).toEqual(["two"]);
    await net.host("one").heal();
    await client.waitForWorkers(2);
    const sum = (array: Float64Array): number => array.reduce((total, x) => total + x, 0);
    expect(await client.gather(range(4).map(() => client.submit(sum, [held], { pure: false })))).toEqual(
      Array(4).fill(100_000),
    );
  });

  test("over a slow line large results take their time, and nobody is taken for dead", async () => {
    await Promise.all([worker("one"), worker("two")]);
    const make = (size: number): Uint8Array => new Uint8Array(size).map((_, i) => i % 251);
    const [large, other] = [1, 2].map(() => client.submit(make, [2_000_000], { workers: ["one"], pure: false }));
    await client.submit((a: Uint8Array) => a.length, [large!], { workers: ["one"] }).result();
    await net.host("one").slow("4mbit");
    const moved = client.submit((a: Uint8Array, b: Uint8Array) => a.length + b.length, [large!, other!], {
      workers: ["two"],
    });
    const small = client.map((i: number) => i * i, range(20), { workers: ["one"] });
    expect(await client.gather(small)).toEqual(range(20).map((i) => i * i));
    expect(await moved.result()).toBe(4_000_000);
    expect((await large!.result())[1_999_999]).toBe(1_999_999 % 251);
    await net.host("one").quick();
    expect(await kinds()).not.toContain("workerLost");
  });

  test("a worker behind a router is reached by way of the scheduler", async () => {
    await Promise.all([worker("behind"), worker("two")]);
    const make = (size: number): Uint8Array => new Uint8Array(size).fill(7);
    const there = client.submit(make, [3_000_000], { workers: ["behind"] });
    const sum = (array: Uint8Array): number => array.reduce((total, x) => total + x, 0);
    expect(await client.submit(sum, [there], { workers: ["two"] }).result()).toBe(21_000_000);
    const outside = client.submit(make, [1_000_000], { workers: ["two"] });
    expect(await client.submit(sum, [outside], { workers: ["behind"] }).result()).toBe(7_000_000);
    expect((await there.result()).length).toBe(3_000_000);
    expect(await kinds()).toContain("relayed");
  });

  test("a client behind a router works as any other", async () => {
    await Promise.all([worker("one"), worker("behind")]);
    const program = join(folder, "program.mjs");
    const lines = [
      `import { Client, range } from ${JSON.stringify(pathToFileURL(join(cli, "../index.js")).href)};`,
      `const client = await Client.connect(${JSON.stringify(address)}, { tokenFile: ${JSON.stringify(join(folder, "token"))}, tls: { caFile: ${JSON.stringify(pem("ca"))} } });`,
      "const data = await client.scatter(new Float64Array(200_000).fill(3));",
      "const made = client.map((array, i) => array.map((x) => x * i), Array(4).fill(data), range(4));",
      'const arrays = await client.gather(made.concat(["one", "behind"].map((name) => client.submit((a) => a.slice(1), [data], { workers: [name] }))));',
      "console.log(arrays.map((array) => array[199_998]).join());",
      "await client.close();",
    ];
    writeFileSync(program, lines.join("\n"));
    expect(await net.host("laptop").must(process.execPath, program)).toBe("0,3,6,9,3,3");
  });
});
