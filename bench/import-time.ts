// What `import "taskflock"` costs a program: child processes with the import beside empty ones, in turns.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { spreads } from "./measure.ts";
import type { Line, RowOptions } from "./row.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Milliseconds from the start of a process until it has run the code. */
function startTime(code: string): number {
  const program = `${code} process.stdout.write(String(performance.now()));`;
  return Number(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: ROOT, encoding: "utf8" }),
  );
}

export async function importTime({ repeats }: RowOptions): Promise<Line> {
  const count = Math.max(repeats, 9);
  const runs = Array.from({ length: count }, () => {
    const emptyMs = startTime("");
    const withImportMs = startTime('import "taskflock";');
    return { emptyMs, withImportMs, importMs: withImportMs - emptyMs };
  });
  return { workload: "import-time", repeats: count, facts: {}, figures: spreads(runs) };
}
