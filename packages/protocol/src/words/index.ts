export * from "./client-messages.ts";
export * from "./errors.ts";
export * from "./handshake.ts";
export * from "./ids.ts";
export * from "./messages.ts";
export * from "./tasks.ts";
export * from "./worker-messages.ts";
