// Fresh worker processes: of the whole cluster, or one by one.

import { FlockError, type Restarted, type WorkerInfo } from "@taskflock/protocol/words";
import { workerNames } from "./client-options.ts";
import { type Checks, checkOptions, describe, milliseconds } from "./option-checks.ts";
import type { Questions } from "./questions.ts";

export interface RestartOptions {
  /** Milliseconds after which the wait for the new workers fails with FLOCK_WAIT_TIMEOUT. Default 60,000. */
  readonly timeoutMs?: number;
}

/** What a restart of the cluster did. */
export interface RestartResult extends Restarted {
  /** The new workers. */
  readonly workers: readonly WorkerInfo[];
}

const checks: Checks<RestartOptions> = { timeoutMs: milliseconds };
const DEFAULT_TIMEOUT_MS = 60_000;

export async function restart(questions: Questions, options: RestartOptions | undefined): Promise<RestartResult> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptions("restart", options, checks);
  const restarted = await questions.ask({ q: "restart" });
  return { ...restarted, workers: await back(questions, restarted.restarted, timeoutMs, []) };
}

export async function restartWorkers(
  questions: Questions,
  names: readonly string[],
  options: RestartOptions | undefined,
): Promise<readonly WorkerInfo[]> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptions("restartWorkers", options, checks);
  const takes = workerNames(names);
  if (takes !== null) {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `restartWorkers takes ${takes}, not ${describe(names)}.`);
  }
  const before = await questions.ask({ q: "restartWorkers", workers: [...names] });
  return back(questions, names, timeoutMs, before);
}

/** Resolves when workers of these names are there, and none of those `before`. */
async function back(
  questions: Questions,
  names: readonly string[],
  timeoutMs: number,
  before: readonly WorkerInfo[],
): Promise<readonly WorkerInfo[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), timeoutMs);
  });
  try {
    const there = questions.ask({ q: "waitForNamed", workers: names });
    there.catch(() => undefined); // it may end after its time
    const workers = await Promise.race([there, late]);
    if (workers !== "late") return workers;
    const { workers: now } = await questions.ask({ q: "cluster" });
    const old = new Set(before.map(({ worker }) => worker));
    const isBack = (name: string): boolean =>
      now.some((w) => w.name === name && w.status === "running" && !old.has(w.worker));
    throw tooLate(
      names.filter((name) => !isBack(name)),
      timeoutMs,
    );
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(missing: readonly string[], timeoutMs: number): FlockError {
  const some = missing.slice(0, 20).join(", ") + (missing.length > 20 ? " …" : "");
  return new FlockError(
    "FLOCK_WAIT_TIMEOUT",
    `${some} did not come back within ${timeoutMs} ms. A worker that is to be restarted finishes what it runs first; see its log, or wait longer.`,
  );
}
