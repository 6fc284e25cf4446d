export * from "./address.ts";
export * from "./frames/frames.ts";
export * from "./function-description.ts";
export * from "./installed-package.ts";
export * from "./payload-store.ts";
export * from "./token.ts";
export * from "./value/index.ts";
export * from "./words/index.ts";
