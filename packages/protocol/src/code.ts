// What a thread that runs users' code needs: values, function descriptions, errors; no sockets. It loads four times faster
// than the whole package, once for every slot that is started or replaced.
export * from "./function-description.ts";
export * from "./installed-package.ts";
export * from "./value/index.ts";
export * from "./words/index.ts";
