export { FunctionLoader } from "./functions/index.ts";
export { joinNanny, type NannyLink } from "./nanny/child.ts";
export { type NannyExit, type NannyOptions, type RunningNanny, startNanny } from "./nanny/nanny.ts";
export type { WorkerOptions } from "./options.ts";
export { type RunningWorker, startWorker, type WorkerExit } from "./start-worker.ts";
export { type TaskContext, taskContext } from "./task-context.ts";
