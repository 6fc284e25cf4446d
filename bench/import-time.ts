// What `import "taskflock"` costs a program: child processes with the import beside empty ones, in turns.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median, spread } from "./measure.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Milliseconds from the start of a process until it has run the code. */
function startTime(code: string): number {
  const program = `${code} process.stdout.write(String(performance.now()));`;
  return Number(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: ROOT, encoding: "utf8" }),
  );
}

export async function importTime(repeats: number): Promise<Readonly<Record<string, unknown>>> {
  const empty: number[] = [];
  const withImport: number[] = [];
  for (let repeat = 0; repeat < Math.max(repeats, 9); repeat++) {
    empty.push(startTime(""));
    withImport.push(startTime('import "taskflock";'));
  }
  return {
    emptyMs: spread(empty, 0),
    withImportMs: spread(withImport, 0),
    importMs: Math.round(median(withImport) - median(empty)),
  };
}
