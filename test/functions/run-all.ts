// Runs all registered programs against the cluster that the environment names, and appends one line of JSON for each to the report.
import { appendFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";
import { Client } from "taskflock";
import { type Program, programs } from "./program.ts";

/** One line of the report. */
export interface Verdict {
  readonly program: string;
  /** What went wrong; null when the program computed what it must. */
  readonly problem: string | null;
}

export async function runAll(): Promise<void> {
  const client = await Client.connect(undefined, { logs: "ignore" });
  try {
    for (const program of programs) {
      const verdict: Verdict = { program: program.name, problem: await problemOf(program, client) };
      appendFileSync(process.env["TASKFLOCK_TEST_REPORT"]!, `${JSON.stringify(verdict)}\n`);
    }
  } finally {
    await client.close();
  }
}

async function problemOf({ run, expected }: Program, client: Client): Promise<string | null> {
  try {
    const value = await run(client);
    const wanted = await expected;
    if (isDeepStrictEqual(value, wanted)) return null;
    return `computed ${inspect(value, { depth: 9 })}\ninstead of ${inspect(wanted, { depth: 9 })}`;
  } catch (error) {
    return inspect(error);
  }
}
