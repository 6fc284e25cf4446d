// The rows of the table in docs/benchmarks.md: how each is run.

import { ClientProcess } from "./client-process.ts";
import { importTime } from "./import-time.ts";
import { copyRate, Echo } from "./limits.ts";
import { spreads } from "./measure.ts";
import type { Row } from "./row.ts";
import { scaling } from "./scaling.ts";
import { Session } from "./session.ts";
import type { Figures } from "./workload.ts";
import { workloads } from "./workloads/index.ts";

interface RowOf {
  /** The scheduler's memory is asked for. */
  readonly memory?: boolean;
  /** Long runs are not repeated more often than this. */
  readonly atMost?: number;
  /** Short runs vary more, and are repeated more often. */
  readonly times?: number;
  /** Measured before each run, so that both see the same machine. */
  beside?(): Promise<{ once(): Promise<Figures>; close(): Promise<void> }>;
}

function inCluster(workload: string, { memory = false, atMost, times = 1, beside }: RowOf = {}): Row {
  return async ({ repeats, profile }) => {
    const count = Math.min(repeats * times, atMost ?? Number.POSITIVE_INFINITY);
    const other = await beside?.();
    const session = await Session.open(workload, { profile, memory });
    try {
      const runs: Figures[] = [];
      while (runs.length < count) runs.push({ ...(await other?.once()), ...(await session.once()) });
      const { cpuUsPerTask } = session;
      return {
        workload,
        repeats: count,
        facts: workloads[workload]!.facts,
        figures: spreads(runs),
        ...(cpuUsPerTask.length === 0 ? {} : { cpuUsPerTask: spreads(cpuUsPerTask) }),
        peakMb: session.peakMb(),
      };
    } finally {
      await session.close();
      await other?.close();
    }
  };
}

/** Every run in a process of its own. */
function alone(workload: string): Row {
  return async ({ repeats }) => {
    const runs: Figures[] = [];
    while (runs.length < repeats) {
      const client = await ClientProcess.start(false, async () => 0);
      await client.prepare(workload, null);
      runs.push(await client.once());
      await client.close();
    }
    return { workload, repeats, facts: workloads[workload]!.facts, figures: spreads(runs) };
  };
}

async function echoBeside(): Promise<{ once(): Promise<Figures>; close(): Promise<void> }> {
  const echo = await Echo.start();
  return {
    once: async () => {
      const { p50Ms, p99Ms } = await echo.oneByOne();
      return { echoP50Ms: p50Ms ?? Number.NaN, echoP99Ms: p99Ms ?? Number.NaN };
    },
    close: () => echo.close(),
  };
}

const copyBeside: RowOf["beside"] = async () => ({
  once: async () => ({ copyMbPerSecond: (await copyRate()).mbPerSecond }),
  close: async () => undefined,
});

export const rows: Readonly<Record<string, Row>> = {
  "noop-10000": inCluster("noop-10000", { times: 9 }),
  "noop-50000": inCluster("noop-50000", { times: 3 }),
  "round-trip": inCluster("round-trip", { times: 9, beside: echoBeside }),
  "chain-1000": inCluster("chain-1000", { times: 9 }),
  "tree-8192": inCluster("tree-8192", { times: 9 }),
  "dag-10000": inCluster("dag-10000", { times: 3 }),
  "retained-50000": inCluster("retained-50000", { memory: true }),
  "transfer-64mib": inCluster("transfer-64mib", { times: 3, beside: copyBeside }),
  "dictionary-24000": inCluster("dictionary-24000", { times: 3 }),
  "broadcast-32mib": inCluster("broadcast-32mib", { times: 3 }),
  "imbalance-200": inCluster("imbalance-200"),
  "digits-grid-search": inCluster("digits-grid-search"),
  "word-count-3.3mb": inCluster("word-count-3.3mb", { times: 3 }),
  "word-count-330mb": inCluster("word-count-330mb", { atMost: 2 }),
  "worker-dies": inCluster("worker-dies", { atMost: 3 }),
  "first-result": alone("first-result"),
  scaling,
  "all-reduce-64mib": inCluster("all-reduce-64mib"),
  "data-parallel-training": inCluster("data-parallel-training", { atMost: 3 }),
  "submit-functions": inCluster("submit-functions"),
  "map-closure-50000": inCluster("map-closure-50000"),
  "import-time": importTime,
};
