// The scheduler's metrics as Prometheus reads them. The library for it is loaded when they are asked for the first time: most
// schedulers start without anybody who asks, and all should start soon.

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { WorkerInfo } from "@taskflock/protocol";
import type { Registry } from "prom-client";
import type { MetricSources } from "./metrics.ts";

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

const SAMPLE_MS = 20;

export class MetricsReader {
  readonly #sources: MetricSources;
  readonly #delay: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  #registry: Registry | null = null;
  #workers: readonly WorkerInfo[] = [];

  constructor(sources: Omit<MetricSources, "loopDelay" | "workers">) {
    this.#sources = { ...sources, loopDelay: () => this.#loopDelay(), workers: () => this.#workers };
    this.#delay.enable();
  }

  async read(): Promise<MetricsText> {
    const { createMetrics } = await import("./metrics.ts");
    this.#registry ??= createMetrics(this.#sources);
    this.#workers = this.#sources.machine.workers();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  close(): void {
    this.#delay.disable();
  }

  #loopDelay(): number {
    // It measures from one sample to the next, the pause between them included.
    const seconds = Math.max(0, this.#delay.percentile(99) / 1e9 - SAMPLE_MS / 1e3);
    this.#delay.reset();
    return seconds;
  }
}
