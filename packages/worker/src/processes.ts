// The two processes of a worker, each of which loads its own part: a nanny starts its worker before it has loaded the rest of itself.
import type { GpuReport } from "./gpus/about.ts";
import type { FoundGpus, GpuDeal, GpuWish } from "./gpus/find.ts";
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

/** The devices that CUDA would show this process, and what a person wants to know of them; never rejects. */
export async function aboutGpus(): Promise<GpuReport> {
  const gpus = await import("./gpus/about.ts");
  return gpus.aboutGpus();
}

/** Those of the wish that a worker is to give out. Throws FLOCK_GPU_UNAVAILABLE. */
export async function gpusToGive(wish: GpuWish, deal: GpuDeal): Promise<FoundGpus> {
  const gpus = await import("./gpus/find.ts");
  return gpus.gpusToGive(wish, deal);
}

/** Rejects coded when the scheduler cannot be reached or refuses the token. */
export async function startNanny(options: NannyOptions): Promise<RunningNanny> {
  const nanny = await import("./nanny/nanny.ts");
  return nanny.startNanny(options);
}
