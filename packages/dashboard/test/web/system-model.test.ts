// What the System view says of the cluster's health.
import type { WorkerTensors } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import type { WorkerRow } from "../../web/feed/worker-rows.ts";
import { backendsOf, clientsOf, findings, schedulerMetrics } from "../../web/pages/system/system-model.ts";
import { overviewOf, runOf, workerOf } from "./messages.ts";

function row(worker: number, change: Partial<WorkerRow> = {}): WorkerRow {
  return {
    ...workerOf(worker),
    ...{ status: "running", assigned: 0, running: 0, finished: 0, stored: 0, storedBytes: 0, cpuPercent: 10 },
    ...{ rssBytes: 1e8, spilledBytes: 0, eventLoopDelayMs: 1, occupancyUs: 0, silentUs: 500_000 },
    ...{ gpuPercent: null, gpuMemoryBytes: null },
    ...change,
  };
}

describe("the findings", () => {
  it("say that all is well when it is", () => {
    const found = findings(overviewOf(), [row(1)]);
    expect(found.map(({ tone, advice }) => [tone, advice])).toEqual([
      ["good", ""],
      ["good", ""],
    ]);
    expect(found[0]?.what).toBe("4 workers with 8 slots are connected.");
  });

  it("begin with what is worst, and each says what to do", () => {
    const queues = [{ asks: "GPU 1", queued: 12, places: 0, running: 0 }];
    const workers = [
      row(1, { status: "cut", silentUs: 9e6 }),
      row(2, { status: "paused" }),
      row(3, { silentUs: 8_000_000 }),
      ...[row(4, { eventLoopDelayMs: 900 }), row(5, { eventLoopDelayMs: 300 })],
    ];
    const found = findings(overviewOf({ queues, rssBytes: 15e9, spilledBytes: 2 ** 30 }), workers);
    expect(found.map(({ tone, what }) => `${tone}: ${what}`)).toEqual([
      "bad: No worker that is there can ever run 12 tasks: they ask for GPU 1.",
      "warning: worker-1 is cut.",
      "warning: worker-2 is paused.",
      "warning: worker-3 did not send a heartbeat for up to 8.00 s.",
      "warning: The main thread of worker-4 and worker-5 is held up, by 900 ms on average.",
      "warning: Workers take 14.0 GiB of 14.9 GiB (94 %); 1.00 GiB of results are in files.",
      "good: 4 workers with 8 slots are connected.",
    ]);
    expect(found.filter(({ tone, advice }) => (tone === "good") !== (advice === ""))).toEqual([]);
  });

  it("name three workers, and how many more", () => {
    const cut = [1, 2, 3, 4, 5].map((worker) => row(worker, { status: "cut" }));
    expect(findings(overviewOf(), cut)[0]?.what).toBe("worker-1, worker-2, worker-3 and 2 other workers are cut.");
  });

  it("say how to begin when there is no worker", () => {
    const none = overviewOf({ workers: { running: 0, paused: 0, retiring: 0, cut: 0 }, memoryLimitBytes: 0 });
    expect(findings(none, [])).toMatchObject([{ tone: "bad", what: "No worker is connected." }]);
  });
});

describe("the scheduler's figures", () => {
  it("are read from Prometheus' text, without its workers'", () => {
    const text = [
      "# TYPE taskflock_scheduler_resident_memory_bytes gauge",
      "taskflock_scheduler_resident_memory_bytes 123456",
      'taskflock_scheduler_tasks{status="done"} 7',
      "taskflock_scheduler_event_loop_delay_seconds 1.5e-3",
      'taskflock_worker_slots{worker="a"} 2',
    ].join("\n");
    expect([...schedulerMetrics(text)]).toEqual([
      ["resident_memory_bytes", 123456],
      ["event_loop_delay_seconds", 0.0015],
    ]);
  });
});

describe("clients and backends", () => {
  it("sum up the runs of a client", () => {
    const counts = { total: 10, done: 4, failed: 1, cancelled: 2, running: 1 };
    const runs = [
      runOf({ client: "a", counts }),
      runOf({ client: "a", counts, status: "done" }),
      runOf({ client: "b" }),
    ];
    expect(clientsOf(runs)).toEqual([
      { client: "a", openRuns: 1, runs: 2, tasks: 20, unfinished: 6, failed: 2 },
      { client: "b", openRuns: 1, runs: 1, tasks: 200, unfinished: 76, failed: 3 },
    ]);
  });

  it("put workers that compute alike into one row", () => {
    const cpu: WorkerTensors = {
      where: "thread",
      backend: "wasm",
      versions: ["tfjs 4.22.0"],
      device: null,
      passedOver: [],
    };
    const gpu: WorkerTensors = { ...cpu, where: "gpu", backend: "node-gpu", device: "NVIDIA H200" };
    const why = { backend: "node-gpu", why: "no GPU" };
    const rows = backendsOf([
      { name: "a", tensors: [{ ...cpu, passedOver: [why] }] },
      { name: "b", tensors: [{ ...cpu, passedOver: [why] }, gpu] },
    ]);
    expect(rows.map(({ backend, device, workers, passedOver }) => [backend, device, workers, passedOver])).toEqual([
      ["wasm", "processor", ["a", "b"], "node-gpu: no GPU"],
      ["node-gpu", "NVIDIA H200", ["b"], ""],
    ]);
  });
});
