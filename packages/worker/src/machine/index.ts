export * from "./machine.ts";
export * from "./port.ts";
export type { WorkerCounts } from "./views.ts";
