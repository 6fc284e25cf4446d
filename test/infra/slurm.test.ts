// SlurmCluster on a real Slurm with two nodes, which run on this machine.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import {
  Client,
  loadDigits,
  range,
  type SearchResult,
  SlurmCluster,
  type SlurmEvent,
  svc,
  taskContext,
} from "taskflock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { installNvidiaSmi, TWO_H200 } from "../system/nvidia-smi.ts";
import { SlurmNodes, whyNoSlurm } from "./slurm-nodes.ts";

type Options = NonNullable<Parameters<typeof SlurmCluster.start>[0]>;

const reference: { bestScore: number; bestIndex: number; candidates: { splitTestScores: number[] }[] } = JSON.parse(
  readFileSync(new URL("../data/digits-svc-grid.json", import.meta.url), "utf8"),
);
const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced" as const] };

const why = await whyNoSlurm();
if (why !== null) console.log(`skipped: ${why}`);

let nodes: SlurmNodes;
const closing: (() => Promise<unknown>)[] = [];
const events: SlurmEvent[] = [];

describe.skipIf(why !== null)("a Slurm cluster of two nodes", () => {
  beforeAll(async () => {
    nodes = await SlurmNodes.start();
    mkdirSync(shared());
  });
  afterAll(() => nodes?.stop());
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    events.length = 0;
    // Whatever the test did: no job is left, no file, no process.
    expect(await nodes.run("squeue", "--noheader")).toBe("");
    expect(readdirSync(shared())).toEqual([]);
  });

  const shared = (): string => join(nodes.folder, "shared");
  const options = (more: Options): Options => ({
    ...{ host: "127.0.0.1", memory: "700MiB", sharedDirectory: shared(), env: nodes.env, pollMs: 200 },
    ...{ startTimeoutMs: 60_000, onEvent: (event) => events.push(event), ...more },
  });

  async function start(more: Options): Promise<[SlurmCluster, Client]> {
    const cluster = await SlurmCluster.start(options(more));
    closing.push(() => cluster.close());
    const client = await cluster.connect({ logs: "ignore" });
    closing.push(() => client.close());
    return [cluster, client];
  }

  async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const kinds = async (client: Client): Promise<readonly string[]> => (await client.events()).map(({ kind }) => kind);

  function digits(client: Client) {
    const { data, target } = loadDigits();
    return client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
  }

  function expectReference({ cvResults, bestScore, bestIndex }: SearchResult): void {
    expect(cvResults.splitTestScores).toEqual(reference.candidates.map(({ splitTestScores }) => splitTestScores));
    expect([bestScore, bestIndex]).toEqual([reference.bestScore, reference.bestIndex]);
  }

  test("runs the digits search, each worker a task of one array", async () => {
    const [cluster, client] = await start({ workers: 4, walltime: "30" });
    const nodesOfJobs = await nodes.run("squeue", "--noheader", "--array", "--format=%F %N");
    expect(nodesOfJobs.split("\n").map((line) => line.split(" ")[1])).toEqual(
      expect.arrayContaining(["n1", "n1", "n2", "n2"]),
    );
    expect(new Set(nodesOfJobs.split("\n").map((line) => line.split(" ")[0])).size).toBe(1);
    expectReference(await digits(client).result());
    await showsNoToken(cluster.token);
    expect(await kinds(client)).not.toContain("workerLost");
  });

  async function showsNoToken(token: string): Promise<void> {
    const [jobId = ""] = (await nodes.run("squeue", "--noheader", "--format=%F")).split("\n");
    const [folder = ""] = readdirSync(shared());
    const printed = readdirSync(join(shared(), folder)).filter((name) => name.endsWith(".log"));
    expect(printed).toHaveLength(4);
    const places = [
      await nodes.run("scontrol", "write", "batch_script", jobId, "-"),
      await nodes.run("scontrol", "show", "job", "--details", jobId),
      execFileSync("ps", ["-A", "e", "-o", "args="], { encoding: "utf8", maxBuffer: 2 ** 26 }),
      ...printed.map((name) => readFileSync(join(shared(), folder, name), "utf8")),
    ];
    // Tasks can read the token of the workers, and the cluster's own lies nowhere.
    const ofWorkers = readFileSync(join(shared(), folder, "token"), "utf8").trim();
    expect(ofWorkers).not.toBe(token);
    for (const place of places) for (const one of [token, ofWorkers]) expect(place).not.toContain(one);
    expect(places[0]).toContain("--token-file");
    expect(statSync(join(shared(), folder)).mode & 0o077).toBe(0);
    expect(statSync(join(shared(), folder, "token")).mode & 0o777).toBe(0o600);
  }

  test("keeps the number of its workers, on the other node when one is lost in the middle of a search", async () => {
    const [cluster, client] = await start({ workers: 2 });
    const nodesOfJobs = () => nodes.run("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%N");
    // Both have the search's data.
    expect((await nodesOfJobs()).split("\n").toSorted()).toEqual(["n1", "n2"]);
    const search = digits(client);
    let folds = 0;
    for await (const _fold of search) if (++folds === 15) nodes.lose("n2");
    expect(folds).toBe(54);
    expectReference(await search.result());
    await until(() => events.some(({ kind }) => kind === "lost"));
    await until(async () => (await cluster.workers()).filter(({ status }) => status === "running").length === 2);
    expect((await nodesOfJobs()).split("\n")).toEqual(["n1", "n1"]);
    await cluster.scale(0);
    await nodes.restore("n2");
  });

  test("grows with its work, and shrinks after it; what waits in the queue goes first", async () => {
    const [cluster, client] = await start({});
    // More than both nodes hold: some wait in the queue.
    const adaptive = await cluster.adapt({ maximum: 6, targetDurationMs: 500, intervalMs: 200, waitCount: 2 });
    const futures = client.map((x: number) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      return new Float64Array(2_000).fill(x);
    }, range(120));
    await until(async () => (await cluster.workers()).length === 4);
    expect((await nodes.run("squeue", "--noheader", "--array", "--states=PENDING")).split("\n")).toHaveLength(2);
    const values = await client.gather(futures);
    expect(values.map((array) => array[7])).toEqual(range(120));
    // One stays, because results are held.
    await until(async () => (await cluster.workers()).length === 1);
    await until(async () => (await nodes.run("squeue", "--noheader", "--array")).split("\n").length === 1);
    await adaptive.stop();
    expect(await client.gather(client.map((array: Float64Array) => array[1999], futures))).toEqual(range(120));
    expect(adaptive.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["scaleUp", "scaleDown"]));
    expect(adaptive.events.filter(({ kind }) => kind === "failed")).toEqual([]);
    expect(await kinds(client)).not.toContain("workerLost");
    expect(events.filter(({ kind }) => kind === "lost")).toEqual([]);
  });

  test("takes the size that it is told", async () => {
    const [cluster, client] = await start({ workers: 1 });
    await cluster.scale(3);
    expect(await cluster.workers()).toHaveLength(3);
    const kept = client.submit(() => new Float64Array(2_000).fill(5), []);
    await kept.result();
    await cluster.scale(1);
    await until(async () => (await cluster.workers()).length === 1);
    expect((await kept.result())[1_999]).toBe(5);
    await cluster.scale(0);
    await until(async () => (await nodes.run("squeue", "--noheader")) === "");
    expect(await kinds(client)).not.toContain("workerLost");
  });

  test("a worker retires before its time is over, finishes what it runs, and is replaced", async () => {
    const [cluster, client] = await start({ workers: 1, walltime: "2" });
    const [first] = await cluster.workers();
    const held = await client.scatter(new Float64Array(5_000).fill(3));
    // Slurm gives the notice a minute before the end, or up to a minute earlier.
    await until(async () => (await kinds(client)).includes("workerRetiring"));
    await until(async () => {
      const workers = await cluster.workers();
      return workers.length === 1 && workers[0]?.name !== first?.name;
    });
    expect((await held.result())[4_999]).toBe(3);
    expect(await kinds(client)).not.toContain("workerLost");
  });

  test("what runs when the time is nearly over is ended in time or begun elsewhere, and nothing is lost", async () => {
    const [cluster, client] = await start({ workers: 1, walltime: "2", threadsPerWorker: 2 });
    const [first] = await cluster.workers();
    const log = join(nodes.folder, "runs");
    // Until it is told to leave it goes on for ever, and then it takes a moment; the other only ends on the next worker.
    const polite = client.submit(
      async (file: string) => {
        const { appendFileSync } = await import("node:fs");
        appendFileSync(file, "polite\n");
        await new Promise<void>((resolve) => taskContext().retiring.addEventListener("abort", () => resolve()));
        await new Promise((resolve) => setTimeout(resolve, 500));
        return taskContext().task.worker;
      },
      [log],
    );
    const stubborn = client.submit(
      async (file: string, gone: string) => {
        const { appendFileSync, existsSync } = await import("node:fs");
        appendFileSync(file, "stubborn\n");
        while (!existsSync(gone)) await new Promise((resolve) => setTimeout(resolve, 50));
        return "done";
      },
      [log, join(nodes.folder, "gone")],
    );
    const held = await client.scatter(new Float64Array(5_000).fill(3));
    expect(await polite.result()).toBe(first?.name);
    const replaced = async (): Promise<boolean> => {
      const workers = await cluster.workers();
      return workers.length === 1 && workers[0]?.name !== first?.name;
    };
    await until(replaced);
    await until(() => readFileSync(log, "utf8").split("stubborn").length === 3);
    writeFileSync(join(nodes.folder, "gone"), "");
    expect(await stubborn.result()).toBe("done");
    expect((await held.result())[4_999]).toBe(3);
    expect(readFileSync(log, "utf8").trim().split("\n").toSorted()).toEqual(["polite", "stubborn", "stubborn"]);
    expect(await kinds(client)).toContain("workerRetiring");
  });

  test("each worker has the GPUs that Slurm gave it, and who finds none waits", async () => {
    const bin = join(nodes.folder, "bin");
    const env = { ...nodes.env, PATH: installNvidiaSmi(bin, TWO_H200) };
    const [cluster, client] = await start({ workers: 4, gpus: 1, gpuType: "h200", env, pendingMs: 500 });
    expect((await cluster.workers()).map(({ resources }) => resources["GPU"])).toEqual(Array(4).fill(10_000)); // in ten thousandths
    const look = async (_: number): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return `${process.env["SLURMD_NODENAME"]} ${process.env["CUDA_VISIBLE_DEVICES"]}`;
    };
    const seen = await client.gather(client.map(look, range(4), { resources: { GPU: 1 } }));
    expect(new Set(seen).size).toBe(4);
    expect(seen.map((text) => text.split(" ")[0]).toSorted()).toEqual(["n1", "n1", "n2", "n2"]);
    const none = client.map(look, range(4)).map((future) => future.result());
    expect((await Promise.all(none)).every((text) => text.endsWith("-1"))).toBe(true);
    cluster.scale(5).catch(() => undefined); // it waits until the cluster is closed
    await until(() => events.some(({ kind }) => kind === "pending"));
    expect(await nodes.run("squeue", "--noheader", "--states=PENDING", "--format=%r")).toBe("Resources");
  });

  test("workers that wait for long are told with the reason; nothing is left of a start that gives up", async () => {
    const tooLong = options({ workers: 2, partition: "short", walltime: "60", startTimeoutMs: 3_000, pendingMs: 500 });
    await expect(SlurmCluster.start(tooLong)).rejects.toMatchObject({
      code: "FLOCK_SLURM_PENDING",
      message: expect.stringMatching(
        /^2 workers wait in Slurm's queue \(job \d+\): its walltime is longer than the partition allows \(PartitionTimeLimit\)\.$/,
      ),
    });
    expect(events.filter(({ kind }) => kind === "pending")).toHaveLength(1);
  });

  test("what Slurm refuses is told in its own words", async () => {
    await expect(SlurmCluster.start(options({ workers: 1, partition: "nowhere" }))).rejects.toMatchObject({
      code: "FLOCK_SLURM_REFUSED",
      message: expect.stringContaining("invalid partition specified: nowhere"),
    });
  });

  test("where there is no Slurm that is said, and nothing is started", async () => {
    const env = { ...nodes.env, PATH: "/nonexistent" };
    await expect(SlurmCluster.start(options({ workers: 1, env }))).rejects.toMatchObject({
      code: "FLOCK_SLURM_MISSING",
      message: expect.stringContaining("squeue"),
    });
  });

  test("workers that end as soon as they start are not started for ever, and what they printed is told", async () => {
    const prologue = ["echo the module is not here >&2", "exit 7"];
    await expect(SlurmCluster.start(options({ workers: 1, prologue }))).rejects.toMatchObject({
      code: "FLOCK_CLUSTER_START",
      message: expect.stringMatching(/3 workers in a row ended before they joined[\s\S]*the module is not here/),
    });
    expect(events.filter(({ kind }) => kind === "submitted")).toHaveLength(3);
  });

  test("links between machines are encrypted by certificates of its own, unless the network is trusted", async ({
    skip,
  }) => {
    // Unix sockets, which processes of one machine prefer, lie in the folder of temporary files: here each process has its own.
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const host = all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "";
    skip(host === "", "this machine has only loopback addresses");
    const TMPDIR = mkdtempSync(join(nodes.folder, "tmp-"));
    const apart = { env: { ...nodes.env, TMPDIR }, prologue: ["export TMPDIR=$(mktemp -d)"] };
    const [cluster, client] = await start({ workers: 2, host, workerHost: host, ...apart });
    const { caFile, address, token, dashboardUrl } = cluster;
    expect(address).toContain(host);
    expect(dashboardUrl).toMatch(/^https:/);
    expect(await cluster.dashboardLink()).toMatch(/^https:.+code=/);
    await expect(Client.connect(address, { token, reconnectMs: 0 })).rejects.toMatchObject({
      code: "FLOCK_TLS_REQUIRED",
    });
    const parts = client.map((x: number) => new Float64Array(5_000).fill(x), range(4));
    const sum = client.submit((...arrays: Float64Array[]) => arrays.map((array) => array[4_999]), parts);
    expect(await sum.result()).toEqual(range(4));
    const [folder = ""] = readdirSync(shared());
    expect(readFileSync(join(shared(), folder, "ca.pem"))).toEqual(readFileSync(caFile ?? ""));
    expect(readdirSync(join(shared(), folder)).filter((name) => name.includes("key"))).toEqual([]);
    await client.close();
    await cluster.close();
    expect(existsSync(dirname(caFile ?? ""))).toBe(false);

    const [trusting] = await start({ workers: 1, insecure: true });
    expect([trusting.caFile, new URL(trusting.dashboardUrl).protocol]).toEqual([null, "http:"]);
    expect(await trusting.dashboardLink()).toMatch(/^http:.+code=/);
  });
});
