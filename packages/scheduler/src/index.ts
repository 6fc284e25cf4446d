export { type AuditEntry, AuditLog } from "./audit-log.ts";
export type { SchedulerOptions } from "./options.ts";
export { type Replay, replayRecording } from "./replay.ts";
export { type RunningScheduler, startScheduler } from "./scheduler.ts";
export { checkPassword, keepPassword } from "./users/passwords.ts";
export { checkName, readUsers, readUsersIfAny, type User, writeUsers } from "./users/users-file.ts";
