import { tensorBackends } from "@taskflock/tensors";
import { expect, test } from "vitest";
import { readFlags } from "../src/cli/flag-table.ts";
import { workerFlags } from "../src/cli/worker-flags.ts";
import { type WorkerFlags, workerArguments } from "../src/roles/worker.ts";

test("a worker below a nanny is one process without a nanny, whatever its environment says", () => {
  const environment = {
    ...{ TASKFLOCK_PROCESSES: "2", TASKFLOCK_NO_NANNY: "false", TASKFLOCK_ADDRESS: "other:1", TASKFLOCK_NAME: "other" },
    ...{
      TASKFLOCK_THREADS: "9",
      TASKFLOCK_MEMORY_LIMIT: "9GiB",
      TASKFLOCK_HEAP_LIMIT: "9GiB",
      TASKFLOCK_RESOURCES: "a=9",
      ...{ TASKFLOCK_MEMORY_TARGET: "0.1", TASKFLOCK_MEMORY_PAUSE: "0.1", TASKFLOCK_SPILL_DIRECTORY: "/nowhere" },
    },
    ...{ TASKFLOCK_WORKER_HOST: "0.0.0.0", TASKFLOCK_WORKER_PORT: "9", TASKFLOCK_SCHEDULER_LOST_MS: "9" },
    ...{ TASKFLOCK_LOG_LEVEL: "trace", TASKFLOCK_LIFETIME: "9s" },
    ...{ TASKFLOCK_GPUS: "9", TASKFLOCK_GPU_DEAL: "7/9", TASKFLOCK_TENSOR_BACKEND: "cpu" },
    TASKFLOCK_HEALTH_FILE: "/nowhere",
  };
  const flags = {
    ...{ threads: 3, processes: 2, memoryLimit: 2 ** 30, heapLimit: 2 ** 20, resources: { GPU: 0.5 }, name: "w-1" },
    ...{ memoryTarget: 0.5, memorySpill: 0, memoryPause: 0.9, spillDirectory: "off" },
    ...{
      host: "127.0.0.1",
      port: 0,
      relay: "always",
      nanny: true,
      checkArguments: true,
      schedulerLostMs: 5,
      logLevel: "warn",
    },
    ...{ lifetime: 5_000, lifetimeStagger: 1_500, lifetimeRestart: true, preload: ["./a.mjs", "b"] },
    ...{ spot: "auto", spotRebalance: "retire", spotMargin: 4_000, spotInterval: 1_500, spotMetadata: "http://m:1" },
    healthFile: "/tmp/health",
    ...{ gpus: 2, gpuDeal: { index: 1, of: 3 }, backend: "wasm" },
  } as unknown as WorkerFlags;
  const [command, ...args] = workerArguments("host:1", flags);
  expect(command).toBe("worker");
  expect(readFlags(workerFlags, args, environment)).toEqual({
    operands: ["host:1"],
    flags: expect.objectContaining({ ...flags, processes: 1, nanny: false }),
  });
});

test("--backend takes what @taskflock/tensors knows", () => {
  expect(workerFlags.find(({ flags }) => flags.startsWith("--backend"))?.choices).toEqual(tensorBackends);
});
