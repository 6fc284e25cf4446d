export * from "./errors.ts";
export * from "./ids.ts";
export * from "./messages.ts";
export * from "./tasks.ts";
