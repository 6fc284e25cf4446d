import { monitorEventLoopDelay } from "node:perf_hooks";
import type { TransferCounts, WorkerMetrics } from "@taskflock/protocol";
import type { Arena } from "./arena.ts";
import type { GpuWatch } from "./gpus/watch.ts";

export const HEARTBEAT_MS = 1000;
const SAMPLE_MS = 20;

/** What the store tells of its files. */
export interface SpillFigures {
  readonly spilledBytes: number;
  readonly spillCount: number;
}

/** What a worker tells about itself, measured since the last call. */
export class Metrics {
  readonly #arena: Arena;
  readonly #spilled: SpillFigures;
  readonly #transfers: TransferCounts;
  readonly #gpus: GpuWatch;
  readonly #delay: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  #at: number = performance.now();

  constructor(arena: Arena, spilled: SpillFigures, transfers: TransferCounts, gpus: GpuWatch) {
    this.#arena = arena;
    this.#spilled = spilled;
    this.#transfers = transfers;
    this.#gpus = gpus;
    this.#delay.enable();
  }

  take(): WorkerMetrics {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsedUs = Math.max(1, (now - this.#at) * 1000);
    // It measures from one sample to the next, the pause between them included.
    const delayMs = this.#delay.count > 0 ? Math.max(0, this.#delay.mean / 1e6 - SAMPLE_MS) : 0;
    this.#cpu = process.cpuUsage();
    this.#at = now;
    this.#delay.reset();
    return {
      cpuPercent: Math.round(((user + system) / elapsedUs) * 1000) / 10,
      rssBytes: process.memoryUsage.rss(),
      arenaBytes: this.#arena.bytes,
      arenaUsedBytes: this.#arena.usedBytes,
      spilledBytes: this.#spilled.spilledBytes,
      spillCount: this.#spilled.spillCount,
      resumedFetches: this.#transfers.resumed,
      damagedParts: this.#transfers.corrupt,
      eventLoopDelayMs: Math.round(delayMs * 100) / 100,
      gpus: this.#gpus.figures,
    };
  }

  close(): void {
    this.#delay.disable();
  }
}
