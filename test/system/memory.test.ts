// Nothing is left behind: after release and a forced garbage collection, memory does not grow with the tasks that were run.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Client, range } from "taskflock";
import { expect, test } from "vitest";
import { bytesInUse, type Role, startRole } from "./processes.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Least squares: bytes per round. */
function slope(values: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const xs = values.map((_, index) => index);
  const [mx, my] = [mean(xs), mean(values)];
  const top = xs.reduce((sum, x, index) => sum + (x - mx) * (values[index]! - my), 0);
  return top / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

test("ten rounds of 50,000 tasks: under 1 MB per round in scheduler, worker and client", {
  timeout: 180_000,
}, async () => {
  const roles: Role[] = [];
  try {
    const scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "warn"], {
      inspect: true,
    });
    roles.push(scheduler);
    const worker = await startRole(
      ["worker", scheduler.ready.address, "--threads", "1", "--no-nanny", "--log-level", "warn"],
      { inspect: true },
    );
    roles.push(worker);
    const client = await Client.connect(scheduler.ready.address);
    const figures: { scheduler: number; worker: number; client: number }[] = [];
    for (let round = 0; round < 12; round++) {
      const futures = client.map((x: number) => x, range(50_000));
      expect((await client.gather(futures)).length).toBe(50_000);
      for (const future of futures) future.release();
      await expect
        .poll(async () => Object.values((await client.cluster()).tasks).every((count) => count === 0))
        .toBe(true);
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      figures.push({
        scheduler: await bytesInUse(scheduler.inspector!),
        worker: await bytesInUse(worker.inspector!),
        client: heapUsed + arrayBuffers,
      });
    }
    // The first two rounds fill caches and compile code.
    const rounds = figures.slice(2);
    for (const role of ["scheduler", "worker", "client"] as const) {
      const values = rounds.map((figure) => figure[role]);
      expect(slope(values), `${role}: ${values.join(" ")}`).toBeLessThan(1e6);
    }
    await client.close();
  } finally {
    for (const role of roles.reverse()) await role.stop();
  }
});
