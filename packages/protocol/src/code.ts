// What a thread that runs users' code needs, and a client before it connects: addresses, values, function descriptions, errors; no
// sockets. It loads four times faster than the whole package, once for every slot that is started or replaced.
export * from "./address.ts";
export * from "./context.ts";
export * from "./function-description.ts";
export * from "./installed-package.ts";
export { type Preloaded, preload } from "./preload.ts";
export * from "./tls/trust.ts";
export { isDetailEntry } from "./validation/run-details.ts";
export * from "./value/index.ts";
export * from "./words/index.ts";
