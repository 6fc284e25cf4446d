export type * from "./client-messages.ts";
export * from "./errors.ts";
export type * from "./events.ts";
export * from "./handshake.ts";
export * from "./ids.ts";
export type * from "./messages.ts";
export type * from "./questions.ts";
export * from "./tasks.ts";
export type * from "./worker-messages.ts";
