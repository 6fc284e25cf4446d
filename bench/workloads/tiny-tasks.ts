// Tasks that do next to nothing: what is left is what a task costs.

import { type Future, range } from "taskflock";
import { quantile } from "../measure.ts";
import type { Workload } from "../workload.ts";

/** map + gather. */
export function noop(tasks: number): Workload {
  return {
    facts: { tasks },
    start:
      ({ client, measure }) =>
      async () => {
        let futures: Future<number>[] = [];
        let results: number[] = [];
        const seconds = await measure(tasks, async () => {
          futures = client.map((x: number) => x, range(tasks));
          results = await client.gather(futures);
        });
        if (!results.every((result, index) => result === index)) throw new Error("wrong results");
        client.release(futures);
        return { tasksPerSecond: tasks / seconds, usPerTask: (seconds / tasks) * 1e6 };
      },
  };
}

const CALLS = 1000;

/** submit → result, one after the other. */
export const roundTrip: Workload = {
  facts: { calls: CALLS },
  start:
    ({ client, measure }) =>
    async () => {
      const times: number[] = [];
      await measure(CALLS, async () => {
        for (let i = 0; i < CALLS; i++) {
          const started = performance.now();
          const future = client.submit((x: number) => x + 1, [i]);
          const result = await future.result();
          times.push(performance.now() - started);
          if (result !== i + 1) throw new Error("wrong result");
          future.release();
        }
      });
      return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), minMs: Math.min(...times) };
    },
};

const LINKS = 1000;

/** Each task takes the result of the one before. */
export const chain: Workload = {
  facts: { tasks: LINKS },
  start:
    ({ client, measure }) =>
    async () => {
      let result = 0;
      const seconds = await measure(LINKS, async () => {
        let last: Future<number> = client.submit((x: number) => x + 1, [0]);
        for (let i = 1; i < LINKS; i++) {
          const before = last;
          last = client.submit((x: number) => x + 1, [before]);
          before.release();
        }
        result = await last.result();
        last.release();
      });
      if (result !== LINKS) throw new Error(`wrong result ${result}`);
      return { usPerTask: (seconds / LINKS) * 1e6 };
    },
};
