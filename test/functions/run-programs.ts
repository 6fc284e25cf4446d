// Runs the programs in one environment, and tells what became of each.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { allPrograms, type Environment, type Prepared, workplace } from "./environments.ts";
import type { Verdict } from "./run-all.ts";

/** A cluster as a user of another process finds it. */
export interface Place {
  readonly address: string;
  readonly tokenFile: string;
}

export interface Outcome {
  /** Why a program was not run; null when it was. */
  skipped(program: string): string | null;
  /** What went wrong; null when it computed what it must. */
  problemOf(program: string): string | null;
}

const TIMEOUT_MS = 100_000;

export async function runPrograms(environment: Environment, place: Place): Promise<Outcome> {
  const without = environment.without ?? {};
  const missing = (await environment.missing?.()) ?? null;
  if (missing !== null) return { skipped: () => missing, problemOf: () => missing };
  const folder = join(workplace, environment.name.replace(/\W+/g, "-"));
  const report = `${folder}.report`;
  rmSync(report, { force: true });
  const prepared = await environment.prepare(
    folder,
    allPrograms.filter((name) => !(name in without)),
  );
  const output = await runOnCluster(prepared, place, report);
  const lines = existsSync(report) ? readFileSync(report, "utf8").trim().split("\n") : [];
  const verdicts = new Map(
    lines.map((line) => JSON.parse(line) as Verdict).map((verdict) => [verdict.program, verdict]),
  );
  return {
    skipped: (program) => without[program] ?? null,
    problemOf: (program) => {
      const verdict = verdicts.get(program);
      return verdict === undefined ? `did not run; the process printed:\n${output}` : verdict.problem;
    },
  };
}

/** Resolves, when the process has ended, with all it printed. */
function runOnCluster({ args, cwd, input }: Prepared, place: Place, report: string): Promise<string> {
  const env = {
    ...process.env,
    ...{ TASKFLOCK_ADDRESS: place.address, TASKFLOCK_TOKEN_FILE: place.tokenFile, TASKFLOCK_TEST_REPORT: report },
  };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.stdin.on("error", () => {}); // it may end without having read all
    if (input === undefined) child.stdin.end();
    else child.stdin.write(input); // the REPL ends with its input
    child.on("close", (code, signal) => resolve(`${output}\n(ended with ${signal ?? `exit code ${code}`})`));
  });
}
