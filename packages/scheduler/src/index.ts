export type { SchedulerOptions } from "./options.ts";
export { type Replay, replayRecording } from "./replay.ts";
export { type RunningScheduler, startScheduler } from "./scheduler.ts";
