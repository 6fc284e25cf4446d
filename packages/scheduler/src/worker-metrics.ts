// What Prometheus sees of workers: as the scheduler counts them, and as they told it with their last heartbeat.

import type { GpuMetrics, WorkerInfo, WorkerMetrics } from "@taskflock/protocol";
import { RESOURCE_UNIT } from "@taskflock/protocol/words";
import { Counter, Gauge, type Registry } from "prom-client";

const PREFIX = "taskflock_worker_";

interface Figure {
  readonly name: string;
  readonly help: string;
  /** A number that only grows while the worker lives. */
  readonly total?: true;
  readonly read: (worker: WorkerInfo) => number | null;
}

const told =
  (read: (metrics: WorkerMetrics) => number) =>
  ({ metrics }: WorkerInfo): number | null =>
    metrics === null ? null : read(metrics);

const figures: readonly Figure[] = [
  { name: "slots", help: "Tasks that it runs at the same time.", read: ({ slots }) => slots },
  { name: "tasks_assigned", help: "Tasks that it was given and has not ended.", read: ({ assigned }) => assigned },
  { name: "tasks_running", help: "Tasks that are known to run there.", read: ({ running }) => running },
  { name: "tasks_finished_total", help: "Tasks that it finished.", total: true, read: ({ finished }) => finished },
  { name: "actors", help: "Actors that live there.", read: ({ actors }) => actors },
  { name: "results_stored", help: "Results that it holds.", read: ({ stored }) => stored },
  { name: "stored_bytes", help: "Bytes of the results that it holds.", read: ({ storedBytes }) => storedBytes },
  {
    name: "memory_limit_bytes",
    help: "Memory that it may take before its nanny restarts it.",
    read: ({ memoryLimitBytes }) => memoryLimitBytes,
  },
  { name: "cpu_cores", help: "Processor time that it takes, in cores.", read: told((m) => m.cpuPercent / 100) },
  { name: "resident_memory_bytes", help: "Resident memory of its process.", read: told((m) => m.rssBytes) },
  { name: "arena_bytes", help: "Memory that it has set aside for results.", read: told((m) => m.arenaBytes) },
  { name: "arena_used_bytes", help: "What results take of that.", read: told((m) => m.arenaUsedBytes) },
  { name: "spilled_bytes", help: "Bytes of the results that it holds in files.", read: told((m) => m.spilledBytes) },
  {
    name: "spills_total",
    help: "Results that it moved from memory to files.",
    total: true,
    read: told((m) => m.spillCount),
  },
  {
    name: "resumed_fetches_total",
    help: "Fetches that broke and went on where they were.",
    total: true,
    read: told((m) => m.resumedFetches),
  },
  {
    name: "damaged_parts_total",
    help: "Parts of fetched data that came damaged, and were fetched again.",
    total: true,
    read: told((m) => m.damagedParts),
  },
  {
    name: "event_loop_delay_seconds",
    help: "Mean delay of its main thread's event loop since the heartbeat before.",
    read: told((m) => m.eventLoopDelayMs / 1000),
  },
];

/** Adds them to the registry. */
export function addWorkerMetrics(registry: Registry, workers: () => readonly WorkerInfo[]): void {
  for (const { name, help, total, read } of figures) {
    const labelNames = ["worker"];
    const registers = [registry];
    if (total === true) {
      new Counter({
        ...{ name: PREFIX + name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const worker of workers()) this.inc({ worker: worker.name }, read(worker) ?? 0);
        },
      });
    } else {
      new Gauge({
        ...{ name: PREFIX + name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const worker of workers()) {
            const value = read(worker);
            if (value !== null) this.set({ worker: worker.name }, value);
          }
        },
      });
    }
  }
  addGpus(registry, workers);
  addResources(registry, "resource", "Named resources that it has.", workers, ({ resources }) => resources);
  addResources(
    registry,
    "resource_used",
    "What running tasks and actors take of them.",
    workers,
    (w) => w.resourcesUsed,
  );
}

/** What a figure of a device reads; null: it is not known. */
const gpuFigures: readonly { name: string; help: string; read: (gpu: GpuMetrics) => number | null }[] = [
  {
    name: "gpu_utilization_ratio",
    help: "Share of the last moments in which a GPU that it gives out computed.",
    read: (gpu) => gpu.utilization,
  },
  {
    name: "gpu_memory_used_bytes",
    help: "Memory of that GPU that is taken, by whomever.",
    read: (gpu) => gpu.memoryUsedBytes,
  },
  { name: "gpu_memory_total_bytes", help: "Memory that the GPU has.", read: (gpu) => gpu.memoryTotalBytes },
];

function addGpus(registry: Registry, workers: () => readonly WorkerInfo[]): void {
  for (const { name, help, read } of gpuFigures) {
    new Gauge({
      ...{ name: PREFIX + name, help, labelNames: ["worker", "device", "name"], registers: [registry] },
      collect() {
        this.reset();
        for (const worker of workers()) {
          for (const gpu of worker.metrics?.gpus ?? []) {
            const value = read(gpu);
            if (value !== null) this.set({ worker: worker.name, device: gpu.device, name: gpu.name }, value);
          }
        }
      },
    });
  }
}

function addResources(
  registry: Registry,
  name: string,
  help: string,
  workers: () => readonly WorkerInfo[],
  read: (worker: WorkerInfo) => Readonly<Record<string, number>>,
): void {
  new Gauge({
    ...{ name: PREFIX + name, help, labelNames: ["worker", "resource"], registers: [registry] },
    collect() {
      this.reset();
      for (const worker of workers()) {
        for (const [resource, amount] of Object.entries(read(worker))) {
          this.set({ worker: worker.name, resource }, amount / RESOURCE_UNIT);
        }
      }
    },
  });
}
