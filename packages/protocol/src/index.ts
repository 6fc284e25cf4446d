export * from "./value/index.ts";
export * from "./words/index.ts";
