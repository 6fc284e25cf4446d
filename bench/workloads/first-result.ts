// From a program that has loaded the package to its first result on a cluster of its own.

import { LocalCluster } from "taskflock";
import type { LoneWorkload } from "../workload.ts";

export const firstResult: LoneWorkload = {
  facts: {},
  lone: async () => {
    const started = performance.now();
    const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
    const client = await cluster.connect();
    await client.call((x: number) => x, [1]);
    const seconds = (performance.now() - started) / 1000;
    await client.close();
    await cluster.close();
    return { seconds };
  },
};
