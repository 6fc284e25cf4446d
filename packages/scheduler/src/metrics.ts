// What Prometheus sees. Values are read when they are asked for, so that counting costs the hot path nothing.

import type { PayloadStore, Traffic, WorkerInfo } from "@taskflock/protocol";
import { Counter, Gauge, Registry } from "prom-client";
import type { SchedulerMachine } from "./machine/index.ts";
import type { RelayCounts } from "./relays.ts";
import { addWorkerMetrics } from "./worker-metrics.ts";

export interface MetricSources {
  readonly machine: SchedulerMachine;
  /** As of this scrape. */
  readonly workers: () => readonly WorkerInfo[];
  readonly payloads: PayloadStore;
  readonly steps: () => number;
  readonly traffic: () => Traffic;
  readonly relays: () => RelayCounts;
  /** 99th percentile of the event loop's delay since the last call, seconds. */
  readonly loopDelay: () => number;
}

const PREFIX = "taskflock_scheduler_";

/** The scheduler's registry. */
export function createMetrics(sources: MetricSources): Registry {
  const { machine, workers, payloads, steps, traffic, relays, loopDelay } = sources;
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: `${PREFIX}tasks`,
    help: "Tasks the scheduler knows, by status.",
    labelNames: ["status"],
    registers,
    collect() {
      for (const [status, count] of Object.entries(machine.taskCounts())) this.set({ status }, count);
    },
  });
  new Gauge({
    name: `${PREFIX}workers`,
    help: "Workers that are connected, or were a moment ago, by status.",
    labelNames: ["status"],
    registers,
    collect() {
      const counts = { running: 0, paused: 0, retiring: 0, cut: 0 };
      for (const worker of workers()) counts[worker.status]++;
      for (const [status, count] of Object.entries(counts)) this.set({ status }, count);
    },
  });
  gauge(registry, "sessions", "Sessions of clients.", () => machine.sessionCount());
  gauge(
    registry,
    "payload_bytes",
    "Bytes of arguments, functions and small results that the scheduler keeps.",
    () => payloads.bytes,
  );
  gauge(
    registry,
    "payloads",
    "Number of arguments, functions and small results that the scheduler keeps.",
    () => payloads.count,
  );
  counter(registry, "events_total", "Events its state machine has taken in.", steps);
  counter(registry, "transitions_total", "Transitions of tasks.", () => machine.transitions());
  trafficMetrics(registry, traffic);
  transferMetrics(registry, relays, machine);
  gauge(registry, "runs", "Runs that are known, open or closed.", () => machine.runs().length);
  processMetrics(registry, loopDelay);
  addWorkerMetrics(registry, workers);
  return registry;
}

function trafficMetrics(registry: Registry, traffic: () => Traffic): void {
  counter(
    registry,
    "received_messages_total",
    "Messages from clients, workers and nannies.",
    () => traffic().receivedMessages,
  );
  counter(registry, "received_bytes_total", "Bytes of the frames that carried them.", () => traffic().receivedBytes);
  counter(registry, "sent_messages_total", "Messages to clients and workers.", () => traffic().sentMessages);
  counter(registry, "sent_bytes_total", "Bytes of the frames that carried them.", () => traffic().sentBytes);
}

function transferMetrics(registry: Registry, relays: () => RelayCounts, machine: SchedulerMachine): void {
  counter(registry, "relays_total", "Transfers that went through the scheduler.", () => relays().total);
  counter(registry, "relayed_bytes_total", "Bytes that they carried.", () => relays().bytes);
  gauge(registry, "relays", "Transfers that go through the scheduler now.", () => relays().active);
  gauge(registry, "relays_waiting", "Transfers that wait to go through the scheduler.", () => relays().waiting);
  const moved = "that workers fetched from each other and took from clients";
  counter(registry, "moved_bytes_total", `Bytes ${moved}.`, () => machine.moved().bytes);
  counter(registry, "moved_total", `Results and data ${moved}.`, () => machine.moved().count);
  counter(registry, "failed_moves_total", "Attempts at that which failed.", () => machine.moved().failures);
}

function processMetrics(registry: Registry, loopDelay: () => number): void {
  gauge(
    registry,
    "event_loop_delay_seconds",
    "99th percentile of the event loop's delay since the last scrape.",
    loopDelay,
  );
  gauge(registry, "resident_memory_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
  counter(registry, "cpu_seconds_total", "User and system time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name: PREFIX + name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function counter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name: PREFIX + name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}
