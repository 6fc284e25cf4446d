// GPUs of a worker, where nvidia-smi says that there are two: which task sees which, and what is told of them. A program stands in for
// nvidia-smi; all else is real, down to the environment of the processes.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, isFlockError, LocalCluster, type WorkerInfo } from "taskflock";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { installNvidiaSmi, TWO_H200 } from "./nvidia-smi.ts";
import { taskflock } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
const PATH = installNvidiaSmi(join(folder, "bin"), TWO_H200);
const GPU = { resources: { GPU: 1 } };
const HALF = { resources: { GPU: 0.5 } };

interface Seen {
  readonly devices: string | undefined;
  readonly order: string | undefined;
  readonly growth: string | undefined;
  readonly backend: string | undefined;
  readonly pid: number;
}

/** What the task's process is shown. With a folder it stays there until as many as `until` are in it. */
async function look(meeting = "", until = 1): Promise<Seen> {
  const { mkdirSync, readdirSync, writeFileSync } = await import("node:fs");
  if (meeting !== "") {
    mkdirSync(meeting, { recursive: true });
    writeFileSync(`${meeting}/${process.pid}`, "");
    while (readdirSync(meeting).length < until) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { env, pid } = process;
  return {
    devices: env["CUDA_VISIBLE_DEVICES"],
    order: env["CUDA_DEVICE_ORDER"],
    growth: env["TF_FORCE_GPU_ALLOW_GROWTH"],
    backend: env["TASKFLOCK_TENSOR_BACKEND"],
    pid,
  };
}

/** They run at the same time, or never end. */
function together(client: Client, name: string, options: readonly object[]): Promise<Seen[]> {
  const meeting = join(folder, name);
  return client.gather(options.map((each) => client.submit(look, [meeting, options.length], each)));
}
const devicesOf = (seen: readonly Seen[]): (string | undefined)[] => seen.map(({ devices }) => devices).sort();
const pidsOf = (seen: readonly Seen[]): number[] => seen.map(({ pid }) => pid).sort((a, b) => a - b);

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  // The one thread shows that tasks with a GPU run beside it.
  cluster = await LocalCluster.start({
    ...{ workers: 1, threadsPerWorker: 1, gpus: 2 },
    env: { PATH, TASKFLOCK_TENSOR_BACKEND: "cpu" },
  });
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true });
});

const theWorker = async (): Promise<WorkerInfo> => (await client.workers())[0]!;

describe("tasks that ask for GPUs", () => {
  test("see one each, in processes that are used again", async () => {
    const first = await together(client, "first", [GPU, GPU]);
    expect(devicesOf(first)).toEqual(["0", "1"]);
    for (const seen of first) expect(seen).toMatchObject({ order: "PCI_BUS_ID", growth: "true", backend: "cpu" });
    const again = await together(client, "again", [GPU, GPU]);
    expect(pidsOf(again)).toEqual(pidsOf(first));
    expect(devicesOf(again)).toEqual(["0", "1"]);
    expect(pidsOf(first)).not.toContain((await theWorker()).pid);
  });

  test("share one by halves, in two processes; one that asks for two sees both", async () => {
    const halves = await together(client, "halves", [HALF, HALF]);
    expect(halves.map(({ devices }) => devices)).toEqual(["0", "0"]);
    expect(new Set(pidsOf(halves)).size).toBe(2);
    const both = await client.call(look, [], { resources: { GPU: 2 } });
    expect(both.devices).toBe("0,1");
    expect(pidsOf(halves)).not.toContain(both.pid);
  });

  test("are not followed by others into their processes: without a GPU none is seen, in threads and in processes", async () => {
    for (const isolation of ["thread", "process"] as const)
      expect(await client.call(look, [], { isolation })).toMatchObject({ devices: "-1", growth: undefined });
  });

  test("that end their process fail, and the next one sees the same device in a new one", async () => {
    const meeting = join(folder, "killed");
    const other = client.submit(look, [meeting, 2], GPU);
    await vi.waitUntil(() => entries(meeting).length === 1);
    const before = await client.call(look, [], GPU);
    const killed = client.submit(() => process.kill(process.pid, "SIGKILL"), [], GPU);
    expect(await killed.error()).toMatchObject({ code: "FLOCK_TASK_EXITED" });
    const after = await client.call(look, [], GPU);
    expect(after.devices).toBe(before.devices);
    expect(after.pid).not.toBe(before.pid);
    writeFileSync(join(meeting, "go"), "");
    expect(devicesOf([await other.result(), after])).toEqual(["0", "1"]);
  });

  test("wait for a device while all are taken, and may be cancelled meanwhile", async () => {
    const meeting = join(folder, "taken");
    const running = [client.submit(look, [meeting, 3], GPU), client.submit(look, [meeting, 3], GPU)];
    await vi.waitUntil(() => entries(meeting).length === 2);
    const [waiting, cancelled] = [client.submit(look, [], GPU), client.submit(look, [], GPU)];
    await cancelled.cancel();
    expect(isFlockError(await cancelled.error(), "FLOCK_CANCELLED")).toBe(true);
    expect((await client.why(waiting)).text).toContain("GPU is taken by");
    writeFileSync(join(meeting, "go"), "");
    expect(devicesOf(await client.gather(running))).toEqual(["0", "1"]);
    expect(["0", "1"]).toContain((await waiting.result()).devices);
  });

  test("may be actors: each keeps its device", async () => {
    class Model {
      sees(): string | undefined {
        return process.env["CUDA_VISIBLE_DEVICES"];
      }
      throughPid(): number {
        return process.pid;
      }
    }
    const [first, second] = [await client.actor(Model, [], GPU), await client.actor(Model, [], GPU)];
    expect([await first.sees().result(), await second.sees().result()].sort()).toEqual(["0", "1"]);
    expect(await first.throughPid().result()).not.toBe((await theWorker()).pid);
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    expect((await client.call(look, [], { resources: { GPU: 2 } })).devices).toBe("0,1");
  });
});

/** In a folder that may not be there yet. */
function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

describe("what is told", () => {
  test("of the devices: in the worker's details, in its metrics, by taskflock status", async () => {
    const figures = async () => (await theWorker()).metrics?.gpus ?? [];
    await vi.waitUntil(async () => (await figures())[0]?.utilization === 0.37, { timeout: 20_000 });
    expect(await figures()).toEqual([
      expect.objectContaining({ device: "0", name: "NVIDIA H200", memoryUsedBytes: 2 ** 30 }),
      expect.objectContaining({ device: "1", name: "NVIDIA H200", utilization: 0 }),
    ]);
    const served = await (await fetch(`${new URL(cluster.dashboardUrl).origin}/metrics`)).text();
    expect(served).toMatch(
      /taskflock_worker_gpu_utilization_ratio\{worker="[^"]+",device="0",name="NVIDIA H200"\} 0.37/,
    );
    expect(served).toMatch(/taskflock_worker_gpu_memory_used_bytes\{worker="[^"]+",device="0",.*\} 1073741824/);
    const { stdout } = await taskflock(["status", "--address", cluster.address], { TASKFLOCK_TOKEN: cluster.token });
    expect(stdout).toMatch(/GPU \d\/2/);
    expect(stdout).toMatch(/NVIDIA H200 +37 % +1\.0 GiB of 140\.4 GiB/);
  });

  test("of tensors: what computes, and where, once a task has loaded them", async () => {
    const load = async (tensors: string): Promise<string> => {
      const { loadTensors } = await import(tensors);
      return (await loadTensors()).backend;
    };
    const tensors = import.meta.resolve("@taskflock/tensors");
    expect(await client.call(load, [tensors], GPU)).toBe("cpu");
    expect(await client.call(load, [tensors], { isolation: "process" })).toBe("cpu");
    await vi.waitUntil(async () => (await theWorker()).tensors.length === 2);
    expect((await theWorker()).tensors).toEqual([
      { where: "gpu", backend: "cpu", versions: [expect.stringMatching(/^tfjs \d/)], device: null, passedOver: [] },
      expect.objectContaining({ where: "process", backend: "cpu" }),
    ]);
    const { stdout } = await taskflock(["status", "--address", cluster.address], { TASKFLOCK_TOKEN: cluster.token });
    expect(stdout).toContain("tensors in processes with a GPU: cpu");
  });
});

describe("a worker's --gpus", () => {
  test("that asks for more than there are ends it, naming what is there", async () => {
    const { code, stderr } = await taskflock(["worker", cluster.address, "--no-nanny", "--gpus", "3"], {
      ...{ PATH, TASKFLOCK_TOKEN: cluster.token },
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain("FLOCK_GPU_UNAVAILABLE");
    expect(stderr).toContain("2 are there (0: NVIDIA H200; 1: NVIDIA H200)");
  });

  test("and --resources GPU are one too many", async () => {
    const args = ["worker", cluster.address, "--gpus", "1", "--resources", "GPU=1", "--no-nanny"];
    const { code, stderr } = await taskflock(args, { PATH, TASKFLOCK_TOKEN: cluster.token });
    expect(code).not.toBe(0);
    expect(stderr).toContain("FLOCK_OPTION_INVALID");
  });

  test("are dealt out to the workers of a cluster, which find them by themselves; none: the worker leaves them alone", async () => {
    await using dealt = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, env: { PATH } });
    await using theirs = await dealt.connect({ logs: "ignore" });
    expect((await dealt.workers()).map(({ resources }) => resources)).toEqual([{ GPU: 10_000 }, { GPU: 10_000 }]);
    expect(devicesOf(await together(theirs, "dealt", [GPU, GPU]))).toEqual(["0", "1"]);
    await using alone = await LocalCluster.start({
      ...{ workers: 1, threadsPerWorker: 1, gpus: "none", resources: { GPU: 4 } },
      env: { PATH, CUDA_VISIBLE_DEVICES: "1" },
    });
    await using its = await alone.connect({ logs: "ignore" });
    expect((await its.call(look, [], GPU)).devices).toBe("1");
  });
});
