export { joinNanny, type NannyLink } from "./nanny/child.ts";
export type { NannyExit, NannyOptions, RunningNanny } from "./nanny/nanny.ts";
export type { WorkerOptions } from "./options.ts";
export { loadWorker, startNanny, startWorker } from "./processes.ts";
export type { RunningWorker, WorkerExit } from "./start-worker.ts";
export { type TaskContext, taskContext } from "./task-context.ts";
