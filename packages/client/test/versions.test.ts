import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, Environment } from "../src/index.ts";
import { compare } from "../src/versions.ts";
import { TestCluster } from "./cluster-harness.ts";

const base: Environment = {
  node: "22.12.0",
  v8: "12.4",
  platform: "linux x64",
  taskflock: "0.1.0",
  timeZone: "UTC",
  flags: [],
  packages: { zod: "4.0.0", left: null },
};
const against = (changes: Partial<Environment>, named = false) =>
  compare(base, "0.1.0", { a: base, b: { ...base, ...changes } }, named);
const harmful = (text: string) => ({ differences: [text], notes: [] });
const harmless = (text: string) => ({ differences: [], notes: [text] });

describe("comparing", () => {
  test.each([
    [{}, { differences: [], notes: [] }],
    [{ node: "20.19.0" }, harmful("Node: client 22.12.0, worker b 20.19.0")],
    [{ node: "22.13.1" }, harmless("Node: client 22.12.0, worker b 22.13.1")],
    [{ taskflock: "0.2.0" }, harmful("Taskflock: client 0.1.0, worker b 0.2.0")],
    [{ taskflock: null }, harmless("Taskflock: client 0.1.0, worker b unknown")],
    [{ flags: ["--jitless"] }, harmful("flags: client none, worker b --jitless")],
    [{ platform: "darwin arm64" }, harmless("platform: client linux x64, worker b darwin arm64")],
    [{ timeZone: "Asia/Tokyo" }, harmless("time zone: client UTC, worker b Asia/Tokyo")],
    [{ packages: { zod: "3.0.0", left: null } }, harmful("zod: client 4.0.0, worker b 3.0.0")],
    [{ packages: { zod: null, left: null } }, harmless("zod: client 4.0.0, worker b not installed")],
    [{ packages: { zod: "4.0.0", left: "1.0.0" } }, harmless("left: client not installed, worker b 1.0.0")],
  ])("%j", (changes, found) => {
    expect(against(changes)).toEqual(found);
  });

  test("a package that was asked for is to be there", () => {
    expect(against({ packages: { zod: null, left: null } }, true)).toEqual(
      harmful("zod: client 4.0.0, worker b not installed"),
    );
  });

  test("the scheduler's version counts, too", () => {
    expect(compare(base, "0.3.0", {}, false)).toEqual(harmful("Taskflock: client 0.1.0, scheduler 0.3.0"));
  });

  test("workers of one version are named together, the first five of many", () => {
    const others = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g"].map((name) => [name, { ...base, node: name === "c" ? "18.0.0" : "20.0.0" }]),
    );
    expect(compare(base, "0.1.0", others, false).differences).toEqual([
      "Node: client 22.12.0, workers a, b, d, e, f, and 1 more 20.0.0, worker c 18.0.0",
    ]);
  });

  test("workers that are as the client differ in nothing, whatever that is", () => {
    const version = fc.option(fc.string());
    const environment = fc.record({
      node: fc.string(),
      v8: fc.string(),
      platform: fc.string(),
      taskflock: fc.string(),
      timeZone: fc.string(),
      flags: fc.array(fc.string()),
      packages: fc.dictionary(fc.string(), version),
    });
    fc.assert(
      fc.property(environment, fc.array(fc.string()), fc.boolean(), (client, names, named) => {
        const workers = Object.fromEntries(names.map((name) => [name, structuredClone(client)]));
        expect(compare(client, client.taskflock, workers, named)).toEqual({ differences: [], notes: [] });
      }),
      { seed: 11 },
    );
  });
});

describe("versions", () => {
  let cluster: TestCluster;
  let client: Client;
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "taskflock-test-"));
  beforeAll(async () => {
    cluster = await TestCluster.start(2);
    client = await cluster.connect();
    const write = (path: string, manifest: object): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), JSON.stringify(manifest));
    };
    write("package.json", { dependencies: { "@acme/geo": "*", absent: "*", taskflock: "*" } });
    write("node_modules/@acme/geo/package.json", { name: "@acme/geo", version: "1.2.3", exports: {} });
    mkdirSync(join(folder, "deep"));
    process.chdir(join(folder, "deep"));
  });
  afterAll(async () => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
    await cluster.close();
  });

  test("of the dependencies of the nearest package.json, on all workers", async () => {
    const versions = await client.versions({ check: true });
    expect(versions).toMatchObject({ differences: [], notes: [] });
    expect(versions.client.packages).toEqual({ "@acme/geo": "1.2.3", absent: null });
    expect(versions.client.taskflock).toBe(versions.scheduler.taskflock);
    expect(versions.workers).toEqual({ w1: versions.client, w2: versions.client });
    expect(versions.table["w2"]).toMatchObject({ node: process.versions.node, "@acme/geo": "1.2.3" });
  });

  test("of packages that are named", async () => {
    expect((await client.versions({ packages: ["absent"] })).client.packages).toEqual({ absent: null });
    await expect(client.versions({ packages: "absent" } as object)).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
  });

  test("a worker that does not answer in time is named", async () => {
    const endless = client.submit(() => new Promise<never>(() => {}), [], { workers: ["w2"] });
    await expect.poll(async () => (await client.story(endless)).some(({ to }) => to === "running")).toBe(true);
    const versions = await client.versions({ timeoutMs: 300 });
    expect(Object.keys(versions.workers)).toEqual(["w1"]);
    expect(versions.notes).toEqual(["w2 did not answer: its slots were busy for 300 ms"]);
  });
});
