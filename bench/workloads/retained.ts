// What the scheduler keeps for each finished tiny task whose future is held.

import { range } from "taskflock";
import type { Workload } from "../workload.ts";

const TASKS = 50_000;

export const retained: Workload = {
  facts: { tasks: TASKS },
  start:
    ({ client, measure, schedulerBytesInUse, schedulerResidentBytes }) =>
    async () => {
      const residentBefore = await schedulerResidentBytes();
      const before = await schedulerBytesInUse();
      const futures = client.map((x: number) => x, range(TASKS));
      await measure(TASKS, async () => {
        await client.gather(futures);
      });
      const resident = await schedulerResidentBytes();
      const after = await schedulerBytesInUse();
      client.release(futures);
      return {
        schedulerBytesPerTask: (after - before) / TASKS,
        residentBytesPerTask: (resident - residentBefore) / TASKS,
      };
    },
};
