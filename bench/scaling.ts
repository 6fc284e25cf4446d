// How the cost of a task in the scheduler grows with the number of workers and of tasks.

import { execFileSync } from "node:child_process";
import { spreads } from "./measure.ts";
import { program } from "./programs.ts";
import type { Line, RowOptions } from "./row.ts";

const WORKERS = [10, 1000] as const;
const TASKS = [10_000, 1_000_000] as const;

export async function scaling({ repeats }: RowOptions): Promise<Line> {
  const count = Math.min(repeats, 3);
  const file = await program("scaling");
  const runs = Array.from({ length: count }, () => {
    const figures: Record<string, number> = {};
    for (const workers of WORKERS) {
      for (const tasks of TASKS) figures[`us${workers}Workers${tasks}Tasks`] = cost(file, workers, tasks);
    }
    const costs = Object.values(figures);
    return { ...figures, growth: Math.max(...costs) / Math.min(...costs) };
  });
  return { workload: "scaling", repeats: count, facts: {}, figures: spreads(runs) };
}

/** A process of its own: a heap that nothing was in before. */
function cost(file: string, workers: number, tasks: number): number {
  const args = ["--max-old-space-size=8192", file, String(workers), String(tasks)];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}
