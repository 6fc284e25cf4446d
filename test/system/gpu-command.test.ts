// `taskflock gpu`, without a GPU, and where nvidia-smi says that there are some.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { DIVIDED_A100, installNvidiaSmi, TWO_H200 } from "./nvidia-smi.ts";
import { taskflock } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
afterAll(() => rmSync(folder, { recursive: true }));

const two = installNvidiaSmi(join(folder, "two"), TWO_H200);
const divided = installNvidiaSmi(join(folder, "divided"), DIVIDED_A100);

test("says that there is none, what computes instead and how fast, and what to do; and ends with 1", async () => {
  const env = { CUDA_VISIBLE_DEVICES: "-1", TASKFLOCK_TENSOR_BACKEND: "wasm" };
  const { code, stdout, stderr } = await taskflock(["gpu"], env);
  expect(stderr).toBe("");
  expect(code).toBe(1);
  expect(stdout).toMatch(/^GPU available {3}no\nDevices {9}none: /);
  expect(stdout).toMatch(/^Tensors {9}wasm, WebAssembly on one core; tfjs \d/m);
  expect(stdout).toMatch(/^Matrix product {2}\d+ × \d+ by \d+ × \d+ in [\d.]+ ms: [\d,.]+ GFLOP\/s$/m);
  expect(stdout).toContain("then: taskflock tensorflow install --gpu");
});

test("lists devices with memory, driver and CUDA; one that tensors do not use is none that is available", async () => {
  const env = { PATH: two, CUDA_VISIBLE_DEVICES: "1,0", TASKFLOCK_TENSOR_BACKEND: "cpu" };
  const { code, stdout } = await taskflock(["gpu"], env);
  expect(code).toBe(1);
  expect(stdout.split("\n").slice(0, 5)).toEqual([
    "GPU available   no",
    "Device 1        NVIDIA H200, 140.4 GiB (140.4 GiB free)",
    "Device 0        NVIDIA H200, 140.4 GiB (139.4 GiB free)",
    "Driver          550.54.15, for CUDA up to 12.4",
    expect.stringMatching(/^Tensors {9}cpu, plain JavaScript; tfjs \d/),
  ]);
  expect(stdout).toContain("The backend cpu was asked for (TASKFLOCK_TENSOR_BACKEND)");
});

test("prints the same as JSON; why a better backend is passed over is in it, and what cannot be loaded is no end", async () => {
  const { code, stdout } = await taskflock(["gpu", "--json"], { PATH: divided, CUDA_VISIBLE_DEVICES: undefined });
  const check = JSON.parse(stdout);
  expect(check.gpus.map(({ name }: { name: string }) => name)).toEqual([
    "NVIDIA A100-SXM4-40GB, MIG 3g.20gb",
    "NVIDIA A100-SXM4-40GB, MIG 3g.20gb",
    "NVIDIA A100-SXM4-40GB",
  ]);
  expect(check.gpus[2]).toMatchObject({ device: "1", memoryTotalBytes: 40_960 * 2 ** 20 });
  expect(check).toMatchObject({ driver: "535.183.01", cuda: "12.4", tensorsError: null });
  expect(code).toBe(check.available ? 0 : 1);
  if (!check.available) expect(check.tensors.passedOver[0]).toMatchObject({ backend: "node-gpu" });
  const wrong = await taskflock(["gpu", "--json"], { PATH: divided, TASKFLOCK_TENSOR_BACKEND: "abacus" });
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    available: false,
    tensors: null,
    product: null,
    tensorsError: expect.stringContaining("abacus"),
  });
});
