// The two processes of a worker, each of which loads its own part: a nanny starts its worker before it has loaded the rest of itself.
import type { NannyOptions, RunningNanny } from "./nanny/nanny.ts";
import type { WorkerOptions } from "./options.ts";
import type { RunningWorker } from "./start-worker.ts";

/** Loads what `startWorker` needs, for a process that has to wait for something else. */
export async function loadWorker(): Promise<void> {
  await import("./start-worker.ts");
}

/** Resolves when the scheduler has welcomed the worker; rejects coded when it cannot be reached or refuses. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const worker = await import("./start-worker.ts");
  return worker.startWorker(options);
}

/** Rejects coded when the scheduler cannot be reached or refuses the token. */
export async function startNanny(options: NannyOptions): Promise<RunningNanny> {
  const nanny = await import("./nanny/nanny.ts");
  return nanny.startNanny(options);
}
