// The workloads of the table in docs/benchmarks.md, each against a fresh cluster of real processes.

import { availableParallelism } from "node:os";
import { type Client, type Future, LocalCluster, loadDigits, range, svc } from "taskflock";
import { importTime } from "./import-time.ts";
import { figuresOf, quantile, spread } from "./measure.ts";

export type Figures = Readonly<Record<string, unknown>>;
export type Workload = (repeats: number) => Promise<Figures>;

interface Bench {
  readonly cluster: Awaited<ReturnType<typeof LocalCluster.start>>;
  readonly client: Client;
}

/** Two workers of one thread, warmed up by 400 tiny tasks, as the Dask benchmark does. */
async function withCluster<R>(body: (bench: Bench) => Promise<R>): Promise<R> {
  const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  try {
    const client = await cluster.connect();
    await releaseAll(client.map((x: number) => x + 1, range(400)));
    const result = await body({ cluster, client });
    await client.close();
    return result;
  } finally {
    await cluster.close();
  }
}

async function releaseAll(futures: readonly Future<unknown>[]): Promise<void> {
  await Promise.all(futures.map((future) => future.result()));
  for (const future of futures) future.release();
}

/** CPU per task of each process, µs, over `body`. */
async function cpuPerTask(
  { cluster }: Bench,
  tasks: number,
  body: () => Promise<void>,
): Promise<Record<string, number>> {
  const before = cluster.processes.map(({ pid }) => figuresOf(pid).cpuUs);
  const own = process.cpuUsage();
  await body();
  const spent = process.cpuUsage(own);
  const figures: Record<string, number> = { client: (spent.user + spent.system) / tasks };
  cluster.processes.forEach(({ role, pid }, index) => {
    figures[role] = (figures[role] ?? 0) + (figuresOf(pid).cpuUs - (before[index] ?? 0)) / tasks;
  });
  return Object.fromEntries(Object.entries(figures).map(([role, us]) => [role, Number(us.toFixed(2))]));
}

/** map + gather of no-op tasks: tasks per second, and CPU per task of each process. */
function noop(tasks: number): Workload {
  return (repeats) =>
    withCluster(async (bench) => {
      const rates: number[] = [];
      let cpu: Record<string, number> = {};
      for (let repeat = 0; repeat < repeats; repeat++) {
        cpu = await cpuPerTask(bench, tasks, async () => {
          const started = performance.now();
          const futures = bench.client.map((x: number) => x, range(tasks));
          const results = await bench.client.gather(futures);
          rates.push(tasks / ((performance.now() - started) / 1000));
          if (results.length !== tasks || results[tasks - 1] !== tasks - 1) throw new Error("wrong results");
          for (const future of futures) future.release();
        });
      }
      return { tasks, tasksPerSecond: spread(rates, 0), cpuUsPerTask: cpu };
    });
}

const roundTrip: Workload = () =>
  withCluster(async ({ client }) => {
    const times: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const started = performance.now();
      await client.call((x: number) => x, [i]);
      times.push(performance.now() - started);
    }
    return {
      calls: 1000,
      p50Ms: Number(quantile(times, 0.5).toFixed(3)),
      p99Ms: Number(quantile(times, 0.99).toFixed(3)),
    };
  });

const chain: Workload = (repeats) =>
  withCluster(async ({ client }) => {
    const perTask: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const started = performance.now();
      let last: Future<number> = client.submit((x: number) => x + 1, [0]);
      for (let i = 1; i < 1000; i++) {
        const before = last;
        last = client.submit((x: number) => x + 1, [before]);
        before.release();
      }
      if ((await last.result()) !== 1000) throw new Error("wrong result");
      last.release();
      perTask.push(((performance.now() - started) * 1000) / 1000);
    }
    return { tasks: 1000, usPerTask: spread(perTask) };
  });

/** Growth of the scheduler's resident memory with 100,000 finished tiny tasks whose futures are kept. */
const retained: Workload = () =>
  withCluster(async ({ cluster, client }) => {
    const scheduler = cluster.processes.find(({ role }) => role === "scheduler")?.pid ?? 0;
    const before = figuresOf(scheduler).rssBytes;
    const futures = client.map((x: number) => x, range(100_000));
    await client.gather(futures);
    const after = figuresOf(scheduler).rssBytes;
    for (const future of futures) future.release();
    return { tasks: 100_000, schedulerBytesPerTask: Math.round((after - before) / 100_000) };
  });

const firstResult: Workload = async (repeats) => {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const started = performance.now();
    const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    const client = await cluster.connect();
    await client.call((x: number) => x, [1]);
    times.push((performance.now() - started) / 1000);
    await client.close();
    await cluster.close();
  }
  return { seconds: spread(times, 3) };
};

const digits: Workload = (repeats) =>
  withCluster(async ({ client }) => {
    const { data, target } = loadDigits();
    const times: number[] = [];
    let best = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const started = performance.now();
      const search = client.gridSearch({
        estimator: svc({ kernel: "rbf" }),
        params: { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3], classWeight: [null, "balanced"] },
        X: data,
        y: target,
        cv: 3,
      });
      best = (await search.result()).bestScore;
      times.push((performance.now() - started) / 1000);
    }
    return { fits: 55, seconds: spread(times, 2), bestScore: best };
  });

export const workloads: Readonly<Record<string, Workload>> = {
  "noop-10000": noop(10_000),
  "noop-50000": noop(50_000),
  "round-trip": roundTrip,
  "chain-1000": chain,
  "retained-100000": retained,
  "first-result": firstResult,
  "digits-grid-search": digits,
  "import-time": importTime,
};

export const machine: Figures = {
  node: process.version,
  cores: availableParallelism(),
  platform: `${process.platform} ${process.arch}`,
};
