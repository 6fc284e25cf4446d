export { hideGpus } from "./gpus/environment.ts";
export type { FoundGpus, Gpu, GpuDeal, GpuWish } from "./gpus/find.ts";
export { joinNanny, type NannyLink } from "./nanny/child.ts";
export type { NannyExit, NannyOptions, RunningNanny } from "./nanny/nanny.ts";
export type { WorkerOptions } from "./options.ts";
export { findGpus, gpusToGive, loadWorker, startNanny, startWorker } from "./processes.ts";
export type { RunningWorker, WorkerExit } from "./start-worker.ts";
export { type TaskContext, taskContext } from "./task-context.ts";
