// Which GPUs are found and given out, and what is told of them; from what nvidia-smi prints.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, describe, expect, it, test, vi } from "vitest";
import {
  DIVIDED_A100,
  installBrokenNvidiaSmi,
  installHangingNvidiaSmi,
  installNvidiaSmi,
  TWO_H200,
} from "../../../test/system/nvidia-smi.ts";
import { hideGpus, pinnedTo } from "../src/gpus/environment.ts";
import { findGpus, gpusToGive } from "../src/gpus/find.ts";
import { askNvidiaSmi } from "../src/gpus/nvidia-smi.ts";
import { GpuWatch } from "../src/gpus/watch.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
const two = installNvidiaSmi(join(folder, "two"), TWO_H200);
const divided = installNvidiaSmi(join(folder, "divided"), DIVIDED_A100);
const empty = installNvidiaSmi(join(folder, "empty"), { list: ["No devices found."], figures: [], about: [] });
const broken = installBrokenNvidiaSmi(join(folder, "broken"));
const hanging = installHangingNvidiaSmi(join(folder, "hanging"));
afterAll(() => rmSync(folder, { recursive: true }));

afterEach(() => {
  vi.unstubAllEnvs();
});
const on = (path: string, visible?: string): void => {
  vi.stubEnv("PATH", path);
  vi.stubEnv("CUDA_VISIBLE_DEVICES", visible);
};
const ALL = { index: 0, of: 1 };
const silent = pino({ level: "silent" });

describe("devices that are found", () => {
  it.each([
    ["all", two, undefined, ["0", "1"]],
    ["those that are shown, in their order", two, "1,0", ["1", "0"]],
    ["one by its UUID's beginning", two, "GPU-a1b2", ["1"]],
    ["those before the first that is not there, as CUDA does it", two, "1,7,0", ["1"]],
    ["none that is hidden", two, "-1", []],
    ["none where the variable is empty", two, "", []],
    ["parts of a device instead of it", divided, undefined, [...PARTS(), "1"]],
    ["one part", divided, "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb", [PARTS()[1]!]],
    ["all parts of a device that is named by its number", divided, "0", PARTS()],
    ["none where there is none", empty, undefined, []],
  ])("%s", async (_, path, visible, devices) => {
    on(path, visible);
    const { gpus, trouble, there } = await findGpus();
    expect(gpus.map(({ device }) => device)).toEqual(devices);
    expect({ trouble, there }).toEqual({ trouble: false, there: devices.length });
  });

  it("have names", async () => {
    on(divided);
    const { gpus } = await findGpus();
    expect(gpus.map(({ name, isPart }) => `${name} ${isPart}`)).toEqual([
      "NVIDIA A100-SXM4-40GB, MIG 3g.20gb true",
      "NVIDIA A100-SXM4-40GB, MIG 3g.20gb true",
      "NVIDIA A100-SXM4-40GB false",
    ]);
  });

  it("are none where nvidia-smi is not there, and a person hears why when it does not answer", async () => {
    on(join(folder, "nowhere"));
    expect(await findGpus()).toMatchObject({ gpus: [], trouble: false, why: expect.stringMatching("no nvidia-smi") });
    on(broken);
    expect(await findGpus()).toMatchObject({
      gpus: [],
      trouble: true,
      why: expect.stringMatching(/exit code 9: NVIDIA-SMI has failed because it couldn't communicate/),
    });
  });
});

function PARTS(): string[] {
  return ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"];
}

describe("devices that a worker gives out", () => {
  const given = async (...asked: Parameters<typeof gpusToGive>): Promise<string[]> =>
    (await gpusToGive(...asked)).gpus.map(({ device }) => device);

  it("are all, the first ones, or none; each process of several gets its share", async () => {
    on(two);
    expect(await given("auto", ALL)).toEqual(["0", "1"]);
    expect(await given(1, ALL)).toEqual(["0"]);
    expect(await given(0, ALL)).toEqual([]);
    expect(await given("none", ALL)).toEqual([]);
    expect(await given("auto", { index: 1, of: 2 })).toEqual(["1"]);
    expect(await given(2, { index: 0, of: 2 })).toEqual(["0"]);
    expect(await given("auto", { index: 2, of: 3 })).toEqual([]);
  });

  it("are refused when there are not as many, with the names of what is there", async () => {
    on(two);
    await expect(gpusToGive(3, ALL)).rejects.toMatchObject({
      code: "FLOCK_GPU_UNAVAILABLE",
      message: expect.stringMatching(/3 GPUs, and 2 are there \(0: NVIDIA H200; 1: NVIDIA H200\).*--gpus auto/),
    });
    on(two, "1");
    await expect(gpusToGive(2, ALL)).rejects.toThrow(/2 GPUs, and 1 is there \(1: NVIDIA H200\)/);
    on(two, "-1");
    await expect(gpusToGive(1, ALL)).rejects.toThrow(/CUDA_VISIBLE_DEVICES is "-1", which shows none of the 2/);
    on(join(folder, "nowhere"));
    await expect(gpusToGive(1, ALL)).rejects.toThrow(/1 GPU, and none was found: there is no nvidia-smi here/);
  });
});

test("a process is shown its devices, or none", () => {
  expect(pinnedTo(["0", "MIG-x"])).toEqual({
    CUDA_VISIBLE_DEVICES: "0,MIG-x",
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
  });
  const environment: NodeJS.ProcessEnv = { CUDA_VISIBLE_DEVICES: "0" };
  hideGpus(environment);
  expect(environment).toEqual(pinnedTo([]));
});

test("nvidia-smi that hangs is given up, and ended", async () => {
  on(hanging);
  const asking = askNvidiaSmi(["-L"], 50);
  expect(await asking.answer).toEqual({
    ok: false,
    there: true,
    why: "nvidia-smi did not answer within 0.05 s",
  });
  await asking.gone;
});

describe("figures of devices", () => {
  const watched = async (path: string): Promise<GpuWatch> => {
    on(path);
    const { gpus } = await findGpus();
    return new GpuWatch(gpus, silent);
  };

  it("are asked for by and by; before, they are unknown", async () => {
    const watch = await watched(two);
    const unknown = { utilization: null, memoryUsedBytes: null, memoryTotalBytes: null };
    expect(watch.figures).toEqual([
      { device: "0", name: "NVIDIA H200", ...unknown },
      { device: "1", name: "NVIDIA H200", ...unknown },
    ]);
    watch.start();
    await vi.waitUntil(() => watch.figures[0]?.utilization !== null);
    watch.close();
    const memoryTotalBytes = 143_771 * 2 ** 20;
    expect(watch.figures).toEqual([
      { device: "0", name: "NVIDIA H200", utilization: 0.37, memoryUsedBytes: 2 ** 30, memoryTotalBytes },
      { device: "1", name: "NVIDIA H200", utilization: 0, memoryUsedBytes: 4 * 2 ** 20, memoryTotalBytes },
    ]);
  });

  it("of parts are not told by nvidia-smi", async () => {
    const watch = await watched(divided);
    watch.start();
    await vi.waitUntil(() => watch.figures[2]?.utilization !== null);
    watch.close();
    expect(watch.figures.map(({ utilization }) => utilization)).toEqual([null, null, 0.12]);
  });

  it("are unknown again when nvidia-smi fails; one that is closed asks no more", async () => {
    const lines: string[] = [];
    on(two);
    const { gpus } = await findGpus();
    on(broken);
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const watch = new GpuWatch(gpus, logger);
    watch.start();
    await vi.waitUntil(() => lines.length > 0);
    expect(lines.join()).toMatch(/nothing is known of the GPUs' load and memory: .*exit code 9/);
    expect(watch.figures.map(({ utilization }) => utilization)).toEqual([null, null]);
    watch.close();
  });
});
